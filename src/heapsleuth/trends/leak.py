"""The leak verdict of one process life: samples in, a verdict out; bounded in memory."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Literal

import numpy as np

from heapsleuth.trends import looks
from heapsleuth.trends.designs import MB
from heapsleuth.trends.envelope import LEAST_SLOPE
from heapsleuth.trends.floor import FloorSeries
from heapsleuth.trends.leak_rules import DEFAULT, Preset, Rule, RuleName
from heapsleuth.trends.leak_words import Alarm, Judged, describe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from heapsleuth.trends.envelope import Envelope
    from heapsleuth.trends.model import Life, TrendVerdict

__all__ = ["LeakKind", "LeakTrend"]

LeakKind = Literal["heap-leak", "external-leak"]

_FLOORS: dict[LeakKind, tuple[str, ...]] = {
    "heap-leak": ("floor_bytes",),
    "external-leak": ("floor_array_buffers_bytes", "floor_external_bytes"),
}
_QUARTERS_UNTIL = 6.0
_MS_PER_HOUR = 3_600_000.0
_SEMI_SPACES = 48 * 2**20
"""What the heap limit has above the old generation's: three semi-spaces of the default size."""
_GIVES_UP = 0.8
"""Share of the old generation's limit from which on V8 ends the process when collections no longer help."""
_CATCH_UP_HOURS = 10
_TINY = 1e-3
_OPEN_HOURS = 0.34
"""A look does not wait for the last rows to be full: two of ten minutes."""
_FORGIVEN = 6
"""Hours in a row without growth that end an alarm."""
_STRICTER_Z = 2.0
_STRICTER_AGE = 2.0
_STRICTER_ROWS = 24
_MAJOR_DROP = 20e6
_MAJOR_SHARE = 0.25


