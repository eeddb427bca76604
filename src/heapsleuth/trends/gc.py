"""Garbage collection that holds the program up: long pauses again and again, or a large share of the time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.trends.model import Evidence, TrendVerdict
from heapsleuth.units import format_duration, format_share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heapsleuth.trends.history import History, Window
    from heapsleuth.trends.model import Life
    from heapsleuth.trends.settings import Thresholds

    Floats = NDArray[np.float64]

__all__ = ["judge_gc"]

_LOOKED_AT_HOURS = 1.1
_LONG_BUCKETS = 3
"""Of the last hour's six: one long pause is an accident, or a heap snapshot."""
_SHARE = 0.1
_CRITICAL_SHARE = 0.3
_SHARE_BUCKETS = 3
_MIN_BUCKETS = 4
_KINDS = {
    "major": (
        "major collections, whose pauses grow with what stays alive",
        "what holds the memory: a heap snapshot, or fewer objects in caches",
    ),
    "minor": (
        "minor collections, whose pauses grow with what survives its youth",
        "where it is allocated: a sampling heap profile; a larger --max-semi-space-size",
    ),
    "incremental": ("incremental marking", "what holds the memory: a heap snapshot"),
    "weakcb": ("callbacks of weak references", "fewer WeakRefs and FinalizationRegistry entries"),
}


def judge_gc(life: Life, history: History, thresholds: Thresholds, now_ms: float) -> TrendVerdict:
    """Judge the last hour of a life."""
    window = history.window(_LOOKED_AT_HOURS)
    longest = window.column("gc_pause_ms_max")
    collections = window.rate("gc_count")
    known = int((~np.isnan(longest)).sum())
    if known < _MIN_BUCKETS or not np.nansum(collections) > 0:
        # No collection seen is a gap in the data, never health.
        return TrendVerdict(
            "gc-pauses",
            "undecided",
            life.subject,
            now_ms,
            "too few garbage collections were seen",
            "info",
            settles=("an hour of samples with gc_count and gc_pause_ms_max under load",),
        )
    long = longest >= thresholds.gc_pause_ms
    shares = _shares(window)
    busy = shares >= _SHARE
    share = float(np.nanmedian(shares)) if not np.isnan(shares).all() else math.nan
    worst = float(np.nanmax(longest))
    numbers = {"longest_ms": worst, "long_pause_buckets": float(long.sum())}
    if not math.isnan(share):
        numbers["gc_share"] = share
    by_kind = _by_kind(window)
    evidence = [
        Evidence(
            "longest-pause",
            f"in {int(long.sum())} of the last {known} stretches of 10 minutes a pause took "
            f"{thresholds.gc_pause_ms:g} ms and more; the longest {format_duration(worst / 1000)}",
            worst,
        )
    ]
    if not math.isnan(share):
        evidence.append(
            Evidence("gc-share", f"{format_share(share)} of the time went into collections", share)
        )
    evidence += [
        Evidence(f"gc-kind-{kind}", f"{format_share(part)} of it into {_KINDS[kind][0]}", part)
        for kind, part in by_kind.items()
    ]
    if int(long.sum()) < _LONG_BUCKETS and int(busy.sum()) < _SHARE_BUCKETS:
        return TrendVerdict(
            "gc-pauses",
            "clear",
            life.subject,
            now_ms,
            "garbage collections are short and few",
            "info",
            numbers=numbers,
            evidence_against=tuple(evidence),
        )
    first = int(np.flatnonzero(long | busy)[0])
    return TrendVerdict(
        "gc-pauses",
        "alarm",
        life.subject,
        now_ms,
        f"garbage collections stop the program for up to {format_duration(worst / 1000)}"
        if long.any()
        else f"garbage collections take {format_share(share)} of the time",
        "critical" if share >= _CRITICAL_SHARE else "warning",
        since_ms=history.first_ms + float(window.hours[first]) * 3_600_000,
        numbers=numbers,
        evidence_for=tuple(evidence),
        settles=tuple(_KINDS[kind][1] for kind in list(by_kind)[:1]),
    )


def _shares(window: Window) -> Floats:
    """Share of the time in collections by bucket, float64[n]."""
    return np.asarray(window.rate("gc_pause_ms_total") / 3_600_000)


def _by_kind(window: Window) -> dict[str, float]:
    """Shares of the pause time by kind, the largest first; those below 5 % are left out."""
    gained = {kind: float(np.nansum(window.increments(f"gc_{kind}_ms_total"))) for kind in _KINDS}
    whole = sum(gained.values())
    shares = {kind: ms / whole for kind, ms in gained.items() if whole > 0 and ms >= 0.05 * whole}
    return dict(sorted(shares.items(), key=lambda item: -item[1]))
