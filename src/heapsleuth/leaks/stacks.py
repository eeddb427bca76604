"""The async stacks behind a finding: functions suspended on one another, in equal chains counted together.

"412 requests stuck in `loadUser` ← `handler`" says more than the promises that pile up, because the
functions have names and places, and because the innermost one is where the wait begins.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.leaks.census.suspended import find_suspended
from heapsleuth.leaks.census.tally import largest_groups
from heapsleuth.leaks.heap_view import HeapView
from heapsleuth.leaks.membership import Membership
from heapsleuth.leaks.model import AsyncStack

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heapsleuth.heap.graph import HeapGraph
    from heapsleuth.heap.sources import Sources
    from heapsleuth.leaks.case import Case
    from heapsleuth.leaks.census.suspended import Suspended

__all__ = ["StackFinder", "find_stacks"]

_MOST_STACKS = 10


class StackFinder:
    """
    Finds the async stacks of cases in one snapshot; what is looked up is looked up once, and only if asked.

    Args:
        graph: The last snapshot's heap.
        sources: Its source locations.
    """

    def __init__(self, graph: HeapGraph, sources: Sources) -> None:
        self._graph = graph
        self._sources = sources

    @cached_property
    def _view(self) -> HeapView:
        return HeapView(self._graph, self._sources)

    @cached_property
    def _suspended(self) -> Suspended:
        return find_suspended(self._view)

    def stacks(self, case: Case) -> tuple[AsyncStack, ...]:
        """Return the stacks that the members of a case keep alive, or that wait for its holder."""
        members = Membership(case.moment).of(case.candidate)
        if case.field is None:
            # What members share is dominated by none of them.
            members = np.append(members, case.holder)
        return find_stacks(self._view, self._suspended, members)


def find_stacks(view: HeapView, suspended: Suspended, members: NDArray[np.integer]) -> tuple[AsyncStack, ...]:
    """
    Return the stacks that the members of a finding keep alive, most frequent first, at most 10.

    Args:
        view: The last snapshot.
        suspended: Its chains of suspended functions.
        members: (k,) node indices: promises, resolvers, reactions, or what holds them.
    """
    if not len(suspended.innermost) or not len(members):
        return ()
    kept = _kept_by(view, members, suspended.innermost)
    keys, innermost = suspended.keys[kept], suspended.innermost[kept]
    stacks = []
    for group in largest_groups(view, keys, innermost, most=_MOST_STACKS):
        functions = suspended.functions_of(int(np.flatnonzero(kept)[group.example]))
        stacks.append(
            AsyncStack(
                functions=tuple(view.function_name(function) for function in functions),
                location=view.place(functions[0]),
                count=group.count,
                retained_bytes=group.retained_bytes,
            )
        )
    return tuple(stacks)


def _kept_by(view: HeapView, members: NDArray[np.integer], nodes: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return (k,) whether each node goes away when the members do: some member dominates it."""
    graph = view.graph
    start = np.sort(graph.dominator_places[members].astype(np.int64))
    end = start + graph.subtree_counts[start]
    reach = np.maximum.accumulate(end)
    places = graph.dominator_places[nodes].astype(np.int64)
    at = np.searchsorted(start, places, side="right") - 1
    kept: NDArray[np.bool_] = (at >= 0) & (places < reach[np.maximum(at, 0)])
    return kept
