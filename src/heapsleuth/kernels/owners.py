# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Shallow-size transfer: backing stores count for the one object that owns them."""

from __future__ import annotations

try:
    import cython
except ImportError:
    from heapsleuth.kernels import _cython as cython

__all__ = ["find_owners", "transfer_sizes"]

Offset = cython.fused_type(cython.uint, cython.ulonglong)
Size = cython.fused_type(cython.uint, cython.ulonglong)


def find_owners(
    first_edges: cython.const[Offset][::1],
    edge_types: cython.const[cython.uchar][::1],
    edge_targets: cython.const[cython.uint][::1],
    ownable: cython.const[cython.uchar][::1],
    owners: cython.uint[::1],
    stack: cython.uint[::1],
) -> None:
    """
    Find for every ownable node the one node it can only be reached from.

    What an ownable node leads to belongs to its owner too.  The result is the least fixed point of
    "unknown, then one owner, then shared", so the order of visits does not matter.

    Args:
        first_edges: (n + 1,) uint32 or uint64 (input).
        edge_types: (m,) uint8 (input) weak edges (6) own nothing.
        edge_targets: (m,) uint32 (input).
        ownable: (n,) uint8 (input) nonzero for hidden nodes, arrays and external string data.
        owners: (n,) uint32 (output) the owner; the node itself when it has none or several or is not
            ownable.
        stack: (2 n,) uint32 (scratch); a node is entered at most twice.

    Time complexity: O(n + m).
    """
    unknown: cython.uint = 0xFFFFFFFF
    shared: cython.uint = 0xFFFFFFFE
    node: cython.Py_ssize_t
    source: cython.Py_ssize_t
    target: cython.Py_ssize_t
    edge: cython.Py_ssize_t
    end: cython.Py_ssize_t
    size: cython.Py_ssize_t = 0
    count: cython.Py_ssize_t = owners.shape[0]
    owner: cython.uint
    known: cython.uint
    with cython.nogil:
        for node in range(count):
            owners[node] = unknown if ownable[node] else cython.cast(cython.uint, node)
        for node in range(count):
            if ownable[node]:
                continue
            source = node
            while True:
                owner = owners[source]
                end = cython.cast(cython.Py_ssize_t, first_edges[source + 1])
                edge = cython.cast(cython.Py_ssize_t, first_edges[source])
                while edge < end:
                    target = edge_targets[edge]
                    if ownable[target] and edge_types[edge] != 6:
                        known = owners[target]
                        if known != owner and known != shared:
                            # A node is entered at most twice: with its first owner, then as shared.
                            owners[target] = owner if known == unknown else shared
                            stack[size] = cython.cast(cython.uint, target)
                            size += 1
                    edge += 1
                if size == 0:
                    break
                size -= 1
                source = stack[size]
        for node in range(count):
            if owners[node] >= shared:
                owners[node] = cython.cast(cython.uint, node)


def transfer_sizes(
    owners: cython.const[cython.uint][::1],
    node_types: cython.const[cython.uchar][::1],
    sizes: Size[::1],
) -> None:
    """
    Move the size of every owned node to its owner, unless that is the root or a synthetic node.

    Args:
        owners: (n,) uint32 (input) as `find_owners` gives them.
        node_types: (n,) uint8 (input); 9 is synthetic.
        sizes: (n,) uint32 or uint64 (input and output), wide enough for the sum of all.

    Time complexity: O(n).
    """
    node: cython.Py_ssize_t
    owner: cython.Py_ssize_t
    count: cython.Py_ssize_t = owners.shape[0]
    with cython.nogil:
        for node in range(count):
            owner = owners[node]
            if owner != node and owner != 0 and node_types[owner] != 9:
                sizes[owner] += sizes[node]
                sizes[node] = 0
