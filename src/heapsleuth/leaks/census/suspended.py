"""Suspended async functions with who awaits them: the async stacks of requests that hang.

Each row is one chain of functions, innermost first; a function that only waits for another one of
the chain is not counted again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import EdgeType
from heapsleuth.leaks.census.tally import largest_groups
from heapsleuth.leaks.census.waiting import find_waiting
from heapsleuth.leaks.edges import edges_of
from heapsleuth.leaks.heap_view import look_up, mixed
from heapsleuth.leaks.model import CensusRow

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heapsleuth.leaks.heap_view import HeapView

__all__ = ["Suspended", "count_suspended", "find_suspended"]

_DEEPEST = 12
"""Functions of a chain that are told apart; what is further out is left out of the name."""


@dataclass(frozen=True, slots=True, eq=False)
class Suspended:
    """k chains of async functions suspended on one another."""

    innermost: NDArray[np.int64]
    """(k,) the suspended function of each chain that waits for no other one."""
    keys: NDArray[np.uint64]
    """(k,) equal for chains of the same functions."""
    levels: tuple[NDArray[np.int64], ...]
    """By depth, innermost first: (k,) the function's closure, -1 where a chain has ended."""

    def functions_of(self, chain: int) -> list[int]:
        """Return the closures of one chain, innermost first."""
        return [int(level[chain]) for level in self.levels if level[chain] >= 0]


def find_suspended(view: HeapView) -> Suspended:
    """Return every chain of suspended async functions."""
    suspended = _suspended(view)
    if not len(suspended):
        nobody = np.empty(0, dtype=np.int64)
        return Suspended(nobody, np.empty(0, dtype=np.uint64), ())
    awaiter = _awaiters(view, suspended)
    functions = view.targets(suspended, EdgeType.INTERNAL, "function")
    innermost = np.setdiff1d(suspended, awaiter)
    keys = np.zeros(len(innermost), dtype=np.uint64)
    levels = []
    level = innermost
    for _ in range(_DEEPEST):
        here = look_up(suspended, functions, level)
        levels.append(here)
        codes = np.zeros(len(level), dtype=np.uint64)
        codes[here >= 0] = view.kinds.keys(here[here >= 0])
        keys = mixed(keys, codes)
        level = look_up(suspended, awaiter, level)
    return Suspended(innermost, keys, tuple(levels))


def count_suspended(view: HeapView) -> list[CensusRow]:
    """Return a row per chain of suspended async functions."""
    suspended = find_suspended(view)
    rows = []
    for group in largest_groups(view, suspended.keys, suspended.innermost):
        called = suspended.functions_of(group.example)
        name = " ← ".join(view.function_name(function) for function in called)
        place = view.place(called[0])
        rows.append(CensusRow("suspended-functions", name, group.count, group.retained_bytes, place))
    return rows


def _suspended(view: HeapView) -> NDArray[np.int64]:
    """Return the suspended async functions; not generators, not the bodies of modules."""
    nodes, _ = view.lookup.named(EdgeType.INTERNAL, "parameters_and_registers")
    nodes = nodes[view.is_called(nodes, "Generator")]
    nodes = nodes[view.targets(nodes, EdgeType.INTERNAL, "function") >= 0]
    columns = view.graph.columns
    # V8 runs a module as a suspended function that begins at 0:0.
    bodies = columns.location_nodes[(columns.location_lines | columns.location_columns) == 0]
    return nodes[~np.isin(nodes, bodies)]


def _awaiters(view: HeapView, suspended: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (k,) the suspended function that awaits the promise of each suspended one, else -1."""
    graph = view.graph
    waiting = find_waiting(view)
    edges = edges_of(graph, suspended)
    promised = view.is_called(edges.targets, "Promise") & (graph.edge_types[edges.edges] == EdgeType.HIDDEN)
    edges = edges.where(promised)
    awaiters = look_up(waiting.promises, waiting.functions, edges.targets)
    awaiters = look_up(edges.sources, awaiters, suspended)
    # Only a chain of what is counted can be followed.
    awaiters[~np.isin(awaiters, suspended)] = -1
    return awaiters
