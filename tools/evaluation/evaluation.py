"""An evaluation of one corpus: every program run and judged, by the tool and by the others."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evaluation import memlab, recorded
from evaluation.checks import RESULTS, run_check
from evaluation.floor_rules import FLOOR_RULES
from evaluation.judging import judge
from evaluation.scores import Answer, detection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from evaluation.checks import Run
    from evaluation.corpus import Job
    from evaluation.judging import Judgement
    from evaluation.memlab import Mode, Said
    from evaluation.scores import Detection
    from evaluation.truth import Truth

__all__ = ["Evaluation", "Options", "evaluate"]


@dataclass(frozen=True)
class Options:
    """How to go about it."""

    at_once: int = 1
    again: bool = False
    stale: bool = False
    """Take results of other states of the code too."""
    with_checks: bool = True
    with_memlab: bool = True
    """Ask memlab what it has not answered yet."""


@dataclass
class Evaluation:
    """What came out; by Node.js version where there are several."""

    corpus: str
    truths: dict[str, Truth] = field(default_factory=dict)
    checks: dict[str, list[Judgement]] = field(default_factory=lambda: defaultdict(list))
    analyses: dict[str, list[Judgement]] = field(default_factory=lambda: defaultdict(list))
    """The analysis alone, of recordings."""
    memlab: dict[str, dict[Mode, list[tuple[Answer, Said]]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    memlab_recorded: int = 0
    """How many of memlab's snapshots are of a recording, because the check took none."""
    codes: set[str] = field(default_factory=set)
    """States of the code that the results are of."""
    models: set[str] = field(default_factory=set)
    """Tool and confidence model that the results are of."""

    def rules(self, node: str) -> Iterator[tuple[str, Detection, str]]:
        """Give the rules that look at floors only, as rows for the table of others."""
        counted = [one for one in self.checks[node] if one.expected is not None]
        for rule in FLOOR_RULES:
            found = detection(Answer(one.expected, rule.says_leak(one.floors)) for one in counted)
            short = sum(not rule.could(one.floors) for one in counted)
            remark = f"{short} of {len(counted)} checks ended before it could speak" if short else ""
            yield rule.title, found, remark


def evaluate(corpus: str, jobs: list[Job], options: Options, say: Callable[[str], None]) -> Evaluation:
    """Run and judge the jobs."""
    result = Evaluation(corpus)

    def do(job: Job) -> tuple[Run | None, Judgement | None, list[tuple[Mode, Said]], bool]:
        run = run_check(job, again=options.again, stale=options.stale) if options.with_checks else None
        alone = recorded.analyze(job, again=options.again, stale=options.stale)
        judged = None
        if alone is not None:
            judged = judge(job.case.name, job.variant, job.truth, job.major, alone.report, alone.seconds)
        answers, from_recording = _ask_memlab(job, run, anew=options.with_memlab) if run else ([], False)
        shown = judged if run is None else _judged(job, run)
        if shown is not None:
            mark = "" if shown.says_leak == (shown.expected == "leak") else "  WRONG"
            say(f"v{job.major}  {job.name:44} {shown.verdict:10} {shown.seconds:5.1f} s{mark}")
        return run, judged, answers, from_recording

    with ThreadPoolExecutor(options.at_once) as pool:
        for job, (run, alone, answers, from_recording) in zip(jobs, pool.map(do, jobs), strict=True):
            result.truths[job.truth.case] = job.truth
            node = f"Node.js {job.major}"
            if run is not None:
                result.checks[node].append(_judged(job, run))
                result.codes.add(run.code)
                tool = run.report.get("tool", {})
                # A check that ended by the flat floor has used no model.
                if tool.get("confidence_model"):
                    result.models.add(f"{tool['version']}, model {tool['confidence_model']}")
            if alone is not None:
                result.analyses[node].append(alone)
            result.memlab_recorded += from_recording
            for mode, said in answers:
                answer = Answer(job.expected, said.says_leak, said.names_it(job.truth))
                result.memlab[node][mode].append((answer, said))
    return result


def _judged(job: Job, run: Run) -> Judgement:
    return judge(job.case.name, job.variant, job.truth, job.major, run.report, run.seconds)


def _ask_memlab(job: Job, run: Run, *, anew: bool) -> tuple[list[tuple[Mode, Said]], bool]:
    """Return memlab's answers, and whether they are about a recording; none without snapshots."""
    snapshots: list[Path] = run.snapshots
    from_recording = not snapshots
    if from_recording:
        snapshots = [path for path, _ in recorded.recording(job)]
    if len(snapshots) < 3:  # noqa: PLR2004 - baseline, target, final
        return [], False
    kept = RESULTS / job.corpus / run.node / f"{job.name}.memlab.json"
    answers = [(mode, memlab.ask(mode, snapshots, kept, anew=anew)) for mode in memlab.MODES]
    given = [(mode, said) for mode, said in answers if said is not None]
    return given, from_recording and bool(given)
