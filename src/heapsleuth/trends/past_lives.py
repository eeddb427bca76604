"""What is kept of lives that have ended: their floors, to compare the living with, and how fast they rose."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import TYPE_CHECKING

from heapsleuth.trends.outlook import growth_error
from heapsleuth.trends.releases import Slope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapsleuth.trends.leak import LeakTrend
    from heapsleuth.trends.model import Life, TrendVerdict

    Leaks = tuple[LeakTrend, ...]

__all__ = ["PastLives", "slope_of"]

_OF_A_SLOT = 2
_MOST_SLOTS = 1000
_LEAST_HOURS = 6.0
_MOST_SLOPES = 32
_MOST_RELEASES = 8


def slope_of(verdicts: Sequence[TrendVerdict]) -> Slope | None:
    """Return the slope of the heap's floor from a life's verdicts; None when there is none yet."""
    for verdict in verdicts:
        if verdict.kind == "heap-leak" and "slope_bytes_per_hour" in verdict.numbers:
            return Slope(verdict.numbers["slope_bytes_per_hour"], growth_error(verdict))
    return None


class PastLives:
    """
    The last two lives of each slot that were long enough, of 1,000 slots; about 40 kB a life.

    Where a slot has none, as for pods whose names are new each time, those of any slot of the same role do.
    """

    def __init__(self) -> None:
        self._by_slot: OrderedDict[str, deque[tuple[str, Leaks]]] = OrderedDict()
        self._by_role: dict[str, deque[tuple[str, Leaks]]] = {}
        self._slopes: OrderedDict[str, deque[Slope]] = OrderedDict()

    def add(self, life: Life, leaks: Leaks, verdicts: Sequence[TrendVerdict]) -> None:
        """Take a life that has ended."""
        if leaks[0].series.hours < _LEAST_HOURS:
            return
        self._by_slot.setdefault(life.slot, deque(maxlen=_OF_A_SLOT)).append((life.instance, leaks))
        self._by_slot.move_to_end(life.slot)
        self._by_role.setdefault(_role(life), deque(maxlen=_OF_A_SLOT)).append((life.instance, leaks))
        if len(self._by_slot) > _MOST_SLOTS:
            self._by_slot.popitem(last=False)
        if (slope := slope_of(verdicts)) is not None:
            self._slopes.setdefault(life.release, deque(maxlen=_MOST_SLOPES)).append(slope)
            if len(self._slopes) > _MOST_RELEASES:
                self._slopes.popitem(last=False)

    def take_back(self, life: Life) -> None:
        """Forget a life that goes on after all."""
        for lives in (self._by_slot.get(life.slot), self._by_role.get(_role(life))):
            if lives and lives[-1][0] == life.instance:
                lives.pop()

    def before(self, life: Life) -> list[Leaks]:
        """Return what to compare a life with, the oldest first."""
        lives = self._by_slot.get(life.slot) or self._by_role.get(_role(life)) or ()
        return [leaks for instance, leaks in lives if instance != life.instance]

    def slopes(self, release: str) -> tuple[Slope, ...]:
        """Return how fast the floors of a release's lives rose."""
        return tuple(self._slopes.get(release, ()))


def _role(life: Life) -> str:
    return life.slot.partition("/")[2]
