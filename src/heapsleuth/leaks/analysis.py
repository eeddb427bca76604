"""The whole way from snapshot files to an `AnalysisReport`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from heapsleuth.heap.opening import open_heap
from heapsleuth.heap.sources import Sources
from heapsleuth.leaks import comparison, inputs
from heapsleuth.leaks.candidates import find_candidates
from heapsleuth.leaks.causes import one_per_cause, sum_of
from heapsleuth.leaks.confidence import load_model
from heapsleuth.leaks.detached_growth import detached_growth
from heapsleuth.leaks.dominance import grown_below
from heapsleuth.leaks.evidence import judge
from heapsleuth.leaks.findings import Judged, Teller, Weighed
from heapsleuth.leaks.history import History
from heapsleuth.leaks.model import AnalysisReport, Finding, Verdict, Warning_
from heapsleuth.leaks.relations import by_signature, relate
from heapsleuth.leaks.series import measure
from heapsleuth.leaks.single import analyse_single
from heapsleuth.leaks.structural import analyse_structural

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from heapsleuth.heap.graph import HeapGraph
    from heapsleuth.leaks.confidence import ConfidenceModel
    from heapsleuth.leaks.inputs import Arranged
    from heapsleuth.leaks.model import Comparison
    from heapsleuth.leaks.series import Candidate

__all__ = ["analyze"]

# Below this share of the heap's growth, something that may or may not be a leak only distracts.
_TRIFLE = 0.005

# Where less than this of the heap's growth is explained by holders that gained members, it is looked
# for further down.
_EXPLAINED = 0.3

# Holders of one kind that are looked at one by one.
_MOST_ALIKE = 300


def analyze(
    paths: Sequence[str],
    *,
    work: Sequence[float] | None = None,
    compare: bool = False,
    index: bool = True,
    progress: Callable[[str, int, int | None], None] | None = None,
) -> AnalysisReport:
    """
    Find what grows between snapshots and who keeps it alive.

    Args:
        paths: Snapshot files in the order they were taken; `-` is standard input.
        work: Operations done so far at each snapshot (requests, iterations), strictly increasing.
            When None it is read from the files' sidecars, else intervals count as equal work.
        compare: Also make DevTools' comparison of the first and the last snapshot.
        index: Keep an index of each file in the cache folder, so that the next look is instant.
        progress: Called with phase, done and total while files are read.

    Returns:
        The report; a pure function of the files and arguments.

    Raises:
        SnapshotError: A file cannot be read.
        IncomparableSnapshots: The files cannot be judged together.
        UsageError: `work` does not fit the files.
    """
    inputs.check_paths(paths)
    graphs = [open_heap(path, progress=progress, index=index) for path in paths]
    if len(graphs) == 1:
        return analyse_single(graphs[0], inputs.describe(paths, graphs, work))
    sequence = inputs.arrange(paths, graphs, work)
    described = inputs.describe(
        sequence.paths, sequence.graphs, sequence.work if sequence.work_known else None
    )
    sources = Sources(sequence.graphs[-1])
    table = _compare(sequence, sources) if compare else None
    if not sequence.same_process:
        return analyse_structural(sequence, described, sources, table)
    model = load_model()
    history, cases = judge_growth(sequence.graphs, sequence.work, model)
    teller = Teller(history.last, history.births == 0, sources, per=sequence.per, model=model)
    weighed = [teller.weigh(case) for case in cases]
    judged = by_signature([one.finding for one in weighed], cases)
    told = [teller.tell(one) for one in one_per_cause(weighed, sequence.work, model)]
    found = relate(history, told, judged, teller.called)
    growth = described[-1].heap_bytes - described[0].heap_bytes
    found = [_refuted(finding, model) for finding in found]
    findings = [finding for finding in found if _matters(finding, growth)]
    findings += detached_growth(sequence.graphs, sequence.work, findings, per=sequence.per)
    return AnalysisReport(
        mode="identity",
        verdict=overall(findings),
        inputs=described,
        findings=tuple(findings),
        bounded=tuple(finding for finding in found if finding.verdict is Verdict.BOUNDED),
        warnings=(*sequence.warnings, *_limits(sequence.graphs), *_unheeded(weighed)),
        comparison=table,
        model=model.version,
    )


def _compare(sequence: Arranged, sources: Sources) -> Comparison:
    """Compare the first snapshot with the last."""
    ends = (0, len(sequence.graphs) - 1)
    return comparison.compare(sequence.graphs[0], sequence.graphs[-1], sources, inputs=ends)


def judge_growth(
    graphs: Sequence[HeapGraph], work: Sequence[float], model: ConfidenceModel
) -> tuple[History, list[Judged]]:
    """Return the history and every candidate that grew and is worth weighing."""
    history = History(graphs)
    candidates = find_candidates(history)
    cases = _judged(history, candidates, work, model)
    if _explained(history, cases) < _EXPLAINED:
        cases += _judged(history, grown_below(history, candidates), work, model)
    return history, cases


def _judged(
    history: History, candidates: list[Candidate], work: Sequence[float], model: ConfidenceModel
) -> list[Judged]:
    cases = []
    doubtful: dict[tuple[int, int, int], list[Judged]] = {}
    names = history.last.graph.node_names
    for candidate, series in zip(candidates, measure(history, candidates), strict=True):
        judgement = judge(series, work, model)
        if judgement is None:
            continue
        case = Judged(candidate, series, judgement)
        if judgement.verdict is Verdict.BOUNDED or judgement.confidence >= model.drop_below:
            cases.append(case)
        else:
            key = (candidate.kind, candidate.label, int(names[candidate.holder]))
            doubtful.setdefault(key, []).append(case)
    for alike in doubtful.values():
        # Two more listeners on each of 150 sockets are nothing each, and a leak together.
        together = judge(sum_of([case.series for case in alike]), work, model) if len(alike) > 1 else None
        if together is not None and together.confidence >= model.drop_below:
            cases += alike[:_MOST_ALIKE]
    return cases


def _explained(history: History, cases: Sequence[Judged]) -> float:
    """Return the share of the heap's growth that hangs on what was found to grow."""
    first, last = (int(history.moments[at].graph.shallow_sizes.sum()) for at in (0, -1))
    found = sum(
        case.series.retained[-1] - case.series.retained[0]
        for case in cases
        if case.judgement.verdict is not Verdict.BOUNDED and case.judgement.growth.growing_share == 1
    )
    return found / max(1, last - first)


