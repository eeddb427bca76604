"""The dominator tree: who alone keeps what alive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.kernels import dominators as _dominators
from heapsleuth.kernels import retained as _retained
from heapsleuth.kernels.essential import INESSENTIAL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heapsleuth.heap.columns import Columns, UInt

__all__ = ["DominatorTree", "dominator_tree"]


@dataclass(frozen=True, slots=True, eq=False)
class DominatorTree:
    """Immediate dominators of n nodes, and what follows from them."""

    dominators: NDArray[np.uint32]
    """(n,) immediate dominator by node; the root's is the root."""
    order: NDArray[np.uint32]
    """(n,) nodes in preorder: what a node dominates follows it directly."""
    retained_sizes: UInt
    """(n,) bytes by node."""


def dominator_tree(columns: Columns, flags: NDArray[np.uint8], shallow_sizes: UInt) -> DominatorTree:
    """
    Compute the dominator tree over essential edges.

    A node that only inessential edges lead to is kept by the root, and so is each node of an
    unreachable cycle.

    Args:
        columns: The heap.
        flags: (m,) edge flags of `heapsleuth.kernels.essential`.
        shallow_sizes: (n,) what to sum up.
    """
    count = columns.node_count
    parents, nodes = _numbered_parents(columns, flags)
    dominators = np.empty(count, np.uint32)
    dominators[nodes] = nodes[parents]
    retained = shallow_sizes.copy()
    _retained.sum_retained_sizes(parents, nodes, retained, np.empty_like(retained))
    order = np.empty(count, np.uint32)
    scratch = np.empty((2, count), np.uint32)
    _retained.preorder(parents, nodes, scratch[0], scratch[1], order)
    return DominatorTree(dominators, order, retained)


def _numbered_parents(
    columns: Columns, flags: NDArray[np.uint8]
) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Return (immediate dominators, nodes), both by depth-first number."""
    count = columns.node_count
    essential = columns.edge_count - int(np.count_nonzero(flags & INESSENTIAL))
    states = np.full((count, 2), _dominators.NONE, np.uint32)
    nodes = np.empty(count, np.uint32)
    parents = np.empty(count, np.uint32)
    crossings = np.empty((essential, 2), np.uint32)
    reached = _search(columns, flags, states, nodes, parents, crossings)
    semi = np.empty(count, np.uint32)
    forest = np.empty((count, 2), np.uint32)
    _dominators.find_dominators(states, nodes, crossings, reached, parents, semi, forest)
    if reached < count:
        nodes[reached:] = np.flatnonzero(states[:, 0] == _dominators.NONE)
        parents[reached:] = 0
    return parents, nodes


def _search(
    columns: Columns,
    flags: NDArray[np.uint8],
    states: NDArray[np.uint32],
    nodes: NDArray[np.uint32],
    parents: NDArray[np.uint32],
    crossings: NDArray[np.uint32],
) -> int:
    """Number all nodes that the root or a node without essential retainers leads to; return how many."""
    first, targets = columns.first_edges, columns.edge_targets
    cursors = np.empty(columns.node_count, first.dtype)
    sizes = np.zeros(2, np.int64)
    starts = [0]
    for _ in range(2):
        for start in starts:
            _dominators.depth_first(
                first, targets, flags, start, states, nodes, parents, cursors, crossings, sizes
            )
        if sizes[0] == columns.node_count:
            break
        held = np.zeros(columns.node_count, np.uint8)
        _dominators.mark_strongly_held(first, targets, flags, states, held)
        starts = np.flatnonzero((states[:, 0] == _dominators.NONE) & (held == 0)).tolist()
    return int(sizes[0])
