"""Success criteria of a check: pure functions over what was read, each with its figures.

A criterion passes, fails, or is not judged, and says why.  None of them drives or reads anything.
"""

from __future__ import annotations

import re
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heapsleuth.errors import ExitCode
from heapsleuth.leaks.check_model import CriterionResult
from heapsleuth.leaks.model import Verdict
from heapsleuth.units import format_bytes, format_count, format_duration, format_share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from heapsleuth.leaks.check_model import LoadSummary, Round
    from heapsleuth.leaks.model import AnalysisReport

__all__ = [
    "ClassBudget",
    "ClassUse",
    "Limits",
    "Observed",
    "class_budgets",
    "exit_code",
    "heap_errors",
    "judge",
    "leak_findings",
    "no_crash",
    "peak",
    "responses",
    "stable_floor",
]

_FEWEST_SETTLED = 4
"""Rounds after the settling time; with fewer, two halves of them say nothing."""
_STEADY_SHARE = 0.02
_STEADY_BYTES = 256_000
"""A floor that rises less than both is stable: code, inline caches and lazy strings still arrive."""
_HEAP_ERROR = re.compile(
    r"heap out of memory|Ineffective mark-compacts|Allocation failed|invalid (?:array|string) length"
    r"|Array buffer allocation failed|ERR_WORKER_OUT_OF_MEMORY|ERR_OUT_OF_RANGE.*heap|std::bad_alloc",
    re.IGNORECASE,
)
_SUCCESS = 2
"""First digit of the statuses that count as answered."""
_NOT_RUN = frozenset({"no-crash", "responses"})
"""Criteria without which the other ones say nothing about the program."""


@dataclass(frozen=True, slots=True)
class ClassBudget:
    """The most that a class may use; what is None is not limited."""

    class_name: str
    max_count: int | None = None
    """Objects at the end."""
    bytes_per_work: float | None = None
    """Growth of their shallow sizes per unit of work."""


@dataclass(frozen=True, slots=True)
class ClassUse:
    """What a class used, from the first and the last snapshot; None where there was only one."""

    count: int
    bytes_per_work: float | None


@dataclass(frozen=True, slots=True)
class Limits:
    """
    What is asked for; a criterion whose limit is None is off.

    Stable floor and peak are for soaks: in a short run, warming up may well double a small heap.
    """

    fail_on: float | None = 0.8
    stable_within_s: float | None = None
    peak_factor: float | None = None
    crash: bool = True
    non_2xx_share: float | None = 0.01
    budgets: tuple[ClassBudget, ...] = ()


@dataclass(frozen=True, slots=True)
class Observed:
    """What a check saw, as far as criteria are judged by it."""

    rounds: tuple[Round, ...] = ()
    analysis: AnalysisReport | None = None
    floor_flat: bool = False
    """The floor did not rise, so that no snapshots were needed for a verdict."""
    load: LoadSummary | None = None
    crash: str | None = None
    """How the program ended before its time: `exit code 134`, `signal SIGKILL`."""
    output: str = ""
    """What the program wrote; searched for heap errors."""
    peak_bytes: int | None = None
    """The most JavaScript memory seen at any moment; None: the most seen between rounds."""
    class_uses: Mapping[str, ClassUse] | None = None


def judge(observed: Observed, limits: Limits) -> tuple[CriterionResult, ...]:
    """Return every criterion that is on, in the order of the documentation."""
    results: list[CriterionResult] = []
    if limits.fail_on is not None:
        results.append(leak_findings(observed.analysis, limits.fail_on, floor_flat=observed.floor_flat))
    if limits.stable_within_s is not None:
        results.append(stable_floor(observed.rounds, limits.stable_within_s))
    if limits.peak_factor is not None:
        results.append(peak(observed.rounds, limits.peak_factor, observed.peak_bytes))
    if limits.crash:
        results.append(no_crash(observed.crash, heap_errors(observed.output)))
    if limits.non_2xx_share is not None and observed.load is not None:
        results.append(responses(observed.load, limits.non_2xx_share))
    results += class_budgets(observed.class_uses, limits.budgets)
    return tuple(results)