def _refuted(finding: Finding, model: ConfidenceModel) -> Finding:
    """Return the finding, as bounded where the source has a limit to it and next to no suspicion is left."""
    limited = any(fact.code == "bound-in-source" and fact.value > 0 for fact in finding.evidence_against)
    if finding.verdict is not Verdict.UNDECIDED or finding.confidence >= model.drop_below or not limited:
        return finding
    return replace(finding, verdict=Verdict.BOUNDED, settles=None)


def _matters(finding: Finding, heap_growth: int) -> bool:
    """Whether to show a finding: every leak, and what may be one unless it is a trifle of the growth."""
    if finding.verdict is Verdict.UNDECIDED:
        retained = finding.members.retained_bytes
        return retained[-1] - retained[0] >= _TRIFLE * heap_growth
    return finding.verdict is not Verdict.BOUNDED


def overall(findings: Sequence[Finding]) -> Verdict:
    """Return the verdict over all findings."""
    verdicts = {finding.verdict for finding in findings if finding.suppressed is None}
    if Verdict.LEAK in verdicts:
        return Verdict.LEAK
    return Verdict.UNDECIDED if Verdict.UNDECIDED in verdicts else Verdict.CLEAN


def _unheeded(weighed: Sequence[Weighed]) -> list[Warning_]:
    problems = dict.fromkeys(problem for one in weighed for problem in one.problems)
    return [Warning_("directive-not-followed", problem) for problem in problems]


def _limits(graphs: Sequence[HeapGraph]) -> list[Warning_]:
    if len(graphs) > 2:
        return []
    text = "two snapshots show one interval; a leak cannot be told from warm-up: take a third"
    return [Warning_("two-snapshots", text)]
