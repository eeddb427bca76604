"""What counts as "the same sort of thing" when objects pile up."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import NodeType

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heapsleuth.heap.graph import HeapGraph

__all__ = ["MemberKinds"]

_TEXT = (NodeType.STRING, NodeType.CONS_STRING, NodeType.SLICED_STRING)
_TEXT_KIND = np.uint64(0x7E57)


class MemberKinds:
    """
    Kinds of nodes as keys that are equal across the snapshots of one process.

    An object's kind is its constructor name; a closure's its name and the place of its code; all strings
    are one kind; anything else goes by type and name.  A place is line and column, without the script:
    a text that is compiled again for each request is a new script each time.
    """

    def __init__(self, graph: HeapGraph) -> None:
        self._graph = graph

    @cached_property
    def _places(self) -> tuple[NDArray[np.uint32], NDArray[np.uint64]]:
        columns = self._graph.columns
        order = np.argsort(columns.location_nodes, kind="stable")
        place = columns.location_lines.astype(np.uint64) << np.uint64(32)
        place |= columns.location_columns.astype(np.uint64)
        return columns.location_nodes[order], place[order] + np.uint64(1)

    def keys(self, nodes: NDArray[np.integer]) -> NDArray[np.uint64]:
        """Return (k,) keys of the kinds of (k,) nodes."""
        graph = self._graph
        types = graph.node_types[nodes]
        keys: NDArray[np.uint64] = graph.strings.hashes[graph.node_names[nodes]].copy()
        closures = np.flatnonzero(types == NodeType.CLOSURE)
        located, places = self._places
        if len(closures) and len(located):
            wanted = nodes[closures]
            at = np.minimum(np.searchsorted(located, wanted), len(located) - 1)
            hit = located[at] == wanted
            keys[closures[hit]] ^= places[at[hit]]
        numbers = (types == NodeType.NUMBER) | (types == NodeType.BIGINT) | (types == NodeType.SYMBOL)
        keys[numbers] = 0
        keys ^= types.astype(np.uint64) << np.uint64(59)
        keys[np.isin(types, _TEXT)] = _TEXT_KIND
        return keys
