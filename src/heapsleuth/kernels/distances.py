# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Distances from the roots: one breadth-first kernel, called once per set of roots."""

from __future__ import annotations

try:
    import cython
except ImportError:
    from heapsleuth.kernels import _cython as cython

__all__ = ["breadth_first"]

Offset = cython.fused_type(cython.uint, cython.ulonglong)


def breadth_first(
    first_edges: cython.const[Offset][::1],
    edge_targets: cython.const[cython.uint][::1],
    flags: cython.const[cython.uchar][::1],
    edge_names: cython.const[cython.uint][::1],
    name_groups: cython.const[cython.uint][::1],
    pending: cython.uchar[::1],
    seen: cython.uchar[::1],
    distances: cython.int[::1],
    queue: cython.uint[::1],
    size: cython.Py_ssize_t,
) -> cython.Py_ssize_t:
    """
    Measure distances, first in first out over edge order, from nodes whose distance is known.

    Edges flagged `WEAK` or `SKIP` (1, 2) are not followed.  Of the two edges of a WeakMap pair, flagged
    `PAIR` (4), the one met first is not followed: a value is alive only when table and key are.

    Args:
        first_edges: (n + 1,) uint32 or uint64 (input).
        edge_targets: (m,) uint32 (input).
        flags: (m,) uint8 (input) the bits of `heapsleuth.kernels.essential`.
        edge_names: (m,) uint32 (input) read for edges flagged `PAIR` only.
        name_groups: (number of strings,) uint32 (input) which pair such a name speaks of.
        pending: (number of pairs,) uint8 (input and output) 1 while one edge of a pair has been met.
        seen: (ceil(n / 8),) uint8 (input and output) a bit per node that has a distance.
        distances: (n,) int32 (input and output) set for the nodes in the queue, written for the reached.
        queue: (n + repeats,) uint32 (scratch) begins with the nodes to start from, marked in `seen`; a
            node that is there twice is visited twice.
        size: How many nodes to start from.

    Returns:
        How many nodes are in the queue at the end.

    Time complexity: O(n + m).
    """
    index: cython.Py_ssize_t = 0
    node: cython.Py_ssize_t
    target: cython.Py_ssize_t
    edge: cython.Py_ssize_t
    end: cython.Py_ssize_t
    group: cython.Py_ssize_t
    distance: cython.int
    flag: cython.uchar
    bit: cython.uchar
    with cython.nogil:
        while index < size:
            node = queue[index]
            index += 1
            distance = distances[node] + 1
            end = cython.cast(cython.Py_ssize_t, first_edges[node + 1])
            edge = cython.cast(cython.Py_ssize_t, first_edges[node])
            while edge < end:
                flag = flags[edge]
                if flag & 3:
                    edge += 1
                    continue
                target = edge_targets[edge]
                bit = cython.cast(cython.uchar, 1 << (target & 7))
                if seen[target >> 3] & bit:
                    edge += 1
                    continue
                if flag & 4:
                    group = name_groups[edge_names[edge]]
                    if not pending[group]:
                        pending[group] = 1
                        edge += 1
                        continue
                    pending[group] = 0
                seen[target >> 3] |= bit
                distances[target] = distance
                queue[size] = cython.cast(cython.uint, target)
                size += 1
                edge += 1
    return size
