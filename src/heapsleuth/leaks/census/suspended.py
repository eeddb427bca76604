"""Suspended async functions with who awaits them: the async stacks of requests that hang.

Each row is one chain of functions, innermost first; a function that only waits for another one of
the chain is not counted again.
"""

from __future__ import annotations

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

__all__ = ["count_suspended"]

_DEEPEST = 12
"""Functions of a chain that are told apart; what is further out is left out of the name."""


def count_suspended(view: HeapView) -> list[CensusRow]:
    """Return a row per chain of suspended async functions."""
    suspended = _suspended(view)
    if not len(suspended):
        return []
    awaiter = _awaiters(view, suspended)
    functions = view.targets(suspended, EdgeType.INTERNAL, "function")
    innermost = np.setdiff1d(suspended, awaiter)
    levels = [innermost]
    keys = np.zeros(len(innermost), dtype=np.uint64)
    for _ in range(_DEEPEST):
        level = levels[-1]
        here = level >= 0
        codes = np.zeros(len(level), dtype=np.uint64)
        codes[here] = view.kinds.keys(look_up(suspended, functions, level[here]))
        keys = mixed(keys, codes)
        levels.append(look_up(suspended, awaiter, level))
    rows = []
    for group in largest_groups(view, keys, innermost):
        chain = [int(level[group.example]) for level in levels[:-1] if level[group.example] >= 0]
        called = look_up(suspended, functions, np.array(chain)).tolist()
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
