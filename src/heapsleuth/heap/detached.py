"""Which nodes are detached from the document: browser heaps only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import NodeType
from heapsleuth.kernels import detachedness as _detachedness

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heapsleuth.heap.columns import Columns

__all__ = ["ATTACHED", "DETACHED", "detached_states"]

ATTACHED = 1
DETACHED = 2


def detached_states(columns: Columns) -> NDArray[np.uint8]:
    """
    Return (n,) uint8: 0 unknown, `ATTACHED` or `DETACHED`, handed on among native nodes.

    V8 marks the nodes it knows about; what only they lead to is in the same state, and attached wins.
    Files of before 2020 have no such field and no states; there V8 wrote the names with `Detached `.
    Empty when the file says nothing.
    """
    if columns.detachedness is None:
        return np.empty(0, np.uint8)
    states = columns.detachedness.copy()
    decided = (states != 0).view(np.uint8)
    stack = np.empty(columns.node_count, np.uint32)
    for state in (ATTACHED, DETACHED):
        seeds = np.flatnonzero((columns.detachedness == state) & (columns.node_types == NodeType.NATIVE))
        stack[: len(seeds)] = seeds
        _detachedness.spread_state(
            columns.first_edges,
            columns.edge_types,
            columns.edge_targets,
            columns.node_types,
            states,
            decided,
            stack,
            len(seeds),
            state,
        )
    return states
