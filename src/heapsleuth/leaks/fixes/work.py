"""Advice about timers, promises, closures and async contexts; the last of each always applies."""

from __future__ import annotations

from heapsleuth.leaks.fixes.advice import Advice
from heapsleuth.leaks.fixes.rewriting import clear_timer

__all__ = ["ASYNC_CONTEXTS", "CLOSURES", "PROMISES", "REACTIONS", "TIMERS"]

TIMERS = (
    Advice(
        "Keep the handle and call `clearInterval` when its owner closes; `unref` lets the process end but "
        "keeps the interval.",
        "setInterval($callback, 60_000);",
        "const timer = setInterval($callback, 60_000);\n$owner.once('close', () => clearInterval(timer));",
        when={"holder": "^interval"},
        rewrite=clear_timer,
    ),
    Advice(
        "Queue less than is done: each immediate keeps what its function captures until it has run.",
        "setImmediate($callback);",
        "if (!queued) {\n  queued = true;\n  setImmediate($callback); // one for all that waits\n}",
        when={"holder": "^immediates"},
    ),
    Advice(
        "$callback sets its own next timer, so each that is started goes on for ever: keep the handle, and "
        "stop when the owner is closed.",
        "setTimeout($callback, 60_000); // in `$callback` itself",
        "if (!closed) timer = setTimeout($callback, 60_000);\n"
        "$owner.once('close', () => {\n  closed = true;\n  clearTimeout(timer);\n});",
        when={"rearms": "."},
    ),
    Advice(
        "Keep the handle, and call `clearTimeout` as soon as what it waits for has come. A timer that sets "
        "the next one has to keep that handle too; `unref` is no fix.",
        "setTimeout($callback, 60_000);",
        "const timer = setTimeout($callback, 60_000);\n"
        "try {\n  await work();\n} finally {\n  clearTimeout(timer);\n}",
        rewrite=clear_timer,
    ),
)

REACTIONS = Advice(
    "Every `await` or `race` on a promise that outlives it leaves a reaction there, with all that captures. "
    "Wait for $promise through an AbortSignal whose listener is removed, or settle it.",
    "await Promise.race([$promise, work()]);",
    "const stop = () => controller.abort();\n"
    "stopSignal.addEventListener('abort', stop, { once: true });\n"
    "try {\n  await work({ signal: controller.signal });\n} finally {\n"
    "  stopSignal.removeEventListener('abort', stop);\n}",
    when={"kind": "^Promise$"},
)

PROMISES = (
    Advice(
        "Settle $promise or give the wait a limit: each $members keeps its whole scope until then.",
        "await $promise;",
        "// abort the wait, not only the race: a reaction on $promise is never removed\n"
        "await waitFor(stopSignal, { signal: AbortSignal.timeout(30_000) });",
        when={"kind": "^Promise$", "members": "^suspended "},
    ),
    REACTIONS,
    Advice(
        "Break the chain: each promise of $holder waits for the one before, so that none is ever let go. "
        "Replace the tail when it has settled.",
        "$holder = $holder.then(work);",
        "const next = $holder.then(work, work);\n$holder = next;\n"
        "next.finally(() => { if ($holder === next) $holder = Promise.resolve(); });",
        when={"kind": "^variable$"},
    ),
    Advice(
        "Settle every promise of $holder: reject it after a time limit, and forget its resolver then.",
        "new Promise((resolve, reject) => $holder.set($key, { resolve, reject }));",
        "new Promise((resolve, reject) => {\n"
        "  const timer = setTimeout(() => reject(new Error('timed out')), 30_000);\n"
        "  $holder.set($key, { resolve, reject, timer });\n"
        "}).finally(() => $holder.delete($key)); // and clearTimeout(timer)",
        when={"kind": "^Map$"},
    ),
    Advice(
        "Settle every promise of $holder: reject it after a time limit, and forget its resolver then.",
        "new Promise((resolve) => $holder.push({ resolve }));",
        "new Promise((resolve, reject) => {\n"
        "  const waiter = { resolve: (value) => { clearTimeout(timer); resolve(value); } };\n"
        "  const timer = setTimeout(() => {\n"
        "    const at = $holder.indexOf(waiter);\n"
        "    if (at >= 0) $holder.splice(at, 1); // whoever answers takes it out, too\n"
        "    reject(new Error('timed out'));\n"
        "  }, 30_000);\n"
        "  $holder.push(waiter);\n"
        "});",
        when={"kind": "^(Array|variable)$"},
    ),
    Advice(
        "Settle every promise: reject it after a time limit, and forget its resolver then.",
        "new Promise((resolve) => waiting.push(resolve));",
        "Promise.race([answer, timeout(30_000)]).finally(() => waiting.delete(id));",
    ),
)

