"""Advice for leaks in a dependency: nobody edits `node_modules`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from heapsleuth.leaks.fixes.advice import Advice
from heapsleuth.leaks.fixes.rewriting import call_once, close_after_use

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BOUNDED_BY", "DEPENDENCIES"]

_UPGRADE = "$package adds to $holder and never takes away: upgrade if a later version does. "

_SHARE = "Until then make one client and share it, and close each one you make.$called"
_CLOSE = Advice(
    _UPGRADE + _SHARE,
    "const client = $library.create(options);",
    "const client = $library.create(options);\ntry {\n  await use(client);\n} finally {\n"
    "  await client.close();\n}",
    rewrite=close_after_use,
)

DEPENDENCIES: Mapping[str, tuple[Advice, ...]] = {
    "listener": (
        Advice(
            _UPGRADE + "Until then give each call a signal of its own, not one that all share.$called",
            "await $library.run({ signal: shutdownSignal });",
            "const own = new AbortController(); // for this call only: its listeners go with it\n"
            "await $library.run({ signal: own.signal });",
            when={"kind": "AbortSignal|FinalizationRegistry"},
        ),
        Advice(
            _UPGRADE + "Until then call it once, or take off what a call leaves on $emitter.$called",
            "await $library.run($emitter);",
            "const known = $emitter.listeners('$event');\nawait $library.run($emitter);\n"
            "for (const left of $emitter.listeners('$event')) {\n"
            "  if (!known.includes(left)) $emitter.off('$event', left);\n}",
            when={"emitter": ".", "event": ".", "reachable": "."},
        ),
    ),
    "timer": (
        replace(
            _CLOSE,
            summary="$package sets timers and never clears them: upgrade if a later version does. " + _SHARE,
        ),
    ),
    "socket": (
        replace(
            _CLOSE, summary="$package leaves $members open: upgrade if a later version does not. " + _SHARE
        ),
    ),
    "cache": (
        Advice(
            _UPGRADE + "Until then give it a bound (options such as `max`, `maxAge` or `ttl`, or a cache of "
            "your own), or call it with fewer different arguments.$called",
            "const cached = $library.create(load);",
            "const cached = $library.create(load, { max: 1000, ttl: 60_000 }); // see its documentation",
        ),
    ),
    "promise": (
        Advice(
            _UPGRADE + "Until then end each operation: call `return()` on its iterators, pass a signal with "
            "a time-out.$called",
            "for await (const value of $library.values()) if (isLast(value)) stop();",
            "for await (const value of $library.values({ signal: AbortSignal.timeout(30_000) })) {\n"
            "  if (isLast(value)) break; // `break` calls return()\n}",
        ),
    ),
    "": (
        Advice(
            _UPGRADE + "Until then make what you use of it once, not once per request, and dispose of what "
            "you make.$called",
            "const handle = (request) => $library.create(options).run(request);",
            "const shared = $library.create(options); // once, when the program starts\n"
            "const handle = (request) => shared.run(request);",
            rewrite=call_once,
        ),
    ),
}
"""By category; the empty one for all others and when none applies."""

BOUNDED_BY: Mapping[str, Advice] = {
    "lru-cache": Advice(
        "Give $holder `max` and `ttl`, and set `ttlAutopurge` where entries are not asked for again.",
        "const cache = new LRUCache({ ttl: 60_000 });",
        "const cache = new LRUCache({ max: 1000, ttl: 60_000 });",
    ),
    "quick-lru": Advice(
        "Give $holder a smaller `maxSize`, and `maxAge`.",
        "const cache = new QuickLRU({ maxSize: 1_000_000 });",
        "const cache = new QuickLRU({ maxSize: 1000, maxAge: 60_000 });",
    ),
    "memoizee": Advice(
        "Give the memoized function `max` and `maxAge`; it keeps every result otherwise.",
        "const cached = memoize(load);",
        "const cached = memoize(load, { max: 1000, maxAge: 60_000 });",
    ),
    "lodash": Advice(
        "A function made by `memoize` keeps every result: give it a cache with a bound.",
        "const cached = memoize(load);",
        "const cached = memoize(load);\ncached.cache = new LRUCache({ max: 1000, ttl: 60_000 });",
    ),
    "node-cache": Advice(
        "Give the cache `stdTTL` and `maxKeys`; it keeps all keys for ever otherwise.",
        "const cache = new NodeCache();",
        "const cache = new NodeCache({ stdTTL: 60, maxKeys: 1000 });",
    ),
    "dataloader": Advice(
        "Make one loader per request: its cache has no bound and is meant to live as long as a request.",
        "const loader = new DataLoader(load);",
        "const handle = (request) => serve(request, new DataLoader(load));",
    ),
    "express-session": Advice(
        "Use a store made for production: the one in memory keeps every session.",
        "app.use(session({ secret }));",
        "app.use(session({ secret, store: new RedisStore({ client }) }));",
    ),
    "prom-client": Advice(
        "Labels have to have few values: leave out ids, addresses and paths with values.",
        "counter.inc({ path: request.url });",
        "counter.inc({ path: request.route.path });",
    ),
}
"""Packages that keep what they are given by design: what bounds them, by package name."""
