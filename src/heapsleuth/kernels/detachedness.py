# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Which DOM nodes hang in the document and which do not, handed on from node to node."""

from __future__ import annotations

try:
    import cython
except ImportError:
    from heapsleuth.kernels import _cython as cython

__all__ = ["spread_state"]

Offset = cython.fused_type(cython.uint, cython.ulonglong)


def spread_state(
    first_edges: cython.const[Offset][::1],
    edge_types: cython.const[cython.uchar][::1],
    edge_targets: cython.const[cython.uint][::1],
    node_types: cython.const[cython.uchar][::1],
    states: cython.uchar[::1],
    decided: cython.uchar[::1],
    stack: cython.uint[::1],
    size: cython.Py_ssize_t,
    state: cython.uchar,
) -> None:
    """
    Give a state to all native nodes (type 8) that native nodes of that state lead to.

    Hidden and weak edges (4, 6) are not followed; a node decided before keeps its state.

    Args:
        first_edges: (n + 1,) uint32 or uint64 (input).
        edge_types: (m,) uint8 (input).
        edge_targets: (m,) uint32 (input).
        node_types: (n,) uint8 (input).
        states: (n,) uint8 (input and output).
        decided: (n,) uint8 (input and output).
        stack: (n,) uint32 (scratch) begins with the nodes to start from.
        size: How many nodes to start from.
        state: The state to give.

    Time complexity: O(edges of the nodes reached).
    """
    node: cython.Py_ssize_t
    edge: cython.Py_ssize_t
    end: cython.Py_ssize_t
    target: cython.uint
    with cython.nogil:
        while size > 0:
            size -= 1
            node = stack[size]
            end = cython.cast(cython.Py_ssize_t, first_edges[node + 1])
            edge = cython.cast(cython.Py_ssize_t, first_edges[node])
            while edge < end:
                target = edge_targets[edge]
                if edge_types[edge] != 4 and edge_types[edge] != 6 and not decided[target]:
                    decided[target] = 1
                    if node_types[target] == 8:
                        states[target] = state
                        stack[size] = target
                        size += 1
                edge += 1
