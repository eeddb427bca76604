"""The whole of `heapsleuth check`: rounds, floors, snapshots where memory rises, and the verdict."""

from __future__ import annotations

import contextlib
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heapsleuth.capture.inject import agent_folder
from heapsleuth.errors import AgentFailed, HeapsleuthError, ProgramFailed
from heapsleuth.heap.opening import open_heap
from heapsleuth.leaks.analysis import analyze, overall
from heapsleuth.leaks.check_model import CheckReport
from heapsleuth.leaks.model import Verdict, Warning_
from heapsleuth.scenarios import criteria
from heapsleuth.scenarios.class_uses import class_uses
from heapsleuth.scenarios.floor import LEAST_RSS_ROUNDS, judge_growth
from heapsleuth.scenarios.plan import Budget, Plan, rounds_between_snapshots
from heapsleuth.scenarios.verdict import conclude

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from heapsleuth.leaks.check_model import Growth, Round
    from heapsleuth.leaks.model import AnalysisReport, Finding
    from heapsleuth.scenarios.baseline import Baseline
    from heapsleuth.scenarios.criteria import ClassUse, Limits
    from heapsleuth.scenarios.target import Target

__all__ = ["CheckOptions", "run_check"]

# Guesses for the first decision; both are measured as soon as there is something to measure.
_SNAPSHOT_S_PER_MB = 0.06
_ANALYSIS_S = 2.0
_ANALYSIS_S_PER_MB = 0.02

# What a report says when the criterion is off.
_FAIL_ON = 0.8


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """What the user can set."""

    max_time_s: float = 50.0
    limits: Limits = field(default_factory=criteria.Limits)
    plan: Plan = field(default_factory=Plan)
    baseline: Baseline | None = None
    accept: Callable[[Baseline], None] | None = None
    """Given the baseline with every leak found added, before the verdict; None accepts nothing new."""
    keep: Path | None = None
    """Folder for the snapshots; a temporary one when None."""
    progress: Callable[[str, Sequence[Round], float], None] | None = None
    """Called with what is going on, the rounds so far and the seconds left."""


def run_check(target: Target, options: CheckOptions) -> CheckReport:
    """
    Drive a target and judge it.

    Raises:
        ProgramFailed: The program could not be started at all.
        UsageError: The workload asks for something impossible.
    """
    with contextlib.ExitStack() as stack:
        folder = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="heapsleuth-")))
        stack.callback(target.stop)
        check = _Check(target, options, folder)
        return check.run()


