"""Processes that die of their memory, told from those that are restarted on purpose.

One process seldom shows it, since its last sample comes up to half a minute before its end.  Its slot does:
life after life use rises, ends near a limit and begins anew, a saw-tooth over days; or the kernel's own count
of kills rises.  A deployment ends lives as well, but far from a limit, or with another release after it.
"""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from heapsleuth.trends.model import Evidence, Subject, TrendVerdict
from heapsleuth.units import format_share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from heapsleuth.trends.history import History
    from heapsleuth.trends.model import Life

    Floats = NDArray[np.float64]

__all__ = ["Ends", "LifeEnd", "describe_end"]

Why = Literal["killed", "near-limit", "planned", "unknown"]

_HOUR_MS = 3_600_000.0
_DAY_MS = 24 * _HOUR_MS
_KEPT_MS = 8 * _DAY_MS
_ENDS_OF_A_SLOT = 12
_MOST_SLOTS = 1000
_NEAR_HEAP = 0.75
"""In the earliest of 8 aborts the floor had come to 0.80 of max-old-space; the reported limit is larger."""
_NEAR_CONTAINER = 0.85
_RISE = 1.2
_SAW_TOOTH_LIVES = 2
_ROLLING_MS = 600_000.0
_ROLLING_ENDS = 3


@dataclass(frozen=True, slots=True)
class LifeEnd:
    """
    How a life ended.

    Attributes:
        share: Largest share of a limit that was in use in its last half hour; NaN when no limit is known.
        limit: Which limit that was.
        rose: Whether use was higher in its last quarter than in its first.
        kills: What the kernel's counter gained during this life.
        kill_total: That counter's last value; NaN when unknown.
    """

    life: Life
    ended_ms: float
    share: float
    limit: str
    rose: bool
    kills: float
    kill_total: float
    why: Why = "unknown"

    @property
    def hours(self) -> float:
        """Length of the life."""
        return max(0.0, self.ended_ms - self.life.started_ms) / _HOUR_MS


def describe_end(life: Life, history: History, ended_ms: float) -> LifeEnd:
    """Sum up a life that has ended; its history must have been ended."""
    window = history.window()
    heap = _last_share(window.first_of("floor_bytes", "heap_used_bytes"), window.column("heap_limit_bytes"))
    container = _last_share(
        window.column("container_working_set_bytes"), window.column("container_limit_bytes")
    )
    nearest = "container" if _filled(container) / _NEAR_CONTAINER > _filled(heap) / _NEAR_HEAP else "heap"
    share = container if nearest == "container" else heap
    used = (
        window.column("container_working_set_bytes")
        if nearest == "container"
        else window.first_of("floor_bytes", "heap_used_bytes")
    )
    kills = float(np.nansum(window.increments("container_oom_kill_total"))) if len(window) > 1 else 0.0
    return LifeEnd(
        life, ended_ms, share, nearest, _rose(used), kills, window.latest("container_oom_kill_total")
    )


def _last_share(used: Floats, limits: Floats) -> float:
    shares = (used / limits)[-3:]
    known = shares[~np.isnan(shares)]
    return float(known.max()) if len(known) else math.nan


def _filled(share: float) -> float:
    return 0.0 if math.isnan(share) else share


