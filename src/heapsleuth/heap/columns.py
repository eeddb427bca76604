"""What every reader produces: one heap as narrow, validated columns.

A reader checks once, vectorised, that every index below is in range; kernels rely on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from heapsleuth.heap.strings import StringTable

    UInt = NDArray[np.unsignedinteger]  # uint32, or uint64 where a value of this file needs it

__all__ = ["Columns"]


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """
    A heap as arrays; n nodes, m edges, k source locations.  Read-only by convention.

    Node 0 is the root.  Edges are grouped by the node they leave, in node order: those of node `i`
    are `first_edges[i] … first_edges[i + 1]`.
    """

    node_types: NDArray[np.uint8]
    """(n,) codes of `heapsleuth.heap.kinds.NodeType`."""
    node_names: NDArray[np.uint32]
    """(n,) index into `strings`."""
    node_ids: UInt
    """(n,) V8's object ids; odd for JavaScript heap objects, even for embedder nodes; unique."""
    self_sizes: UInt
    """(n,) bytes, as in the file."""
    detachedness: NDArray[np.uint8] | None
    """(n,) 0 unknown, 1 attached, 2 detached; None when the file has no other value than 0."""
    first_edges: UInt
    """(n + 1,) running sum of the edge counts."""
    edge_types: NDArray[np.uint8]
    """(m,) codes of `heapsleuth.heap.kinds.EdgeType`."""
    edge_names: NDArray[np.uint32]
    """(m,) index into `strings` for context, property, internal, shortcut and weak edges; the
    element or slot number for element and hidden edges."""
    edge_targets: NDArray[np.uint32]
    """(m,) node index the edge points to."""
    location_nodes: NDArray[np.uint32]
    """(k,) node index that has a source location."""
    location_scripts: NDArray[np.uint32]
    """(k,) V8's script id, per process."""
    location_lines: NDArray[np.uint32]
    """(k,) 0-based line."""
    location_columns: NDArray[np.uint32]
    """(k,) 0-based column."""
    strings: StringTable
    extra_native_bytes: int
    """`snapshot.extra_native_bytes` of the header, 0 when absent."""
    meta: dict[str, object]
    """The header object `snapshot`, as parsed."""

    @property
    def node_count(self) -> int:
        """Number of nodes n."""
        return len(self.node_types)

    @property
    def edge_count(self) -> int:
        """Number of edges m."""
        return len(self.edge_types)
