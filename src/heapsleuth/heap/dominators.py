"""The dominator tree: who alone keeps what alive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.kernels import dominators as _dominators
from heapsleuth.kernels import retained as _retained

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
    nodes, parents, lists, cells, reached, rest = _search(columns, flags)
    _dominators.find_dominators(cells, lists, reached, parents, np.empty_like(lists))
    nodes[reached:] = rest
    parents[reached:] = 0
    return parents, nodes


def _search(
    columns: Columns, flags: NDArray[np.uint8]
) -> tuple[
    NDArray[np.uint32], NDArray[np.uint32], NDArray[np.uint32], NDArray[np.uint32], int, NDArray[np.int64]
]:
    """
    Number all nodes that the root or a node without essential retainers leads to.

    Returns:
        (nodes, parents, lists, cells, how many are numbered, the nodes that are not).
    """
    count, first, targets = columns.node_count, columns.first_edges, columns.edge_targets
    shared, once = np.zeros((2, (count + 7) // 8), np.uint8)
    _dominators.mark_shared(targets, flags, once, shared)
    numbers = np.full(count, _dominators.NONE, np.uint32)
    nodes, parents, chains = (np.empty(count, np.uint32) for _ in range(3))
    cursors = np.empty(count, first.dtype)
    lists = np.empty((count, 2), np.uint32)
    # Room for the worst case; the system gives memory only to what is written.
    cells = np.empty((columns.edge_count, 2), np.uint32)
    sizes = np.zeros(2, np.int64)
    starts = [0]
    for _ in range(2):
        for start in starts:
            _dominators.depth_first(
                first, targets, flags, shared, start, numbers, nodes, parents, cursors, chains, lists,
                cells, sizes,
            )  # fmt: skip
        if sizes[0] == count:
            break
        held = np.zeros(count, np.uint8)
        _dominators.mark_strongly_held(first, targets, flags, numbers, held)
        starts = np.flatnonzero((numbers == _dominators.NONE) & (held == 0)).tolist()
    return nodes, parents, lists, cells, int(sizes[0]), np.flatnonzero(numbers == _dominators.NONE)
