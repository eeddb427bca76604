# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Sorting objects into classes: by type and name, by place of declaration, by property names."""

from __future__ import annotations

try:
    import cython
except ImportError:
    from heapsleuth.kernels import _cython as cython

__all__ = [
    "add_up_classes",
    "assign_classes",
    "cut_shapes",
    "group_rows",
    "group_shapes",
    "mark_class_names",
    "mark_edge_names",
    "match_shapes",
]

Offset = cython.fused_type(cython.uint, cython.ulonglong)
Size = cython.fused_type(cython.uint, cython.ulonglong)


def mark_class_names(
    node_types: cython.const[cython.uchar][::1],
    node_names: cython.const[cython.uint][::1],
    used: cython.uchar[::1],
) -> None:
    """
    Mark the names of objects and native nodes (types 3 and 8).

    Args:
        node_types: (n,) uint8 (input).
        node_names: (n,) uint32 (input).
        used: (number of strings,) uint8 (output) 1 for those names; zeroed by the caller.

    Time complexity: O(n).
    """
    node: cython.Py_ssize_t
    count: cython.Py_ssize_t = node_types.shape[0]
    with cython.nogil:
        for node in range(count):
            if node_types[node] == 3 or node_types[node] == 8:
                used[node_names[node]] = 1


def assign_classes(
    node_types: cython.const[cython.uchar][::1],
    node_names: cython.const[cython.uint][::1],
    type_classes: cython.const[cython.uint][::1],
    name_classes: cython.const[cython.uint][::1],
    class_ids: cython.uint[::1],
) -> None:
    """
    Look every node's class up, by name for objects and native nodes, by type for all others.

    Args:
        node_types: (n,) uint8 (input).
        node_names: (n,) uint32 (input).
        type_classes: (types,) uint32 (input).
        name_classes: (number of strings,) uint32 (input).
        class_ids: (n,) uint32 (output).

    Time complexity: O(n).
    """
    node: cython.Py_ssize_t
    count: cython.Py_ssize_t = node_types.shape[0]
    with cython.nogil:
        for node in range(count):
            if node_types[node] == 3 or node_types[node] == 8:
                class_ids[node] = name_classes[node_names[node]]
            else:
                class_ids[node] = type_classes[node_types[node]]


def add_up_classes(
    class_ids: cython.const[cython.uint][::1],
    shallow: cython.const[Size][::1],
    distances: cython.const[cython.int][::1],
    counts: cython.ulonglong[::1],
    sums: cython.ulonglong[::1],
    nearest: cython.int[::1],
) -> None:
    """
    Count members, add up their shallow sizes and find the smallest distance per class.

    Args:
        class_ids: (n,) uint32 (input).
        shallow: (n,) uint32 or uint64 (input); nodes of size 0 are left out.
        distances: (n,) int32 (input).
        counts: (classes,) uint64 (output), zeroed by the caller.
        sums: (classes,) uint64 (output), zeroed by the caller.
        nearest: (classes,) int32 (output), set to the largest int32 by the caller.

    Time complexity: O(n).
    """
    node: cython.Py_ssize_t
    kind: cython.uint
    count: cython.Py_ssize_t = class_ids.shape[0]
    with cython.nogil:
        for node in range(count):
            if shallow[node] == 0:
                continue
            kind = class_ids[node]
            counts[kind] += 1
            sums[kind] += shallow[node]
            if distances[node] < nearest[kind]:
                nearest[kind] = distances[node]


def group_rows(
    rows: cython.const[cython.uint][:, ::1],
    table: cython.uint[::1],
    groups: cython.uint[::1],
    members: cython.uint[::1],
) -> cython.Py_ssize_t:
    """
    Number distinct rows in order of first appearance.

    Args:
        rows: (k, c) uint32 (input).
        table: (s,) uint32 (scratch) all 2^32 - 1; s a power of two, at least 2 k.
        groups: (k,) uint32 (output) number of each row's group.
        members: (k,) uint32 (output) by group: the first row of it.

    Returns:
        How many groups there are.

    Time complexity: O(k c) expected.
    """
    row: cython.Py_ssize_t
    column: cython.Py_ssize_t
    other: cython.Py_ssize_t
    slot: cython.Py_ssize_t
    width: cython.Py_ssize_t = rows.shape[1]
    count: cython.Py_ssize_t = rows.shape[0]
    mask: cython.Py_ssize_t = table.shape[0] - 1
    found: cython.Py_ssize_t = 0
    hashed: cython.ulonglong
    factor: cython.ulonglong = 0x9E3779B1
    keep: cython.ulonglong = 0xFFFFFFFFFFFF
    none: cython.uint = 0xFFFFFFFF
    with cython.nogil:
        for row in range(count):
            hashed = 0
            for column in range(width):
                hashed = (hashed * factor + cython.cast(cython.ulonglong, rows[row, column])) & keep
                hashed ^= hashed >> 23
            slot = cython.cast(cython.Py_ssize_t, hashed) & mask
            # The table holds one row per group; linear probing.
            while True:
                if table[slot] == none:
                    table[slot] = cython.cast(cython.uint, row)
                    groups[row] = cython.cast(cython.uint, found)
                    members[found] = cython.cast(cython.uint, row)
                    found += 1
                    break
                other = table[slot]
                column = 0
                while column < width and rows[row, column] == rows[other, column]:
                    column += 1
                if column == width:
                    groups[row] = groups[other]
                    break
                slot = (slot + 1) & mask
    return found


