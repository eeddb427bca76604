"""A leak judgement in words: state, figures, evidence for and against, and what would settle it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from heapsleuth.trends.designs import MB
from heapsleuth.trends.envelope import LEAST_SLOPE
from heapsleuth.trends.model import Evidence, State, Subject, TrendVerdict
from heapsleuth.units import format_bytes

if TYPE_CHECKING:
    from heapsleuth.trends.envelope import Envelope
    from heapsleuth.trends.leak_rules import Preset, Rule
    from heapsleuth.trends.model import Life

__all__ = ["Alarm", "Judged", "describe"]

_VISIBLE = 1.0
"""MB/h: `clear` is said when no plausible explanation leaves room for growth as fast as this, be it a leak's
or that of something that still fills."""
_CLEAR_AGE, _CLEAR_AGE_COLD = 24.0, 48.0
"""Hours before which `clear` is never said, with and without an earlier life to compare with."""
_FEW_ROWS = 14
_BENT = -1.5

_WHAT: dict[str, str] = {
    "heap-leak": "heap left after collections",
    "external-leak": "memory outside the heap held by objects",
}
_RULE_TEXTS: dict[str, str] = {
    "history": "earlier lives of this process did not grow so at the same age and load",
    "cold": "it has grown all through this life of the process, and no warm-up explains it",
    "late": "growth began in a process that was level before",
    "urgent": "at this pace less than 2 hours are left before V8 gives up",
}


@dataclass(frozen=True, slots=True)
class Alarm:
    """Which rule raised it, since when the growth lasts, and what it looked like then."""

    rule: Rule
    since_ms: float
    found: Envelope


@dataclass(frozen=True, slots=True)
class Judged:
    """
    What is known of a life when a verdict is due.

    Attributes:
        age: Hours.
        rate: Requests per hour; 0: not known.
        floor, limit: Bytes; NaN: not known.
    """

    life: Life
    kind: Literal["heap-leak", "external-leak"]
    now_ms: float
    age: float
    preset: Preset
    lowest_only: bool
    with_history: bool
    alarm: Alarm | None
    found: Envelope | None
    rate: float
    floor: float
    limit: float


def describe(judged: Judged) -> TrendVerdict:
    """Return the verdict."""
    state = _state(judged)
    alarm = judged.alarm
    return TrendVerdict(
        kind=judged.kind,
        state=state,
        subject=Subject(judged.life.service, judged.life.release, judged.life.instance),
        at_ms=judged.now_ms,
        title=_title(judged, state),
        severity="critical" if alarm is not None and alarm.rule.name == "urgent" else "warning",
        since_ms=alarm.since_ms if alarm is not None else None,
        numbers=_numbers(judged),
        evidence_for=tuple(_evidence_for(judged)),
        evidence_against=tuple(_evidence_against(judged)),
        settles=tuple(_settles(judged)) if state != "clear" else (),
    )


def _state(judged: Judged) -> State:
    if judged.alarm is not None:
        return "alarm"
    found = judged.found
    needed = _CLEAR_AGE if judged.with_history else _CLEAR_AGE_COLD
    if found is None or judged.age < needed or found.rows < _FEW_ROWS or judged.lowest_only:
        return "undecided"
    return "clear" if found.fastest < _VISIBLE else "undecided"


def _title(judged: Judged, state: State) -> str:
    what = _WHAT[judged.kind]
    found = judged.found
    if state == "alarm" and found is not None:
        return f"{what.capitalize()} grows by {_pace(found.best.slope)}"
    if state == "clear" and found is not None:
        return f"{what.capitalize()} grows by less than {_pace(max(found.fastest, LEAST_SLOPE))}"
    if found is None:
        return f"Too early to say whether {what} grows"
    return f"Whether {what} grows without end cannot be told yet"


def _pace(megabytes: float) -> str:
    return f"{format_bytes(round(megabytes * MB))}/h"


def _numbers(judged: Judged) -> dict[str, float]:
    numbers = {"hours": judged.age}
    if math.isfinite(judged.floor):
        numbers["floor_bytes"] = judged.floor
    found = judged.found
    if found is None:
        return numbers
    worst = found.worst
    z = judged.preset.rule("history" if judged.with_history else "cold").z
    numbers |= {
        "slope_bytes_per_hour": found.best.slope * MB,
        "slope_low_bytes_per_hour": found.low * MB,
        "slope_high_bytes_per_hour": found.high * MB,
        "smallest_visible_bytes_per_hour": (LEAST_SLOPE + z * worst.error) * MB,
        "z": found.z,
        "bend_z": found.bend,
        "rows": float(found.rows),
    }
    if judged.rate > 0:
        numbers["slope_bytes_per_request"] = found.best.slope * MB / judged.rate
    return numbers


def _evidence_for(judged: Judged) -> list[Evidence]:
    found, evidence = judged.found, []
    if judged.alarm is not None:
        name = judged.alarm.rule.name
        evidence.append(Evidence(f"rule-{name}", _RULE_TEXTS[name].capitalize() + ".", judged.alarm.found.z))
    if found is None:
        return evidence
    if found.low > 0:
        text = f"Every explanation that fits leaves at least {_pace(found.low)} of growth."
        evidence.append(Evidence("slope-in-all-explanations", text, found.low * MB))
    if found.low > 0 and found.bend > _BENT:
        evidence.append(
            Evidence("still-rising", "It has not slowed down in the second half of the time.", found.bend)
        )
    if judged.rate > 0 and found.low > 0:
        each = found.best.slope * MB / judged.rate
        evidence.append(
            Evidence("per-request", f"That is {format_bytes(round(each))} for each request.", each)
        )
    return evidence


def _evidence_against(judged: Judged) -> list[Evidence]:
    found, evidence = judged.found, []
    if judged.lowest_only:
        text = "No floors are reported; lows of used memory stand for them, and the rules are stricter."
        evidence.append(Evidence("no-floor", text, 0.0))
    if found is None:
        return evidence
    if found.rows < _FEW_ROWS:
        text = f"Only {found.rows} stretches of time had a major collection."
        evidence.append(Evidence("few-collections", text, float(found.rows)))
    worst, best = found.worst, found.best
    if worst.extra.kind == "warm-up" and found.z < judged.preset.rule("cold").z:
        text = "Something that fills and then stays, a cache for instance, explains the growth about as well."
        evidence.append(Evidence("warm-up", text, worst.extra.at))
    if worst.extra.kind == "step" and found.z < judged.preset.rule("cold").z:
        text = f"A single step after {worst.extra.at:.0f} hours explains the growth about as well."
        evidence.append(Evidence("step", text, worst.extra.at))
    if best.echo.kind == "echo" and found.z < 0:
        evidence.append(Evidence("load", "The floor follows the load of the hours before.", best.slope * MB))
    if found.bend < _BENT:
        evidence.append(Evidence("slows-down", "It rises more slowly than it did at first.", found.bend))
    return evidence


def _settles(judged: Judged) -> list[str]:
    found = judged.found
    settles = []
    if judged.alarm is not None:
        return ["Snapshots of the heap an hour of traffic apart show which objects stay, and who holds them."]
    if judged.lowest_only:
        settles.append("The heapsleuth agent in the process reports the floor after each major collection.")
    least = judged.preset.rule("history" if judged.with_history else "cold").least_age
    if judged.age < least:
        settles.append(f"Wait until the process is {least:.0f} hours old.")
    elif found is not None and found.rows < _FEW_ROWS:
        settles.append("A forced collection every 2 hours when idle would show the floor often enough.")
    else:
        settles.append(
            f"More time: a cache that fills slows down by hour {2 * judged.age:.0f}, a leak does not."
        )
    if not judged.with_history:
        settles.append(
            "After the next restart there is an earlier life to compare with, which halves the time needed."
        )
    return settles
