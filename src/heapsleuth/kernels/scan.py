# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Scanners that turn the JSON bytes of a snapshot into integer columns and string ranges.

Every scanner works on one block of bytes and says where it stopped and why; callers carry the rest
of a block over to the next one.  A position is an index into the block.  Nothing here trusts its
input: whatever the bytes are, only `block[start:end]` is read and only the given arrays are written.
"""

from __future__ import annotations

try:
    import cython
except ImportError:  # no Cython at run time: the stand-in keeps the annotations meaningless
    from heapsleuth.kernels import _cython as cython

AFTER_NUMBER = 0
"""The block ended after a complete number (or in the blanks behind it)."""
AFTER_COMMA = 1
"""The block ended where a number is expected: after a comma, or it had no number at all."""
BAD_BYTE = 2
"""A byte that cannot stand here; the position is the byte's."""
TOO_WIDE = 3
"""A number does not fit the output type; the position is that of its first digit."""

STRING_OR_END = 0
"""State of `scan_strings`: behind the opening bracket, a string or the end may follow."""
COMMA_OR_END = 1
"""State of `scan_strings`: behind a string, a comma or the end may follow."""
STRING_ONLY = 2
"""State of `scan_strings`: behind a comma, a string must follow."""

STRINGS_MORE = 0
"""The rest of the block, from the position, is the beginning of a literal (or nothing)."""
STRINGS_FULL = 1
"""No room left in the output arrays."""
STRINGS_DONE = 2
"""The closing bracket was read; the position is behind it."""
STRINGS_BAD = 3
"""A byte that cannot stand here; the position is the byte's."""

BAD_TYPE = 1
"""Flag: a type outside the file's own table."""
BAD_TARGET = 2
"""Flag: an edge target that is no multiple of the node's field count or past the last node."""


def scan_integers(
    block: cython.const[cython.uchar][::1],
    start: cython.Py_ssize_t,
    end: cython.Py_ssize_t,
    out: cython.uint[::1],
    at: cython.Py_ssize_t,
) -> tuple[int, int, int]:
    """
    Parse unsigned decimal integers separated by commas and blanks into 32 bits each.

    Args:
        block: (b,) uint8, JSON text.
        start: First byte to read.
        end: Byte to stop before; no number may go on behind it.
        out: (c,) uint32 the numbers are written to, from `at` on; needs (end - start + 1) // 2 places.
        at: Place of the first number.

    Returns:
        (place behind the last number written, status, position), status one of AFTER_NUMBER,
        AFTER_COMMA, BAD_BYTE and TOO_WIDE.
    """
    i: cython.Py_ssize_t = start
    n: cython.Py_ssize_t = at
    first: cython.Py_ssize_t = start
    guard: cython.Py_ssize_t = end
    value: cython.ulonglong
    byte: cython.uint
    # AFTER_NUMBER to TOO_WIDE as literals, which the compiler folds: a third faster than variables.
    after_number: cython.int = 0
    after_comma: cython.int = 1
    bad_byte: cython.int = 2
    too_wide: cython.int = 3
    status: cython.int = 1
    with cython.nogil:
        # Every number that begins before the guard also ends before it, so its digits need no check
        # of the bounds; the number that touches the end comes last.
        while guard > start and block[guard - 1] >= 48 and block[guard - 1] <= 57:
            guard -= 1
        while i < guard:
            # Numbers with nothing but commas between them; whatever else may stand there is dealt
            # with below, because every further case in this loop costs a tenth of the speed.
            while i < guard:
                byte = block[i]
                if byte < 48 or byte > 57:
                    break
                first = i
                value = byte - 48
                i += 1
                byte = block[i]
                # One branch per digit, so that the processor can learn how long numbers are: 1.8 times
                # as fast as the loop alone.
                if byte >= 48 and byte <= 57:
                    value = value * 10 + (byte - 48)
                    i += 1
                    byte = block[i]
                    if byte >= 48 and byte <= 57:
                        value = value * 10 + (byte - 48)
                        i += 1
                        byte = block[i]
                        if byte >= 48 and byte <= 57:
                            value = value * 10 + (byte - 48)
                            i += 1
                            byte = block[i]
                            if byte >= 48 and byte <= 57:
                                value = value * 10 + (byte - 48)
                                i += 1
                                byte = block[i]
                                if byte >= 48 and byte <= 57:
                                    value = value * 10 + (byte - 48)
                                    i += 1
                                    byte = block[i]
                                    if byte >= 48 and byte <= 57:
                                        value = value * 10 + (byte - 48)
                                        i += 1
                                        byte = block[i]
                                        while byte >= 48 and byte <= 57:
                                            value = value * 10 + (byte - 48)
                                            i += 1
                                            byte = block[i]
                # Ten digits cannot overflow 64 bits, so this test sees the true value.
                if i - first > 10 or value >> 32 != 0:
                    status = too_wide
                    break
                out[n] = cython.cast(cython.uint, value)
                n += 1
                status = after_number
                if byte != 44:
                    break
                status = after_comma
                i += 1
            if status == too_wide:
                i = first
                break
            while i < guard:
                byte = block[i]
                if byte == 44 and status == after_number:
                    status = after_comma
                elif byte >= 48 and byte <= 57 and status == after_comma:
                    break
                elif not (byte == 32 or byte == 10 or byte == 13 or byte == 9):
                    status = bad_byte
                    break
                i += 1
            if status == bad_byte:
                break
        if i == guard and i < end and status == after_number:
            status = bad_byte
        elif i == guard and i < end and status == after_comma:
            first = i
            value = 0
            while i < end and i - first < 11:
                value = value * 10 + (block[i] - 48)
                i += 1
            if i - first > 10 or value >> 32 != 0:
                status = too_wide
                i = first
            else:
                out[n] = cython.cast(cython.uint, value)
                n += 1
                status = after_number
    return n, status, i


