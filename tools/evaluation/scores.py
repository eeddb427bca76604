"""Counts: how often a tool or a rule is right over many programs."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evaluation.judging import Judgement, Named

__all__ = ["Answer", "Detection", "Share", "detection", "naming", "seconds"]


@dataclass(frozen=True)
class Share:
    """So many of so many."""

    part: int
    whole: int

    def __str__(self) -> str:
        if not self.whole:
            return "–"
        return f"{self.part} of {self.whole} ({self.part / self.whole:.0%})"


@dataclass(frozen=True)
class Answer:
    """What a tool or a rule says of one program."""

    expected: str | None
    """`leak`, `no-leak`, or None: it does not count."""
    says_leak: bool
    names_it: bool | None = None
    """Whether it names what leaks; None when it never names anything."""


@dataclass(frozen=True)
class Detection:
    """Leak or no leak, over many programs."""

    found: Share
    """Recall: leaks that were reported, of all leaks."""
    false_alarms: Share
    """Reported where there is none, of all that do not leak."""
    precision: Share
    """Real leaks, of all that were reported."""
    named: Share
    """Leaks of which the thing that leaks was named too, of all leaks."""


def detection(answers: Iterable[Answer]) -> Detection:
    """Count answers; those without an expectation are left out."""
    counted = [one for one in answers if one.expected is not None]
    leaks = [one for one in counted if one.expected == "leak"]
    others = [one for one in counted if one.expected == "no-leak"]
    found = sum(one.says_leak for one in leaks)
    alarms = sum(one.says_leak for one in others)
    named = sum(bool(one.names_it) and one.says_leak for one in leaks)
    names = any(one.names_it is not None for one in counted)
    return Detection(
        found=Share(found, len(leaks)),
        false_alarms=Share(alarms, len(others)),
        precision=Share(found, found + alarms),
        named=Share(named, len(leaks) if names else 0),
    )


def naming(judgements: Sequence[Judgement], what: str) -> Share:
    """Return how often the first finding of a found leak is right in one respect, where the truth says."""
    firsts: list[Named] = [one.first for one in judgements if one.first is not None]
    known = [value for value in (getattr(first, what) for first in firsts) if value is not None]
    return Share(sum(known), len(known))


def seconds(values: Sequence[float]) -> str:
    """Return median and longest of wall times."""
    return f"{median(values):.0f} / {max(values):.0f} s" if values else "–"
