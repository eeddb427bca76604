"""Whether the floor of the heap rises faster in one release than in the one before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from heapsleuth.trends.model import Evidence, Subject, TrendVerdict
from heapsleuth.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Slope", "judge_floors"]

_SCORE = 4.0
_FOUR_IN_FIVE = 0.84
_SURE = 1.96
_MATTERS = 200_000.0
"""Bytes per hour; what the leak rules, too, allow a healthy process."""
_VISIBLE = 1_000_000.0
_LIVES_DIFFER, _LIVES_WORTH = 100_000.0, 4.0
"""What is known before looking: slopes of healthy lives differ by 0.1 MB/h; weighs like four more lives."""


@dataclass(frozen=True, slots=True)
class Slope:
    """How fast the floor of one process life rises; bytes per hour, and its standard error."""

    bytes_per_hour: float
    error: float


def judge_floors(
    service: str,
    old: tuple[str, Sequence[Slope]],
    new: tuple[str, Sequence[Slope]],
    at_ms: float,
    *,
    since_ms: float | None = None,
) -> TrendVerdict:
    """
    Compare the floors of two releases.

    Lives of one release differ by more than their slopes' errors tell, so each counts by its error and by how
    much lives differ.

    Args:
        service: Whose releases they are.
        old: The earlier release and the slopes of its lives.
        new: The later one.
        at_ms: Now.
        since_ms: When the later one began.

    Returns:
        A verdict `floor-regression`; `smallest_visible_bytes_per_hour` is always among its numbers, infinite
        while there is nothing to compare.
    """
    usual, usual_error = _together(old[1])
    found, found_error = _together(new[1])
    subject = Subject(service, new[0])
    error = float(np.hypot(usual_error, found_error))
    visible = (_SCORE + _FOUR_IN_FIVE) * error
    if not np.isfinite(error):
        return TrendVerdict(
            "floor-regression", "undecided", subject, at_ms,
            f"the floors of {old[0]} and {new[0]} cannot be compared yet", "info", since_ms=since_ms,
            numbers={"smallest_visible_bytes_per_hour": float("inf")},
            settles=("a day of each release, or collections often enough to see their floors",),
        )  # fmt: skip
    change = found - usual
    score = change / error
    numbers = {
        "slope_before_bytes_per_hour": usual,
        "slope_bytes_per_hour": found,
        "effect_bytes_per_hour": change,
        "effect_low_bytes_per_hour": change - _SURE * error,
        "effect_high_bytes_per_hour": change + _SURE * error,
        "smallest_visible_bytes_per_hour": visible,
        "score": score,
    }
    evidence = (
        Evidence(
            "slopes",
            f"{_rate(found)} in {len(new[1])} lives of {new[0]}, {_rate(usual)} in {len(old[1])} of {old[0]}",
            change,
        ),
        Evidence("score", f"{score:.1f} standard errors; {_SCORE:.0f} are asked for", score),
    )
    state: Literal["alarm", "clear", "undecided"] = "undecided"
    title = (
        f"whether the floor rises faster in {new[0]} than in {old[0]} cannot be told; "
        f"less than {_rate(visible)} would not be seen"
    )
    if score > _SCORE and change > _MATTERS:
        state, title = "alarm", f"the floor rises {_rate(change)} faster in {new[0]} than in {old[0]}"
    elif visible <= _VISIBLE and score < _SURE:
        state = "clear"
        title = (
            f"the floor rises no faster in {new[0]} than in {old[0]}; {_rate(visible)} would have been seen"
        )
    return TrendVerdict(
        "floor-regression", state, subject, at_ms, title, "warning" if state == "alarm" else "info",
        since_ms=since_ms, numbers=numbers,
        evidence_for=evidence if state == "alarm" else (),
        evidence_against=() if state == "alarm" else evidence,
        settles=() if state == "clear" else ("more hours, or more instances, of the later release",),
    )  # fmt: skip


def _together(slopes: Sequence[Slope]) -> tuple[float, float]:
    """Return the mean slope of lives that differ among each other, and its standard error."""
    known = [one for one in slopes if np.isfinite(one.error) and one.error > 0]
    if not known:
        return 0.0, float("inf")
    values = np.array([one.bytes_per_hour for one in known])
    variances = np.array([one.error**2 for one in known])
    # Moments: what the spread of the values exceeds that of their errors is how lives differ.
    apart = float(((values - values.mean()) ** 2).sum()) - float(variances.mean()) * (len(known) - 1)
    between = (_LIVES_WORTH * _LIVES_DIFFER**2 + max(apart, 0.0)) / (_LIVES_WORTH + len(known) - 1)
    weights = 1 / (variances + between)
    return float(weights @ values / weights.sum()), float(1 / np.sqrt(weights.sum()))


def _rate(bytes_per_hour: float) -> str:
    return f"{format_bytes(bytes_per_hour)}/h"
