"""Whether a release answers more slowly than the one before it, at the median or the 99th percentile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from heapsleuth.trends.latency_designs import compare
from heapsleuth.trends.latency_slots import LatencySlots
from heapsleuth.trends.model import Evidence, Subject, TrendVerdict
from heapsleuth.units import format_share

if TYPE_CHECKING:
    from heapsleuth.trends.before_after import Change
    from heapsleuth.trends.latency_designs import Design
    from heapsleuth.trends.latency_slots import Served

__all__ = ["LOOKS_HOURS", "QUANTILES", "SCORE", "LatencyTrend"]

QUANTILES = {"p50": 0.5, "p99": 0.99}
LOOKS_HOURS = (1.0, 2.0, 4.0, 8.0, 16.0, 24.0, 48.0, 96.0)
"""When a release is looked at, in hours since it began. Few, since each look may be wrong."""
SCORE = 3.7
"""Standard errors from which on a change is no chance: one in 9,000."""

_FOUR_IN_FIVE = 0.84
_SURE = 1.96
_HOUR_MS = 3_600_000.0
_SMALL_MS, _SMALL_SHARE = 1.0, 0.05
_UNSUSPICIOUS = 2.0


class LatencyTrend:
    """
    Compares the latest release of a service with the one before, for one route.

    Args:
        service: Whose verdicts these are.
        route: Whose latencies; empty for all requests.
        visible_ms: The change that `clear` rules out.
    """

    def __init__(self, service: str, *, route: str = "", visible_ms: float = 10.0) -> None:
        self._service, self._route, self._visible_ms = service, route, visible_ms
        self._slots = LatencySlots()
        self._looked: tuple[str, int] = ("", 0)
        self._verdicts: tuple[TrendVerdict, ...] = ()

    def add(self, served: Served, *, span_ms: float = 30_000.0) -> None:
        """Take latencies of the *span_ms* that ended at `served.at_ms`, about in the order of time."""
        self._slots.add(served, span_ms)

    def evaluate(self, now_ms: float) -> tuple[TrendVerdict, ...]:
        """Return a verdict for each quantile; none while one release is known, or the new one gone."""
        releases = _releases(self._slots)
        if releases is None:
            return ()
        old, new = releases
        hours = (min(now_ms, self._slots.latest_ms) - self._slots.first_ms[new]) / _HOUR_MS
        look = sum(hours >= one for one in LOOKS_HOURS)
        if (new, look) != self._looked or not self._verdicts:
            self._looked = (new, look)
            found = [(name, *compare(self._slots, old, new, share)) for name, share in QUANTILES.items()]
            self._verdicts = tuple(self._judge(*one, old, new, now_ms) for one in found)
        return self._verdicts

    def _judge(
        self, name: str, change: Change | None, design: Design, old: str, new: str, now_ms: float
    ) -> TrendVerdict:
        subject = Subject(self._service, new)
        detail = f"{name} {self._route}".rstrip()
        what = f"{name} of {self._route}" if self._route else name
        since_ms = self._slots.first_ms[new]
        if change is None:
            return TrendVerdict(
                "latency-regression", "undecided", subject, now_ms,
                f"too little is known about {what} in {old} and {new}", "info",
                since_ms=since_ms, detail=detail, numbers={"smallest_visible_ms": float("inf")},
                settles=("an hour of the new release at loads that the old one had, and a day of that one",),
            )  # fmt: skip
        numbers = _numbers(change)
        visible = numbers["smallest_visible_ms"]
        evidence = _evidence(change, design, numbers, old, new)
        slower = change.score >= SCORE and _matters(numbers, self._visible_ms)
        if slower:
            state: Literal["alarm", "clear", "undecided"] = "alarm"
            title = f"{what} is {_ms(numbers['effect_ms'])} slower in {new} than in {old}"
        elif visible <= self._visible_ms and change.score < _UNSUSPICIOUS:
            state, title = (
                "clear",
                f"{what} is no slower in {new} than in {old}; {_ms(visible)} would have been seen",
            )
        else:
            state = "undecided"
            title = (
                f"whether {what} is slower in {new} than in {old} cannot be told; "
                f"less than {_ms(visible)} would not be seen"
            )
        return TrendVerdict(
            "latency-regression", state, subject, now_ms, title, "warning" if slower else "info",
            since_ms=since_ms, detail=detail, numbers=numbers,
            evidence_for=evidence if slower else (), evidence_against=() if slower else evidence,
            settles=() if state == "clear" else _settles(change, design, numbers),
        )  # fmt: skip


def _releases(slots: LatencySlots) -> tuple[str, str] | None:
    """Return the release before the latest and the latest."""
    ordered = sorted((one for one in slots.first_ms if one), key=lambda one: slots.first_ms[one])
    if len(ordered) < 2:  # noqa: PLR2004 - two to compare
        return None
    new = ordered[-1]
    since = slots.first_ms[new]
    gone = slots.last_ms[new] < slots.latest_ms - _HOUR_MS
    before = {one: min(slots.last_ms[one], since) - slots.first_ms[one] for one in ordered[:-1]}
    lately = [one for one in ordered[:-1] if slots.last_ms[one] >= since - 24 * _HOUR_MS and before[one] > 0]
    return None if gone or not lately else (lately[-1], new)


def _numbers(change: Change) -> dict[str, float]:
    base = float(np.exp(change.base))

    def in_ms(logarithm: float) -> float:
        return base * float(np.expm1(min(logarithm, 50.0)))

    return {
        "base_ms": base,
        "effect_ms": in_ms(change.value),
        "effect_low_ms": in_ms(change.value - _SURE * change.error),
        "effect_high_ms": in_ms(change.value + _SURE * change.error),
        "effect_share": float(np.expm1(change.value)),
        "smallest_visible_ms": in_ms((SCORE + _FOUR_IN_FIVE) * change.error),
        "score": change.score,
        "placebo_factor": change.placebo,
    }


def _matters(numbers: dict[str, float], visible_ms: float) -> bool:
    effect = numbers["effect_ms"]
    return effect >= visible_ms / 2 or (effect >= _SMALL_MS and numbers["effect_share"] >= _SMALL_SHARE)


def _evidence(
    change: Change, design: Design, numbers: dict[str, float], old: str, new: str
) -> tuple[Evidence, ...]:
    base, effect = numbers["base_ms"], numbers["effect_ms"]
    low, high = numbers["effect_low_ms"], numbers["effect_high_ms"]
    if design == "canary":
        text = (
            f"{change.rows_after} instances of {new} took {_ms(base + effect)} where {change.rows_before} "
            f"of {old} took {_ms(base)} at the same time"
        )
    else:
        text = f"{_ms(base + effect)} where {_ms(base)} would be expected of {old} at these loads and hours"
    found = [
        Evidence(design, text, effect),
        Evidence("interval", f"the change is between {_ms(low)} and {_ms(high)} (95 %)", effect),
        Evidence("score", f"{change.score:.1f} standard errors; {SCORE} are asked for", change.score),
    ]
    if change.placebo > 1.05:  # noqa: PLR2004 - worth telling
        found.append(
            Evidence(
                "placebo",
                f"without a deployment changes were {format_share(change.placebo - 1)} larger than expected, "
                "which is allowed for",
                change.placebo,
            )
        )
    return tuple(found)


def _settles(change: Change, design: Design, numbers: dict[str, float]) -> tuple[str, ...]:
    if design == "canary":
        return ("more instances of both releases at the same time, or more hours",)
    canary_ms = numbers["base_ms"] * float(np.expm1((SCORE + _FOUR_IN_FIVE) * 0.0107))
    more = f"both releases at the same time, on four instances each: {_ms(canary_ms)} and more would be seen"
    enough = numbers["smallest_visible_ms"] > canary_ms or change.score < SCORE
    return (more, "more hours of the new release") if enough else ("more hours of the new release",)


def _ms(value: float) -> str:
    """Return milliseconds with three digits."""
    return f"{value:.3g} ms" if abs(value) < 1000 else f"{value:,.0f} ms"  # noqa: PLR2004 - three digits
