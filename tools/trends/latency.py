"""Deployments that change nothing, and such that add 10 ms: how often comparing releases speaks up."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from material import ROOT, WORK

from heapsleuth.trends.latency import LOOKS_HOURS, LatencyTrend
from trends.latency_simulator import canary, deployment
from trends.section import Section

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from concurrent.futures import Executor

    from heapsleuth.trends.model import TrendVerdict

__all__ = ["ADDED_MS", "DESIGNS", "SEED", "Outcome", "judge", "kept_outcomes", "run"]

SEED = 5_705_751
"""Of the published page; drawn when the rules had been frozen."""

ADDED_MS = 10.0
DESIGNS: dict[str, Callable[..., Any]] = {"before/after": deployment, "canary, 4 + 4 hosts": canary}
_SCALES = (0.4, 1.0, 4.0)
"""Of the simulator: medians of 21, 53 and 213 ms at 20 requests/s."""
_MEDIANS_MS = {0.4: (21, 139), 1.0: (53, 348), 4.0: (213, 1390)}
_HOURS = 24
_LOOKS = tuple(hours for hours in LOOKS_HOURS if hours <= _HOURS)
_COLUMNS_HOURS = (2.0, 8.0, 24.0)
_DELAY_MS = 90_000.0
_RULES = ("trends/before_after.py", "trends/canary.py", "kernels/innovations.py")
_SIMULATORS = ("latency_simulator.py", "simulator/latencysim.py")

_Work = tuple[str, list[int], float, float]
"""Design, seed, scale, milliseconds added."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was said about one quantile after one deployment."""

    design: str
    scale: float
    added_ms: float
    quantile: str
    hours: float
    alarm: bool
    covered: bool
    visible_ms: float


def judge(work: _Work) -> list[Outcome]:
    """Simulate one deployment and return what is said at each look."""
    design, seed, scale, added_ms = work
    rows, deployed_ms = DESIGNS[design](seed, scale, added_ms, hours=_HOURS)
    trend = LatencyTrend("service")
    waiting = [(hours, deployed_ms + hours * 3_600_000.0 + _DELAY_MS) for hours in _LOOKS]
    outcomes: list[Outcome] = []

    def look() -> None:
        hours, at_ms = waiting.pop(0)
        found = trend.evaluate(at_ms)
        outcomes.extend(_outcome(design, scale, added_ms, hours, verdict) for verdict in found)

    for row in rows:
        while waiting and row.at_ms > waiting[0][1]:
            look()
        trend.add(row, span_ms=300_000.0)
    while waiting:
        look()
    return outcomes


def _outcome(design: str, scale: float, added_ms: float, hours: float, verdict: TrendVerdict) -> Outcome:
    numbers = verdict.numbers
    return Outcome(
        design, scale, added_ms, verdict.detail, hours, verdict.state == "alarm",
        numbers.get("effect_low_ms", 0.0) <= added_ms <= numbers.get("effect_high_ms", 0.0),
        numbers["smallest_visible_ms"],
    )  # fmt: skip


def kept_outcomes() -> Path:
    """Return the file of what was judged with these rules and this simulator."""
    sources = [
        *sorted((ROOT / "src" / "heapsleuth" / "trends").glob("latency*.py")),
        *(ROOT / "src" / "heapsleuth" / name for name in _RULES),
        *(Path(__file__).parent / name for name in _SIMULATORS),
    ]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in sources)).hexdigest()[:8]
    return WORK / "eval-trends" / f"latency-{digest}.jsonl"


def _judged(work: Sequence[_Work], pool: Executor, kept: Path) -> list[Outcome]:
    """Return the outcomes of all work; what is in the file is not done again."""
    known: dict[str, list[Outcome]] = {}
    for line in kept.read_text(encoding="utf-8").splitlines() if kept.exists() else ():
        if line.endswith("]"):  # the last one may have been cut off
            done, found = json.loads(line)
            known[json.dumps(done)] = [Outcome(**one) for one in found]
    left = [one for one in work if json.dumps(one) not in known]
    kept.parent.mkdir(parents=True, exist_ok=True)
    with kept.open("a", encoding="utf-8") as file:
        for done, found in zip(left, pool.map(judge, left, chunksize=4), strict=True):
            known[json.dumps(done)] = found
            file.write(json.dumps([done, [asdict(one) for one in found]]) + "\n")
            file.flush()
    return [outcome for one in work for outcome in known[json.dumps(one)]]