def scan_integers_wide(
    block: cython.const[cython.uchar][::1],
    start: cython.Py_ssize_t,
    end: cython.Py_ssize_t,
    out: cython.ulonglong[::1],
    at: cython.Py_ssize_t,
) -> tuple[int, int, int]:
    """
    Parse as `scan_integers` does, into 64 bits each; for the few blocks with a value over 2^32 - 1.

    Numbers of more than 19 digits are TOO_WIDE, whatever their value.
    """
    i: cython.Py_ssize_t = start
    n: cython.Py_ssize_t = at
    first: cython.Py_ssize_t
    value: cython.ulonglong
    byte: cython.uint
    after_number: cython.int = AFTER_NUMBER
    after_comma: cython.int = AFTER_COMMA
    bad_byte: cython.int = BAD_BYTE
    too_wide: cython.int = TOO_WIDE
    status: cython.int = AFTER_COMMA
    with cython.nogil:
        while i < end:
            byte = block[i]
            if byte >= 48 and byte <= 57 and status == after_comma:
                first = i
                value = 0
                while i < end and i - first < 19 and block[i] >= 48 and block[i] <= 57:
                    value = value * 10 + (block[i] - 48)
                    i += 1
                if i < end and block[i] >= 48 and block[i] <= 57:
                    status = too_wide
                    i = first
                    break
                out[n] = value
                n += 1
                status = after_number
                continue
            if byte == 44 and status == after_number:
                status = after_comma
            elif not (byte == 32 or byte == 10 or byte == 13 or byte == 9):
                status = bad_byte
                break
            i += 1
    return n, status, i


