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
    subtree_counts: NDArray[np.uint32]
    """(n,) by position in `order`: nodes dominated by the node there, itself included."""
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
    # Memory that is touched for the first time costs as much as computing with it, so what one step is
    # done with the next one writes to: `scratch` is lists, then sums, then places; `dominators` numbers,
    # then semidominators, then itself; `nodes` becomes subtree counts, the cells two of the results.
    scratch = np.empty((count, 2), np.uint32)
    dominators = np.full(count, _dominators.NONE, np.uint32)
    # Room for the worst case; the system gives memory only to what is written.
    cells = np.empty((columns.edge_count, 2), np.uint32)
    parents, nodes = _numbered_parents(columns, flags, dominators, scratch, cells)
    _dominators.name_dominators(parents, nodes, dominators)
    cells.resize((2, count), refcheck=False)
    order = cells[0]
    retained = cells[1] if shallow_sizes.dtype == cells.dtype else np.empty_like(shallow_sizes)
    sums = scratch.reshape(-1).view(retained.dtype)[:count]
    _retained.sum_retained_sizes(parents, nodes, shallow_sizes, sums, retained)
    _retained.preorder(parents, nodes, scratch, order)
    return DominatorTree(dominators, order, nodes, retained)


def _numbered_parents(
    columns: Columns,
    flags: NDArray[np.uint8],
    numbers: NDArray[np.uint32],
    lists: NDArray[np.uint32],
    cells: NDArray[np.uint32],
) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """
    Return (immediate dominators, nodes), both by depth-first number.

    Numbers all nodes that the root or a node without essential retainers leads to; those that are left
    come last, in their own order.

    Args:
        columns: The heap.
        flags: (m,) edge flags.
        numbers: (n,) scratch, filled with `NONE`.
        lists: (n, 2) scratch.
        cells: (m, 2) scratch.
    """
    count, first, targets = columns.node_count, columns.first_edges, columns.edge_targets
    shared, once = np.zeros((2, (count + 7) // 8), np.uint8)
    _dominators.mark_shared(targets, flags, once, shared)
    nodes, parents = np.empty(count, np.uint32), np.empty(count, np.uint32)
    cursors, chains = np.empty(count, first.dtype), np.empty(count, np.uint32)
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
    reached = int(sizes[0])
    if reached < count:
        nodes[reached:] = np.flatnonzero(numbers == _dominators.NONE)
        parents[reached:] = 0
    _dominators.find_dominators(cells, lists, reached, parents, numbers)
    return parents, nodes