def run(seed: int, pool: Executor, *, without: int = 540, changed: int = 120) -> Section:
    """
    Return the section about releases; a run that was broken off goes on.

    Args:
        seed: `SEED`, or one that nobody has seen.
        pool: Where deployments are simulated.
        without: Deployments without a change, per design; as many for each scale.
        changed: Deployments that add 10 ms, per design and scale.
    """
    work: list[_Work] = []
    for place, design in enumerate(DESIGNS):
        work += [(design, [seed, place, 0, n], _SCALES[n % 3], 0.0) for n in range(without)]
        work += [(design, [seed, place, 1, n], scale, ADDED_MS) for scale in _SCALES for n in range(changed)]
    outcomes = _judged(work, pool, kept_outcomes())
    rows = [row for design in DESIGNS for row in _flagged(design, outcomes)]
    rows += [row for design in DESIGNS for row in _found(design, outcomes)]
    return Section(
        "Releases",
        ("", *(f"{hours:.0f} h after" for hours in _COLUMNS_HOURS), f"at any of {len(_LOOKS)} looks"),
        tuple(rows),
        (_covered(outcomes), _visible(outcomes)),
    )


def _flagged(design: str, outcomes: Iterable[Outcome]) -> list[tuple[str, ...]]:
    mine = [one for one in outcomes if one.design == design and one.added_ms == 0.0]
    by_quantile = {name: [one for one in mine if one.quantile == name] for name in ("p50", "p99")}
    return [
        (f"flagged without any change, {design}, {name}", *_shares(of_it, counts=True))
        for name, of_it in by_quantile.items()
    ]


def _found(design: str, outcomes: Iterable[Outcome]) -> list[tuple[str, ...]]:
    rows = []
    for place, quantile in enumerate(("p50", "p99")):
        for scale in _SCALES:
            mine = [
                one for one in outcomes
                if one.design == design and one.added_ms and one.quantile == quantile and one.scale == scale
            ]  # fmt: skip
            title = f"+10 ms found, {design}, {quantile} of {_MEDIANS_MS[scale][place]:,} ms"
            rows.append((title, *_shares(mine, counts=False)))
    return rows


def _shares(outcomes: Sequence[Outcome], *, counts: bool) -> list[str]:
    """Return the share of alarms at each of the columns' hours and at any look."""
    columns = [[one.alarm for one in outcomes if one.hours == hours] for hours in _COLUMNS_HOURS]
    by_look = [[one.alarm for one in outcomes if one.hours == hours] for hours in _LOOKS]
    columns.append([any(looks) for looks in zip(*by_look, strict=True)])
    if counts:
        return [f"{sum(alarms)} of {len(alarms)}" for alarms in columns]
    return [f"{sum(alarms) / max(len(alarms), 1):.2f}" for alarms in columns]


def _covered(outcomes: Iterable[Outcome]) -> str:
    known = [one for one in outcomes if one.visible_ms < float("inf")]
    share = sum(one.covered for one in known) / max(len(known), 1)
    return f"The 95 % interval of the change holds the true one in {share:.1%} of {len(known):,} verdicts."


def _visible(outcomes: Iterable[Outcome]) -> str:
    near = [one for one in outcomes if one.added_ms and 0.9 * ADDED_MS <= one.visible_ms <= 1.1 * ADDED_MS]
    share = sum(one.alarm for one in near) / max(len(near), 1)
    return (
        "`smallest_visible_ms` is to be found in four of five cases: where it was 9 to 11 ms, "
        f"{share:.0%} of {len(near)} were."
    )