class _Check:
    """One run; everything that is known so far."""

    def __init__(self, target: Target, options: CheckOptions, folder: Path) -> None:
        self._target = target
        self._options = options
        self._plan = replace(options.plan, rounds=options.plan.rounds)
        self._folder = folder
        self._began = time.monotonic()
        self._rounds: list[Round] = []
        self._round_s: list[float] = []
        self._snapshots: list[tuple[Path, float]] = []
        self._snapshot_s = 0.0
        self._analysis: AnalysisReport | None = None
        self._crash: str | None = None
        self._warnings: list[Warning_] = []

    def run(self) -> CheckReport:
        """Return the report; what the program did wrong is part of it."""
        self._say("starting")
        self._target.start()
        self._plan = replace(self._plan, rounds=self._plan.rounds or self._target.rounds_wanted)
        try:
            self._say("warming up")
            self._target.warm_up()
            self._rounds.append(self._target.read())
            self._first_rounds()
            if self._rises():
                self._look_inside()
        except ProgramFailed as error:
            self._crash = error.summary
        except AgentFailed as error:
            self._crash = str(error)
        except KeyboardInterrupt:
            self._interrupted()
        return self._report()

    def _interrupted(self) -> None:
        """Judge by what there is: somebody who stops a check wants to know what is known so far."""
        text = "the check was interrupted: the verdict rests on the rounds so far"
        self._warnings.append(Warning_("interrupted", text))
        if self._analysis is None and len(self._snapshots) > 1:
            self._analyze()

    def _first_rounds(self) -> None:
        """Run the first rounds, and more while the floor is neither flat nor rising."""
        for _ in range(self._plan.first_rounds):
            self._round()
        while (
            len(self._rounds) <= self._plan.rounds
            and not any(one.verdict is Verdict.LEAK for one in self._growth())
            and any(one.verdict is Verdict.UNDECIDED for one in self._growth())
            and self._budget().left_s > self._options.max_time_s / 2
        ):
            self._round()
        # Snapshots end what can be said of memory outside the heap: look at that for longer first.
        while (
            len(self._rounds) <= LEAST_RSS_ROUNDS
            and self._only_resident_memory_rises()
            and self._budget().left_s > self._options.max_time_s / 2
        ):
            self._round()

    def _only_resident_memory_rises(self) -> bool:
        by_kind = {one.kind: one for one in self._growth()}
        inside = max(0.0, by_kind["heap"].bytes_per_work) + max(0.0, by_kind["array-buffers"].bytes_per_work)
        resident = by_kind["rss"]
        return resident.verdict is not Verdict.CLEAN and resident.bytes_per_work > 4 * inside

    def _look_inside(self) -> None:
        """Take snapshots between rounds, and more of both while the answer is open."""
        between = rounds_between_snapshots(self._plan, len(self._rounds), self._budget())
        self._snapshot()
        for _ in range(self._plan.snapshots - 1):
            if not self._rounds_then_snapshot(between):
                break
        self._analyze()
        for _ in range(self._plan.most_extensions):
            if not self._open() or not self._rounds_then_snapshot(between):
                break
            self._analyze()

    def _open(self) -> bool:
        """Whether more rounds could change the answer."""
        analysis = self._analysis
        return analysis is not None and (
            analysis.verdict is Verdict.UNDECIDED
            or (analysis.verdict is Verdict.LEAK) != (self._growth()[0].verdict is Verdict.LEAK)
        )

    def _rounds_then_snapshot(self, rounds: int) -> bool:
        """Run rounds and take a snapshot, unless the time is up."""
        for _ in range(rounds):
            budget = self._budget()
            if budget.left_s < budget.round_s + budget.snapshot_s + budget.analysis_s:
                break
            self._round()
        if self._rounds[-1].work <= self._snapshots[-1][1]:
            return False
        self._snapshot()
        return True

    def _round(self) -> None:
        self._say(f"round {len(self._rounds)}")
        began = time.monotonic()
        self._rounds.append(self._target.run_round())
        self._round_s.append(time.monotonic() - began)

    def _snapshot(self) -> None:
        self._say("taking a snapshot")
        path = self._folder / f"round-{len(self._rounds) - 1}.heapsnapshot"
        began = time.monotonic()
        self._target.snapshot(path)
        self._snapshot_s = time.monotonic() - began
        self._snapshots.append((path, self._rounds[-1].work))
        kept = str(path) if self._options.keep else path.name
        self._rounds[-1] = replace(self._rounds[-1], snapshot=kept)

    def _analyze(self) -> None:
        self._say("comparing snapshots")
        paths = [str(path) for path, _ in self._snapshots]
        try:
            report = analyze(paths, work=[work for _, work in self._snapshots], index=False)
        except HeapsleuthError as error:
            self._warnings.append(Warning_("analysis-failed", str(error)))
            return
        shown = tuple(
            replace(one, path=one.path if self._options.keep else Path(one.path).name)
            for one in report.inputs
        )
        findings = tuple(one for one in report.findings if not _is_ours(one))
        self._analysis = replace(report, inputs=shown, findings=findings, verdict=overall(findings))

    def _rises(self) -> bool:
        return any(one.verdict is not Verdict.CLEAN for one in self._growth()[:-1])

    def _growth(self) -> tuple[Growth, ...]:
        return judge_growth(self._rounds)

    def _budget(self) -> Budget:
        heap_mb = self._rounds[-1].heap_used_bytes / 1e6
        rounds = sorted(self._round_s)
        return Budget(
            total_s=self._options.max_time_s,
            spent_s=time.monotonic() - self._began,
            round_s=rounds[len(rounds) // 2] if rounds else 0.0,
            snapshot_s=self._snapshot_s or _SNAPSHOT_S_PER_MB * heap_mb,
            analysis_s=_ANALYSIS_S + _ANALYSIS_S_PER_MB * heap_mb * self._plan.snapshots,
        )

    def _report(self) -> CheckReport:
        analysis = self._analysis
        if analysis is not None and self._options.baseline is not None:
            analysis = self._accepted(analysis, self._options.baseline)
        growth = self._growth() if len(self._rounds) > 1 else ()
        conclusion = conclude(growth, analysis, self._rounds, crashed=self._crash)
        output = self._target.output_tail()
        observed = criteria.Observed(
            rounds=tuple(self._rounds),
            analysis=conclusion.analysis,
            floor_flat=conclusion.flat,
            load=self._target.load_summary(),
            crash=self._crash,
            output=output,
            class_uses=self._class_uses(),
        )
        judged = criteria.judge(observed, self._options.limits)
        facts: dict[str, Any] = {"output_tail": output} if self._crash else {}
        return CheckReport(
            target=self._target.describe(),
            verdict=conclusion.verdict,
            exit_code=criteria.exit_code(conclusion.verdict, judged),
            reason=conclusion.reason,
            rounds=tuple(self._rounds),
            growth=growth,
            criteria=judged,
            analysis=conclusion.analysis,
            load=self._target.load_summary(),
            fail_on=_FAIL_ON if self._options.limits.fail_on is None else self._options.limits.fail_on,
            duration_s=round(time.monotonic() - self._began, 1),
            warnings=(*self._warnings, *(Warning_("target", note) for note in self._target.notes)),
            **facts,
        )

    def _accepted(self, analysis: AnalysisReport, baseline: Baseline) -> AnalysisReport:
        """Mark what the baseline accepts, and say which of its entries nothing answers to."""
        if self._options.accept is not None:
            baseline = baseline.updated(analysis)
            self._options.accept(baseline)
        for entry in baseline.unseen(analysis):
            text = f"{entry.signature} of the baseline was not seen: {entry.title}; fixed, or not driven here"
            self._warnings.append(Warning_("baseline-unseen", text))
        return baseline.apply(analysis)

    def _class_uses(self) -> Mapping[str, ClassUse] | None:
        """Return what each class uses, read only where a budget asks for it."""
        if not self._options.limits.budgets or not self._snapshots:
            return None
        (first, before), (last, after) = self._snapshots[0], self._snapshots[-1]
        graph = open_heap(last, index=False)
        if first == last:
            return class_uses(graph)
        return class_uses(graph, open_heap(first, index=False), after - before)

    def _say(self, what: str) -> None:
        if self._options.progress is not None:
            left = max(0.0, self._options.max_time_s - (time.monotonic() - self._began))
            self._options.progress(what, self._rounds, left)


def _is_ours(finding: Finding) -> bool:
    """Whether a finding is about the agent that is in the program to measure it."""
    ours = str(agent_folder())
    places = (finding.holder.location, finding.members.location)
    return "heapsleuth.agent" in finding.holder.name or any(
        place is not None and place.file.startswith(ours) for place in places
    )
