"""Live resources of one snapshot, counted: listeners, timers, promises, functions, handles, scopes.

One kind per file.  What a kind is recognised by are the internals of Node and V8 as they are from
Node 16 on; where a heap has none of them, there are no rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapsleuth.leaks.census.contexts import count_contexts
from heapsleuth.leaks.census.handles import count_handles
from heapsleuth.leaks.census.listeners import count_listeners
from heapsleuth.leaks.census.promises import count_promises
from heapsleuth.leaks.census.scopes import count_scopes
from heapsleuth.leaks.census.suspended import count_suspended
from heapsleuth.leaks.census.timers import count_timers

if TYPE_CHECKING:
    from collections.abc import Callable

    from heapsleuth.leaks.heap_view import HeapView
    from heapsleuth.leaks.model import CensusRow

__all__ = ["COUNTERS", "take_census"]

COUNTERS: tuple[Callable[[HeapView], list[CensusRow]], ...] = (
    count_listeners,
    count_timers,
    count_promises,
    count_suspended,
    count_handles,
    count_contexts,
    count_scopes,
)


def take_census(view: HeapView) -> tuple[CensusRow, ...]:
    """Return the rows of all kinds, the largest counts first."""
    rows: list[CensusRow] = []
    for counter in COUNTERS:
        rows += counter(view)
        view.graph.release_pages()
    return tuple(sorted(rows, key=lambda row: (-row.count, -row.retained_bytes, row.kind, row.name)))
