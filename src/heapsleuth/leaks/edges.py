"""Vectorised access to the edges of many nodes, in blocks so that memory stays bounded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import EdgeType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from heapsleuth.heap.graph import HeapGraph

__all__ = ["NUMBERED", "Edges", "edge_labels", "edges_into", "edges_of", "source_of"]

NUMBERED = (EdgeType.ELEMENT, EdgeType.HIDDEN)
"""Edge types whose name is a number, not a string."""

_BLOCK = 1 << 21


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """Some edges of a heap, in the order of the file."""

    edges: NDArray[np.int64]
    """(k,) edge indices."""
    sources: NDArray[np.int64]
    """(k,) node index each leaves."""
    targets: NDArray[np.int64]
    """(k,) node index each points to."""

    def __len__(self) -> int:
        return len(self.edges)

    def where(self, keep: NDArray[np.bool_]) -> Edges:
        """Return the edges for which *keep* is true."""
        return Edges(self.edges[keep], self.sources[keep], self.targets[keep])

    def take(self, order: NDArray[np.integer]) -> Edges:
        """Return the edges at the given places."""
        return Edges(self.edges[order], self.sources[order], self.targets[order])


def source_of(graph: HeapGraph, edges: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return (k,) the node index each edge leaves."""
    return np.searchsorted(graph.first_edges, edges, side="right").astype(np.int64) - 1


def edges_into(
    graph: HeapGraph,
    targets: NDArray[np.bool_],
    types: Sequence[int],
    sources: NDArray[np.bool_] | None = None,
) -> Edges:
    """
    Return the edges of given *types* that point to nodes of a set.

    Args:
        graph: The heap.
        targets: (n,) true for the wanted target nodes.
        types: Edge types wanted.
        sources: (n,) true for the wanted source nodes; all when None.
    """
    wanted = np.zeros(256, dtype=bool)
    wanted[list(types)] = True
    found = []
    for start in range(0, len(graph.edge_targets), _BLOCK):
        stop = start + _BLOCK
        hit = targets[graph.edge_targets[start:stop]]
        hit &= wanted[graph.edge_types[start:stop]]
        edges = np.flatnonzero(hit) + start
        if sources is not None and len(edges):
            edges = edges[sources[source_of(graph, edges)]]
        found.append(edges)
    edges = np.concatenate(found) if found else np.empty(0, dtype=np.int64)
    graph.release_pages()
    return Edges(edges, source_of(graph, edges), graph.edge_targets[edges].astype(np.int64))


def edges_of(graph: HeapGraph, nodes: NDArray[np.integer]) -> Edges:
    """Return all edges that leave the (k,) nodes, in their order."""
    start = graph.first_edges[nodes].astype(np.int64)
    count = graph.first_edges[nodes + 1].astype(np.int64) - start
    owner = np.repeat(np.arange(len(nodes)), count)
    edges = start[owner] + np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    return Edges(edges, nodes[owner].astype(np.int64), graph.edge_targets[edges].astype(np.int64))


def edge_labels(graph: HeapGraph, edges: NDArray[np.integer]) -> NDArray[np.uint64]:
    """Return (k,) labels of edges, equal across snapshots for equal type and name or number."""
    types = graph.edge_types[edges]
    names = graph.edge_names[edges]
    numbered = np.isin(types, NUMBERED)
    labels = np.empty(len(edges), dtype=np.uint64)
    labels[~numbered] = graph.strings.hashes[names[~numbered]]
    labels[numbered] = (names[numbered].astype(np.uint64) + np.uint64(1)) * np.uint64(0xD6E8FEB86659FD93)
    result: NDArray[np.uint64] = labels ^ (types.astype(np.uint64) << np.uint64(61))
    return result
