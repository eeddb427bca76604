"""One finding per cause: merge what names the same holder, list what hangs on another finding."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from heapsleuth.leaks.evidence import decide, judge, sure_of
from heapsleuth.leaks.model import Verdict
from heapsleuth.leaks.series import Series

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapsleuth.leaks.confidence import ConfidenceModel
    from heapsleuth.leaks.findings import Weighed

__all__ = ["one_per_cause", "sum_of"]

_VERDICTS = {Verdict.LEAK: 0, Verdict.UNDECIDED: 1, Verdict.BOUNDED: 2, Verdict.CLEAN: 3}


def one_per_cause(weighed: Sequence[Weighed], work: Sequence[float], model: ConfidenceModel) -> list[Weighed]:
    """
    Return findings with one signature merged into the largest, leaks first, then by growth.

    Args:
        weighed: The findings.
        work: Operations done at each snapshot.
        model: Makes evidence into confidence: what happens in many holders is judged by its sum.
    """
    by_signature: dict[str, list[Weighed]] = {}
    for one in sorted(weighed, key=_rank):
        by_signature.setdefault(one.finding.signature, []).append(one)
    return sorted((_merged(group, work, model) for group in by_signature.values()), key=_rank)


def _merged(group: list[Weighed], work: Sequence[float], model: ConfidenceModel) -> Weighed:
    """Add up what happens in the same way in several holders, such as one per connection."""
    first = group[0]
    if len(group) == 1:
        return first
    if len({one.finding.holder.node_id for one in group}) == 1:
        others = [one.finding.title for one in group[1:] if one.finding.title != first.finding.title]
        also = (*first.finding.also_retained, *dict.fromkeys(others))
        return replace(first, finding=replace(first.finding, also_retained=also))
    alike = [one for one in group if one.judgement.metric == first.judgement.metric]
    series = sum_of([one.series for one in alike])
    judgement = judge(series, work, model)
    if judgement is None:
        return first
    findings = [one.finding for one in alike]
    features = {**judgement.features, **first.beside.features}
    confidence = sure_of(judgement.growth, features, model)
    members = replace(
        first.finding.members,
        counts=_sums([finding.members.counts for finding in findings]),
        retained_bytes=_sums([finding.members.retained_bytes for finding in findings]),
        count_per_work=_rounded(sum(finding.members.count_per_work for finding in findings)),
        bytes_per_work=_rounded(sum(finding.members.bytes_per_work for finding in findings)),
    )
    finding = replace(
        first.finding,
        verdict=decide(judgement.growth, confidence, model),
        confidence=confidence,
        title=f"{first.finding.title} (each of {len(alike)} alike)",
        members=members,
        exclusive_bytes=sum(finding.exclusive_bytes for finding in findings),
        evidence_for=(*judgement.evidence_for, *first.beside.evidence_for),
        evidence_against=(*judgement.evidence_against, *first.beside.evidence_against),
    )
    return replace(first, finding=finding, features=features, series=series, judgement=judgement)


def sum_of(series: Sequence[Series]) -> Series:
    """Return the series of several holders taken together."""
    columns = {
        name: _sums([getattr(one, name) for one in series])
        for name in ("counts", "references", "retained", "shallow", "survivors")
    }
    present = tuple(any(values) for values in zip(*(one.present for one in series), strict=True))
    return Series(**columns, present=present, single=all(one.single for one in series))


def _sums(series: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(sum(values) for values in zip(*series, strict=True))


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")


def _rank(weighed: Weighed) -> tuple[int, float, float, str, int]:
    finding = weighed.finding
    growth = finding.members.bytes_per_work
    return (
        _VERDICTS[finding.verdict],
        -growth,
        -finding.confidence,
        finding.signature,
        finding.holder.node_id,
    )
