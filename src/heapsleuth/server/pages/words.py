"""The dashboard's words: one table for each thing that has several, so that no page says it otherwise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heapsleuth.units import format_bytes, format_count, format_duration, format_share

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from heapsleuth.trends.model import Range, TrendVerdict

__all__ = [
    "KINDS",
    "LEAKS",
    "SEVERITIES",
    "Chip",
    "KindWords",
    "chip_of",
    "figure",
    "hours_text",
    "kind_words",
    "severity_rank",
    "span_text",
    "state_of",
]

_HOURS_A_DAY = 24.0
_MOST_HOURS = 24.0 * 90
"""A forecast beyond this is no forecast; `over 3 months`."""


@dataclass(frozen=True, slots=True)
class KindWords:
    """A kind of verdict: its name as a noun, and what a service with its alarm is called."""

    noun: str
    alarm: str


KINDS = {
    "heap-leak": KindWords("Heap leak", "Leak likely"),
    "external-leak": KindWords("Leak outside the heap", "Leak likely"),
    "native-growth": KindWords("Native memory growth", "Leak likely"),
    "oom-kills": KindWords("Out-of-memory kills", "Killed for memory"),
    "memory-pressure": KindWords("Memory pressure", "Near its limit"),
    "handle-leak": KindWords("Handles", "Handles pile up"),
    "listener-leak": KindWords("Listeners", "Listeners pile up"),
    "timer-leak": KindWords("Timers", "Timers pile up"),
    "latency-regression": KindWords("Latency by release", "Slower release"),
    "floor-regression": KindWords("Memory by release", "Heavier release"),
    "loop-blocked": KindWords("Event loop", "Loop blocked"),
    "gc-pauses": KindWords("GC pauses", "Long GC pauses"),
    "slow-requests": KindWords("Slow requests", "Slow requests"),
}
"""By `trends.model.Kind`, the most urgent first: the first alarm in this order names a service's state."""
LEAKS = frozenset({"heap-leak", "external-leak", "native-growth"})
SEVERITIES = ("critical", "warning", "info")
_UNKNOWN = KindWords("Problem", "Problem")


@dataclass(frozen=True, slots=True)
class Chip:
    """A state in words, and its tone for the style sheet: `leak`, `undecided`, `clean` or `plain`."""

    word: str
    tone: str


COLLECTING = Chip("Collecting", "plain")
UNDECIDED = Chip("Undecided", "undecided")
CLEAR = Chip("Clear", "clean")


def kind_words(kind: str) -> KindWords:
    """Return the words of a kind; of one this version does not know, general ones."""
    return KINDS.get(kind, _UNKNOWN)


def chip_of(verdict: TrendVerdict) -> Chip:
    """Return the state of one verdict."""
    if verdict.state == "alarm":
        return Chip(kind_words(verdict.kind).alarm, "leak")
    return UNDECIDED if verdict.state == "undecided" else CLEAR


def state_of(verdicts: Iterable[TrendVerdict]) -> Chip:
    """
    Return the state of a whole service: its most urgent alarm, or whether a leak is ruled out.

    Only what is said about leaks makes a service `Undecided`: that no two releases can be compared yet is
    not a doubt about the service.
    """
    found = list(verdicts)
    alarms = [one for one in found if one.state == "alarm"]
    if alarms:
        order = list(KINDS)
        worst = min(
            alarms,
            key=lambda one: (
                one.kind not in LEAKS,
                severity_rank(one.severity),
                order.index(one.kind) if one.kind in order else len(order),
            ),
        )
        return chip_of(worst)
    if any(one.state == "undecided" and one.kind in LEAKS for one in found):
        return UNDECIDED
    return CLEAR if any(one.state == "clear" for one in found) else COLLECTING


def severity_rank(severity: str) -> int:
    """Return 0 for what is most severe."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def hours_text(hours: Range) -> str:
    """Return an interval of hours as people say it: `6 to 9 h`, `2 to 5 days`, `over 3 days`."""
    low, high = max(hours.low, 0.0), hours.high
    if low >= _MOST_HOURS:
        return "over 3 months"
    if not math.isfinite(high) or high >= _MOST_HOURS:
        return f"over {span_text(low)}"
    unit = "h" if high < 2 * _HOURS_A_DAY else "days"
    scale = 1.0 if unit == "h" else _HOURS_A_DAY
    first, last = _number(low / scale), _number(high / scale)
    return f"{first} {unit}" if first == last else f"{first} to {last} {unit}"


def figure(name: str, value: float) -> tuple[str, str] | None:
    """
    Return a figure of a verdict as label and text; the unit is read off its name.

    None for what only statisticians read: scores, and how many rows were looked at.
    """
    if name in _TECHNICAL:
        return None
    # `stall_share_low` is the lower end of a share.
    base, side = next(
        ((name.removesuffix(end), end[1:]) for end in ("_low", "_high") if name.endswith(end)), (name, "")
    )
    label, form = next(
        ((base.removesuffix(ending), form) for ending, form in _UNITS if base.endswith(ending)),
        _WHOLE_NAMES.get(base, (base, _count)),
    )
    if not math.isfinite(value):
        text = "not yet known" if base.startswith("smallest_visible") else "unbounded"
    else:
        text = form(value)
    return f"{label} {side}".replace("_", " ").strip(), text


def _count(value: float) -> str:
    return format_count(float(f"{value:.3g}") if value % 1 else value)


def _signed_rate(value: float) -> str:
    return f"{'+' if value > 0 else ''}{format_bytes(value)}/h"


def _milliseconds(value: float) -> str:
    size = abs(value)
    if size >= 1000:  # noqa: PLR2004 - a second
        return ("-" if value < 0 else "") + format_duration(size / 1000)
    return f"{value:.0f} ms" if size >= 10 else f"{value:.1f} ms"  # noqa: PLR2004 - one digit is enough there


def span_text(hours: float) -> str:
    """Return hours as people say them: `31 h`, `12 days`."""
    return f"{_number(hours)} h" if hours < 2 * _HOURS_A_DAY else f"{_number(hours / _HOURS_A_DAY)} days"


_UNITS = (
    ("_bytes_per_hour", _signed_rate),
    ("_bytes_per_request", lambda value: f"{format_bytes(value)} per request"),
    ("_bytes", format_bytes),
    ("_per_hour", lambda value: f"{'+' if value > 0 else ''}{_count(value)}/h"),
    ("_ms", _milliseconds),
    ("_share", format_share),
    ("_hours", span_text),
    ("_s", format_duration),
    ("_total", lambda value: format_count(round(value))),
)
"""Endings of names of figures, the longest first, and how such a figure is printed."""
_WHOLE_NAMES: dict[str, tuple[str, Callable[[float], str]]] = {
    "hours": ("observed", span_text),
    "share_of_growth": ("share of growth", format_share),
}
"""Names whose unit stands elsewhere."""
_TECHNICAL = frozenset(("bend_z", "placebo_factor", "rows", "score", "z"))


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}".removesuffix(".0")  # noqa: PLR2004 - two digits
