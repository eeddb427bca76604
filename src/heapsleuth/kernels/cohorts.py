# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Kernels over several snapshots of one process: which ids are new, who holds them.

All arrays are indexed by node index of one snapshot; callers have validated every index.
"""

from __future__ import annotations

try:
    import cython
except ImportError:
    from heapsleuth.kernels import _cython as cython

__all__ = ["dense_positions", "fold_holders", "lift_plumbing", "lookup_positions", "path_keys"]


def dense_positions(ids: cython.const[cython.uint][::1], slots: cython.uint[::1]) -> None:
    """
    Fill a table that answers "where is this odd id?".

    Args:
        ids: (n,) uint32 (input) object ids; even ids are passed over.
        slots: (max(ids) // 2 + 1,) uint32 (output), zeroed by the caller; `slots[id // 2]` becomes
            the node index + 1, 0 where no node has the id.

    Time complexity: O(n).
    """
    i: cython.Py_ssize_t
    n: cython.Py_ssize_t = ids.shape[0]
    value: cython.uint
    with cython.nogil:
        for i in range(n):
            value = ids[i]
            if value & 1:
                slots[value >> 1] = cython.cast(cython.uint, i + 1)


def lookup_positions(
    ids: cython.const[cython.uint][::1], slots: cython.const[cython.uint][::1], out: cython.int[::1]
) -> None:
    """
    Look odd ids up in a table made by `dense_positions`.

    Args:
        ids: (n,) uint32 (input) ids to look up; even or unknown ids give -1.
        slots: (k,) uint32 (input) the table.
        out: (n,) int32 (output) node index of each id in the table's snapshot, or -1.

    Time complexity: O(n).
    """
    i: cython.Py_ssize_t
    n: cython.Py_ssize_t = ids.shape[0]
    limit: cython.Py_ssize_t = slots.shape[0]
    value: cython.uint
    with cython.nogil:
        for i in range(n):
            value = ids[i]
            if value & 1 and cython.cast(cython.Py_ssize_t, value >> 1) < limit:
                out[i] = cython.cast(cython.int, slots[value >> 1]) - 1
            else:
                out[i] = -1


def fold_holders(
    order: cython.const[cython.uint][::1],
    dominators: cython.const[cython.uint][::1],
    lifted: cython.const[cython.uint][::1],
    kinds: cython.const[cython.uint][::1],
    holders: cython.uint[::1],
) -> None:
    """
    Name for every node the nearest dominator that is neither plumbing nor of the node's own kind.

    A run of nodes of one kind that dominate each other (a linked list, a tree) is folded into its
    first: all of the run get the holder of the first.

    Args:
        order: (n,) uint32 (input) node indices, a dominator before what it dominates; root first.
        dominators: (n,) uint32 (input) immediate dominators.
        lifted: (n,) uint32 (input) as `lift_plumbing` gives.
        kinds: (n,) uint32 (input) any equivalence of nodes, for instance class ids.
        holders: (n,) uint32 (output).  That of plumbing is its lifted node's.

    Time complexity: O(n).
    """
    i: cython.Py_ssize_t
    n: cython.Py_ssize_t = order.shape[0]
    node: cython.uint
    parent: cython.uint
    with cython.nogil:
        for i in range(n):
            node = order[i]
            if i == 0:
                holders[node] = node
                continue
            if lifted[node] != node:
                holders[node] = holders[lifted[node]]
                continue
            parent = lifted[dominators[node]]
            holders[node] = holders[parent] if kinds[parent] == kinds[node] else parent


def lift_plumbing(
    order: cython.const[cython.uint][::1],
    dominators: cython.const[cython.uint][::1],
    owners: cython.const[cython.uint][::1],
    plumbing: cython.const[cython.uchar][::1],
    lifted: cython.uint[::1],
) -> None:
    """
    Name for every node the object a programmer would see in its place.

    Args:
        order: (n,) uint32 (input) node indices, a dominator before what it dominates; root first.
        dominators: (n,) uint32 (input) immediate dominators.
        owners: (n,) uint32 (input) who took the node's bytes, the node itself if nobody did.
        plumbing: (n,) uint8 (input) 1 for backing stores and engine internals.
        lifted: (n,) uint32 (output) the owner, transitively, of plumbing; the node itself for others.

    Time complexity: O(n).
    """
    i: cython.Py_ssize_t
    n: cython.Py_ssize_t = order.shape[0]
    node: cython.uint
    with cython.nogil:
        for i in range(n):
            node = order[i]
            if i == 0:
                lifted[node] = node
            elif owners[node] != node:
                lifted[node] = lifted[owners[node]]
            elif plumbing[node]:
                lifted[node] = lifted[dominators[node]]
            else:
                lifted[node] = node


def path_keys(
    order: cython.const[cython.uint][::1],
    dominators: cython.const[cython.uint][::1],
    lifted: cython.const[cython.uint][::1],
    own: cython.const[cython.ulonglong][::1],
    keys: cython.ulonglong[::1],
) -> None:
    """
    Hash the way down the dominator tree to each node, by what the nodes on it are called.

    Nodes whose own key equals their dominator's share its path, so that lists and trees fold.

    Args:
        order: (n,) uint32 (input) node indices, a dominator before what it dominates; root first.
        dominators: (n,) uint32 (input) immediate dominators.
        lifted: (n,) uint32 (input) as `lift_plumbing` gives.
        own: (n,) uint64 (input) what each node is called.
        keys: (n,) uint64 (output) equal for equal paths; that of plumbing is its lifted node's.

    Time complexity: O(n).
    """
    i: cython.Py_ssize_t
    n: cython.Py_ssize_t = order.shape[0]
    node: cython.uint
    parent: cython.uint
    mixed: cython.ulonglong
    # splitmix64's constants; the mask is for Python ints, which do not wrap.
    first: cython.ulonglong = 0xBF58476D1CE4E5B9
    second: cython.ulonglong = 0x94D049BB133111EB
    mask: cython.ulonglong = 0xFFFFFFFFFFFFFFFF
    with cython.nogil:
        for i in range(n):
            node = order[i]
            if i == 0:
                keys[node] = own[node]
                continue
            if lifted[node] != node:
                keys[node] = keys[lifted[node]]
                continue
            parent = lifted[dominators[node]]
            if own[parent] == own[node]:
                keys[node] = keys[parent]
                continue
            mixed = ((keys[parent] ^ own[node]) * first) & mask
            mixed = ((mixed ^ (mixed >> 27)) * second) & mask
            keys[node] = mixed ^ (mixed >> 31)
