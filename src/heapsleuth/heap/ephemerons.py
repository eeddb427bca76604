"""WeakMap pairs: a value lives while both its key and its table do.

V8 writes such a pair as two internal edges to the value, one from the key and one from the table, whose
names say so at length.  Both names are equal but for the leading number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.kernels import pair_names as _pair_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from heapsleuth.heap.strings import StringTable

__all__ = ["NO_PAIR", "PairNames", "find_pair_names", "parse_pair_name"]

NO_PAIR = 0xFFFFFFFF
_SHORTEST = len("1 / part of key ( @1) -> value ( @1) pair in WeakMap (table @1)")
_GAP_BYTES = 1 << 14
_READ_BYTES = 8 << 20
_HEAD = np.frombuffer(b" / part of key (", np.uint8)
_MIDDLE = np.frombuffer(b") -> value (", np.uint8)
_TAIL = np.frombuffer(b") pair in WeakMap (table @", np.uint8)
_LINE = "[^\n\r\u2028\u2029]*?"
_PAIR = re.compile(
    rf"[0-9]+( / part of key \({_LINE} @([0-9]+)\) -> value \({_LINE} @[0-9]+\)"
    r" pair in WeakMap \(table @([0-9]+)\))"
)


@dataclass(frozen=True, slots=True, eq=False)
class PairNames:
    """Which strings name an edge of a WeakMap pair."""

    groups: NDArray[np.uint32]
    """(number of strings,) number of the pair, `NO_PAIR` for other strings."""
    tables: NDArray[np.uint64]
    """(pairs,) object id of the pair's table."""


def parse_pair_name(name: str) -> tuple[str, int, int] | None:
    """
    Read the name of a WeakMap pair's edge.

    Returns:
        (the part that both edges share, id of the key, id of the table), None for other names.
    """
    match = _PAIR.fullmatch(name)
    return (match[1], int(match[2]), int(match[3])) if match else None


def find_pair_names(strings: StringTable, used: NDArray[np.uint8]) -> PairNames | None:
    """
    Find the pairs among the names of internal edges.

    Args:
        strings: The string table.
        used: (number of strings,) nonzero for names of internal edges.

    Returns:
        None when there is no pair.
    """
    candidates = np.flatnonzero(used & (strings.lengths >= _SHORTEST))
    verdicts = np.empty(len(candidates), np.uint8)
    hashes, tables = np.empty((2, len(candidates)), np.uint64)
    starts = strings.offsets[candidates].astype(np.int64)
    ends = starts + strings.lengths[candidates]
    for chosen in _spans(starts, ends):
        origin = int(starts[chosen][0])
        block = strings.store.read(strings.base + origin, int(ends[chosen][-1]) - origin)
        _pair_names.scan_pair_names(
            np.frombuffer(block, np.uint8),
            starts[chosen] - origin,
            ends[chosen] - origin,
            _HEAD,
            _MIDDLE,
            _TAIL,
            verdicts[chosen],
            hashes[chosen],
            tables[chosen],
        )
    for place in np.flatnonzero(verdicts == _pair_names.UNDECIDED).tolist():
        pair = parse_pair_name(strings[int(candidates[place])])
        verdicts[place] = _pair_names.YES if pair else _pair_names.NO
    found = verdicts == _pair_names.YES
    if not found.any():
        return None
    _, first, numbers = np.unique(hashes[found], return_index=True, return_inverse=True)
    groups = np.full(len(strings), NO_PAIR, np.uint32)
    groups[candidates[found]] = numbers
    return PairNames(groups, tables[found][first])


def _spans(starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Iterator[slice]:
    """Split ranges of bytes, in order, into runs that are read at once: near each other, not too long."""
    breaks = np.flatnonzero(starts[1:] - ends[:-1] > _GAP_BYTES) + 1
    for first, last in pairwise([0, *breaks.tolist(), len(starts)]):
        begin = first
        while begin < last:
            end = int(np.searchsorted(starts[begin:last], starts[begin] + _READ_BYTES)) + begin
            yield slice(begin, end)
            begin = end
