"""One finding per cause: merge what names the same holder, list what hangs on another finding."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from heapsleuth.leaks.model import Finding, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["one_per_cause"]

_VERDICTS = {Verdict.LEAK: 0, Verdict.UNDECIDED: 1, Verdict.BOUNDED: 2, Verdict.CLEAN: 3}


def one_per_cause(findings: Sequence[Finding]) -> list[Finding]:
    """Return findings with one signature merged into the largest, leaks first, then by growth."""
    by_signature: dict[str, list[Finding]] = {}
    for finding in sorted(findings, key=_rank):
        by_signature.setdefault(finding.signature, []).append(finding)
    return sorted((_merged(group) for group in by_signature.values()), key=_rank)


def _merged(group: list[Finding]) -> Finding:
    """Add up what happens in the same way in several holders, such as one per connection."""
    first = group[0]
    holders = {finding.holder.node_id for finding in group}
    if len(group) == 1:
        return first
    if len(holders) == 1:
        others = [finding.title for finding in group[1:] if finding.title != first.title]
        return replace(first, also_retained=(*first.also_retained, *dict.fromkeys(others)))
    members = replace(
        first.members,
        counts=_sums([finding.members.counts for finding in group]),
        retained_bytes=_sums([finding.members.retained_bytes for finding in group]),
        count_per_work=_rounded(sum(finding.members.count_per_work for finding in group)),
        bytes_per_work=_rounded(sum(finding.members.bytes_per_work for finding in group)),
    )
    return replace(
        first,
        title=f"{first.title} (each of {len(group)} alike)",
        members=members,
        exclusive_bytes=sum(finding.exclusive_bytes for finding in group),
    )


def _sums(series: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(sum(values) for values in zip(*series, strict=True))


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")


def _rank(finding: Finding) -> tuple[int, float, float, str, int]:
    growth = finding.members.bytes_per_work
    return (
        _VERDICTS[finding.verdict],
        -growth,
        -finding.confidence,
        finding.signature,
        finding.holder.node_id,
    )
