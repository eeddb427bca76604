"""Advice about listeners; the first that applies is taken, the last always does."""

from __future__ import annotations

from heapsleuth.leaks.fixes.advice import Advice
from heapsleuth.leaks.fixes.rewriting import (
    add_listener_with_signal,
    add_with_removal,
    await_with_limit,
    remove_listener,
    remove_listener_or_entry,
)

__all__ = ["LISTENERS"]

LISTENERS = (
    Advice(
        "$emitter outlives the calls that listen to it: remove each `abort` listener when its call is done. "
        "`{ once: true }` is not enough, as it may never abort; `AbortSignal.any` helps only where Node.js "
        "lets go of the signals it makes.",
        "$emitter.addEventListener('abort', $callback);",
        "$emitter.addEventListener('abort', $callback, { once: true });\n"
        "try {\n  await work();\n} finally {\n  $emitter.removeEventListener('abort', $callback);\n}",
        when={"event": "^(abort)?$", "emitter": r"(?i)signal$|AbortSignal"},
        rewrite=add_listener_with_signal,
    ),
    Advice(
        "$emitter outlives the calls that listen to it: remove each `abort` listener when its call is done. "
        "`{ once: true }` is not enough, as it may never abort; `AbortSignal.any` helps only where Node.js "
        "lets go of the signals it makes.",
        "$emitter.addEventListener('abort', $callback);",
        "$emitter.addEventListener('abort', $callback, { once: true });\n"
        "try {\n  await work();\n} finally {\n  $emitter.removeEventListener('abort', $callback);\n}",
        when={"kind": "AbortSignal"},
        rewrite=add_listener_with_signal,
    ),
    Advice(
        "Emptied lists of listeners stay in $holder: delete the event's entry with its last listener.",
        "listeners.splice(listeners.indexOf($callback), 1);",
        "listeners.splice(listeners.indexOf($callback), 1);\n"
        "if (listeners.length === 0) delete $holder[event];",
        when={"members": "^Array$"},
    ),
    Advice(
        "Give each wait a limit: `events.once` keeps its listeners on $emitter until the event comes; "
        "a signal that aborts takes them off.",
        "await once($emitter, '$event');",
        "await once($emitter, '$event', { signal: AbortSignal.timeout(30_000) });",
        when={"members": r"\b(resolver|errorListener|onceWrapper|wrapFn|events\.once)\b"},
        rewrite=await_with_limit,
    ),
    Advice(
        "Leave each iterator of `events.on` by `break`, `return` or a signal: its listeners stay on $emitter "
        "until then, and so does every event not yet read.",
        "const events = on($emitter, '$event');",
        "for await (const [value] of on($emitter, '$event', { signal: AbortSignal.timeout(30_000) })) {\n"
        "  if (isLast(value)) break;\n}",
        when={"members": r"\b(eventHandler|errorHandler|events\.on)\b"},
        rewrite=await_with_limit,
    ),
    Advice(
        "Tie each listener of $emitter to a signal and abort it when its owner is done; or use "
        "`{ once: true }` or `removeEventListener`.",
        "$emitter.addEventListener('$event', $callback);",
        "const done = new AbortController();\n"
        "$emitter.addEventListener('$event', $callback, { signal: done.signal });\n"
        "$owner.once('close', () => done.abort());",
        when={"target": "EventTarget|MessagePort|BroadcastChannel|Performance$|WebSocket|Worker$|Listener$"},
        rewrite=add_listener_with_signal,
    ),
    Advice(
        "Listen to $emitter once, when the program starts, not once per request; what comes per request "
        "removes its listener when it is done.",
        "$emitter.on('$event', $callback);",
        "$emitter.on('$event', $callback);\n$owner.once('close', () => $emitter.off('$event', $callback));",
        when={"kind": "^process$"},
        rewrite=remove_listener,
    ),
    Advice(
        "$emitter is kept open and serves many requests: listen to the request or response instead, or take "
        "the listener off when the request ends.",
        "$emitter.on('$event', $callback);",
        "$emitter.on('$event', $callback);\nresponse.once('close', () => $emitter.off('$event', $callback));",
        when={"kind": "Socket$|Agent$|Http2Session$|^Server$|Pool$|Client$|Connection$"},
        rewrite=remove_listener,
    ),
    Advice(
        "Unsubscribe when the subscriber is done: keep what `subscribe` returns.",
        "$emitter.subscribe($callback);",
        "const subscription = $emitter.subscribe($callback);\n"
        "$owner.once('close', () => subscription.unsubscribe());",
        when={"members": "Subscriber$|Subscription$|Observer$"},
    ),
    Advice(
        "Take listeners off when their owner is done: let whoever adds one to $holder get a function that "
        "removes it.",
        "$holder.push($callback);",
        "$holder.push($callback);\nreturn () => $holder.splice($holder.indexOf($callback), 1);",
        when={"kind": "^(Array|Object)$"},
        rewrite=add_with_removal,
    ),
    Advice(
        "Take listeners off when their owner is done: let whoever adds one to $holder get a function that "
        "removes it.",
        "$holder.add($callback);",
        "$holder.add($callback);\nreturn () => $holder.delete($callback);",
        when={"kind": "^Set$"},
        rewrite=add_with_removal,
    ),
    Advice(
        "Remove the listener from $emitter when its owner is done: `off`, `once`, or an AbortSignal.",
        "$emitter.on('$event', $callback);",
        "$emitter.on('$event', $callback);\n$owner.once('close', () => $emitter.off('$event', $callback));",
        rewrite=remove_listener_or_entry,
    ),
)