def exit_code(verdict: Verdict, criteria: Sequence[CriterionResult]) -> ExitCode:
    """
    Return the exit code of a check.

    A leak that was found gives 1, also when it brought the program down.  Otherwise, a program that
    crashed or answered errors was not really checked: 2.  Any other failed criterion: 1.  Then the
    verdict decides; a leak below `fail_on` is no proof and gives 3.
    """
    failed = {one.name for one in criteria if one.passed is False}
    if failed & _NOT_RUN and "leak-findings" not in failed:
        return ExitCode.FAILED
    if failed:
        return ExitCode.LEAK
    if verdict is not Verdict.LEAK:
        return ExitCode.UNDECIDED if verdict is Verdict.UNDECIDED else ExitCode.FINE
    judged = any(one.name == "leak-findings" for one in criteria)
    return ExitCode.UNDECIDED if judged else ExitCode.LEAK


def leak_findings(
    analysis: AnalysisReport | None, fail_on: float, *, floor_flat: bool = False
) -> CriterionResult:
    """Judge that no leak is as sure as `fail_on`; accepted and suppressed ones do not count."""
    name = "leak-findings"
    if analysis is None:
        if floor_flat:
            text = "the floor is flat, no snapshots were needed"
            return CriterionResult(name, passed=True, text=text, figures=(("fail_on", fail_on),))
        return CriterionResult(
            name, passed=None, text="no snapshots to judge", figures=(("fail_on", fail_on),)
        )
    told = [one for one in analysis.findings if one.suppressed is None]
    leaks = [one for one in told if one.verdict is Verdict.LEAK]
    sure = [one for one in leaks if one.confidence >= fail_on]
    figures = (
        ("fail_on", fail_on),
        ("leaks", float(len(leaks))),
        ("leaks_at_or_above", float(len(sure))),
        ("highest_confidence", max((one.confidence for one in leaks), default=0.0)),
    )
    if sure:
        causes = "1 cause" if len(sure) == 1 else f"{len(sure)} causes"
        return CriterionResult(
            name, passed=False, text=f"{causes} with confidence {fail_on:g} or more", figures=figures
        )
    if leaks:
        text = f"{len(leaks)} less sure than {fail_on:g}, at most {figures[3][1]:.2f}"
        return CriterionResult(name, passed=True, text=text, figures=figures)
    if analysis.verdict is Verdict.UNDECIDED:
        return CriterionResult(name, passed=None, text="the snapshots do not settle it", figures=figures)
    accepted = len(analysis.findings) - len(told)
    text = f"none but {accepted} accepted" if accepted else "none found"
    return CriterionResult(name, passed=True, text=text, figures=figures)


def stable_floor(rounds: Sequence[Round], within_s: float) -> CriterionResult:
    """
    Judge that the floor does not rise any more once `within_s` seconds of a soak are over.

    The medians of the two halves of the rounds after that are compared.
    """
    name = "stable-floor"
    later = [one for one in rounds if one.at_s >= within_s]
    lasted = rounds[-1].at_s if rounds else 0.0
    if len(later) < _FEWEST_SETTLED:
        text = (
            f"the rounds lasted {format_duration(lasted)}; "
            f"needs {_FEWEST_SETTLED} after the first {format_duration(within_s)}"
        )
        return CriterionResult(name, passed=None, text=text, figures=(("lasted_s", lasted),))
    middle = len(later) // 2
    settled = statistics.median(one.heap_used_bytes for one in later[:middle])
    end = statistics.median(one.heap_used_bytes for one in later[middle:])
    rise = end - settled
    figures = (("settled_bytes", settled), ("end_bytes", end), ("rise_bytes", rise), ("lasted_s", lasted))
    moved = f"{format_bytes(settled)} to {format_bytes(end)} after the first {format_duration(within_s)}"
    if rise <= max(_STEADY_BYTES, settled * _STEADY_SHARE):
        return CriterionResult(name, passed=True, text=f"stable: {moved}", figures=figures)
    return CriterionResult(name, passed=False, text=f"still rising: {moved}", figures=figures)


