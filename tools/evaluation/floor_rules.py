"""Rules that look at memory alone, applied to the floors that a check has read."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FLOOR_RULES", "FloorRule"]


@dataclass(frozen=True)
class FloorRule:
    """So many samples in a row, each above the one before by more than so much."""

    title: str
    rises: int
    more_than_bytes: int = 0

    def says_leak(self, floors: Sequence[int]) -> bool:
        """Whether the rule raises an alarm anywhere in a series."""
        streak = 0
        for before, after in pairwise(floors):
            streak = streak + 1 if after - before > self.more_than_bytes else 0
            if streak >= self.rises:
                return True
        return False

    def could(self, floors: Sequence[int]) -> bool:
        """Whether the series is long enough for an alarm."""
        return len(floors) > self.rises


# Ten samples make nine rises; five collections that each leave more than the one before make five.
FLOOR_RULES = (
    FloorRule("window of 10 samples, each more than 5 MB up", 9, 5_000_000),
    FloorRule("window of 10 samples, each up by any amount", 9),
    FloorRule("five growing collections in a row", 5),
)