def scatter_nodes(
    flat: cython.const[cython.uint][::1],
    begin: cython.Py_ssize_t,
    rows: cython.Py_ssize_t,
    fields: cython.const[cython.int][::1],
    type_codes: cython.const[cython.uchar][::1],
    types: cython.uchar[::1],
    names: cython.uint[::1],
    ids: cython.uint[::1],
    sizes: cython.uint[::1],
    edge_counts: cython.uint[::1],
    row: cython.Py_ssize_t,
) -> tuple[int, int, int]:
    """
    Spread the numbers of whole nodes over their columns.

    Args:
        flat: (f,) uint32, node after node.
        begin: Place of the first number of the first node in `flat`.
        rows: How many nodes to spread.
        fields: (7,) int32: numbers per node, then the place of type, name, id, self_size,
            edge_count and detachedness in a node, -1 for one the file does not have.
        type_codes: (t,) uint8, 1 <= t <= 256: NodeType code of each of the file's node types.
        types, names, ids, sizes, edge_counts: Columns, each with at least `row + rows` places.
        row: First row to write.

    Returns:
        (0 or BAD_TYPE, largest name, bits seen in detachedness).
    """
    bad_type: cython.int = BAD_TYPE
    i: cython.Py_ssize_t
    p: cython.Py_ssize_t = begin
    width: cython.Py_ssize_t = fields[0]
    at_type: cython.Py_ssize_t = fields[1]
    at_name: cython.Py_ssize_t = fields[2]
    at_id: cython.Py_ssize_t = fields[3]
    at_size: cython.Py_ssize_t = fields[4]
    at_count: cython.Py_ssize_t = fields[5]
    at_detached: cython.Py_ssize_t = fields[6]
    type_count: cython.uint = type_codes.shape[0]
    kind: cython.uint
    name: cython.uint
    flags: cython.int = 0
    largest: cython.uint = 0
    detached: cython.uint = 0
    with cython.nogil:
        for i in range(row, row + rows):
            kind = flat[p + at_type]
            if kind >= type_count:
                flags = bad_type
                kind = 0
            types[i] = type_codes[kind]
            name = flat[p + at_name]
            if name > largest:
                largest = name
            names[i] = name
            ids[i] = flat[p + at_id]
            sizes[i] = flat[p + at_size]
            edge_counts[i] = flat[p + at_count]
            if at_detached >= 0:
                detached |= flat[p + at_detached]
            p += width
    return flags, largest, detached


def scatter_edges(
    flat: cython.const[cython.uint][::1],
    begin: cython.Py_ssize_t,
    rows: cython.Py_ssize_t,
    fields: cython.const[cython.int][::1],
    type_codes: cython.const[cython.uchar][::1],
    named: cython.const[cython.uchar][::1],
    node_width: cython.uint,
    node_count: cython.uint,
    types: cython.uchar[::1],
    names: cython.uint[::1],
    targets: cython.uint[::1],
    row: cython.Py_ssize_t,
) -> tuple[int, int]:
    """
    Spread the numbers of whole edges over their columns; targets become node indices.

    Args:
        flat: (f,) uint32, edge after edge.
        begin: Place of the first number of the first edge in `flat`.
        rows: How many edges to spread.
        fields: (4,) int32: numbers per edge, then the place of type, name_or_index and to_node.
        type_codes: (t,) uint8, 1 <= t <= 256: EdgeType code of each of the file's edge types.
        named: (t,) uint8: 1 where the name of that edge type is an index into the strings.
        node_width: Numbers per node; a target in the file is a multiple of it.
        node_count: Nodes in the snapshot.
        types, names, targets: Columns, each with at least `row + rows` places.
        row: First row to write.

    Returns:
        (BAD_TYPE | BAD_TARGET or 0, largest name of a named edge).
    """
    bad_type: cython.int = BAD_TYPE
    bad_target: cython.int = BAD_TARGET
    i: cython.Py_ssize_t
    p: cython.Py_ssize_t = begin
    width: cython.Py_ssize_t = fields[0]
    at_type: cython.Py_ssize_t = fields[1]
    at_name: cython.Py_ssize_t = fields[2]
    at_target: cython.Py_ssize_t = fields[3]
    type_count: cython.uint = type_codes.shape[0]
    # Multiplying by the inverse is far cheaper than dividing, and exact for true multiples: both
    # factors are good to 2^-52, so the product is off by less than 2^-18 before rounding.
    inverse: cython.double = 1.0 / node_width
    kind: cython.uint
    name: cython.uint
    target: cython.uint
    node: cython.uint
    flags: cython.int = 0
    largest: cython.uint = 0
    with cython.nogil:
        for i in range(row, row + rows):
            kind = flat[p + at_type]
            if kind >= type_count:
                flags |= bad_type
                kind = 0
            types[i] = type_codes[kind]
            name = flat[p + at_name]
            names[i] = name
            if named[kind] != 0 and name > largest:
                largest = name
            target = flat[p + at_target]
            node = int(target * inverse + 0.5)
            if node >= node_count or node * node_width != target:
                flags |= bad_target
            targets[i] = node
            p += width
    return flags, largest


