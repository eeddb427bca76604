"""Many instances, one problem: the same verdict about several instances becomes one about their service."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from heapsleuth.trends.model import Evidence, Subject

if TYPE_CHECKING:
    from collections.abc import Iterable

    from heapsleuth.trends.model import TrendVerdict

__all__ = ["Persistence", "merged", "worst_first"]

_STATES = {"alarm": 0, "undecided": 1, "clear": 2}
_SEVERITIES = {"critical": 0, "warning": 1, "info": 2}
_LOOKS = {"handle-leak": 3, "listener-leak": 3, "timer-leak": 3, "native-growth": 3}
"""Looks in a row (one in 10 minutes) before an alarm: what errs are the models, so a second look counts for
more than a higher level; in the simulator, 3 in a row cut false alarms of such rules to a third."""


def _badness(verdict: TrendVerdict) -> tuple[float, ...]:
    """Smaller is worse."""
    hours = verdict.forecast.hours.low if verdict.forecast else math.inf
    slope = verdict.numbers.get("slope_bytes_per_hour", verdict.numbers.get("slope_per_hour", 0.0))
    return (_STATES[verdict.state], _SEVERITIES[verdict.severity], hours, -slope)


def worst_first(verdicts: Iterable[TrendVerdict]) -> tuple[TrendVerdict, ...]:
    """Return verdicts in the order people should see them."""
    return tuple(sorted(verdicts, key=_badness))


def merged(verdicts: Iterable[TrendVerdict]) -> tuple[TrendVerdict, ...]:
    """
    Return one verdict for each release and signature, the worst first.

    It is the worst instance's, with how many instances it concerns.  Details of alarms are problems of
    their own; an instance without any such problem has no verdict with a detail.
    """
    groups: dict[tuple[str, str], list[TrendVerdict]] = {}
    judged: dict[tuple[str, str], set[str]] = {}
    for verdict in verdicts:
        groups.setdefault((verdict.subject.release, verdict.signature), []).append(verdict)
        judged.setdefault((verdict.subject.release, verdict.kind), set()).add(verdict.subject.instance)
    return worst_first(
        _one(group, len(judged[release, group[0].kind])) for (release, _), group in groups.items()
    )


def _one(group: list[TrendVerdict], judged: int) -> TrendVerdict:
    worst = min(group, key=_badness)
    concerned = sum(verdict.state == worst.state for verdict in group)
    if worst.state == "undecided" and 2 * sum(verdict.state == "clear" for verdict in group) > judged:
        # Most instances show that all is well; that a few are too young to say does not change it.
        worst = min((verdict for verdict in group if verdict.state == "clear"), key=_badness)
        concerned = sum(verdict.state == "clear" for verdict in group)
    numbers = {
        **worst.numbers,
        "instances_concerned": float(concerned),
        "instances_judged": float(judged),
    }
    if judged == 1:
        return replace(worst, numbers=numbers)
    since = [verdict.since_ms for verdict in group if verdict.state == worst.state and verdict.since_ms]
    if worst.state != "alarm":
        subject = Subject(worst.subject.service, worst.subject.release)
        return replace(worst, subject=subject, numbers=numbers)
    text = f"{concerned} of {judged} instances; the worst is {worst.subject.instance}"
    return replace(
        worst,
        title=f"{worst.title}, in {concerned} of {judged} instances",
        since_ms=min(since, default=None),
        numbers=numbers,
        evidence_for=(*worst.evidence_for, Evidence("instances", text, float(concerned))),
    )


class Persistence:
    """Holds alarms back until they were seen often enough in a row; one number per signature."""

    __slots__ = ("_seen",)

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def apply(self, verdicts: Iterable[TrendVerdict]) -> tuple[TrendVerdict, ...]:
        """Take the verdicts of one look; return them, those too new for an alarm as undecided."""
        seen: dict[str, int] = {}
        out = []
        for verdict in verdicts:
            if verdict.state == "alarm":
                seen[verdict.signature] = self._seen.get(verdict.signature, 0) + 1
            needed = _LOOKS.get(verdict.kind, 1)
            if 0 < seen.get(verdict.signature, 0) < needed:
                left = f"the same at {needed - seen[verdict.signature]} more looks, 10 minutes apart"
                verdict = replace(verdict, state="undecided", settles=(left, *verdict.settles))  # noqa: PLW2901 - that one, in its new state
            out.append(verdict)
        self._seen = seen
        return tuple(out)
