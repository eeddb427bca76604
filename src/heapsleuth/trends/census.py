"""How many of each thing there were at each census: bounded in things, and in points for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Census", "Tally"]

_POINTS = 48
_MOST_THINGS = 24
"""Of each kind; the agent sends at most 20 emitters and timers."""
_LONGEST_NAME = 160


class Tally:
    """
    Counts of one thing over time; when full every other point is dropped, so all of its life stays in sight.

    Attributes:
        note: Where it was added, or whatever else the agent said of it.
    """

    __slots__ = ("_counts", "_hours", "_stride", "_used", "_waited", "note")

    def __init__(self) -> None:
        self.note = ""
        self._used = 0
        self._stride = 1
        self._waited = 0
        self._hours = np.empty(_POINTS, dtype=np.float32)
        self._counts = np.empty(_POINTS, dtype=np.float32)

    def add(self, hours: float, count: float) -> None:
        """Take a count; the latest point is always kept, until the next one is due to replace it."""
        self._waited += 1
        if self._used and self._waited < self._stride:
            self._hours[self._used - 1], self._counts[self._used - 1] = hours, count
            return
        self._waited = 0
        if self._used == _POINTS:
            self._used //= 2
            self._hours[: self._used] = self._hours[1::2]
            self._counts[: self._used] = self._counts[1::2]
            self._stride *= 2
        self._hours[self._used], self._counts[self._used] = hours, count
        self._used += 1

    @property
    def last(self) -> float:
        """Latest count."""
        return float(self._counts[self._used - 1]) if self._used else 0.0

    @property
    def growth(self) -> float:
        """Latest count minus the first."""
        return self.last - float(self._counts[0]) if self._used else 0.0

    def series(self) -> tuple[Floats, Floats]:
        """Return hours and counts, float64[n] each."""
        return self._hours[: self._used].astype(np.float64), self._counts[: self._used].astype(np.float64)


class Census:
    """Handles by type, listeners by emitter and event, timers by callback; about 12 kB when full of names."""

    __slots__ = ("_kinds",)

    def __init__(self) -> None:
        self._kinds: dict[str, dict[str, Tally]] = {"handle": {}, "listener": {}, "timer": {}}

    def add(self, hours: float, body: Mapping[str, Any]) -> None:
        """Take a `census` event; what is not as the protocol has it is skipped."""
        handles = body.get("handles")
        for name, count in handles.items() if isinstance(handles, dict) else ():
            self._count("handle", name, hours, count)
        for entry in _entries(body.get("listeners")):
            name = f"{entry.get('emitter')} {entry.get('event')!r}"
            self._count("listener", name, hours, entry.get("count"), str(entry.get("added") or ""))
        timers = body.get("timers")
        for entry in _entries(timers.get("by") if isinstance(timers, dict) else None):
            self._count("timer", str(entry.get("callback") or "(anonymous)"), hours, entry.get("count"))

    def of(self, kind: str) -> Mapping[str, Tally]:
        """Return the tallies of `handle`, `listener` or `timer` by name."""
        return self._kinds[kind]

    def _count(self, kind: str, name: str, hours: float, count: object, note: str = "") -> None:
        if not isinstance(count, (int, float)):
            return
        tallies, name = self._kinds[kind], name[:_LONGEST_NAME]
        tally = tallies.get(name)
        if tally is None:
            if len(tallies) >= _MOST_THINGS:
                least = min(tallies, key=lambda one: tallies[one].growth)
                if tallies[least].growth >= count:
                    return
                del tallies[least]
            tally = tallies[name] = Tally()
        tally.note = note or tally.note
        tally.add(hours, float(count))


def _entries(value: object) -> Iterator[Mapping[str, Any]]:
    yield from (entry for entry in (value if isinstance(value, list) else ()) if isinstance(entry, dict))
