"""What memory verdicts have in common: when a limit is met, and what of the memory grows."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from heapsleuth.trends.forecast import Growth, container_forecast, earliest, heap_forecast
from heapsleuth.trends.memory_split import split_growth
from heapsleuth.trends.model import Evidence

if TYPE_CHECKING:
    from heapsleuth.trends.history import History
    from heapsleuth.trends.model import Forecast, TrendVerdict

__all__ = ["growth_error", "with_outlook"]

_LATELY_HOURS = 1.1
_ERRORS_BETWEEN = 6.0
"""The slopes of a leak verdict's interval are three standard errors to each side."""


def growth_error(verdict: TrendVerdict) -> float:
    """Return the standard error of a verdict's slope in bytes per hour; NaN when it has none."""
    numbers = verdict.numbers
    if "slope_error_bytes_per_hour" in numbers:
        return numbers["slope_error_bytes_per_hour"]
    low, high = numbers.get("slope_low_bytes_per_hour"), numbers.get("slope_high_bytes_per_hour")
    return math.nan if low is None or high is None else (high - low) / _ERRORS_BETWEEN


def with_outlook(verdict: TrendVerdict, history: History, node: str = "") -> TrendVerdict:
    """Return a verdict about growing memory with its forecast, an alarm also with what else grows."""
    slope = verdict.numbers.get("slope_bytes_per_hour", 0.0)
    sure = verdict.numbers.get("slope_low_bytes_per_hour", slope) > 0
    if verdict.state == "clear" or (verdict.state != "alarm" and not sure) or slope <= 0:
        return verdict
    verdict = replace(verdict, forecast=_forecast(verdict, history, slope, node))
    if verdict.state != "alarm" or verdict.kind == "native-growth":
        return verdict
    parts = tuple(
        Evidence(f"split-{part.name}", part.text, part.rise.per_hour)
        for part in split_growth(history)
        if part.rise.shape == "rises"
    )
    return replace(verdict, evidence_for=(*verdict.evidence_for, *parts))


def _forecast(verdict: TrendVerdict, history: History, slope: float, node: str) -> Forecast | None:
    window = history.window(_LATELY_HOURS)
    error = growth_error(verdict)
    error = 0.0 if math.isnan(error) else error
    found = []
    floor, heap_limit = window.latest("floor_bytes"), window.latest("heap_limit_bytes")
    if verdict.kind == "heap-leak" and not math.isnan(floor + heap_limit):
        found.append(heap_forecast(Growth(floor, slope, error), heap_limit, node=node))
    used = window.latest("container_working_set_bytes")
    used = window.latest("rss_bytes") if math.isnan(used) else used
    container_limit = window.latest("container_limit_bytes")
    if not math.isnan(used + container_limit):
        found.append(container_forecast(Growth(used, slope, error), container_limit))
    return earliest(*found)
