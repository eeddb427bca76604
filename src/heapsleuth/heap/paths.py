"""How an object is held: one retaining path for every node, the same at every run.

Breadth-first paths are arbitrary where many lead to an object, and most of those that are short run
through the engine: compiled code, feedback, the cells that hold globals a second time, the stack of the
capture itself.  So paths avoid such nodes as long as there is another way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import NodeType
from heapsleuth.kernels import paths as _paths

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heapsleuth.heap.columns import Columns, UInt

__all__ = ["incoming_edges", "no_edge"]

_INDIRECT = 1
_TEMPORARY = 2
_RANK_BY_NAME = {
    "system / PropertyCell": _INDIRECT,
    "system / FeedbackCell": _INDIRECT,
    "system / FeedbackVector": _INDIRECT,
    "system / WeakCell": _INDIRECT,
    "(Handle scope)": _TEMPORARY,
    "(Stack roots)": _TEMPORARY,
}


def no_edge(incoming: UInt) -> int:
    """Return the value that stands for "no path" in what `incoming_edges` returned."""
    return int(np.iinfo(incoming.dtype).max)


def incoming_edges(columns: Columns, flags: NDArray[np.uint8]) -> UInt:
    """
    Choose for each node the edge through which it is held.

    Args:
        columns: The heap.
        flags: (m,) edge flags of `heapsleuth.kernels.essential`; only essential edges are used.

    Returns:
        (n,) edge index, `no_edge(…)` for the root and for what it does not keep alive.
    """
    count = columns.node_count
    ranks = np.zeros(count, np.uint8)
    ranks[columns.node_types == NodeType.CODE] = _INDIRECT
    for name, rank in _RANK_BY_NAME.items():
        index = columns.strings.find(name)
        if index is not None:
            ranks[columns.node_names == np.uint32(index)] = rank
    seen = np.zeros(count, np.uint8)
    queue = np.empty(count, np.uint32)
    incoming = np.empty(count, columns.first_edges.dtype)
    incoming[:] = no_edge(incoming)
    seen[0] = 1
    starts = np.zeros(1, np.uint32)
    for rank in range(_TEMPORARY + 1):
        if rank:
            starts = np.flatnonzero((ranks == rank) & (seen != 0)).astype(np.uint32)
        queue[: len(starts)] = starts
        _paths.spread_paths(
            columns.first_edges, columns.edge_targets, flags, ranks, rank, seen, incoming, queue, len(starts)
        )
    return incoming
