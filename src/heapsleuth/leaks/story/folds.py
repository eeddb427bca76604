"""Shortens a story: insides of libraries, runs of a list and long middles become one step each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["NODE", "Stop", "folded"]

NODE = "Node.js"
"""What stands for a package's name where the runtime made an object."""

_SHORTEST_RUN = 3
_SHORTEST_INSIDE = 3
_MOST_STOPS = 12
_KEPT_AT_END = 6


@dataclass(frozen=True, slots=True)
class Stop:
    """One object of a story with the reference that leads to it."""

    edge: str
    node: int
    """Node index."""
    label: str
    package: str = ""
    """Whose code made it; empty for the application's and for what nobody says."""
    lasting: bool = False
    """Whether it lives as long as the process."""
    suspect: bool = False


def folded(stops: Sequence[Stop]) -> list[Stop]:
    """Return the story without what a programmer would skip."""
    return _without_middle(_without_insides(_without_runs(stops)))


def _without_runs(stops: Sequence[Stop]) -> list[Stop]:
    """Fold steps that repeat, as along a linked list, into one with their number."""
    result: list[Stop] = []
    for run in _grouped(stops, lambda stop: (stop.edge, stop.label, stop.suspect)):
        if len(run) >= _SHORTEST_RUN and run[0].edge:
            result.append(replace(run[-1], edge=f"{run[0].edge} ×{len(run):,}"))
        else:
            result += run
    return result


def _without_insides(stops: Sequence[Stop]) -> list[Stop]:
    """Fold what one library or the runtime does between the first step and the holder."""
    begin, end = 2, len(stops) - 2
    result = list(stops[:begin])
    for run in _grouped(stops[begin:end], lambda stop: (stop.package, stop.suspect)):
        if run[0].package and not run[0].suspect and len(run) >= _SHORTEST_INSIDE:
            inside = replace(run[-2], edge=f"({len(run) - 1} internal steps in {run[0].package})")
            result += [inside, run[-1]]
        else:
            result += run
    return result + list(stops[max(begin, end) :])


def _without_middle(stops: Sequence[Stop]) -> list[Stop]:
    """Leave out steps after the first ones where the story is still too long."""
    if len(stops) <= _MOST_STOPS:
        return list(stops)
    start = _MOST_STOPS - _KEPT_AT_END - 1
    hidden = stops[start:-_KEPT_AT_END]
    last = replace(hidden[-1], edge=f"({len(hidden)} more steps)", suspect=any(s.suspect for s in hidden))
    return [*stops[:start], last, *stops[-_KEPT_AT_END:]]


def _grouped(stops: Iterable[Stop], key: Callable[[Stop], object]) -> list[list[Stop]]:
    return [list(run) for _, run in groupby(stops, key)]