def mark_ids(
    ids: cython.const[cython.uint][::1],
    seen: cython.uchar[::1],
) -> int:
    """
    Find the first odd id that was there before.

    Args:
        ids: (n,) uint32.
        seen: (s,) uint8, zeroed by the caller, one bit per odd id: s > largest odd id // 16.

    Returns:
        Index of the second node with the same odd id, -1 if there is none.
    """
    i: cython.Py_ssize_t
    n: cython.Py_ssize_t = ids.shape[0]
    bit: cython.uint
    place: cython.uint
    found: cython.Py_ssize_t = -1
    with cython.nogil:
        for i in range(n):
            if (ids[i] & 1) == 0:
                continue
            place = ids[i] >> 1
            bit = 1 << (place & 7)
            if seen[place >> 3] & bit:
                found = i
                break
            seen[place >> 3] |= bit
    return found


def scan_strings(
    block: cython.const[cython.uchar][::1],
    start: cython.Py_ssize_t,
    end: cython.Py_ssize_t,
    base: cython.longlong,
    state: cython.int,
    offsets: cython.ulonglong[::1],
    lengths: cython.uint[::1],
    hashes: cython.ulonglong[::1],
    at: cython.Py_ssize_t,
) -> tuple[int, int, int, int]:
    """
    Find every string literal of a JSON array of strings, with its range and a hash.

    Args:
        block: (b,) uint8, JSON text, at most 2^32 - 1 bytes.
        start: First byte to read.
        end: Byte to stop before.
        base: Offset of the first byte of the block; added to positions in it. May be negative.
        state: STRING_OR_END, COMMA_OR_END or STRING_ONLY: what may come first.
        offsets: (c,) uint64: where the text of each literal begins, behind its quote.
        lengths: (c,) uint32: its bytes, without the quotes.
        hashes: (c,) uint64: hash of those bytes.
        at: First place to write.

    Returns:
        (place behind the last literal, status, position, state to go on with).
    """
    comma_or_end: cython.int = COMMA_OR_END
    string_only: cython.int = STRING_ONLY
    strings_more: cython.int = STRINGS_MORE
    strings_full: cython.int = STRINGS_FULL
    strings_done: cython.int = STRINGS_DONE
    strings_bad: cython.int = STRINGS_BAD
    i: cython.Py_ssize_t = start
    n: cython.Py_ssize_t = at
    room: cython.Py_ssize_t = offsets.shape[0]
    begin: cython.Py_ssize_t
    stop: cython.Py_ssize_t
    k: cython.Py_ssize_t
    byte: cython.uint
    complete: cython.bint
    shift: cython.uint
    word: cython.ulonglong
    value: cython.ulonglong
    mask: cython.ulonglong = 0xFFFFFFFFFFFFFFFF
    prime: cython.ulonglong = 0x9FB21C651E98DF25
    finish: cython.ulonglong = 0xD6E8FEB86659FD93
    now: cython.int = state
    status: cython.int = strings_more
    with cython.nogil:
        while i < end:
            byte = block[i]
            if byte == 32 or byte == 10 or byte == 13 or byte == 9:
                i += 1
                continue
            if byte == 44 and now == comma_or_end:
                now = string_only
                i += 1
                continue
            if byte == 93 and now != string_only:
                status = strings_done
                i += 1
                break
            if byte != 34 or now == comma_or_end:
                status = strings_bad
                break
            if n >= room:
                status = strings_full
                break
            begin = i + 1
            stop = begin
            complete = False
            while stop < end:
                byte = block[stop]
                if byte == 34:
                    complete = True
                    break
                if byte == 92:
                    if stop + 1 >= end:
                        break
                    byte = block[stop + 1]
                    if byte == 117:  # u: four hexadecimal digits
                        if stop + 6 > end:
                            break
                        for k in range(stop + 2, stop + 6):
                            byte = block[k]
                            if not (48 <= byte <= 57 or 65 <= byte <= 70 or 97 <= byte <= 102):
                                status = strings_bad
                                stop = k
                                break
                        if status == strings_bad:
                            break
                        stop += 6
                        continue
                    # " \ / b f n r t
                    if not (
                        byte == 34
                        or byte == 92
                        or byte == 47
                        or byte == 98
                        or byte == 102
                        or byte == 110
                        or byte == 114
                        or byte == 116
                    ):
                        status = strings_bad
                        stop += 1
                        break
                    stop += 2
                    continue
                if byte < 32:
                    status = strings_bad
                    break
                stop += 1
            if status == strings_bad:
                i = stop
                break
            if not complete:
                break
            # Eight bytes a step; the compiler turns the sum of shifts into one load.
            value = (finish ^ cython.cast(cython.ulonglong, stop - begin)) & mask
            k = begin
            while k + 8 <= stop:
                word = (
                    cython.cast(cython.ulonglong, block[k])
                    | cython.cast(cython.ulonglong, block[k + 1]) << 8
                    | cython.cast(cython.ulonglong, block[k + 2]) << 16
                    | cython.cast(cython.ulonglong, block[k + 3]) << 24
                    | cython.cast(cython.ulonglong, block[k + 4]) << 32
                    | cython.cast(cython.ulonglong, block[k + 5]) << 40
                    | cython.cast(cython.ulonglong, block[k + 6]) << 48
                    | cython.cast(cython.ulonglong, block[k + 7]) << 56
                )
                value = ((value ^ word) * prime) & mask
                value ^= value >> 32
                k += 8
            word = 0
            shift = 0
            while k < stop:
                word |= cython.cast(cython.ulonglong, block[k]) << shift
                shift += 8
                k += 1
            value = ((value ^ word) * prime) & mask
            value ^= value >> 32
            value = (value * finish) & mask
            value ^= value >> 29
            offsets[n] = cython.cast(cython.ulonglong, base + begin)
            lengths[n] = cython.cast(cython.uint, stop - begin)
            hashes[n] = value
            n += 1
            now = comma_or_end
            i = stop + 1
    return n, status, i, now