def peak(rounds: Sequence[Round], factor: float, peak_bytes: int | None = None) -> CriterionResult:
    """
    Judge that JavaScript memory stays below `factor` times what it was after the first round.

    That is heap and external memory, which array buffers are part of.  Resident memory is not
    judged: taking a snapshot multiplies it.
    """
    name = "peak"
    sizes = [one.heap_used_bytes + one.external_bytes for one in rounds]
    if len(sizes) < 2 or sizes[0] <= 0:  # noqa: PLR2004 - a baseline and something to compare
        return CriterionResult(name, passed=None, text="needs two rounds")
    highest = max(sizes) if peak_bytes is None else max(peak_bytes, *sizes)
    ratio = highest / sizes[0]
    text = f"{ratio:.2f} times the baseline: {format_bytes(highest)} after {format_bytes(sizes[0])}"
    figures = (("baseline_bytes", float(sizes[0])), ("peak_bytes", float(highest)), ("ratio", ratio))
    return CriterionResult(name, passed=ratio < factor, text=text, figures=(*figures, ("limit", factor)))


def heap_errors(output: str) -> tuple[str, ...]:
    """Return the lines in which a program says that it ran out of memory, at most five."""
    return tuple(line.strip() for line in output.splitlines() if _HEAP_ERROR.search(line))[:5]


def no_crash(crash: str | None, errors: Sequence[str] = ()) -> CriterionResult:
    """Judge that the program neither ended before its time nor told of a heap error."""
    name = "no-crash"
    figures = (("heap_errors", float(len(errors))),)
    if crash is not None:
        said = f": {errors[0]}" if errors else ""
        return CriterionResult(name, passed=False, text=f"the program ended: {crash}{said}", figures=figures)
    if errors:
        return CriterionResult(name, passed=False, text=f"a heap error: {errors[0]}", figures=figures)
    return CriterionResult(name, passed=True, text="the program kept running", figures=figures)


def responses(load: LoadSummary, most_share: float) -> CriterionResult:
    """Judge that few enough requests failed: another status than 2xx, an error or a timeout."""
    name = "responses"
    sent = load.requests + load.errors
    if sent <= 0:
        return CriterionResult(name, passed=None, text="no request was sent")
    bad = load.non_2xx + load.errors
    share = bad / sent
    text = f"{format_count(bad)} of {format_count(sent)} failed ({format_share(share)})"
    wrong = [one for one in load.statuses if one[0] // 100 != _SUCCESS]
    if wrong:
        status, count = max(wrong, key=lambda one: one[1])
        text += f", {format_count(count)} with status {status}"
    figures = (
        ("non_2xx", float(load.non_2xx)),
        ("errors", float(load.errors)),
        ("timeouts", float(load.timeouts)),
        ("share", share),
        ("limit", most_share),
    )
    return CriterionResult(name, passed=share <= most_share, text=text, figures=figures)


def class_budgets(
    uses: Mapping[str, ClassUse] | None, budgets: Sequence[ClassBudget]
) -> list[CriterionResult]:
    """Judge the budget of each class; a class that the heap does not have uses nothing."""
    return [_budget(one, uses) for one in budgets]


def _budget(budget: ClassBudget, uses: Mapping[str, ClassUse] | None) -> CriterionResult:
    name = f"budget:{budget.class_name}"
    if uses is None:
        return CriterionResult(name, passed=None, text="no snapshots to count in")
    use = uses.get(budget.class_name, ClassUse(0, 0.0))
    texts: list[str] = []
    figures: list[tuple[str, float]] = []
    verdicts: list[bool | None] = []
    if budget.max_count is not None:
        texts.append(f"{format_count(use.count)} objects of at most {format_count(budget.max_count)}")
        figures += [("count", float(use.count)), ("max_count", float(budget.max_count))]
        verdicts.append(use.count <= budget.max_count)
    if budget.bytes_per_work is not None:
        figures.append(("max_bytes_per_work", budget.bytes_per_work))
        if use.bytes_per_work is None:
            texts.append("growth needs two snapshots")
            verdicts.append(None)
        else:
            grown, most = format_bytes(use.bytes_per_work), format_bytes(budget.bytes_per_work)
            texts.append(f"{grown} per unit of work of at most {most}")
            figures.append(("bytes_per_work", use.bytes_per_work))
            verdicts.append(use.bytes_per_work <= budget.bytes_per_work)
    passed = False if False in verdicts else None if None in verdicts else True
    return CriterionResult(
        name, passed=passed, text="; ".join(texts) or "no limit given", figures=tuple(figures)
    )