class LeakTrend:
    """
    Takes the samples of one life and judges whether what stays after collections grows without end.

    Bounded: at most 30 kB, and 100 kB more while it judges.

    Attributes:
        series: The floor and the load so far.
        lowest_only: No floors were ever reported: used memory after large drops stands for them, and the
            rules are stricter.
    """

    def __init__(self, life: Life, kind: LeakKind = "heap-leak", preset: Preset = DEFAULT) -> None:
        self.life = life
        self.kind = kind
        self.series = FloorSeries(life.started_ms)
        self.lowest_only = kind == "heap-leak"
        self._preset = preset
        self._begun = life.started_ms > 0
        self._limit = math.nan
        self._floor = math.nan
        self._first_floor = math.nan
        self._used = math.nan
        self._looked = 0.0
        self._passes: dict[RuleName, deque[bool]] = {
            rule.name: deque(maxlen=rule.of) for rule in preset.rules
        }
        self._found: Envelope | None = None
        self._alarm: Alarm | None = None
        self._quiet = 0

    def add(self, row: Mapping[str, float]) -> None:
        """Take a sample (or the roll-up of several) as the protocol names its metrics, oldest first."""
        at_ms = row.get("at_ms")
        if at_ms is None:
            return
        if not self._begun:
            # Nobody knows when it started: what is seen first is its beginning.
            self.series = FloorSeries(at_ms)
            self._begun = True
        floor = next((row[name] for name in _FLOORS[self.kind] if name in row), None)
        if floor is not None and self.lowest_only:
            self.lowest_only = False
            # What stood for floors until now does not compare with them.
            self.series.forget_floors()
            self._first_floor = math.nan
        if self.lowest_only:
            floor = self._after_drop(row.get("heap_used_bytes"))
        if floor is not None:
            self._floor = floor
            if math.isnan(self._first_floor):
                self._first_floor = floor
        self._limit = row.get("heap_limit_bytes", self._limit)
        self.series.add(at_ms, floor, row.get("requests_total"))

    def _after_drop(self, used: float | None) -> float | None:
        """Return used memory right after a drop that only a major collection makes."""
        if used is None:
            return None
        drop, self._used = self._used - used, used
        return used if drop > max(_MAJOR_DROP, _MAJOR_SHARE * used) else None

    @property
    def alarming(self) -> bool:
        """Whether there was an alarm and growth since."""
        return self._alarm is not None

    def evaluate(self, now_ms: float, earlier: Sequence[LeakTrend] = ()) -> TrendVerdict:
        """
        Judge; cheap when the last full look was less than an hour ago.

        Args:
            now_ms: The time of the verdict.
            earlier: Lives of the same slot before this one, oldest first.
        """
        age = min(self.series.hours + _OPEN_HOURS, (now_ms - self.series.started_ms) / _MS_PER_HOUR + _TINY)
        before = [
            one.series
            for one in earlier
            if looks.long_enough(one.series) and one.lowest_only == self.lowest_only
        ]
        for mark in _marks(self._looked, age):
            self._look(mark, before)
            self._looked = mark
        for series in (self.series, *before):
            series.forget_smoothed()
        return describe(
            Judged(
                life=self.life,
                kind=self.kind,
                now_ms=now_ms,
                age=age,
                preset=self._preset,
                lowest_only=self.lowest_only,
                with_history=bool(before),
                alarm=self._alarm,
                found=self._found,
                rate=self.series.mean_rate(),
                floor=self._floor,
                limit=self._limit,
            )
        )

    def _look(self, age: float, before: Sequence[FloorSeries]) -> None:
        strict = _STRICTER_AGE if self.lowest_only else 1.0
        latest: Envelope | None = None
        for rule in self._preset.rules:
            if not rule.least_age * strict <= age <= rule.most_age * strict or age % rule.every:
                continue
            found = self._envelope(rule, age, before, latest)
            passed = found is not None and self._fulfils(rule, found)
            passes = self._passes[rule.name]
            passes.append(passed)
            if found is None:
                continue
            if latest is None or rule.name == "late":
                latest = found
            if self._alarm is None and passed and sum(passes) >= rule.looks:
                self._alarm = Alarm(rule, self._since_ms(found), found)
        if latest is not None:
            self._found = latest
            self._keep_alarm(latest)

    def _envelope(
        self, rule: Rule, age: float, before: Sequence[FloorSeries], latest: Envelope | None
    ) -> Envelope | None:
        if rule.name == "history":
            return looks.with_history(self.series, before, age) if before else None
        if rule.name == "cold":
            return looks.whole_life(self.series, age)
        if rule.name == "urgent":
            if not self._may_be_urgent(age):
                return None
            return latest or looks.whole_life(self.series, age)
        day = looks.last_day(self.series, age)
        return looks.late_onset(self.series, age) if day is not None and day.z > rule.day_z else day

    def _fulfils(self, rule: Rule, found: Envelope) -> bool:
        z, rows = rule.z, rule.rows
        if self.lowest_only:
            z, rows = z + _STRICTER_Z, max(rows, _STRICTER_ROWS)
        if found.z <= z or found.bend <= rule.bend or found.rows < rows:
            return False
        return rule.name != "urgent" or self._room < found.low * MB * self._preset.urgent_hours

    @property
    def _room(self) -> float:
        """Bytes until V8 may give up."""
        return (self._limit - _SEMI_SPACES) * _GIVES_UP - self._floor

    def _may_be_urgent(self, age: float) -> bool:
        """Tell cheaply whether the floor rose at least half as fast as the rule demands."""
        return (self._floor - self._first_floor) / age > self._room / self._preset.urgent_hours / 2

    def _since_ms(self, found: Envelope) -> float:
        return self.series.started_ms + found.worst.slope_term.at * _MS_PER_HOUR

    def _keep_alarm(self, latest: Envelope) -> None:
        if self._alarm is None:
            return
        self._quiet = 0 if latest.best.slope > LEAST_SLOPE else self._quiet + 1
        if self._quiet >= _FORGIVEN:
            self._alarm, self._quiet = None, 0
            for passes in self._passes.values():
                passes.clear()


def _marks(looked: float, age: float) -> list[float]:
    """When a look is due: quarters of an hour up to 6 hours, then hours; few where many were missed."""
    if age < _QUARTERS_UNTIL:
        marks = np.arange(1.0, age + 1e-9, 0.25)
    else:
        marks = np.arange(_QUARTERS_UNTIL, age + 1e-9, 1.0)
        marks = marks[marks > age - _CATCH_UP_HOURS - 1]
    return [float(mark) for mark in marks if mark > looked]
