"""Words by which programmers say what a container is for.

A name is weak evidence, but of the kind of leak it often is the only one: a Map that caches and a Map
that registers look alike on the heap.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["CACHE", "CONNECTIONS", "words"]

CACHE = frozenset(
    {"cache", "caches", "cached", "caching", "lookup", "lookups", "lru", "memo", "memoize", "memoized"}
)
CONNECTIONS = frozenset(
    {"clients", "conn", "connection", "connections", "conns", "peers", "socket", "sockets", "transport",
     "transports"}
)  # fmt: skip

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def words(names: Iterable[str]) -> frozenset[str]:
    """Return the lower-case words of names in camelCase, snake_case or with dots."""
    return frozenset(word.lower() for name in names for word in _WORD.findall(name))
