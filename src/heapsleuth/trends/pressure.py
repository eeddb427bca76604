"""Memory near its limit, told by what stays after collections rather than by the peaks between them.

A heap's use is a saw-tooth whose peaks come near any limit in healthy services, so the floor is compared, and
of a container's working set the least of each 10 minutes.  That the kernel had tasks wait for memory (PSI)
is pressure by itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.trends.model import Evidence, TrendVerdict
from heapsleuth.units import format_bytes, format_share

if TYPE_CHECKING:
    from heapsleuth.trends.history import History, Window
    from heapsleuth.trends.model import Life, Severity
    from heapsleuth.trends.settings import Thresholds

__all__ = ["judge_pressure"]

_LOOKED_AT_HOURS = 0.6
_BUCKETS = 3
"""Half an hour above the threshold, without exception."""
_CRITICAL_HEAP_SHARE = 0.8
"""V8 gives up after four collections that leave 0.8 of the old generation (seen in 4 of 8 aborts)."""
_CRITICAL_CONTAINER_SHARE = 0.97
_PSI_FULL = 5.0
_PSI_SOME = 20.0


@dataclass(frozen=True, slots=True)
class _Level:
    code: str
    text: str
    value: float
    above: bool
    critical: bool = False


def judge_pressure(life: Life, history: History, thresholds: Thresholds, now_ms: float) -> TrendVerdict:
    """Judge the last half hour of a life."""
    window = history.window(_LOOKED_AT_HOURS)
    levels = [level for level in (_heap(window, thresholds), _container(window, thresholds)) if level]
    stalls = _stalls(window)
    above = [level for level in (*levels, *stalls) if level.above]
    against = [level for level in (*levels, *stalls) if not level.above]
    numbers = {level.code.replace("-", "_"): level.value for level in (*levels, *stalls)}
    enough = len(window) >= _BUCKETS
    if above and enough:
        severity: Severity = "critical" if any(level.critical for level in above) else "warning"
        return TrendVerdict(
            "memory-pressure",
            "alarm",
            life.subject,
            now_ms,
            above[0].text,
            severity,
            since_ms=history.last_ms - window.span_hours * 3_600_000,
            numbers=numbers,
            evidence_for=_evidence([*above, *_missized(window)]),
            evidence_against=_evidence(against),
        )
    if enough and levels:
        return TrendVerdict(
            "memory-pressure",
            "clear",
            life.subject,
            now_ms,
            "memory stays well below its limits",
            "info",
            numbers=numbers,
            evidence_for=_evidence(_missized(window)),
            evidence_against=_evidence(against),
        )
    missing = (
        "half an hour of samples" if levels or not enough else "a sample with a heap or container limit in it"
    )
    return TrendVerdict(
        "memory-pressure",
        "undecided",
        life.subject,
        now_ms,
        "too little is known about memory and its limits",
        "info",
        numbers=numbers,
        settles=(f"{missing}",),
    )


def _evidence(levels: list[_Level]) -> tuple[Evidence, ...]:
    return tuple(Evidence(level.code, level.text, level.value) for level in levels)


def _least_share(window: Window, used: str, limit: str) -> tuple[float, float]:
    """Return the least share of a limit in the window, and the limit; NaN when either is unknown."""
    limit_bytes = window.latest(limit)
    column = window.column(used)
    known = column[~np.isnan(column)]
    if not len(known) or not limit_bytes > 0:
        return math.nan, math.nan
    return float(known.min()) / limit_bytes, limit_bytes


def _heap(window: Window, thresholds: Thresholds) -> _Level | None:
    floors = not np.isnan(window.column("floor_bytes")).all()
    share, limit = _least_share(window, "floor_bytes" if floors else "heap_used_bytes", "heap_limit_bytes")
    if math.isnan(share):
        return None
    what = "after every major collection" if floors else "at its lowest"
    text = f"the heap holds {format_share(share)} of its limit of {format_bytes(limit)} {what}"
    return _Level("heap-share", text, share, share >= thresholds.heap_share, share >= _CRITICAL_HEAP_SHARE)


def _container(window: Window, thresholds: Thresholds) -> _Level | None:
    share, limit = _least_share(window, "container_working_set_bytes", "container_limit_bytes")
    if math.isnan(share):
        return None
    text = (
        f"the container's working set is at least {format_share(share)} of its limit of {format_bytes(limit)}"
    )
    return _Level(
        "container-share",
        text,
        share,
        share >= thresholds.container_share,
        share >= _CRITICAL_CONTAINER_SHARE,
    )


def _stalls(window: Window) -> list[_Level]:
    found = []
    for kind, who, most in (("full", "all tasks", _PSI_FULL), ("some", "some task", _PSI_SOME)):
        column = window.column(f"memory_pressure_{kind}_avg10")
        known = column[~np.isnan(column)]
        if len(known):
            least = float(known.min())
            text = f"{who} of the container waited for memory {least:.1f} % of the time (PSI)"
            found.append(_Level(f"pressure-{kind}", text, least, least >= most, critical=kind == "full"))
    return found


def _missized(window: Window) -> list[_Level]:
    """Return a level when the container ends before the heap does: then nothing collects harder in time."""
    heap, container = window.latest("heap_limit_bytes"), window.latest("container_limit_bytes")
    beside = window.latest("rss_bytes") - window.latest("heap_total_bytes")
    if math.isnan(heap + container) or heap + max(0.0, 0.0 if math.isnan(beside) else beside) <= container:
        return []
    text = (
        f"the heap may grow to {format_bytes(heap)}, more than the container's {format_bytes(container)} "
        "leave: the kernel kills the process before V8 collects harder; set --max-old-space-size below"
    )
    return [_Level("heap-limit-above-container", text, heap / container, above=True)]
