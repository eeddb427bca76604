"""Compares a report with the truth: is it right that it leaks, what kind, held by what, in which line."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from evaluation.truth import Truth

__all__ = ["ALARM_FROM", "Judgement", "Named", "judge", "names_truth"]

LINE_SLACK = 5
ALARM_FROM = 0.8
"""A leak that is reported with this confidence where there is none is a false alarm."""


@dataclass(frozen=True)
class Named:
    """What of a finding agrees with the truth; None where the truth does not say."""

    category: bool | None
    holder: bool | None
    file: bool | None
    """In the places of holder and members."""
    line: bool | None
    file_in_sites: bool | None
    """There or in any other place in code that the finding shows."""
    line_in_sites: bool | None

    @property
    def is_the_leak(self) -> bool:
        """Whether the finding is about the leak that the truth describes, as far as one can tell."""
        return bool(self.holder or self.file_in_sites)


@dataclass(frozen=True)
class Judgement:
    """One report."""

    case: str
    variant: str
    expected: str | None
    """`leak`, `no-leak`, or None: it does not count."""
    verified: bool
    """Whether the truth was measured on this Node.js."""
    verdict: str
    says_leak: bool
    seconds: float
    findings: tuple[dict[str, Any], ...]
    """Leaks and undecided ones, first the surest, as in the report; without the suppressed."""
    named: tuple[Named, ...]
    """One per finding."""
    floors: tuple[int, ...] = ()

    @property
    def found(self) -> bool:
        """A leak that is there was reported as one."""
        return self.expected == "leak" and self.says_leak

    @property
    def false_alarm(self) -> bool:
        """A leak was reported where none is."""
        return self.expected == "no-leak" and self.says_leak

    @property
    def first(self) -> Named | None:
        """How right the first finding is, where a leak was found."""
        return self.named[0] if self.found and self.named else None


def judge(
    case: str, variant: str, truth: Truth, major: int, report: Mapping[str, Any], seconds: float
) -> Judgement:
    """Judge the JSON of a check or an analysis."""
    findings = tuple(one for one in report.get("findings") or () if not one["suppressed"])
    sure = any(one["verdict"] == "leak" and one["confidence"] >= ALARM_FROM for one in findings)
    rounds = report.get("check", {}).get("rounds", ())
    return Judgement(
        case=case,
        variant=variant,
        expected=truth.expected(variant, major),
        verified=major in truth.verified,
        verdict=report["verdict"],
        says_leak=report["verdict"] == "leak" or sure,
        seconds=seconds,
        findings=findings,
        named=tuple(_named(truth, one) for one in findings),
        floors=tuple(one["heap_used_bytes"] for one in rounds),
    )


def _named(truth: Truth, finding: Mapping[str, Any]) -> Named:
    holder, members = finding["holder"], finding["members"]
    headline = [place for place in (holder["location"], members["location"]) if place]
    everywhere = headline + [site["location"] for site in finding.get("sites") or ()]
    steps = [text for step in finding["path"] for text in (step["edge"], step["node"])]
    return Named(
        category=None if truth.category is None else finding["category"] == truth.category,
        holder=names_truth(truth.names, [holder["name"], holder["kind"], finding["title"], *steps]),
        file=_in_file(truth, headline),
        line=_on_line(truth, headline),
        file_in_sites=_in_file(truth, everywhere),
        line_in_sites=_on_line(truth, everywhere),
    )


def names_truth(names: Iterable[str], texts: Iterable[str]) -> bool | None:
    """Return whether one of the names stands in one of the texts as a whole word; None without names."""
    wanted = "|".join(re.escape(name) for name in sorted(names))
    if not wanted:
        return None
    pattern = re.compile(rf"(?<![\w$])(?:{wanted})(?![\w$])")
    return any(pattern.search(text) for text in texts)


def _is_file(truth: Truth, place: Mapping[str, Any]) -> bool:
    path = place["file"].replace("\\", "/")
    in_package = truth.package is None or f"/node_modules/{truth.package}/" in path
    return in_package and PurePosixPath(path).name == truth.file


def _in_file(truth: Truth, places: Iterable[Mapping[str, Any]]) -> bool | None:
    return None if truth.file is None else any(_is_file(truth, place) for place in places)


def _on_line(truth: Truth, places: Iterable[Mapping[str, Any]]) -> bool | None:
    line = truth.line
    if line is None:
        return None
    return any(
        _is_file(truth, place) and place["line"] is not None and abs(place["line"] - line) <= LINE_SLACK
        for place in places
    )
