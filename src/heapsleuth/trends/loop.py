"""An event loop that comes round late again and again, and what was running while it stood still."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from heapsleuth.trends.model import Evidence, TrendVerdict
from heapsleuth.units import format_duration, format_share

if TYPE_CHECKING:
    from collections.abc import Mapping

    from heapsleuth.trends.history import History
    from heapsleuth.trends.model import Life
    from heapsleuth.trends.settings import Thresholds

__all__ = ["Blocked", "judge_loop"]

_LOOKED_AT_HOURS = 1.1
_SLOW_BUCKETS = 3
_MIN_BUCKETS = 4
_STALLED_SHARE = 0.02
_CRITICAL_SHARE = 0.2
_LONG_STALL_MS = 1000.0
_BY_COLLECTIONS = 0.7
_MOST_PLACES = 20
_SNAPSHOT_FILE = "lib/snapshot/heap-file.cjs"
"""Of the agent, where V8 writes a snapshot."""
_FADE = 0.5
"""What was seen counts half after it has been asked for that many times that the table filled up."""


class Blocked:
    """Which functions were running while the loop stood still; at most 20 of them, those seen most."""

    __slots__ = ("_ms_by_place", "stalls")

    def __init__(self) -> None:
        self._ms_by_place: Counter[str] = Counter()
        self.stalls = 0

    def add(self, body: Mapping[str, Any]) -> None:
        """Take a `blocked` event."""
        frames = body.get("frames")
        if any(_is_snapshot(frame) for frame in (frames if isinstance(frames, list) else ())):
            # Asked for, and told elsewhere: the program is not to blame for it.
            return
        self.stalls += 1
        stall_ms = _number(body.get("ms"))
        for frame in frames[:10] if isinstance(frames, list) else ():
            if isinstance(frame, dict):
                self._ms_by_place[place_of(frame)] += int(stall_ms * _number(frame.get("share")))
        if len(self._ms_by_place) > 2 * _MOST_PLACES:
            kept = self._ms_by_place.most_common(_MOST_PLACES)
            self._ms_by_place = Counter({place: int(ms * _FADE) for place, ms in kept})

    def worst(self, most: int = 3) -> list[tuple[str, float]]:
        """Return functions and their shares of the stalled time, the largest first."""
        whole = sum(self._ms_by_place.values())
        return [(place, ms / whole) for place, ms in self._ms_by_place.most_common(most) if ms > 0]


def place_of(frame: Mapping[str, Any]) -> str:
    """Return a frame as people write it: `renderReport (src/report.js:88)`."""
    name = str(frame.get("function") or "(anonymous)")[:120]
    file, line = str(frame.get("file") or "")[-200:], frame.get("line")
    return f"{name} ({file}:{line})" if file and line else f"{name} ({file})" if file else name


def _is_snapshot(frame: object) -> bool:
    return isinstance(frame, dict) and str(frame.get("file") or "").endswith(_SNAPSHOT_FILE)


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def judge_loop(
    life: Life, history: History, blocked: Blocked, thresholds: Thresholds, now_ms: float
) -> TrendVerdict:
    """Judge the last hour of a life."""
    window = history.window(_LOOKED_AT_HOURS)
    p99 = window.column("loop_delay_p99_ms")
    known = int((~np.isnan(p99)).sum())
    if known < _MIN_BUCKETS:
        return TrendVerdict(
            "loop-blocked",
            "undecided",
            life.subject,
            now_ms,
            "too little is known about the event loop",
            "info",
            settles=("an hour of samples with loop_delay_p99_ms",),
        )
    longest = window.column("loop_delay_max_ms")
    stalled = window.rate("loop_stalled_ms_total") / 3_600_000
    slow = (p99 > thresholds.loop_delay_p99_ms) | (stalled >= _STALLED_SHARE) | (longest >= _LONG_STALL_MS)
    share = float(np.nanmax(stalled)) if not np.isnan(stalled).all() else 0.0
    numbers = {
        "loop_delay_p99_ms": float(np.nanmax(p99)),
        "slow_buckets": float(slow.sum()),
        "stalled_share": share,
    }
    if not np.isnan(longest).all():
        numbers["longest_ms"] = float(np.nanmax(longest))
    worst = max(numbers["loop_delay_p99_ms"], numbers.get("longest_ms", 0.0))
    evidence = [
        Evidence(
            "slow-loop",
            f"in {int(slow.sum())} of the last {known} stretches of 10 minutes the loop was late; "
            f"p99 up to {format_duration(numbers['loop_delay_p99_ms'] / 1000)}, "
            f"longest {format_duration(worst / 1000)}",
            numbers["slow_buckets"],
        )
    ]
    if int(slow.sum()) < _SLOW_BUCKETS:
        return TrendVerdict(
            "loop-blocked",
            "clear",
            life.subject,
            now_ms,
            "the event loop comes round in time",
            "info",
            numbers=numbers,
            evidence_against=tuple(evidence),
        )
    if share:
        evidence.append(
            Evidence("stalled-share", f"it stood still for up to {format_share(share)} of the time", share)
        )
    by_collections = _gc_part(history)
    if by_collections >= _BY_COLLECTIONS:
        numbers["gc_share_of_stalls"] = by_collections
        evidence.append(
            Evidence(
                "by-collections",
                f"garbage collections explain {format_share(by_collections)} of that time",
                by_collections,
            )
        )
    places = blocked.worst()
    evidence += [
        Evidence(
            "blocked-by", f"{place} ran in {format_share(part)} of the stalled time that was looked at", part
        )
        for place, part in places
    ]
    title = f"the event loop is blocked for up to {format_duration(worst / 1000)}"
    if places and by_collections < _BY_COLLECTIONS:
        title += f", by {places[0][0]}"
    first = int(np.flatnonzero(slow)[0])
    return TrendVerdict(
        "loop-blocked",
        "alarm",
        life.subject,
        now_ms,
        title,
        "critical" if share >= _CRITICAL_SHARE else "warning",
        since_ms=history.first_ms + float(window.hours[first]) * 3_600_000,
        numbers=numbers,
        evidence_for=tuple(evidence),
        settles=() if places else ("a `blocked` event: the next long stall names its function",),
    )


def _gc_part(history: History) -> float:
    """Share of the stalled time that collections could explain, 0 to 1."""
    window = history.window(_LOOKED_AT_HOURS)
    stalled = float(np.nansum(window.increments("loop_stalled_ms_total")))
    paused = float(np.nansum(window.increments("gc_major_ms_total")))
    return min(1.0, paused / stalled) if stalled > 0 else 0.0
