# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""What the dominator tree says: sizes summed up, a preorder, and the largest share of each class."""

from __future__ import annotations

try:
    import cython
except ImportError:
    from heapsleuth.kernels import _cython as cython

__all__ = ["class_retained_sizes", "count_subtrees", "preorder", "sum_retained_sizes"]

Size = cython.fused_type(cython.uint, cython.ulonglong)


def preorder(
    parents: cython.const[cython.uint][::1],
    nodes: cython.uint[::1],
    places: cython.uint[:, ::1],
    order: cython.uint[::1],
) -> None:
    """
    Order the nodes so that everything a node dominates follows it directly.

    Args:
        parents: (n,) uint32 (input) by number: number of the immediate dominator, smaller than its own.
        nodes: (n,) uint32 (input and output) node by number in; out, by position in `order`, how many
            nodes the node there dominates, itself included.
        places: (n, 2) uint32 (scratch) by number: size of the subtree, where its next part goes.
        order: (n,) uint32 (output) nodes in preorder of the dominator tree, the root first.

    Time complexity: O(n).
    """
    number: cython.Py_ssize_t
    position: cython.uint
    above: cython.uint
    count: cython.Py_ssize_t = parents.shape[0]
    with cython.nogil:
        for number in range(count):
            places[number, 0] = 1
        for number in range(count - 1, 0, -1):
            places[parents[number], 0] += places[number, 0]
        # places[x, 1] is where the next child of x goes; it starts right after x itself.
        order[0] = nodes[0]
        places[0, 1] = 1
        for number in range(1, count):
            above = parents[number]
            position = places[above, 1]
            places[above, 1] = position + places[number, 0]
            places[number, 1] = position + 1
            order[position] = nodes[number]
        # Now all parts are in place, so that the next one would go to the end of the subtree.
        for number in range(count):
            nodes[places[number, 1] - places[number, 0]] = places[number, 0]


def count_subtrees(
    order: cython.const[cython.uint][::1],
    dominators: cython.const[cython.uint][::1],
    by_node: cython.uint[::1],
    counts: cython.uint[::1],
) -> None:
    """
    Count what each node dominates.

    Args:
        order: (n,) uint32 (input) preorder of the dominator tree.
        dominators: (n,) uint32 (input) immediate dominator by node; the root's is the root.
        by_node: (n,) uint32 (scratch).
        counts: (n,) uint32 (output) by position in `order`: how many nodes the node there dominates,
            itself included.

    Time complexity: O(n).
    """
    position: cython.Py_ssize_t
    node: cython.uint
    count: cython.Py_ssize_t = order.shape[0]
    with cython.nogil:
        for position in range(count):
            by_node[position] = 1
        for position in range(count - 1, 0, -1):
            node = order[position]
            counts[position] = by_node[node]
            by_node[dominators[node]] += by_node[node]
        counts[0] = by_node[order[0]]


def sum_retained_sizes(
    parents: cython.const[cython.uint][::1],
    nodes: cython.const[cython.uint][::1],
    shallow: cython.const[Size][::1],
    by_number: Size[::1],
    retained: Size[::1],
) -> None:
    """
    Add every node's size to all that dominate it.

    Args:
        parents: (n,) uint32 (input) by number: number of the immediate dominator, smaller than its own.
        nodes: (n,) uint32 (input) node by number.
        shallow: (n,) uint32 or uint64 (input) size by node; wide enough for the sum of all.
        by_number: (n,) like `shallow` (scratch).
        retained: (n,) like `shallow` (output) by node.

    Time complexity: O(n).
    """
    number: cython.Py_ssize_t
    count: cython.Py_ssize_t = parents.shape[0]
    with cython.nogil:
        for number in range(count):
            by_number[number] = shallow[nodes[number]]
        for number in range(count - 1, 0, -1):
            by_number[parents[number]] += by_number[number]
            retained[nodes[number]] = by_number[number]
        retained[nodes[0]] = by_number[0]


def class_retained_sizes(
    order: cython.const[cython.uint][::1],
    subtree_counts: cython.const[cython.uint][::1],
    class_ids: cython.const[cython.uint][::1],
    shallow: cython.const[Size][::1],
    retained: cython.const[Size][::1],
    ends: cython.uint[::1],
    sums: cython.ulonglong[::1],
) -> None:
    """
    Sum retained sizes per class without counting what a member of the same class already retains.

    Args:
        order: (n,) uint32 (input) preorder of the dominator tree.
        subtree_counts: (n,) uint32 (input) by position in `order`.
        class_ids: (n,) uint32 (input) by node.
        shallow: (n,) uint32 or uint64 (input); nodes of size 0 count for nothing.
        retained: (n,) like `shallow` (input).
        ends: (classes,) uint32 (scratch), zeroed by the caller.
        sums: (classes,) uint64 (output), zeroed by the caller.

    Time complexity: O(n).
    """
    position: cython.Py_ssize_t
    node: cython.uint
    kind: cython.uint
    count: cython.Py_ssize_t = order.shape[0]
    with cython.nogil:
        for position in range(count):
            node = order[position]
            if shallow[node] == 0:
                continue
            kind = class_ids[node]
            if position < ends[kind]:
                continue
            # Nodes up to here are dominated by this one.
            ends[kind] = cython.cast(cython.uint, position) + subtree_counts[position]
            sums[kind] += retained[node]
