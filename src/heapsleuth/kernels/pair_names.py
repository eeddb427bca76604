# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Recognising the names of WeakMap pairs' edges in raw bytes; a heap can have millions of them."""

from __future__ import annotations

try:
    import cython
except ImportError:
    from heapsleuth.kernels import _cython as cython

__all__ = ["NO", "UNDECIDED", "YES", "scan_pair_names"]

NO = 0
YES = 1
UNDECIDED = 2
"""It has escapes or is not ASCII, and might be one: look at the text."""


def scan_pair_names(
    block: cython.const[cython.uchar][::1],
    starts: cython.const[cython.longlong][::1],
    ends: cython.const[cython.longlong][::1],
    head: cython.const[cython.uchar][::1],
    middle: cython.const[cython.uchar][::1],
    tail: cython.const[cython.uchar][::1],
    verdicts: cython.uchar[::1],
    hashes: cython.ulonglong[::1],
    tables: cython.ulonglong[::1],
) -> None:
    """
    Match names of the form `DIGITS head … @DIGITS middle … @DIGITS tail DIGITS)`.

    Args:
        block: (b,) uint8 (input) raw bytes of JSON strings.
        starts: (k,) int64 (input) where each name begins.
        ends: (k,) int64 (input) byte to stop before.
        head: The bytes ` / part of key (`.
        middle: The bytes `) -> value (`.
        tail: The bytes `) pair in WeakMap (table @`.
        verdicts: (k,) uint8 (output) `NO`, `YES` or `UNDECIDED`.
        hashes: (k,) uint64 (output) hash of all bytes behind the leading digits.
        tables: (k,) uint64 (output) the last number, where the verdict is `YES`.

    Time complexity: O(bytes of the names).
    """
    item: cython.Py_ssize_t
    at: cython.Py_ssize_t
    i: cython.Py_ssize_t
    rest: cython.Py_ssize_t
    first: cython.Py_ssize_t
    last: cython.Py_ssize_t
    place: cython.Py_ssize_t
    value: cython.Py_ssize_t
    count: cython.Py_ssize_t = starts.shape[0]
    hashed: cython.ulonglong
    factor: cython.ulonglong = 0x100000001B3
    keep: cython.ulonglong = 0xFFFFFFFFFFFFFFFF
    scale: cython.ulonglong
    table: cython.ulonglong
    plain: cython.bint
    with cython.nogil:
        for item in range(count):
            first = cython.cast(cython.Py_ssize_t, starts[item])
            last = cython.cast(cython.Py_ssize_t, ends[item])
            verdicts[item] = 0
            hashes[item] = 0
            tables[item] = 0
            at = first
            while at < last and block[at] >= 48 and block[at] <= 57:
                at += 1
            if at == first or last - at < head.shape[0] + middle.shape[0] + tail.shape[0] + 7:
                continue
            i = 0
            while i < head.shape[0] and block[at + i] == head[i]:
                i += 1
            if i < head.shape[0]:
                continue
            rest = at + head.shape[0]
            hashed = 0xCBF29CE4
            plain = True
            while at < last:
                hashed = ((hashed ^ cython.cast(cython.ulonglong, block[at])) * factor) & keep
                if block[at] == 92 or block[at] >= 128:
                    plain = False
                at += 1
            hashes[item] = hashed
            # From the end: `)`, the table's number, the tail, the value's number, ` @`.
            at = last - 1
            if block[at] != 41:
                continue
            place = at
            table = 0
            scale = 1
            while block[at - 1] >= 48 and block[at - 1] <= 57:
                at -= 1
                table = (table + scale * cython.cast(cython.ulonglong, block[at] - 48)) & keep
                scale = (scale * 10) & keep
            if at == place or at - rest < tail.shape[0]:
                continue
            at -= tail.shape[0]
            i = 0
            while i < tail.shape[0] and block[at + i] == tail[i]:
                i += 1
            if i < tail.shape[0]:
                continue
            place = at
            while at > rest and block[at - 1] >= 48 and block[at - 1] <= 57:
                at -= 1
            if at == place or at - rest < 2 or block[at - 1] != 64 or block[at - 2] != 32:
                continue
            value = at - 2
            # Anywhere between: ` @`, the key's number, the middle.
            place = rest
            while place + middle.shape[0] <= value:
                i = 0
                while i < middle.shape[0] and block[place + i] == middle[i]:
                    i += 1
                if i == middle.shape[0]:
                    at = place
                    while at > rest and block[at - 1] >= 48 and block[at - 1] <= 57:
                        at -= 1
                    if at < place and at - rest >= 2 and block[at - 1] == 64 and block[at - 2] == 32:
                        verdicts[item] = 1 if plain else 2
                        tables[item] = table
                        break
                place += 1
