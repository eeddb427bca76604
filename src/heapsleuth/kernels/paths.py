# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""One retaining path per node, chosen so that it reads well."""

from __future__ import annotations

try:
    import cython
except ImportError:
    from heapsleuth.kernels import _cython as cython

__all__ = ["spread_paths"]

Offset = cython.fused_type(cython.uint, cython.ulonglong)


def spread_paths(
    first_edges: cython.const[Offset][::1],
    edge_targets: cython.const[cython.uint][::1],
    flags: cython.const[cython.uchar][::1],
    ranks: cython.const[cython.uchar][::1],
    rank: cython.uchar,
    seen: cython.uchar[::1],
    incoming: Offset[::1],
    queue: cython.uint[::1],
    size: cython.Py_ssize_t,
) -> None:
    """
    Find for all nodes the edge by which a breadth-first search from the queue reaches them.

    Nodes of a rank above *rank* are reached but not passed through: they stay out of the queue, marked.

    Args:
        first_edges: (n + 1,) uint32 or uint64 (input).
        edge_targets: (m,) uint32 (input).
        flags: (m,) uint8 (input) edges with `INESSENTIAL` (8) are not followed.
        ranks: (n,) uint8 (input) 0 for nodes that may be on any path, more for those to avoid.
        rank: Highest rank to pass through.
        seen: (n,) uint8 (input and output) 1 for nodes that are reached.
        incoming: (n,) like `first_edges` (input and output) edge by which each node was reached.
        queue: (n,) uint32 (scratch) begins with the nodes to start from, already marked.
        size: How many nodes to start from.

    Time complexity: O(n + m).
    """
    index: cython.Py_ssize_t = 0
    node: cython.Py_ssize_t
    edge: cython.Py_ssize_t
    end: cython.Py_ssize_t
    target: cython.uint
    with cython.nogil:
        while index < size:
            node = queue[index]
            index += 1
            end = cython.cast(cython.Py_ssize_t, first_edges[node + 1])
            edge = cython.cast(cython.Py_ssize_t, first_edges[node])
            while edge < end:
                target = edge_targets[edge]
                if not flags[edge] & 8 and not seen[target]:
                    seen[target] = 1
                    incoming[target] = edge
                    if ranks[target] <= rank:
                        queue[size] = target
                        size += 1
                edge += 1
