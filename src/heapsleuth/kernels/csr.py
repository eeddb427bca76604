# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The graph turned round, who refers to each node; and single steps along named edges."""

from __future__ import annotations

try:
    import cython
except ImportError:
    from heapsleuth.kernels import _cython as cython

__all__ = ["count_targets", "fill_retainers", "find_named_targets"]

Offset = cython.fused_type(cython.uint, cython.ulonglong)


def count_targets(edge_targets: cython.const[cython.uint][::1], counts: Offset[::1]) -> None:
    """
    Count the edges that arrive at each node.

    Args:
        edge_targets: (m,) uint32 (input).
        counts: (n,) uint32 or uint64 (output), zeroed by the caller.

    Time complexity: O(m).
    """
    edge: cython.Py_ssize_t
    count: cython.Py_ssize_t = edge_targets.shape[0]
    with cython.nogil:
        for edge in range(count):
            counts[edge_targets[edge]] += 1


def fill_retainers(
    edge_targets: cython.const[cython.uint][::1],
    positions: Offset[::1],
    retainer_edges: Offset[::1],
) -> None:
    """
    Write for every node the edges that lead to it, in edge order.

    Args:
        edge_targets: (m,) uint32 (input).
        positions: (n,) uint32 or uint64 (input and output) where the retainers of each node begin;
            afterwards, where they end.
        retainer_edges: (m,) like `positions` (output).

    Time complexity: O(m).
    """
    edge: cython.Py_ssize_t
    slot: cython.Py_ssize_t
    target: cython.uint
    count: cython.Py_ssize_t = edge_targets.shape[0]
    with cython.nogil:
        for edge in range(count):
            target = edge_targets[edge]
            slot = cython.cast(cython.Py_ssize_t, positions[target])
            positions[target] += 1
            retainer_edges[slot] = edge


def find_named_targets(
    nodes: cython.const[cython.uint][::1],
    first_edges: cython.const[Offset][::1],
    edge_types: cython.const[cython.uchar][::1],
    edge_names: cython.const[cython.uint][::1],
    edge_targets: cython.const[cython.uint][::1],
    kind: cython.uchar,
    name: cython.uint,
    found: cython.uint[::1],
) -> None:
    """
    Follow the first edge of a given type and name from each of the given nodes.

    Args:
        nodes: (k,) uint32 (input).
        first_edges: (n + 1,) uint32 or uint64 (input).
        edge_types: (m,) uint8 (input).
        edge_names: (m,) uint32 (input).
        edge_targets: (m,) uint32 (input).
        kind: Edge type.
        name: String index or slot number.
        found: (k,) uint32 (output) the node the edge leads to, 2^32 - 1 where there is none.

    Time complexity: O(edges of the nodes).
    """
    i: cython.Py_ssize_t
    edge: cython.Py_ssize_t
    end: cython.Py_ssize_t
    count: cython.Py_ssize_t = nodes.shape[0]
    none: cython.uint = 0xFFFFFFFF
    with cython.nogil:
        for i in range(count):
            found[i] = none
            end = cython.cast(cython.Py_ssize_t, first_edges[nodes[i] + 1])
            edge = cython.cast(cython.Py_ssize_t, first_edges[nodes[i]])
            while edge < end:
                if edge_types[edge] == kind and edge_names[edge] == name:
                    found[i] = edge_targets[edge]
                    break
                edge += 1