def skip_value(
    block: cython.const[cython.uchar][::1],
    start: cython.Py_ssize_t,
    end: cython.Py_ssize_t,
    state: cython.longlong[::1],
) -> tuple[bool, int]:
    """
    Step over one JSON array, object or string; goes on over any number of blocks.

    Args:
        block: (b,) uint8, JSON text; at the first call `start` is the opening bracket or quote.
        start: First byte to read.
        end: Byte to stop before.
        state: (3,) int64, zeroed before the first block: open brackets, 1 inside a string, 1 behind
            a backslash.  Updated.

    Returns:
        (whether the value is complete, position behind what was read).
    """
    i: cython.Py_ssize_t = start
    byte: cython.uint
    depth: cython.longlong = state[0]
    quoted: cython.bint = state[1] != 0
    escaped: cython.bint = state[2] != 0
    done: cython.bint = False
    with cython.nogil:
        while i < end:
            byte = block[i]
            i += 1
            if quoted:
                if escaped:
                    escaped = False
                elif byte == 92:
                    escaped = True
                elif byte == 34:
                    quoted = False
                    if depth == 0:
                        done = True
                        break
            elif byte == 34:
                quoted = True
            elif byte == 91 or byte == 123:
                depth += 1
            elif byte == 93 or byte == 125:
                depth -= 1
                if depth <= 0:
                    done = True
                    break
    state[0] = depth
    state[1] = 1 if quoted else 0
    state[2] = 1 if escaped else 0
    return done, i
