"""One process life under watch: everything remembered of it, and the verdicts about it alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from heapsleuth.trends.attribution import SlowRequests
from heapsleuth.trends.census import Census
from heapsleuth.trends.counts import judge_counts
from heapsleuth.trends.gc import judge_gc
from heapsleuth.trends.history import BUCKET_MS, History
from heapsleuth.trends.leak import LeakTrend
from heapsleuth.trends.loop import Blocked, judge_loop
from heapsleuth.trends.memory_split import judge_native
from heapsleuth.trends.merging import Persistence
from heapsleuth.trends.outlook import with_outlook
from heapsleuth.trends.pressure import judge_pressure
from heapsleuth.trends.window import GrowthWindow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from heapsleuth.trends.model import Life, TrendVerdict
    from heapsleuth.trends.settings import Thresholds

__all__ = ["LifeWatch"]

_SILENT_INTERVALS = 6
_HOUR_MS = 3_600_000.0


class LifeWatch:
    """
    Takes the samples and events of one life; at most about 110 kB.

    Attributes:
        first_kill_total: First value of the kernel's count of kills; NaN when unknown.
        kills: What it gained since.
        verdicts: Of the last look.
    """

    __slots__ = (
        "_interval_ms",
        "_looked_at",
        "_persistence",
        "_thresholds",
        "_window",
        "blocked",
        "census",
        "ended",
        "first_kill_total",
        "history",
        "kill_total",
        "leaks",
        "life",
        "slow",
        "verdicts",
    )

    def __init__(self, life: Life, thresholds: Thresholds) -> None:
        self.life = life
        self.history = History()
        self.census = Census()
        self.blocked = Blocked()
        self.slow = SlowRequests(life)
        self.leaks: tuple[LeakTrend, ...] = (LeakTrend(life, "heap-leak"), LeakTrend(life, "external-leak"))
        self.ended = False
        self.first_kill_total = math.nan
        self.kill_total = math.nan
        self.verdicts: tuple[TrendVerdict, ...] = ()
        self._window = GrowthWindow()
        self._persistence = Persistence()
        self._thresholds = thresholds
        self._interval_ms = 30_000.0
        self._looked_at = -1

    def add(self, rows: Sequence[Mapping[str, float]]) -> float:
        """Take samples, oldest first; return by how much the kernel's count of kills rose."""
        killed = 0.0
        for row in rows:
            at_ms = row.get("at_ms")
            if at_ms is None:
                continue
            before_ms = self.history.last_ms
            if not self.history.add(at_ms, row):
                continue
            if before_ms:
                self._interval_ms += 0.2 * (min(at_ms - before_ms, _HOUR_MS) - self._interval_ms)
            for leak in self.leaks:
                leak.add(row)
            self._window.add(at_ms, row.get("heap_used_bytes", math.nan), self._thresholds)
            kill_total = row.get("container_oom_kill_total")
            if kill_total is not None:
                if math.isnan(self.first_kill_total):
                    self.first_kill_total = kill_total
                elif kill_total > self.kill_total:
                    killed += kill_total - self.kill_total
                self.kill_total = kill_total
        return killed

    def add_event(self, kind: str, at_ms: float, body: Mapping[str, Any]) -> None:
        """Take an event; types that say nothing about a trend are skipped."""
        if kind == "census":
            self.census.add(max(0.0, (at_ms - (self.history.first_ms or at_ms)) / _HOUR_MS), body)
        elif kind == "blocked":
            self.blocked.add(body)
        elif kind == "slow":
            self.slow.add(body)

    def is_silent(self, now_ms: float, silent_ms: float) -> bool:
        """Tell whether it should have been heard of: after some time, longer where samples come seldom."""
        return now_ms - self.history.last_ms > max(silent_ms, _SILENT_INTERVALS * self._interval_ms)

    def is_due(self, now_ms: float) -> bool:
        """Tell whether there is anything new to judge: another 10 minutes are complete."""
        open_since = self.history.last_ms // BUCKET_MS
        return self.history.closed != self._looked_at or now_ms // BUCKET_MS > open_since + 1

    def look(self, now_ms: float, earlier: Sequence[tuple[LeakTrend, ...]] = ()) -> None:
        """Judge anew; `earlier` are the leak trends of lives to compare with, oldest first."""
        self._looked_at = self.history.closed
        leaks = [
            leak.evaluate(now_ms, [leaks[number] for leaks in earlier])
            for number, leak in enumerate(self.leaks)
        ]
        native = judge_native(self.life, self.history, now_ms)
        self.verdicts = self._persistence.apply(
            [
                *(with_outlook(verdict, self.history, self.life.node) for verdict in (*leaks, *native)),
                judge_pressure(self.life, self.history, self._thresholds, now_ms),
                judge_gc(self.life, self.history, self._thresholds, now_ms),
                judge_loop(self.life, self.history, self.blocked, self._thresholds, now_ms),
                self.slow.evaluate(now_ms),
                *judge_counts(self.life, self.history, self.census, now_ms),
                *filter(None, [self._window.evaluate(self.life, self._thresholds, now_ms)]),
            ]
        )
