# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The graph turned round: who refers to each node."""

from __future__ import annotations

try:
    import cython
except ImportError:
    from heapsleuth.kernels import _cython as cython

__all__ = ["count_targets", "fill_retainers"]

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
    first_edges: cython.const[Offset][::1],
    edge_targets: cython.const[cython.uint][::1],
    positions: Offset[::1],
    retainer_nodes: cython.uint[::1],
    retainer_edges: Offset[::1],
) -> None:
    """
    Write for every node the nodes and edges that lead to it, in edge order.

    Args:
        first_edges: (n + 1,) uint32 or uint64 (input).
        edge_targets: (m,) uint32 (input).
        positions: (n,) like `first_edges` (input and output) where the retainers of each node begin;
            afterwards, where they end.
        retainer_nodes: (m,) uint32 (output).
        retainer_edges: (m,) like `first_edges` (output).

    Time complexity: O(n + m).
    """
    source: cython.Py_ssize_t
    edge: cython.Py_ssize_t = 0
    end: cython.Py_ssize_t
    slot: cython.Py_ssize_t
    target: cython.uint
    count: cython.Py_ssize_t = first_edges.shape[0] - 1
    with cython.nogil:
        for source in range(count):
            end = cython.cast(cython.Py_ssize_t, first_edges[source + 1])
            while edge < end:
                target = edge_targets[edge]
                slot = cython.cast(cython.Py_ssize_t, positions[target])
                positions[target] += 1
                retainer_nodes[slot] = cython.cast(cython.uint, source)
                retainer_edges[slot] = edge
                edge += 1
