"""Advice about handles, streams, code and what lies outside the heap; the last of each always applies."""

from __future__ import annotations

from heapsleuth.leaks.fixes.advice import Advice
from heapsleuth.leaks.fixes.rewriting import remove_on_close

__all__ = ["CODE", "DETACHED_DOM", "NATIVE", "SOCKETS", "UNKNOWN"]

_IN_A_LIST = "Take each $members out of $holder when it closes, and destroy those that nobody uses."

SOCKETS = (
    Advice(
        _IN_A_LIST,
        "$holder.add($member);",
        "$holder.add($member);\n$member.once('close', () => $holder.delete($member));",
        when={"kind": "^Set$"},
        rewrite=remove_on_close,
    ),
    Advice(
        _IN_A_LIST,
        "$holder.set($key, $member);",
        "$holder.set($key, $member);\n$member.once('close', () => $holder.delete($key));",
        when={"kind": "^Map$"},
        rewrite=remove_on_close,
    ),
    Advice(
        _IN_A_LIST,
        "$holder.push($member);",
        "$holder.push($member);\n$member.once('close', () => $holder.splice($holder.indexOf($member), 1));",
        when={"kind": "^Array$"},
        rewrite=remove_on_close,
    ),
    Advice(
        "Close both ends of each channel when its work is done, errors included: an open port stays with all "
        "that listens to it.",
        "const { port1, port2 } = new MessageChannel();",
        "try {\n  await work(port1);\n} finally {\n  port1.close();\n}",
        when={"members": "^MessagePort"},
    ),
    Advice(
        "End each worker, or keep a fixed number of them and give them work by messages.",
        "const worker = new Worker(file);",
        "try {\n  await once(worker, 'message');\n} finally {\n  await worker.terminate();\n}",
        when={"members": "^Worker$"},
    ),
    Advice(
        "Close each file on every way out, errors included.",
        "const file = await open(path);",
        "try {\n  await file.read();\n} finally {\n  await file.close();\n}",
        when={"members": "^FileHandle$"},
    ),
    Advice(
        "Let `pipeline` destroy all streams when one fails or ends; a stream that nobody reads to its end "
        "stays open.",
        "source.pipe(target);",
        "await pipeline(source, target);",
        when={"members": r"(Read|Write)Stream$|Readable|Writable|Duplex|Transform"},
    ),
    Advice(
        "Close each watcher when its owner is done.",
        "const watcher = watch(path, onChange);",
        "const watcher = watch(path, onChange);\n$owner.once('close', () => watcher.close());",
        when={"members": "^(FSWatcher|StatWatcher)$"},
    ),
    Advice(
        "Wait for the end of each child process, and kill it when it takes too long.",
        "const child = spawn(command);",
        "const child = spawn(command, { timeout: 30_000 });\nawait once(child, 'close');",
        when={"members": "^(ChildProcess|Process|Pipe)$"},
    ),
    Advice(
        "Read or cancel every response body: a connection stays taken until its response is consumed.",
        "const response = await fetch(url);",
        "const response = await fetch(url, { signal: AbortSignal.timeout(30_000) });\n"
        "if (!response.ok) await response.body.cancel();",
        when={"members": r"^(ClientRequest|IncomingMessage|Response|InternalReadableStream|ReadableStream)"},
    ),
    Advice(
        "Close the session when it is idle, and each stream when its request is done.",
        "const session = connect(authority);",
        "session.setTimeout(60_000, () => session.close());",
        when={"members": "^(Client|Server)?Http2(Session|Stream)$"},
    ),
    Advice(
        "Share one agent with limits, and destroy sockets on every way out, errors and timeouts included.",
        "const agent = new Agent({ keepAlive: true });",
        "const agent = new Agent({ keepAlive: true, maxSockets: 50, maxFreeSockets: 10, timeout: 60_000 });",
        when={"holder": r"(?i)agent|(free)?sockets$"},
    ),
    Advice(
        "Destroy the handle on every way out, errors and timeouts included.",
        "const socket = net.connect(port);",
        "try { await use(socket); } finally { socket.destroy(); }",
    ),
)

CODE = (
    Advice(
        "Make one context when the program starts and use it again: each is some hundred kilobytes, and "
        "lives as long as anything that was made in it.",
        "const result = vm.runInNewContext(source, values);",
        "const script = new vm.Script(source); // once per source\n"
        "const result = script.runInContext(context); // with a context that is used again",
        when={"members": "context"},
    ),
    Advice(
        "Load each module once: a copy loaded again stays with its parent's `children`, or in the loader's "
        "table. Read what changes as data.",
        "delete require.cache[file];\nconst config = require(file);",
        "const config = JSON.parse(await readFile(file, 'utf8'));",
        when={"members": "Module"},
    ),
    Advice(
        "Make one WebAssembly.Instance and use it again: its memory lives as long as any of its functions.",
        "const { instance } = await WebAssembly.instantiate(bytes, imports);",
        "const module = await WebAssembly.compile(bytes); // once\n"
        "const instance = new WebAssembly.Instance(module, imports); // a fixed number of them",
        when={"members": "WebAssembly"},
    ),
    Advice(
        "Compile once and keep the result: every call of `new Function`, `eval`, `vm.Script`, a template or "
        "schema compiler makes code that stays. Give changing parts as values.",
        "const run = new Function('input', source);",
        "const run = compiled.get(source) ?? compile(source); // `compiled` has a bound",
    ),
)

NATIVE = (
    Advice(
        "The growth is outside the JavaScript heap: close what an addon opened (databases, images, "
        "compressors), end streams, and bound how many are in use; then compare `process.memoryUsage()`.",
        "const image = open(file);",
        "try {\n  await use(image);\n} finally {\n  image.close();\n}",
    ),
)

DETACHED_DOM = (
    Advice(
        "Take each element out of $holder when it leaves the page, or ask the document for what it shows.",
        "$holder.push(element);",
        "$holder.push(element);\n// when it leaves the page:\nelement.remove();\n"
        "$holder.splice($holder.indexOf(element), 1);",
        when={"kind": "^Array$"},
    ),
    Advice(
        "Take each element out of $holder when it leaves the page, or ask the document for what it shows.",
        "$holder.set($key, element);",
        "$holder.set($key, element);\n// when it leaves the page:\nelement.remove();\n$holder.delete($key);",
        when={"kind": "^(Map|Set)$"},
    ),
    Advice(
        "Let go of elements that left the page: remove their listeners, and clear the variables, closures "
        "and caches that refer to them.",
        "element.remove();",
        "controller.abort(); // its signal was given to addEventListener\nelement.remove();\nelement = null;",
    ),
)

UNKNOWN = (
    Advice(
        "Find who writes to $holder: follow the path to it in the code, and take the reference away when "
        "the work is done. More snapshots with more work between them show what keeps step with the work.",
        "$holder.last = $member;",
        "try {\n  await work($member);\n} finally {\n  $holder.last = null;\n}",
        when={"holder": r"^[\w$.#]+$"},
    ),
    Advice(
        "Follow the path to the members in the code, and take the reference away when the work is done. "
        "More snapshots with more work between them show what keeps step with the work.",
        "state.last = value;",
        "try {\n  await work(value);\n} finally {\n  state.last = null;\n}",
    ),
)