def _rose(used: Floats) -> bool:
    known = used[~np.isnan(used)]
    quarter = max(1, len(known) // 4)
    return len(known) > 1 and bool(np.median(known[-quarter:]) > _RISE * np.median(known[:quarter]))


class Ends:
    """The ends of a service's lives by slot: 12 of each of at most 1,000 slots, about 5 kB a slot."""

    def __init__(self, service: str) -> None:
        self.service = service
        self._by_slot: OrderedDict[str, deque[LifeEnd]] = OrderedDict()
        self._kills: deque[tuple[float, Life]] = deque(maxlen=100)

    def add(self, end: LifeEnd) -> None:
        """Take an end; a later one of the same instance replaces it."""
        ends = self._by_slot.setdefault(end.life.slot, deque(maxlen=_ENDS_OF_A_SLOT))
        self._by_slot.move_to_end(end.life.slot)
        if ends and ends[-1].life.instance == end.life.instance:
            ends.pop()
        ends.append(self._judged(end))
        if len(self._by_slot) > _MOST_SLOTS:
            self._by_slot.popitem(last=False)

    def take_back(self, life: Life) -> None:
        """Forget the end of a life that goes on after all."""
        ends = self._by_slot.get(life.slot)
        if ends and ends[-1].life.instance == life.instance:
            ends.pop()

    def killed(self, life: Life, at_ms: float) -> None:
        """Note that the kernel's counter rose while this life went on: another process was killed."""
        self._kills.append((at_ms, life))

    def succeeded(self, life: Life, kill_total: float) -> None:
        """Take the next life of a slot: its count of kills and its release tell how the last one ended."""
        ends = self._by_slot.get(life.slot)
        if not ends or ends[-1].life.instance == life.instance:
            return
        last = ends[-1]
        if kill_total > last.kill_total:
            ends[-1] = replace(last, why="killed", kills=last.kills + kill_total - last.kill_total)
        elif last.why != "killed" and last.life.release != life.release:
            ends[-1] = replace(last, why="planned")

    @staticmethod
    def _judged(end: LifeEnd) -> LifeEnd:
        near = end.share >= (_NEAR_CONTAINER if end.limit == "container" else _NEAR_HEAP)
        if end.kills > 0 and near:
            return replace(end, why="killed")
        return replace(end, why="near-limit" if near and end.rose else "unknown")

    def evaluate(self, now_ms: float, *, oldest_ms: float, counted: bool, limited: bool) -> TrendVerdict:
        """
        Judge the last week.

        Args:
            now_ms: Time of the judgement.
            oldest_ms: Since when the service is watched.
            counted: Whether the kernel's count of kills is among the metrics.
            limited: Whether a limit is.
        """
        ends = [end for slot in self._by_slot.values() for end in slot if end.ended_ms > now_ms - _KEPT_MS]
        ends = _without_rolling(sorted(ends, key=lambda end: end.ended_ms))
        kills = [end for end in ends if end.why == "killed"]
        teeth = [
            slot_ends
            for slot_ends in self._by_slot.values()
            if sum(end.why in ("killed", "near-limit") and end in ends for end in slot_ends)
            >= _SAW_TOOTH_LIVES
        ]
        others = [life for at_ms, life in self._kills if at_ms > now_ms - _DAY_MS]
        recent = [end for end in kills if end.ended_ms > now_ms - _DAY_MS]
        going_on = [tooth for tooth in teeth if _goes_on(tooth, now_ms)]
        if recent or going_on or others:
            return self._alarm(now_ms, kills, going_on, others, ends)
        near = [end for end in ends if end.why == "near-limit"]
        said = partial(
            TrendVerdict, "oom-kills", subject=Subject(self.service), at_ms=now_ms, severity="info"
        )
        if near and near[-1].ended_ms > now_ms - _DAY_MS:
            return said(
                state="undecided",
                title="a process ended near its memory limit, once",
                evidence_for=(_end_evidence(near[-1]),),
                settles=("whether the next life of that slot ends alike", "the exit code: 137 or 134"),
            )
        if limited and now_ms - oldest_ms >= _DAY_MS:
            text = f"{len(ends)} lives ended in the last week, none of them near a limit"
            return said(
                state="clear",
                title="no process died of its memory",
                evidence_against=(Evidence("ends-elsewhere", text, float(len(ends))),),
            )
        missing = [] if limited else ["samples with heap_limit_bytes or container_limit_bytes"]
        missing += [] if counted else ["samples with container_oom_kill_total"]
        return said(
            state="undecided",
            title="too little is known about how processes end",
            settles=(*missing, "a day of watching"),
        )

    def _alarm(
        self,
        now_ms: float,
        kills: Sequence[LifeEnd],
        teeth: Sequence[Sequence[LifeEnd]],
        others: Sequence[Life],
        ends: Sequence[LifeEnd],
    ) -> TrendVerdict:
        deaths = [end for end in ends if end.why in ("killed", "near-limit")]
        numbers = {"lives_ended_near_a_limit": float(len(deaths)), "kills": float(len(kills) + len(others))}
        evidence = [_end_evidence(end) for end in deaths[-3:]]
        if teeth:
            lengths = [end.hours for tooth in teeth for end in tooth if end in deaths]
            numbers["life_hours"] = float(np.median(lengths))
            text = (
                f"in {len(teeth)} slots life after life rose and ended near the limit, "
                f"after {numbers['life_hours']:.1f} h each (median)"
            )
            evidence.insert(0, Evidence("saw-tooth", text, float(len(teeth))))
        if kills:
            text = f"the kernel counted kills at the end of {len(kills)} lives (container_oom_kill_total)"
            evidence.insert(0, Evidence("kernel-killed", text, float(len(kills))))
        if others:
            text = f"the kernel killed another process of the group {len(others)} times in a day"
            evidence.insert(0, Evidence("kernel-killed-other", text, float(len(others))))
        planned = sum(end.why == "planned" for end in ends)
        against = (
            (Evidence("planned-restarts", f"{planned} other lives ended with a deployment", float(planned)),)
            if planned
            else ()
        )
        worst = deaths[-1].life if deaths else others[-1]
        title = (
            f"processes die of their memory again and again, every {numbers['life_hours']:.1f} h"
            if teeth
            else "the kernel killed a process for its memory"
        )
        return TrendVerdict(
            "oom-kills",
            "alarm",
            Subject(self.service, worst.release, worst.instance),
            now_ms,
            title,
            "critical",
            since_ms=deaths[0].ended_ms if deaths else None,
            numbers=numbers,
            evidence_for=tuple(evidence),
            evidence_against=against,
            settles=("what grows: the verdicts about heap, external and native memory",),
        )


def _end_evidence(end: LifeEnd) -> Evidence:
    share = (
        f"at {format_share(end.share)} of its {end.limit} limit" if end.share > 0 else "at an unknown level"
    )
    text = f"{end.life.instance} ended {share} after {end.hours:.1f} h"
    return Evidence(end.why, text, _filled(end.share))


def _goes_on(tooth: Sequence[LifeEnd], now_ms: float) -> bool:
    """Tell whether a saw-tooth is of today: less than 1.5 of its periods ago, at least a day."""
    deaths = [end for end in tooth if end.why in ("killed", "near-limit")]
    period_ms = float(np.median([end.hours for end in deaths])) * _HOUR_MS
    return bool(deaths) and now_ms - deaths[-1].ended_ms < max(_DAY_MS, 1.5 * period_ms)


def _without_rolling(ends: list[LifeEnd]) -> list[LifeEnd]:
    """Call ends planned that came together, three in ten minutes and not killed: a rolling restart."""
    times = np.array([end.ended_ms for end in ends])
    together = [int((np.abs(times - end.ended_ms) <= _ROLLING_MS).sum()) for end in ends]
    slots = len({end.life.slot for end in ends})
    return [
        replace(end, why="planned")
        if end.why == "near-limit" and many >= _ROLLING_ENDS and many >= slots / 2
        else end
        for end, many in zip(ends, together, strict=True)
    ]
