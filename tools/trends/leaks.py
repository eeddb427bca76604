"""Sections about leaks: false alarms, detection, what is said meanwhile; with other detectors beside."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from trends.baselines import BASELINES
from trends.intervals import rate_per_1000, share
from trends.section import Section
from trends.services import OURS, SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trends.services import Outcome

__all__ = ["detected_by", "detection", "false_alarms", "false_alarms_of_others", "states"]

_HOURS = (12, 24, 36, 48, 72)

_ABOUT_ALARMS = """\
First alarms per life of a process; no service here leaks. The interval is the exact one of a Poisson
count. The two stress classes are outside the family of shapes that the rules know: a cache that fills
linearly to its cap within a day or more of traffic, and one with a time constant of 12 to 36 h.
"""

_ABOUT_FOUND = """\
All classes but the one of low traffic, whose processes have one or two major collections a day. Hours
count from the leak's begin, shares are of all services (95 % interval by Wilson); a process that reached
its limit before an alarm counts as not found, and so does an alarm before the leak began.
"""

_ABOUT_OTHERS = """\
At their usual settings. A detector that has raised an alarm before the leak began has not found it. What
one finds says little when it speaks up about services without a leak just as often.
"""

_ABOUT_STATES = """\
`clear` is said when every plausible explanation leaves less than 1 MB/h, `undecided` when the data cannot
tell yet.
"""


def false_alarms(outcomes: Sequence[Outcome], stress: Sequence[str]) -> Section:
    """Return alarms about services without a leak, by class."""
    healthy = [one for one in outcomes if not one.job.scenario]
    mix = [one for one in healthy if one.job.kind not in stress and one.job.preset == "default"]
    sensitive = [one for one in healthy if one.job.preset == "sensitive"]
    kinds = list(dict.fromkeys(one.job.kind for one in mix))
    rows = [_row(kind, [one for one in mix if one.job.kind == kind]) for kind in kinds]
    rows.append(_row("**all classes**", mix))
    rows += [
        _row(f"stress: {kind}", [one for one in healthy if one.job.kind == kind])
        for kind in stress
        if any(one.job.kind == kind for one in healthy)
    ]
    rows.append(_row("stress, both", [one for one in healthy if one.job.kind in stress]))
    if sensitive:
        rows.append(_row("all classes, preset `sensitive`", sensitive))
    return Section(
        "False alarms",
        ("class of service", "service-days", "alarms", "per 1,000 days (95 %)", "rules"),
        tuple(rows),
        (_ABOUT_ALARMS.strip(),),
    )


def _row(title: str, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    days = sum(one.days for one in outcomes)
    count = sum(at is not None for one in outcomes for at in one.alarms[OURS])
    rules = Counter(rule for one in outcomes for rule in one.rules if rule)
    named = ", ".join(f"{rule} {number}" for rule, number in rules.most_common())
    return title, f"{days:,.0f}", str(count), _interval(count, days), named


def _interval(count: int, days: float) -> str:
    if not days:
        return ""
    rate, low, high = rate_per_1000(count, days)
    return f"{rate:.2f} ({low:.2f}–{high:.2f})"


def detected_by(outcome: Outcome, detector: str) -> float | None:
    """Return after how many hours of leaking the alarm came; None: not at all, or before there was a leak."""
    scenario = SCENARIOS[outcome.job.scenario]
    alarms = outcome.alarms.get(detector, [])
    at = alarms[scenario.life] if len(alarms) > scenario.life else None
    if at is None or at < scenario.age or at > scenario.age + scenario.watched:
        return None
    return at - scenario.age


def detection(outcomes: Sequence[Outcome]) -> Section:
    """Return the share of leaking services that raised an alarm, by hours of leaking."""
    cells: dict[tuple[str, float], list[Outcome]] = defaultdict(list)
    for one in outcomes:
        if one.job.scenario:
            cells[one.job.scenario, one.job.leak].append(one)
    rows = []
    for (scenario, leak), found in sorted(
        cells.items(), key=lambda cell: (list(SCENARIOS).index(cell[0][0]), cell[0][1])
    ):
        hours = [detected_by(one, OURS) for one in found]
        shares = [share(sum(at is not None and at <= limit for at in hours), len(found)) for limit in _HOURS]
        rows.append(
            (
                SCENARIOS[scenario].title,
                f"{leak:g} MB/h",
                str(len(found)),
                *(f"{p:.2f} ({low:.2f}–{high:.2f})" for p, low, high in shares),
            )
        )
    return Section(
        "Leaks found",
        ("the leak begins", "leak", "services", *(f"by {hours} h" for hours in _HOURS)),
        tuple(rows),
        (_ABOUT_FOUND.strip(),),
    )


def false_alarms_of_others(outcomes: Sequence[Outcome], stress: Sequence[str]) -> Section:
    """Return the same figures for the detectors that others use."""
    mix = [
        one
        for one in outcomes
        if not one.job.scenario and one.job.kind not in stress and one.job.preset == "default"
    ]
    days = sum(one.days for one in mix)
    one_mb = {
        name: [one for one in outcomes if one.job.scenario == name and one.job.leak == 1.0]
        for name in SCENARIOS
    }
    rows = []
    for title in (OURS, *BASELINES):
        count = sum(at is not None for one in mix for at in one.alarms[title])
        cells = []
        for found, limits in zip(one_mb.values(), ((24,), (24,), (24, 48)), strict=True):
            hours = [detected_by(one, title) for one in found]
            for limit in limits:
                part, _, _ = share(sum(at is not None and at <= limit for at in hours), len(found))
                cells.append(f"{part:.2f}")
        rows.append((title, str(count), _interval(count, days), *cells))
    return Section(
        "Other detectors on the same series",
        (
            "detector",
            "false alarms",
            "per 1,000 days (95 %)",
            "1 MB/h after a deploy, 24 h",
            "in a mature process, 24 h",
            "cold, 24 h",
            "cold, 48 h",
        ),
        tuple(rows),
        (_ABOUT_OTHERS.strip(),),
    )


def states(outcomes: Sequence[Outcome]) -> Section:
    """Return what is said about services without and with a leak while no alarm is due."""
    rows = []
    groups = {
        "no leak": [one for one in outcomes if not one.job.scenario and one.job.preset == "default"],
        "1 MB/h from the start, cold": [
            one for one in outcomes if one.job.scenario == "cold" and one.job.leak == 1.0
        ],
    }
    for title, found in groups.items():
        for hours in ("24", "48", "72"):
            counts = Counter(one.states_at[hours] for one in found if hours in one.states_at)
            # Series of leaks end with their alarm.
            alarmed = sum(
                hours not in one.states_at and bool(one.alarms[OURS]) and one.alarms[OURS][0] is not None
                for one in found
                if one.job.scenario
            )
            whole = counts.total() + alarmed
            if whole:
                cells = (counts["alarm"] + alarmed, counts["clear"], counts["undecided"])
                rows.append((title, f"{hours} h", str(whole), *(f"{cell / whole:.2f}" for cell in cells)))
    return Section(
        "What is said meanwhile",
        ("first life of", "after", "services", "alarm", "clear", "undecided"),
        tuple(rows),
        (_ABOUT_STATES.strip(),),
    )