CLOSURES = (
    Advice(
        "Each new $holder wraps the one before and keeps it in $captured: wrap the first one once, or keep "
        "what is to be done in a list that entries can leave.",
        "const $variable = $holder;\n$holder = (value) => step($variable(value));",
        "const original = $holder; // once, when the program starts\n"
        "$holder = (value) => steps.reduce((result, one) => one(result), original(value));",
        when={"chain": ".", "members": "^function"},
    ),
    Advice(
        "Cut the chain: all functions made in one call share one scope, so a function of the new $holder "
        "keeps $captured, which another one uses: the $holder before it, and so on. Set it to null at the "
        "end, or make the functions where it is not in scope.",
        "const $variable = $holder;\nconst other = () => use($variable);\n"
        "$holder = { method: () => {} }; // keeps the scope of `other`, and so $variable",
        "let $variable = $holder;\nconst other = () => use($variable);\n$holder = { method: () => {} };\n"
        "$variable = null; // when no longer needed",
        when={"chain": "."},
    ),
    Advice(
        "Do not keep scopes of calls: copy what is needed into a small object, and let the rest go.",
        "$holder.push(() => use(request));",
        "const id = request.id;\n$holder.push(() => use(id));",
        when={"members": "^(system / Context|scope of )"},
    ),
    Advice(
        "Drop each function of $holder when it is done, and let it capture ids, not requests.",
        "$holder.set($key, () => use(request));",
        "const id = request.id;\n$holder.set($key, () => use(id)); // and $holder.delete($key) when done",
        when={"kind": "^Map$"},
    ),
    Advice(
        "Do not keep functions that capture per-request values: pass ids, or drop them when done.",
        "$holder.push(() => use(request));",
        "const id = request.id;\n$holder.push(() => use(id)); // and remove it when done",
        when={"kind": "^(Array|variable)$"},
    ),
    Advice(
        "Do not keep functions that capture per-request values: pass ids, or drop them when done.",
        "hooks.push(() => use(request));",
        "const id = request.id; hooks.set(id, () => use(id)); // and hooks.delete(id) when done",
    ),
)

ASYNC_CONTEXTS = (
    Advice(
        "Empty the table from the `destroy` hook: what `init` adds to $holder under an async id, nobody else "
        "takes out.",
        "createHook({ init(asyncId, type) { $holder.set(asyncId, type); } }).enable();",
        "createHook({\n  init(asyncId, type) { $holder.set(asyncId, type); },\n"
        "  destroy(asyncId) { $holder.delete(asyncId); },\n}).enable();",
        when={"shape": "^table$"},
    ),
    Advice(
        "Make one AsyncLocalStorage, or one hook, when the program starts: Node.js keeps a list of them, and "
        "every resource a key for each.",
        "const handle = (request) => new AsyncLocalStorage().run(request, next);",
        "const $storage = new AsyncLocalStorage(); // once, at the top of the file\n"
        "const handle = (request) => $storage.run(request, next);",
        when={"carries": "storages|AsyncLocalStorage"},
    ),
    Advice(
        "Enable one hook when the program starts, or disable each when it has done its work: Node.js keeps "
        "all that are enabled.",
        "const hook = createHook(callbacks).enable();",
        "const hook = createHook(callbacks).enable();\n"
        "try {\n  await work();\n} finally {\n  hook.disable();\n}",
        when={"carries": "hooks|AsyncHook"},
    ),
    Advice(
        "Give each request a store of its own, by `run` around its handler: one store around the whole "
        "program keeps what every request writes to it.",
        "$storage.enterWith(store); // once, and all requests write to it",
        "const handle = (request) => $storage.run(new Map(), () => respond(request));",
        when={"shape": "^store$"},
    ),
    Advice(
        "Take what is bound to a request out of $holder when the request is done: it keeps the async "
        "context, and that the request.",
        "$holder.push(AsyncResource.bind($callback));",
        "const bound = AsyncResource.bind($callback);\n$holder.push(bound);\n"
        "$owner.once('close', () => $holder.splice($holder.indexOf(bound), 1));",
        when={"kind": "^Array$"},
    ),
    Advice(
        "Take what is bound to a request out of $holder when the request is done: it keeps the async "
        "context, and that the request.",
        "$holder.add(AsyncResource.bind($callback));",
        "const bound = AsyncResource.bind($callback);\n$holder.add(bound);\n"
        "$owner.once('close', () => $holder.delete(bound));",
        when={"kind": "^Set$"},
    ),
    Advice(
        "Use `run`, which ends, instead of `enterWith`, which stays for all that follows; and start what "
        "outlives a request outside its context.",
        "$storage.enterWith(store);",
        "await $storage.run(store, handle);\n$storage.exit(() => startLongLivedThing());",
    ),
)
