"""The looks at a floor that rules rest on: with lives before, alone, at a late beginning, at the last day."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapsleuth.trends.designs import Design, lowest_rows
from heapsleuth.trends.envelope import Envelope, envelope

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapsleuth.trends.floor import FloorSeries

__all__ = ["last_day", "late_onset", "long_enough", "whole_life", "with_history"]

_WARM_UP_HOURS = 0.5
"""Code is compiled and pools are filled; nothing before says anything."""
_ROWS = 36
_LEAST_ROWS = 8
_EARLIER_LIVES = 2
_HISTORY_HOURS = 6.0
_HISTORY_SHARE = 1.5
"""An earlier life is looked at up to this multiple of the current age: later is nothing to compare."""
_CHANGED_BY = 0.15
"""Share by which a release may change how much is held warm (caches and the like) without being a leak."""
_ONSETS = (12.0, 18.0, 24.0, 36.0, 48.0)
_LATE_HOURS = 48.0
_LATE_ROWS_BEFORE = 18
_BEFORE_HOURS = 10.0
_DAY_HOURS = 24.0


def long_enough(series: FloorSeries) -> bool:
    """Tell whether a life is long enough to compare with."""
    return series.hours >= _HISTORY_HOURS


def with_history(series: FloorSeries, earlier: Sequence[FloorSeries], age: float) -> Envelope | None:
    """Look at a life up to an age together with the last two before it; None: not enough floors."""
    longest = max(_HISTORY_HOURS, _HISTORY_SHARE * age)
    before = [
        lowest_rows(life, (_WARM_UP_HOURS, min(life.hours, longest), _ROWS))
        for life in earlier[-_EARLIER_LIVES:]
    ]
    before = [rows for rows in before if len(rows) >= _LEAST_ROWS]
    rows = lowest_rows(series, (_WARM_UP_HOURS, age, _ROWS))
    if not before or len(rows) < _LEAST_ROWS:
        return None
    return _from_start(Design(rows, before), age, spill=_CHANGED_BY)


def whole_life(series: FloorSeries, age: float) -> Envelope | None:
    """Look at a life up to an age, alone; None: not enough floors."""
    rows = lowest_rows(series, (_WARM_UP_HOURS, age, _ROWS))
    return None if len(rows) < _LEAST_ROWS else _from_start(Design(rows), age, spill=0.0)


def _from_start(design: Design, age: float, *, spill: float) -> Envelope:
    steps = design.steps(0.0, 2)
    bends = design.slopes_from((_WARM_UP_HOURS + age) / 2)
    design.prepare()
    return envelope(design, design.slopes, steps, spill=spill, bends=bends)


def late_onset(series: FloorSeries, age: float) -> Envelope | None:
    """Look for a slope that began in the last two days of a life; None: not enough floors."""
    begin = max(_WARM_UP_HOURS, age - 7 * _DAY_HOURS)
    since = max(age - _LATE_HOURS, begin + _BEFORE_HOURS)
    rows = lowest_rows(series, (begin, since, _LATE_ROWS_BEFORE), (since, age, _ROWS))
    if len(rows) < 2 * _LEAST_ROWS:
        return None
    design = Design(rows, warm_shares=(0.02, 0.1, 0.6))
    steps = design.steps(since - 4.0, 1)
    slopes = [
        slope
        for hours in _ONSETS
        if age - hours >= begin + _BEFORE_HOURS
        for slope in design.slopes_from(age - hours)
    ]
    slopes += design.slopes
    design.prepare()
    return envelope(design, slopes, steps)


def last_day(series: FloorSeries, age: float) -> Envelope | None:
    """Look at the last 24 hours alone, with no warm-up in them; None: not enough floors."""
    rows = lowest_rows(series, (age - _DAY_HOURS, age, _ROWS))
    if len(rows) < _LEAST_ROWS:
        return None
    design = Design(rows, warm_shares=())
    steps = design.steps(0.0, 1)
    design.prepare()
    return envelope(design, design.slopes, steps)
