"""Collections without entries, by the field that holds them, and sparse arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import EdgeType, NodeType
from heapsleuth.leaks.edges import edges_of, source_of
from heapsleuth.leaks.heap_view import among, cut, look_up, mixed
from heapsleuth.leaks.model import WasteRow

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heapsleuth.leaks.heap_view import HeapView

__all__ = ["find_collection_waste"]

_MOST_ROWS = 10
_LEAST_EMPTY = 10
_LEAST_BYTES = 1000
_FEW_EDGES = 8
_BLOCK = 1 << 22
_SPARSE_INDEX = 1024
_POINTER_BYTES = 4
"""The smallest pointer V8 has: with it, elements of this size have the most room."""


def find_collection_waste(view: HeapView) -> list[WasteRow]:
    """Return rows of kinds `empty-collection` and `sparse-array`."""
    empty = np.concatenate([_empty_tables(view, "Map"), _empty_tables(view, "Set"), _empty_arrays(view)])
    return [
        *_by_field(view, "empty-collection", empty, _LEAST_EMPTY),
        *_by_field(view, "sparse-array", _sparse(view), 1),
    ]


def _empty_tables(view: HeapView, class_name: str) -> NDArray[np.int64]:
    """
    Return the Maps or Sets without entries.

    Small numbers are no nodes, so a collection of them refers to nothing either; but more than four
    of them need a table larger than the smallest.
    """
    graph = view.graph
    nodes = view.instances(class_name)
    tables = view.targets(nodes, EdgeType.INTERNAL, "table")
    nodes, tables = nodes[tables >= 0], tables[tables >= 0]
    if not len(nodes):
        return nodes
    sizes = graph.self_sizes[tables]
    small = sizes <= sizes.min()
    nodes, tables = nodes[small], tables[small]
    edges = edges_of(graph, tables)
    entries = edges.where(graph.edge_names[edges.edges] != view.lookup.name_id("map"))
    empty: NDArray[np.int64] = nodes[~np.isin(tables, entries.sources)]
    return empty


def _empty_arrays(view: HeapView) -> NDArray[np.int64]:
    """Return the arrays without elements: all of them share one empty store, which is not in the file."""
    graph = view.graph
    nodes = view.instances("Array")
    # Prototype, map and the like: what has more edges than a few is not empty.
    nodes = nodes[graph.first_edges[nodes + 1] - graph.first_edges[nodes] <= _FEW_EDGES]
    edges = edges_of(graph, nodes)
    filled = graph.edge_types[edges.edges] == EdgeType.ELEMENT
    stored = graph.edge_types[edges.edges] == EdgeType.INTERNAL
    stored &= graph.edge_names[edges.edges] == view.lookup.name_id("elements")
    has = np.zeros(graph.node_count, dtype=bool)
    has[edges.sources[filled | stored]] = True
    empty: NDArray[np.int64] = nodes[~has[nodes]]
    return empty


def _sparse(view: HeapView) -> NDArray[np.int64]:
    """Return the arrays with an index beyond what their elements have room for: V8 made them tables."""
    graph = view.graph
    far = [np.empty(0, np.int64)]
    for begin in range(0, graph.edge_count, _BLOCK):
        block = slice(begin, begin + _BLOCK)
        hit = graph.edge_types[block] == EdgeType.ELEMENT
        hit &= graph.edge_names[block] >= _SPARSE_INDEX
        far.append(np.flatnonzero(hit) + begin)
    edges = np.concatenate(far)
    graph.release_pages()
    sources = source_of(graph, edges)
    # Edges are grouped by array; the farthest of each counts.
    arrays, start = np.unique(sources, return_index=True)
    if not len(arrays):
        return arrays
    farthest = np.maximum.reduceat(graph.edge_names[edges], start)
    known = among(arrays, view.instances("Array"))
    arrays, farthest = arrays[known], farthest[known]
    elements = view.targets(arrays, EdgeType.INTERNAL, "elements")
    room = np.where(elements >= 0, graph.self_sizes[np.maximum(elements, 0)], 0) // _POINTER_BYTES
    return arrays[farthest > room]


def _by_field(view: HeapView, kind: str, nodes: NDArray[np.int64], least: int) -> list[WasteRow]:
    """Return rows of collections by class and the field or variable that refers to them first."""
    graph = view.graph
    if not len(nodes):
        return []
    found = view.edges_to(nodes)
    found = found.where(np.isin(graph.edge_types[found.edges], (EdgeType.PROPERTY, EdgeType.CONTEXT)))
    fields = look_up(found.targets, found.edges, nodes)
    holders = np.maximum(look_up(found.targets, found.sources, nodes), 0)
    names = np.where(fields >= 0, graph.edge_names[np.maximum(fields, 0)], 0)
    keys = mixed(mixed(names, graph.class_ids[holders]), mixed(graph.class_ids[nodes], fields >= 0))
    _, first, group, counts = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    sizes = np.bincount(group, weights=graph.shallow_sizes[nodes]).astype(np.int64)
    rows = []
    for i in np.lexsort((first, -sizes))[:_MOST_ROWS].tolist():
        if counts[i] < least or sizes[i] < _LEAST_BYTES:
            continue
        at = int(first[i])
        name = view.class_name(int(nodes[at]))
        if fields[at] >= 0:
            name += _held(view, int(fields[at]), int(holders[at]))
        rows.append(WasteRow(kind, name, int(counts[i]), int(sizes[i])))
    return rows


def _held(view: HeapView, edge: int, holder: int) -> str:
    graph = view.graph
    label = cut(graph.strings[int(graph.edge_names[edge])])
    if graph.edge_types[edge] == EdgeType.CONTEXT:
        return f" in variable {label}"
    owner = cut(graph.class_name(holder))
    return f" in {label} of {owner}" if graph.node_types[holder] == NodeType.OBJECT else f" in {label}"
