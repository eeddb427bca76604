"""Phrases that every report for people uses: the headline, places, rates, confidence."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from heapsleuth.leaks.model import AnalysisReport, Finding, Verdict
from heapsleuth.units import format_bytes, format_rate

if TYPE_CHECKING:
    from collections.abc import Callable

    from heapsleuth.places import SourceLocation

__all__ = [
    "byte_rate",
    "confidence",
    "count_rate",
    "headline",
    "holder",
    "leaks",
    "place",
    "plural",
    "probability",
    "short_place",
    "work_unit",
]

_SMALLEST_RATE = 1e-4
"""What is smaller per unit of work is shown as `<0.0001`: it would only be digits."""
_DECIDING_SNAPSHOTS = 3
_SUREST = 0.99
_NAMELESS = re.compile(r"(?:index|main)\.\w+$")
"""Files whose name says nothing without their folder's."""


def headline(report: AnalysisReport) -> str:
    """Return why the verdict is what it is, in one or two sentences."""
    return _HEADLINES[report.verdict](report) if report.mode != "single" else _single_headline(report)


def leaks(report: AnalysisReport) -> list[Finding]:
    """Return the findings that count: verdict `leak`, not suppressed."""
    return [f for f in report.findings if f.verdict is Verdict.LEAK and f.suppressed is None]


def place(location: SourceLocation | None, base_dir: str = "") -> str:
    """Return `file:line`, without `base_dir` in front of it; an empty string when the place is unknown."""
    if location is None:
        return ""
    folder = f"{base_dir.rstrip('/')}/"
    return str(location).removeprefix(folder) if base_dir else str(location)


def short_place(location: SourceLocation | None) -> str:
    """Return the place without the folders, for tables: `cache.js:8`, `cart/index.js:3`."""
    if location is None:
        return ""
    parts = re.split(r"[\\/]", location.file)
    name = "/".join(parts[-2:]) if _NAMELESS.match(parts[-1]) else parts[-1]
    return name if location.line is None else f"{name}:{location.line}"


def holder(finding: Finding) -> str:
    """Return kind and name of what holds the members: `Map reportCache`."""
    kind, name = finding.holder.kind, finding.holder.name
    # Some names begin with their kind (`global orders`) and some kinds end in the name (`function f`).
    if name == kind or name.startswith(f"{kind} ") or not kind:
        return name
    return kind if kind.endswith(f" {name}") or not name else f"{kind} {name}"


def confidence(report: AnalysisReport, finding: Finding) -> str:
    """Return the confidence, marked as long as the model behind it is not calibrated."""
    number = probability(finding.confidence)
    return f"{number}, provisional model" if report.model.startswith("provisional") else number


def probability(value: float) -> str:
    """Return a confidence with two decimals; never as certainty: `0.97`, `>0.99`, `<0.01`."""
    if value > _SUREST:
        return f">{_SUREST}"
    return f"{value:.2f}" if value >= 1 - _SUREST else f"<{1 - _SUREST:.2f}"


def work_unit(report: AnalysisReport) -> str:
    """Return what rates are per: a unit of work when the work is known, a round otherwise."""
    known = report.inputs and all(one.work is not None for one in report.inputs)
    return "unit of work" if known else "round"


def count_rate(per_work: float) -> str:
    """Return objects per unit of work with their sign: `+1.0`."""
    return _rate(per_work, format_rate)


def byte_rate(per_work: float) -> str:
    """Return bytes per unit of work with their sign: `+1.65 kB`."""
    return _rate(per_work, format_bytes)


def plural(count: int, noun: str, nouns: str = "") -> str:
    """Return the count with its noun: `1 cause`, `4 causes`."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def _rate(per_work: float, form: Callable[[float], str]) -> str:
    if not math.isfinite(per_work):
        return "unknown"
    sign = "-" if per_work < 0 else "+"
    size = abs(per_work)
    if 0 < size < _SMALLEST_RATE:
        return f"{sign}<{_SMALLEST_RATE}"
    return sign + form(size)


def _leak_headline(report: AnalysisReport) -> str:
    found = leaks(report)
    total = sum(f.members.bytes_per_work for f in found)
    rate = f" {format_bytes(total)} per {work_unit(report)}" if _SMALLEST_RATE <= total < math.inf else ""
    if len(found) == 1:
        return f"1 cause keeps growing{',' if rate else ''}{rate}."
    return f"{plural(len(found), 'cause')} keep growing{', together' if rate else ''}{rate}."


def _clean_headline(report: AnalysisReport) -> str:
    accepted = len(report.findings)
    if accepted:
        return f"what grows with the work is accepted: {plural(accepted, 'finding')}."
    if not report.bounded:
        return "nothing grows with the work."
    things = plural(len(report.bounded), "thing")
    return f"nothing grows with the work; {things} grew or churned, then stopped."


def _undecided_headline(report: AnalysisReport) -> str:
    first = "the snapshots do not settle it."
    if report.findings:
        first = f"{plural(len(report.findings), 'candidate')} grew, not enough to call it a leak."
    if len(report.inputs) < _DECIDING_SNAPSHOTS:
        return f"{first} Two snapshots show one interval: add a third after as much work again."
    return f"{first} More rounds of work would decide."


def _single_headline(report: AnalysisReport) -> str:
    suspects = f"{plural(len(report.findings), 'suspect')} below" if report.findings else "no suspects"
    return f"one snapshot shows what is big, not what grows: {suspects}."


_HEADLINES = {
    Verdict.LEAK: _leak_headline,
    Verdict.CLEAN: _clean_headline,
    Verdict.UNDECIDED: _undecided_headline,
    # A report's verdict is never `bounded`; said as what it would mean.
    Verdict.BOUNDED: _clean_headline,
}
