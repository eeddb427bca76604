"""Finds edges by name without a reverse index: from a few nodes, or in one sweep over all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from heapsleuth.heap.graph import HeapGraph

__all__ = ["EdgeLookup"]

_SWEEP_EDGES = 1 << 22  # bounds the sweep's masks to a few MB, whatever the size of the heap


class EdgeLookup:
    """Edges of one heap by type and name; remembers where names are in the string table."""

    def __init__(self, graph: HeapGraph) -> None:
        self._graph = graph
        self._ids: dict[str, int] = {}

    def name_id(self, name: str) -> int:
        """Return the string index of *name*, -1 when no node or edge of this heap has it."""
        if name not in self._ids:
            found = self._graph.strings.find(name)
            self._ids[name] = -1 if found is None else found
        return self._ids[name]

    def raw_name(self, node: int) -> str:
        """Return a node's name as the file has it."""
        return self._graph.strings[int(self._graph.node_names[node])]

    def of(self, node: int) -> slice:
        """Return the range of edges leaving *node*."""
        first = self._graph.first_edges
        return slice(int(first[node]), int(first[node + 1]))

    def target(self, node: int, edge_type: int, name: str) -> int | None:
        """Return where the first edge of *node* with that type and name leads, None without one."""
        graph, edges = self._graph, self.of(node)
        hit = (graph.edge_types[edges] == edge_type) & (graph.edge_names[edges] == self.name_id(name))
        at = int(hit.argmax()) if len(hit) else 0
        return int(graph.edge_targets[edges.start + at]) if len(hit) and hit[at] else None

    def targets(self, nodes: NDArray[np.integer], edge_type: int, names: Sequence[str]) -> NDArray[np.int64]:
        """
        Return where each node's first edge of that type and one of *names* leads.

        Args:
            nodes: Node indexes; -1 for none.
            edge_type: Code of `EdgeType`.
            names: Names that mean the same in different V8 versions.

        Returns:
            Node indexes, int64, -1 for a node without such an edge.
        """
        graph = self._graph
        targets = np.full(len(nodes), -1, np.int64)
        known = np.flatnonzero(nodes >= 0)
        some = nodes[known].astype(np.int64)
        first = graph.first_edges[some].astype(np.int64)
        counts = graph.first_edges[some + 1].astype(np.int64) - first
        rows = np.repeat(known, counts)
        edges = np.arange(len(rows), dtype=np.int64) + np.repeat(first - (np.cumsum(counts) - counts), counts)
        wanted = np.array([self.name_id(name) for name in names], np.int64)
        hit = (graph.edge_types[edges] == edge_type) & np.isin(graph.edge_names[edges], wanted)
        # Backwards, so that the first edge of a node is the one that stays.
        targets[rows[hit][::-1]] = graph.edge_targets[edges[hit][::-1]]
        return targets

    def named(self, edge_type: int, name: str) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        """
        Return owners and targets of every edge of that type and name, in file order.

        One pass over the column of edge names, O(m), in blocks.
        """
        graph, wanted = self._graph, self.name_id(name)
        hits = [np.empty(0, np.int64)]
        for start in range(0, len(graph.edge_types) if wanted >= 0 else 0, _SWEEP_EDGES):
            block = slice(start, start + _SWEEP_EDGES)
            found = np.flatnonzero(graph.edge_names[block] == wanted)
            hits.append(found[graph.edge_types[block][found] == edge_type] + start)
        edges = np.concatenate(hits)
        # Of the same type as the array that is searched, or numpy copies that.
        keys = edges.astype(graph.first_edges.dtype)
        owners = np.searchsorted(graph.first_edges, keys, side="right") - 1
        return owners.astype(np.int64), graph.edge_targets[edges]
