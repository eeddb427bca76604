"""WeakMap pairs: a value lives while both its key and its table do.

V8 writes such a pair as two internal edges to the value, one from the key and one from the table, whose
names say so at length.  Both names are equal but for the leading number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heapsleuth.heap.strings import StringTable

__all__ = ["NO_PAIR", "PairNames", "find_pair_names", "parse_pair_name"]

NO_PAIR = 0xFFFFFFFF
_SHORTEST = len("1 / part of key ( @1) -> value ( @1) pair in WeakMap (table @1)")
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
    groups = np.full(len(strings), NO_PAIR, np.uint32)
    numbers: dict[str, int] = {}
    tables: list[int] = []
    for first in range(0, len(candidates), 65536):
        part = candidates[first : first + 65536]
        for index, text in zip(part.tolist(), strings.decode_many(part), strict=True):
            match = _PAIR.fullmatch(text)
            if match:
                number = numbers.setdefault(match[1], len(tables))
                if number == len(tables):
                    tables.append(int(match[3]))
                groups[index] = number
    return PairNames(groups, np.array(tables, np.uint64)) if tables else None
