"""The rule everybody writes first: ten samples in a row, each more than 5 MB above the one before.

Kept because users ask for it and understand it.  It informs; an alarm it raises only when told to, since it
sees nothing slower than 600 MB an hour at a sample each 30 s, and flags services that leak nothing (108 false
alarms in 1,000 service-days of the simulator).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from heapsleuth.trends.model import Evidence, TrendVerdict
from heapsleuth.units import format_bytes

if TYPE_CHECKING:
    from heapsleuth.trends.model import Life
    from heapsleuth.trends.settings import Thresholds

__all__ = ["GrowthWindow"]


class GrowthWindow:
    """Counts the samples in a row; two numbers of memory."""

    __slots__ = ("_above", "_first_bytes", "_last_bytes", "_since_ms")

    def __init__(self) -> None:
        self._above = 0
        self._last_bytes = math.nan
        self._first_bytes = math.nan
        self._since_ms = 0.0

    def add(self, at_ms: float, heap_used_bytes: float, thresholds: Thresholds) -> None:
        """Take a sample of the heap's use."""
        if heap_used_bytes - self._last_bytes > thresholds.window_bytes:
            if not self._above:
                self._first_bytes, self._since_ms = self._last_bytes, at_ms
            self._above += 1
        else:
            self._above = 0
        self._last_bytes = heap_used_bytes

    def evaluate(self, life: Life, thresholds: Thresholds, now_ms: float) -> TrendVerdict | None:
        """Return a verdict while the rule holds, else None: that it does not hold says nothing."""
        if self._above < thresholds.window_samples:
            return None
        grown = self._last_bytes - self._first_bytes
        text = f"heap used rose {self._above} samples in a row, by {format_bytes(grown)} together"
        return TrendVerdict(
            "heap-leak",
            "alarm" if thresholds.window_alarm else "undecided",
            life.subject,
            now_ms,
            text,
            "warning" if thresholds.window_alarm else "info",
            since_ms=self._since_ms,
            detail="growth-window",
            numbers={"samples_in_a_row": float(self._above), "growth_bytes": grown},
            evidence_for=(Evidence("rises-in-a-row", text, float(self._above)),),
            settles=("the trend of what stays after major collections",),
        )
