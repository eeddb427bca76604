"""What the rounds and the snapshots say together.

Two kinds of evidence make a leak: memory that rises round after round, and an object that holds more
after each of them.  Memory that rises outside the JavaScript heap has no holder to show.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from heapsleuth.leaks.detectors.native import OUTSIDE
from heapsleuth.leaks.model import AnalysisReport, Evidence, Finding, Holder, Members, Verdict
from heapsleuth.leaks.signature import signature
from heapsleuth.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapsleuth.leaks.check_model import Growth, Round

__all__ = ["Conclusion", "conclude"]

# The share of the heap's growth that the findings must explain for it to be called explained.
_EXPLAINED = 0.3
_SURE = 0.8


@dataclass(frozen=True, slots=True)
class Conclusion:
    """Verdict and reason, with the analysis that goes into the report."""

    verdict: Verdict
    reason: str
    analysis: AnalysisReport | None
    flat: bool
    """Whether no kind of memory rose."""


def conclude(
    growth: Sequence[Growth],
    analysis: AnalysisReport | None,
    rounds: Sequence[Round],
    *,
    crashed: str | None = None,
) -> Conclusion:
    """Return the verdict over all evidence."""
    by_kind = {one.kind: one for one in growth}
    heap = by_kind.get("heap")
    flat = bool(growth) and all(one.verdict is Verdict.CLEAN for one in growth if one.kind != "rss")
    leaks = [f for f in _open_findings(analysis) if f.verdict is Verdict.LEAK]
    if heap is None or (crashed and not leaks):
        reason = f"the program failed: {crashed}" if crashed else "there were too few rounds to judge"
        return Conclusion(Verdict.UNDECIDED, reason, analysis, flat=False)
    if leaks:
        return _with_leaks(leaks, heap, by_kind, analysis, flat=flat)
    outside = [
        kind for kind in OUTSIDE if by_kind[kind].verdict is Verdict.LEAK and not _is_reflected(kind, by_kind)
    ]
    if outside and analysis is not None:
        findings = tuple(_outside(kind, by_kind[kind], rounds) for kind in outside)
        report = replace(analysis, findings=(*findings, *analysis.findings))
        sure = any(finding.verdict is Verdict.LEAK for finding in findings)
        report = replace(report, verdict=Verdict.LEAK if sure else Verdict.UNDECIDED)
        reason = (
            f"{by_kind[outside[0]].kind} {by_kind[outside[0]].text}, and no JavaScript object explains it"
        )
        return Conclusion(report.verdict, reason, report, flat=False)
    if flat:
        return Conclusion(Verdict.CLEAN, f"the floor {heap.text}", analysis, flat=True)
    if heap.verdict is Verdict.CLEAN:
        return Conclusion(Verdict.CLEAN, f"the floor {heap.text}", analysis, flat=False)
    accepted = [f for f in analysis.findings if f.suppressed is not None] if analysis else []
    if accepted and analysis is not None and analysis.verdict is Verdict.CLEAN:
        count = f"{len(accepted)} causes are" if len(accepted) > 1 else "one cause is"
        return Conclusion(
            Verdict.CLEAN, f"{count} known and accepted, and nothing else grows", analysis, flat=False
        )
    if analysis is not None and analysis.verdict is Verdict.CLEAN:
        reason = f"no object gains members round by round, though the floor {heap.text}"
        return Conclusion(Verdict.CLEAN, reason, analysis, flat=False)
    reason = f"the floor {heap.text}; more rounds would decide (--max-time)"
    return Conclusion(Verdict.UNDECIDED, reason, analysis, flat=False)


def _open_findings(analysis: AnalysisReport | None) -> tuple[Finding, ...]:
    return () if analysis is None else tuple(f for f in analysis.findings if f.suppressed is None)


def _with_leaks(
    leaks: Sequence[Finding],
    heap: Growth,
    by_kind: dict[str, Growth],
    analysis: AnalysisReport | None,
    *,
    flat: bool,
) -> Conclusion:
    """Return the verdict where objects grew: it stands if memory as a whole rose, too."""
    if all(one.verdict is Verdict.CLEAN for one in by_kind.values()):
        reason = f"{leaks[0].title}, but the floor {heap.text}"
        return Conclusion(Verdict.UNDECIDED, reason, analysis, flat=flat)
    told = sum(finding.members.bytes_per_work for finding in leaks)
    rise = sum(max(0.0, by_kind[kind].bytes_per_work) for kind in ("heap", "array-buffers"))
    share = told / rise if rise > 0 else 1.0
    explained = f"{format_bytes(told)} of {format_bytes(rise)} per unit of work"
    reason = f"{leaks[0].title} ({explained})" if share < 1 / _EXPLAINED else leaks[0].title
    return Conclusion(Verdict.LEAK, reason, analysis, flat=False)


def _is_reflected(kind: str, by_kind: dict[str, Growth]) -> bool:
    """Whether growth of one kind only shows another's: resident memory holds all the others."""
    if kind != "rss":
        return False
    others = sum(max(0.0, one.bytes_per_work) for name, one in by_kind.items() if name != "rss")
    return others > _EXPLAINED * by_kind["rss"].bytes_per_work


def _outside(kind: str, growth: Growth, rounds: Sequence[Round]) -> Finding:
    """Return the finding for memory that grows where no snapshot can look."""
    category, name, noun, confidence = OUTSIDE[kind]
    field = {"external": "external_bytes", "array-buffers": "array_buffers_bytes", "rss": "rss_bytes"}[kind]
    series = tuple(int(getattr(one, field)) for one in rounds)
    leak = confidence >= _SURE
    return Finding(
        signature=signature(category, name, noun, None, None),
        category=category,
        verdict=Verdict.LEAK if leak else Verdict.UNDECIDED,
        confidence=confidence,
        title=f"{name[0].upper()}{name[1:]} grows by {format_bytes(growth.bytes_per_work)} per unit of work",
        holder=Holder(name=name, kind=noun, node_id=0, location=None, package=None),
        members=Members(noun, None, series, series, 0.0, growth.bytes_per_work),
        exclusive_bytes=series[-1] - series[0],
        path=(),
        evidence_for=(Evidence("grows-every-round", growth.text, growth.bytes_per_work),),
        evidence_against=(Evidence("no-holder", "no JavaScript object that grows explains it", 1.0),),
    )
