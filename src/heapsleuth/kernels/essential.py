# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Which edges count: one byte of flags per edge, read by the traversals instead of types and names.

The rules are those of Chrome DevTools: weak edges carry nothing; an edge is *essential* (it can keep
its target alive) unless it is weak, a self edge, a shortcut that does not leave the root, the edge of a
WeakMap pair that leaves the table, or leads from a node the page does not own into one it owns.
"""

from __future__ import annotations

try:
    import cython
except ImportError:
    from heapsleuth.kernels import _cython as cython

__all__ = [
    "INESSENTIAL",
    "PAIR",
    "SKIP",
    "WEAK",
    "classify_edges",
    "enter_skipped_edges",
    "flag_descriptor_edges",
    "flag_foreign_edges",
    "flag_pair_edges",
    "mark_internal_names",
    "spread_ownership",
]

WEAK = 1
"""A weak edge: followed by nothing."""
SKIP = 2
"""Not followed when distances are measured (map descriptors, the sloppy function map)."""
PAIR = 4
"""One of the two edges of a WeakMap pair."""
INESSENTIAL = 8
"""Keeps nothing alive: not part of the graph whose dominators are computed."""

Offset = cython.fused_type(cython.uint, cython.ulonglong)
Ident = cython.fused_type(cython.uint, cython.ulonglong)


def classify_edges(
    first_edges: cython.const[Offset][::1],
    edge_types: cython.const[cython.uchar][::1],
    edge_targets: cython.const[cython.uint][::1],
    flags: cython.uchar[::1],
) -> None:
    """
    Set the flags that follow from type and ends alone.

    Args:
        first_edges: (n + 1,) uint32 or uint64 (input) where each node's edges begin; node 0 is the root.
        edge_types: (m,) uint8 (input).
        edge_targets: (m,) uint32 (input).
        flags: (m,) uint8 (output) overwritten with `WEAK` and `INESSENTIAL` bits.

    Time complexity: O(n + m).
    """
    source: cython.Py_ssize_t
    edge: cython.Py_ssize_t
    end: cython.Py_ssize_t
    count: cython.Py_ssize_t = first_edges.shape[0] - 1
    kind: cython.uchar
    with cython.nogil:
        edge = 0
        for source in range(count):
            end = cython.cast(cython.Py_ssize_t, first_edges[source + 1])
            while edge < end:
                kind = edge_types[edge]
                if kind == 6:
                    flags[edge] = 9
                elif edge_targets[edge] == source or (kind == 5 and source != 0):
                    flags[edge] = 8
                else:
                    flags[edge] = 0
                edge += 1


def mark_internal_names(
    edge_types: cython.const[cython.uchar][::1],
    edge_names: cython.const[cython.uint][::1],
    used: cython.uchar[::1],
) -> None:
    """
    Mark the names that internal edges carry.

    Args:
        edge_types: (m,) uint8 (input).
        edge_names: (m,) uint32 (input).
        used: (number of strings,) uint8 (output) 1 for those names; zeroed by the caller.

    Time complexity: O(m).
    """
    edge: cython.Py_ssize_t
    count: cython.Py_ssize_t = edge_types.shape[0]
    with cython.nogil:
        for edge in range(count):
            if edge_types[edge] == 3:
                used[edge_names[edge]] = 1


def flag_pair_edges(
    first_edges: cython.const[Offset][::1],
    edge_types: cython.const[cython.uchar][::1],
    edge_names: cython.const[cython.uint][::1],
    node_ids: cython.const[Ident][::1],
    name_groups: cython.const[cython.uint][::1],
    group_tables: cython.const[cython.ulonglong][::1],
    flags: cython.uchar[::1],
) -> None:
    """
    Flag `PAIR` on the edges of WeakMap pairs, and `INESSENTIAL` on the one that leaves the table.

    Args:
        first_edges: (n + 1,) uint32 or uint64 (input).
        edge_types: (m,) uint8 (input).
        edge_names: (m,) uint32 (input).
        node_ids: (n,) uint32 or uint64 (input).
        name_groups: (number of strings,) uint32 (input) which pair a name speaks of, 2^32 - 1 for none.
        group_tables: (pairs,) uint64 (input) id of each pair's table.
        flags: (m,) uint8 (input and output).

    Time complexity: O(n + m).
    """
    source: cython.Py_ssize_t
    edge: cython.Py_ssize_t = 0
    end: cython.Py_ssize_t
    count: cython.Py_ssize_t = first_edges.shape[0] - 1
    group: cython.uint
    none: cython.uint = 0xFFFFFFFF
    with cython.nogil:
        for source in range(count):
            end = cython.cast(cython.Py_ssize_t, first_edges[source + 1])
            while edge < end:
                if edge_types[edge] == 3:
                    group = name_groups[edge_names[edge]]
                    if group != none:
                        if group_tables[group] == node_ids[source]:
                            flags[edge] |= 12
                        else:
                            flags[edge] |= 4
                edge += 1


def flag_descriptor_edges(
    nodes: cython.const[cython.uint][::1],
    first_edges: cython.const[Offset][::1],
    edge_types: cython.const[cython.uchar][::1],
    edge_names: cython.const[cython.uint][::1],
    skipped: cython.const[cython.uchar][::1],
    flags: cython.uchar[::1],
) -> None:
    """
    Flag `SKIP` on the slots 4, 7, 10, … of `(map descriptors)` arrays, and take `PAIR` from their edges.

    Those slots lead from a map to what it knows of its properties, not to what objects hold.

    Args:
        nodes: (k,) uint32 (input) the descriptor arrays.
        first_edges: (n + 1,) uint32 or uint64 (input).
        edge_types: (m,) uint8 (input).
        edge_names: (m,) uint32 (input).
        skipped: (number of strings,) uint8 (input) 1 for names that begin with such a slot number.
        flags: (m,) uint8 (input and output).

    Time complexity: O(edges of the given nodes).
    """
    i: cython.Py_ssize_t
    edge: cython.Py_ssize_t
    end: cython.Py_ssize_t
    count: cython.Py_ssize_t = nodes.shape[0]
    kind: cython.uchar
    slot: cython.uint
    with cython.nogil:
        for i in range(count):
            end = cython.cast(cython.Py_ssize_t, first_edges[nodes[i] + 1])
            edge = cython.cast(cython.Py_ssize_t, first_edges[nodes[i]])
            while edge < end:
                kind = edge_types[edge]
                slot = edge_names[edge]
                if kind == 1 or kind == 4:
                    if slot >= 2 and slot % 3 == 1:
                        flags[edge] |= 2
                else:
                    flags[edge] &= 251
                    if skipped[slot]:
                        flags[edge] |= 2
                edge += 1


def spread_ownership(
    first_edges: cython.const[Offset][::1],
    edge_targets: cython.const[cython.uint][::1],
    flags: cython.const[cython.uchar][::1],
    owned: cython.uchar[::1],
    stack: cython.uint[::1],
    size: cython.Py_ssize_t,
) -> None:
    """
    Mark everything reachable over non-weak edges.

    Args:
        first_edges: (n + 1,) uint32 or uint64 (input).
        edge_targets: (m,) uint32 (input).
        flags: (m,) uint8 (input) `WEAK` bits.
        owned: (ceil(n / 8),) uint8 (input and output) a bit per node; marked nodes are not entered again.
        stack: (n,) uint32 (scratch) begins with the nodes to start from, already marked.
        size: How many nodes to start from.

    Time complexity: O(edges of the newly marked nodes).
    """
    node: cython.Py_ssize_t
    target: cython.Py_ssize_t
    edge: cython.Py_ssize_t
    end: cython.Py_ssize_t
    bit: cython.uchar
    with cython.nogil:
        while size > 0:
            size -= 1
            node = stack[size]
            end = cython.cast(cython.Py_ssize_t, first_edges[node + 1])
            edge = cython.cast(cython.Py_ssize_t, first_edges[node])
            while edge < end:
                if not flags[edge] & 1:
                    target = edge_targets[edge]
                    bit = cython.cast(cython.uchar, 1 << (target & 7))
                    if not owned[target >> 3] & bit:
                        owned[target >> 3] |= bit
                        stack[size] = cython.cast(cython.uint, target)
                        size += 1
                edge += 1


def enter_skipped_edges(
    first_edges: cython.const[Offset][::1],
    edge_targets: cython.const[cython.uint][::1],
    flags: cython.const[cython.uchar][::1],
    owned: cython.uchar[::1],
    stack: cython.uint[::1],
) -> cython.Py_ssize_t:
    """
    Mark what owned nodes reach over the edges that a distance search does not follow.

    Args:
        first_edges: (n + 1,) uint32 or uint64 (input).
        edge_targets: (m,) uint32 (input).
        flags: (m,) uint8 (input).
        owned: (ceil(n / 8),) uint8 (input and output) a bit per node.
        stack: (n,) uint32 (output) the newly marked nodes.

    Returns:
        How many nodes were marked.

    Time complexity: O(n + m).
    """
    source: cython.Py_ssize_t
    target: cython.Py_ssize_t
    edge: cython.Py_ssize_t = 0
    end: cython.Py_ssize_t
    size: cython.Py_ssize_t = 0
    count: cython.Py_ssize_t = first_edges.shape[0] - 1
    bit: cython.uchar
    with cython.nogil:
        for source in range(count):
            end = cython.cast(cython.Py_ssize_t, first_edges[source + 1])
            while edge < end:
                if flags[edge] & 6 and not flags[edge] & 1 and (owned[source >> 3] >> (source & 7)) & 1:
                    target = edge_targets[edge]
                    bit = cython.cast(cython.uchar, 1 << (target & 7))
                    if not owned[target >> 3] & bit:
                        owned[target >> 3] |= bit
                        stack[size] = cython.cast(cython.uint, target)
                        size += 1
                edge += 1
    return size


def flag_foreign_edges(
    first_edges: cython.const[Offset][::1],
    edge_targets: cython.const[cython.uint][::1],
    owned: cython.const[cython.uchar][::1],
    flags: cython.uchar[::1],
) -> None:
    """
    Flag `INESSENTIAL` on edges from a node the page does not own into one it owns.

    Args:
        first_edges: (n + 1,) uint32 or uint64 (input); edges of node 0, the root, are left alone.
        edge_targets: (m,) uint32 (input).
        owned: (ceil(n / 8),) uint8 (input) a bit per node the page owns.
        flags: (m,) uint8 (input and output).

    Time complexity: O(n + edges of nodes that are not owned).
    """
    source: cython.Py_ssize_t
    target: cython.Py_ssize_t
    edge: cython.Py_ssize_t
    end: cython.Py_ssize_t
    count: cython.Py_ssize_t = first_edges.shape[0] - 1
    with cython.nogil:
        for source in range(1, count):
            if (owned[source >> 3] >> (source & 7)) & 1:
                continue
            end = cython.cast(cython.Py_ssize_t, first_edges[source + 1])
            edge = cython.cast(cython.Py_ssize_t, first_edges[source])
            while edge < end:
                target = edge_targets[edge]
                if (owned[target >> 3] >> (target & 7)) & 1:
                    flags[edge] |= 8
                edge += 1