def group_shapes(
    starts: cython.const[Offset][::1],
    ends: cython.const[Offset][::1],
    edge_types: cython.const[cython.uchar][::1],
    edge_names: cython.const[cython.uint][::1],
    skipped: cython.uint,
    table: cython.uint[::1],
    groups: cython.uint[::1],
    members: cython.uint[::1],
) -> cython.Py_ssize_t:
    """
    Number the distinct sequences of property names (type 2) in order of first appearance.

    Args:
        starts: (k,) uint32 or uint64 (input) first edge of each object.
        ends: (k,) like `starts` (input) edge to stop before.
        edge_types: (m,) uint8 (input).
        edge_names: (m,) uint32 (input).
        skipped: A property name that counts for nothing (`__proto__`), 2^32 - 1 for none.
        table: (s,) uint32 (scratch) all 2^32 - 1; s a power of two, at least 2 k.
        groups: (k,) uint32 (output) number of each object's sequence.
        members: (k,) uint32 (output) by group: the first object of it.

    Returns:
        How many distinct sequences there are.

    Time complexity: O(edges of the objects) expected.
    """
    item: cython.Py_ssize_t
    slot: cython.Py_ssize_t
    mine: cython.Py_ssize_t
    last: cython.Py_ssize_t
    theirs: cython.Py_ssize_t
    stop: cython.Py_ssize_t
    other: cython.uint
    hashed: cython.ulonglong
    factor: cython.ulonglong = 0x9E3779B1
    keep: cython.ulonglong = 0xFFFFFFFFFFFF
    none: cython.uint = 0xFFFFFFFF
    count: cython.Py_ssize_t = starts.shape[0]
    mask: cython.Py_ssize_t = table.shape[0] - 1
    found: cython.Py_ssize_t = 0
    with cython.nogil:
        for item in range(count):
            hashed = 0
            last = cython.cast(cython.Py_ssize_t, ends[item])
            mine = cython.cast(cython.Py_ssize_t, starts[item])
            while mine < last:
                if edge_types[mine] == 2 and edge_names[mine] != skipped:
                    hashed = (hashed * factor + cython.cast(cython.ulonglong, edge_names[mine]) + 1) & keep
                    hashed ^= hashed >> 23
                mine += 1
            slot = cython.cast(cython.Py_ssize_t, hashed) & mask
            while True:
                other = table[slot]
                if other == none:
                    table[slot] = cython.cast(cython.uint, found)
                    groups[item] = cython.cast(cython.uint, found)
                    members[found] = cython.cast(cython.uint, item)
                    found += 1
                    break
                mine = cython.cast(cython.Py_ssize_t, starts[item])
                theirs = cython.cast(cython.Py_ssize_t, starts[members[other]])
                stop = cython.cast(cython.Py_ssize_t, ends[members[other]])
                while True:
                    while mine < last and (edge_types[mine] != 2 or edge_names[mine] == skipped):
                        mine += 1
                    while theirs < stop and (edge_types[theirs] != 2 or edge_names[theirs] == skipped):
                        theirs += 1
                    if mine == last or theirs == stop or edge_names[mine] != edge_names[theirs]:
                        break
                    mine += 1
                    theirs += 1
                if mine == last and theirs == stop:
                    groups[item] = other
                    break
                slot = (slot + 1) & mask
    return found


def mark_edge_names(
    starts: cython.const[Offset][::1],
    ends: cython.const[Offset][::1],
    edge_types: cython.const[cython.uchar][::1],
    edge_names: cython.const[cython.uint][::1],
    kinds: cython.uint,
    used: cython.uchar[::1],
) -> None:
    """
    Mark the names of the edges of the given objects.

    Args:
        starts: (k,) uint32 or uint64 (input) first edge of each object.
        ends: (k,) like `starts` (input).
        edge_types: (m,) uint8 (input).
        edge_names: (m,) uint32 (input).
        kinds: Bit `1 << type` for each edge type to look at.
        used: (number of strings,) uint8 (output), zeroed by the caller.

    Time complexity: O(edges of the objects).
    """
    item: cython.Py_ssize_t
    edge: cython.Py_ssize_t
    last: cython.Py_ssize_t
    count: cython.Py_ssize_t = starts.shape[0]
    with cython.nogil:
        for item in range(count):
            last = cython.cast(cython.Py_ssize_t, ends[item])
            edge = cython.cast(cython.Py_ssize_t, starts[item])
            while edge < last:
                if (kinds >> edge_types[edge]) & 1:
                    used[edge_names[edge]] = 1
                edge += 1


