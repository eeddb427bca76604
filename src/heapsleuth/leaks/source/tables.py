"""What names mean in JavaScript programs: methods that add and remove, options that bound.

These are words of the language, of Node.js and of common collection libraries.
"""

from __future__ import annotations

import re

__all__ = [
    "ADDING",
    "BOUNDED_CLASS",
    "BOUND_OPTIONS",
    "CLEARING",
    "CLEARING_CALLS",
    "EXPIRED",
    "EXPIRY_OPTIONS",
    "GROWING_RESULTS",
    "ITERATES",
    "LISTENING",
    "REMOVING",
    "REMOVING_CALLS",
    "SHRINKING_RESULTS",
    "SIZE",
    "TIME",
    "TIMERS",
    "WEAK",
]

# ruff: disable[SIM905]
ADDING = frozenset(
    "add addListener addEventListener append catch enqueue finally insert on once prepend prependListener "
    "prependOnceListener push put register set setItem subscribe then unshift".split()
)
"""Methods that add a member to what they are called on; a reaction is a member of a pending promise."""

LISTENING = frozenset("addEventListener addListener on".split())
"""Methods that take `{ once: true }` or `{ signal }`."""

REMOVING = frozenset(
    "abort del delete dequeue evict expire off pop prune pruneExpired purge purgeStale remove "
    "removeEventListener removeItem removeListener shift splice take unregister unsubscribe".split()
)

CLEARING = frozenset("clear deleteAll empty flush flushAll removeAll removeAllListeners reset".split())

CLEARING_CALLS = frozenset("clearImmediate clearInterval clearTimeout unwatchFile".split())
"""Functions that end what they are given."""

REMOVING_CALLS = re.compile(
    r"(?:^|[a-z_])(?:[Rr]emove|[Dd]elete|[Pp]ull|[Ee]vict|[Pp]urge|[Pp]rune|[Uu]nset)"
)
"""Functions that take something out of their first argument."""

GROWING_RESULTS = frozenset("catch concat finally padEnd then".split())
"""`x = x.METHOD(…)` holds all of the old x and more."""

SHRINKING_RESULTS = frozenset("filter slice splice subarray substr substring".split())

ITERATES = frozenset("every filter find findIndex forEach map reduce some".split())
"""Methods that call their callback at once, for each member."""

TIMERS = frozenset("setInterval setTimeout schedule scheduleJob".split())

SIZE = frozenset("byteLength count itemCount length listenerCount size".split())

WEAK = frozenset("WeakMap WeakRef WeakSet".split())

BOUND_OPTIONS = frozenset(
    "capacity limit max maxCount maxEntries maxItems maxKeys maxLength maxSize maxTotalSize size".split()
)
EXPIRY_OPTIONS = frozenset(
    "expireAfter expires expiresIn expiry lifetime maxAge maxAgeMs stdTTL timeToLive ttl ttlMs".split()
)
# ruff: enable[SIM905]

BOUNDED_CLASS = re.compile(
    r"lru|lfu|fifo|ring|circular|bounded|capped|fixed|sieve|arc(?:cache)?$", re.IGNORECASE
)
"""Classes and functions whose first number is how many they hold."""

TIME = re.compile(
    r"\bDate\b|performance\s*\.\s*now|hrtime|expir|\bttl|ttl\b|deadline|timestamp|stale|max_?age|\bage\b"
    r"|\bnow\b|now\(|(?:last|created|updated|added|used|accessed)_?(?:at|on|time|seen|used|access)\b",
    re.IGNORECASE,
)
"""Code that reckons with time."""

EXPIRED = re.compile(r"\bhas_?expired|\bis_?(?:expired|stale|outdated)|\.\s*expired\b", re.IGNORECASE)
"""A question whether something is too old."""
