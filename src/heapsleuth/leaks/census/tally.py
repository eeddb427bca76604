"""What every kind of census does: group members by a key, keep the largest groups, make rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heapsleuth.leaks.heap_view import HeapView

__all__ = ["MOST_ROWS", "Group", "largest_groups"]

MOST_ROWS = 40
"""Rows of one kind; what is rarer than forty other things is nobody's leak."""


@dataclass(frozen=True, slots=True)
class Group:
    """Members that belong together."""

    example: int
    """Position of the first member among those given."""
    count: int
    retained_bytes: int


def largest_groups(
    view: HeapView,
    keys: NDArray[np.uint64],
    nodes: NDArray[np.integer],
    *,
    by_bytes: bool = False,
    most: int = MOST_ROWS,
) -> list[Group]:
    """
    Return the largest groups of members with equal keys.

    Args:
        view: The heap.
        keys: (k,) what makes members belong together.
        nodes: (k,) the node whose bytes count for each member.
        by_bytes: Largest by bytes instead of by count.
        most: How many groups to return.
    """
    if not len(keys):
        return []
    _, first, group, counts = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    retained = view.together(nodes, group, len(first))
    leading = (retained, counts) if by_bytes else (counts, retained)
    order = np.lexsort((first, -leading[1], -leading[0]))[:most]
    return [Group(int(first[i]), int(counts[i]), int(retained[i])) for i in order.tolist()]