def cut_shapes(
    starts: cython.const[Offset][::1],
    edge_types: cython.const[cython.uchar][::1],
    edge_names: cython.const[cython.uint][::1],
    skipped: cython.uint,
    widths: cython.const[cython.uint][::1],
    limit: cython.Py_ssize_t,
    ends: Offset[::1],
) -> None:
    """
    Shorten each object's edges to the properties whose names fit into `{a, b, …`.

    Args:
        starts: (k,) uint32 or uint64 (input) first edge of each object.
        edge_types: (m,) uint8 (input).
        edge_names: (m,) uint32 (input).
        skipped: A property name that counts for nothing (`__proto__`), 2^32 - 1 for none.
        widths: (number of strings,) uint32 (input) characters that each name takes when printed.
        limit: Characters the text may have; the first name always fits.
        ends: (k,) like `starts` (input and output) edge to stop before.

    Time complexity: O(edges of the objects).
    """
    item: cython.Py_ssize_t
    edge: cython.Py_ssize_t
    last: cython.Py_ssize_t
    used: cython.Py_ssize_t
    width: cython.Py_ssize_t
    count: cython.Py_ssize_t = starts.shape[0]
    with cython.nogil:
        for item in range(count):
            last = cython.cast(cython.Py_ssize_t, ends[item])
            edge = cython.cast(cython.Py_ssize_t, starts[item])
            used = 1
            while edge < last:
                if edge_types[edge] == 2 and edge_names[edge] != skipped:
                    width = widths[edge_names[edge]]
                    if used > 1 and used + width > limit:
                        ends[item] = edge
                        break
                    used += width if used == 1 else width + 2
                edge += 1


def match_shapes(
    starts: cython.const[Offset][::1],
    ends: cython.const[Offset][::1],
    edge_types: cython.const[cython.uchar][::1],
    edge_names: cython.const[cython.uint][::1],
    name_slots: cython.const[cython.uint][::1],
    first_uses: cython.const[cython.uint][::1],
    use_shapes: cython.const[cython.uint][::1],
    use_ranks: cython.const[cython.uint][::1],
    shape_sizes: cython.const[cython.uint][::1],
    scratch: cython.longlong[:, ::1],
    matches: cython.int[::1],
) -> None:
    """
    Find for each object the shape with most properties all of which it has.

    Of equally large shapes the first one wins.  A shape that asks for one name several times matches
    only objects that have it as often.

    Args:
        starts: (k,) uint32 or uint64 (input) first edge of each object.
        ends: (k,) like `starts` (input).
        edge_types: (m,) uint8 (input).
        edge_names: (m,) uint32 (input).
        name_slots: (number of strings,) uint32 (input) number of a name that some shape asks for,
            2^32 - 1 for others.
        first_uses: (names + 1,) uint32 (input) where the uses of each name begin.
        use_shapes: (u,) uint32 (input) the shape that asks.
        use_ranks: (u,) uint32 (input) 0 for the first time that shape asks for the name, 1 for the second.
        shape_sizes: (shapes,) uint32 (input) how many properties a shape has.
        scratch: (4, max(names, shapes)) int64 (scratch), zeroed by the caller.
        matches: (k,) int32 (output) the shape, -1 for none.

    Time complexity: O(edges of the objects times uses per name).
    """
    item: cython.Py_ssize_t
    edge: cython.Py_ssize_t
    last: cython.Py_ssize_t
    use: cython.Py_ssize_t
    shape: cython.Py_ssize_t
    slot: cython.Py_ssize_t
    rank: cython.longlong
    best: cython.Py_ssize_t
    best_size: cython.uint
    none: cython.uint = 0xFFFFFFFF
    count: cython.Py_ssize_t = starts.shape[0]
    with cython.nogil:
        for item in range(count):
            best = -1
            best_size = 0
            last = cython.cast(cython.Py_ssize_t, ends[item])
            edge = cython.cast(cython.Py_ssize_t, starts[item])
            while edge < last:
                if edge_types[edge] != 2 or name_slots[edge_names[edge]] == none:
                    edge += 1
                    continue
                slot = name_slots[edge_names[edge]]
                edge += 1
                # Rows 0 and 2 say for which object (counted from 1) rows 1 and 3 hold.
                if scratch[0, slot] != item + 1:
                    scratch[0, slot] = item + 1
                    scratch[1, slot] = 0
                rank = scratch[1, slot]
                scratch[1, slot] = rank + 1
                for use in range(first_uses[slot], first_uses[slot + 1]):
                    if use_ranks[use] != rank:
                        continue
                    shape = use_shapes[use]
                    if scratch[2, shape] != item + 1:
                        scratch[2, shape] = item + 1
                        scratch[3, shape] = 0
                    scratch[3, shape] += 1
                    if scratch[3, shape] != shape_sizes[shape]:
                        continue
                    if shape_sizes[shape] > best_size or (shape_sizes[shape] == best_size and shape < best):
                        best = shape
                        best_size = shape_sizes[shape]
            matches[item] = cython.cast(cython.int, best)
