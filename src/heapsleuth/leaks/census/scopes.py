"""Scopes of functions (`system / Context`) that keep most alive, with the variables they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import EdgeType
from heapsleuth.leaks.census.tally import largest_groups
from heapsleuth.leaks.edges import edges_of
from heapsleuth.leaks.heap_view import cut
from heapsleuth.leaks.model import CensusRow

if TYPE_CHECKING:
    from heapsleuth.leaks.heap_view import HeapView

__all__ = ["count_scopes"]

_MOST_SCOPES = 10
_LEAST_BYTES = 10_000
_MOST_VARIABLES = 5
_VARIABLE_LENGTH = 30


def count_scopes(view: HeapView) -> list[CensusRow]:
    """
    Return a row per scope in the source, the contexts of all its calls together, most bytes first.

    Scopes of whole files are left out: they are there once, and what they hold is the program.  So are
    contexts without variables, which V8 makes for `await`.
    """
    nodes = np.flatnonzero(view.scopes)
    infos = view.targets(nodes, EdgeType.INTERNAL, "scope_info")
    known = infos >= 0
    nodes, infos = nodes[known], infos[known]
    rows: list[CensusRow] = []
    for group in largest_groups(view, infos.astype(np.uint64), nodes, by_bytes=True, most=2 * _MOST_SCOPES):
        members = nodes[infos == infos[group.example]]
        if group.retained_bytes < _LEAST_BYTES or len(rows) == _MOST_SCOPES:
            break
        example = int(members[view.graph.retained_sizes[members].argmax()])
        variables = _variables(view, example)
        if not variables or (group.count == 1 and _is_of_file(view, example)):
            continue
        place = view.sources.context_location(example)
        function = (place.function if place else None) or "(anonymous)"
        name = f"{cut(function)} {{{', '.join(variables)}}}"
        rows.append(CensusRow("scopes", name, group.count, group.retained_bytes, place))
    return rows


def _is_of_file(view: HeapView, context: int) -> bool:
    """Whether nothing but the engine's own context is around this one."""
    outer = view.targets(np.array([context]), EdgeType.INTERNAL, "previous")
    return not view.scopes[outer[0]] if outer[0] >= 0 else True


def _variables(view: HeapView, context: int) -> list[str]:
    """Return names of the variables of a context, those that retain most first."""
    graph = view.graph
    edges = edges_of(graph, np.array([context]))
    edges = edges.where(graph.edge_types[edges.edges] == EdgeType.CONTEXT)
    order = np.argsort(-graph.retained_sizes[edges.targets].astype(np.int64), kind="stable")
    names = [graph.strings[int(graph.edge_names[edge])] for edge in edges.edges[order]]
    shown = [cut(name, _VARIABLE_LENGTH) for name in names[:_MOST_VARIABLES]]
    return [*shown, "…"] if len(names) > len(shown) else shown
