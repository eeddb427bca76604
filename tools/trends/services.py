"""Simulated services: which, and what each detector says about one of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from heapsleuth.trends.leak import LeakTrend
from heapsleuth.trends.leak_rules import DEFAULT, SENSITIVE
from heapsleuth.trends.model import Life
from trends.baselines import BASELINES
from trends.heap_simulator import simulator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "OURS",
    "PRESETS",
    "SCENARIOS",
    "Job",
    "Outcome",
    "Scenario",
    "jobs",
    "judge",
    "judge_series",
    "lives_of",
]

OURS = "heapsleuth"
PRESETS = {preset.name: preset for preset in (DEFAULT, SENSITIVE)}
_MS_PER_HOUR = 3_600_000.0
_SAMPLE_HOURS = 30 / 3600
_LOOK_HOURS = 1 / 6
"""The collector asks for verdicts every 10 minutes."""
_MB = 1e6
_LIMIT_ABOVE_OLD = 48 * 2**20
"""Of V8's heap limit above the old generation's, which is the simulator's limit."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """
    When a leak begins.

    Attributes:
        arguments: What the simulator is told.
        life, age: In which life of the process it begins, and at which age in hours.
        watched: For how many hours of leaking.
    """

    title: str
    arguments: Mapping[str, Any]
    life: int
    age: float
    watched: float


SCENARIOS = {
    "deploy": Scenario(
        "after a deploy, one earlier life known",
        {"days": 6, "restart_at": [72], "leak_life": 1},
        1,
        0.0,
        72.0,
    ),
    "mature": Scenario(
        "begins in a process 60 h old", {"days": 6, "restart_at": [], "leak_on": 60}, 0, 60.0, 72.0
    ),
    "cold": Scenario("first process of all", {"days": 4, "restart_at": []}, 0, 0.0, 72.0),
}


@dataclass(frozen=True, slots=True)
class Job:
    """One service; an empty scenario is one without a leak."""

    kind: str
    seed: int
    scenario: str = ""
    leak: float = 0.0
    preset: str = "default"

    @property
    def key(self) -> str:
        """What tells it from other jobs."""
        return f"{self.kind} {self.seed} {self.scenario} {self.leak:g} {self.preset}"


@dataclass(slots=True)
class Outcome:
    """
    What was said about a service.

    Attributes:
        days: Days it was watched.
        alarms: By detector and life, hours from the life's start to the first alarm (None: none).
        rules: By life, which of our rules it was.
        states: How many of our verdicts were alarms, clear, undecided.
        states_at: Our state after so many hours of the first life, by days.
    """

    job: Job
    days: float
    alarms: dict[str, list[float | None]] = field(default_factory=dict)
    rules: list[str] = field(default_factory=list)
    states: dict[str, int] = field(default_factory=dict)
    states_at: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Outcome:
        """Return what `as_json` gave."""
        return cls(**{**values, "job": Job(**values["job"])})


def jobs(
    seed: int,
    *,
    healthy: int,
    stress: int,
    leaking: int,
    leaks: Sequence[float],
    kinds: Sequence[str],
    sensitive: int,
) -> list[Job]:
    """Return the services of one evaluation: so many seeds for each kind, from *seed* on, none used twice."""
    names = simulator()
    wanted = [kind for kind in names.CLASSES if not kinds or kind in kinds]
    hard = [kind for kind in names.STRESS if not kinds or kind in kinds]
    found = [Job(kind, seed + n) for n in range(healthy) for kind in wanted]
    found += [Job(kind, seed + n) for n in range(stress) for kind in hard]
    found += [Job(kind, seed + n, preset="sensitive") for n in range(sensitive) for kind in wanted]
    first = seed + max(healthy, stress, sensitive)
    for scenario in SCENARIOS:
        for leak in leaks:
            found += [
                Job(kind, first + n, scenario, leak)
                for n in range(leaking)
                for kind in wanted
                if kind != "lowtraffic"
            ]
            first += leaking
    return found


def judge(job: Job) -> Outcome:
    """Simulate a service and return when each detector first spoke up in each of its lives."""
    scenario = SCENARIOS.get(job.scenario)
    arguments = dict(scenario.arguments) if scenario else {}
    return judge_series(job, simulator().simulate(job.kind, job.seed, leak=job.leak, **arguments))


def judge_series(job: Job, series: Mapping[str, Any]) -> Outcome:
    """
    Return when each detector first spoke up in each life of a service.

    Args:
        job: What it is.
        series: As the simulator gives it: `t` (hours), `heap`, `post` (MB), `load` (requests/s), `life`, all
            at 30-s samples, and `p` with the `limit` of the old generation in MB.
    """
    scenario = SCENARIOS.get(job.scenario)
    outcome = Outcome(job, float(series["t"][-1]) / 24 if len(series["t"]) else 0.0)
    earlier: list[LeakTrend] = []
    for life in lives_of(series):
        leaking = scenario is not None and len(earlier) == scenario.life
        _judge_life(outcome, life, earlier, stop=leaking)
        if job.preset == "default":
            for title, detector in BASELINES.items():
                at = detector(life["hours"], life["heap"], life["post"], float(series["p"]["limit"]))
                outcome.alarms.setdefault(title, []).append(at)
    return outcome


def lives_of(series: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Cut a simulated series into the lives of its process; hours count from each one's start."""
    lives = []
    total = np.cumsum(series["load"]) * 30.0
    for number in np.unique(series["life"]):
        at = np.flatnonzero(series["life"] == number)
        start = float(series["t"][at[0]]) - _SAMPLE_HOURS
        before = total[at[0] - 1] if at[0] else 0.0
        lives.append(
            {
                "start": start,
                "hours": series["t"][at] - start,
                "heap": series["heap"][at],
                "post": series["post"][at],
                "requests": total[at] - before,
                "limit": float(series["p"]["limit"]),
            }
        )
    return lives


def _judge_life(outcome: Outcome, life: Mapping[str, Any], earlier: list[LeakTrend], *, stop: bool) -> None:
    """Feed one life sample by sample; where *stop*, no longer than to the alarm."""
    start_ms = life["start"] * _MS_PER_HOUR + 1.0
    trend = LeakTrend(
        Life(str(len(earlier)), "service", started_ms=start_ms), preset=PRESETS[outcome.job.preset]
    )
    limit = life["limit"] * _MB + _LIMIT_ABOVE_OLD
    floor: float | None = None
    days = 0.0
    at_alarm: float | None = None
    rule = ""
    due = _LOOK_HOURS
    for hours, post, requests in zip(
        life["hours"].tolist(), (life["post"] * _MB).tolist(), life["requests"].tolist(), strict=True
    ):
        if post == post:  # noqa: PLR0124 - not NaN: a major collection
            floor = post
        row = {
            "at_ms": start_ms + hours * _MS_PER_HOUR - 1.0,
            "requests_total": requests,
            "heap_limit_bytes": limit,
        }
        if floor is not None:
            row["floor_bytes"] = floor
        trend.add(row)
        if hours + 1e-6 < due:
            continue
        due = hours + _LOOK_HOURS
        verdict = trend.evaluate(start_ms + hours * _MS_PER_HOUR, earlier)
        outcome.states[verdict.state] = outcome.states.get(verdict.state, 0) + 1
        if not earlier and hours // 24 > days:
            days = hours // 24
            outcome.states_at[f"{days * 24:.0f}"] = verdict.state
        if verdict.state == "alarm" and at_alarm is None:
            at_alarm = hours
            rule = next(one.code for one in verdict.evidence_for if one.code.startswith("rule-"))[5:]
            if stop:
                break
    outcome.alarms.setdefault(OURS, []).append(at_alarm)
    outcome.rules.append(rule)
    earlier.append(trend)
