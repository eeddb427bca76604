"""From recorded snapshots to labelled rows, one per growing candidate."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from evaluation.judging import judge
from evaluation.truth import Truth

from heapsleuth.heap.opening import open_heap
from heapsleuth.leaks.model import AnalysisReport, Verdict
from heapsleuth.leaks.observations import observe
from heapsleuth.reports.json import document

if TYPE_CHECKING:
    from pathlib import Path

    from heapsleuth.leaks.model import Finding
    from heapsleuth.leaks.observations import Observation

__all__ = ["Row", "rows_of"]

WINDOWS = (3, 4, 5, 6)
"""Snapshots from the first on; a check decides after four and may go on to six."""


@dataclass(frozen=True)
class Row:
    """One candidate in one window."""

    case: str
    group: str
    """What is held out together: the package, else the case."""
    variant: str
    node: str
    window: int
    leaks: bool
    """Whether the variant leaks at all."""
    is_leak: bool | None
    """Whether this candidate is the leak; None where that cannot be told from the truth."""
    title: str
    features: dict[str, float]


def rows_of(recording: Path, case: Path) -> list[Row]:
    """
    Return the rows of one recorded variant.

    Args:
        recording: Folder with `work.json` and `s*.heapsnapshot.gz`.
        case: Folder of the case, with its `truth.json`.
    """
    work = json.loads((recording / "work.json").read_text(encoding="utf-8"))
    files = sorted(recording.glob("s*.heapsnapshot*"))
    done = [float(one["work"] if isinstance(one, dict) else one) for one in work["snapshots"]]
    graphs = [open_heap(str(file), index=False) for file in files]
    major = int(work["node"].lstrip("v").split(".")[0])
    truth = Truth.load(case)
    leaks = truth.expected(work["variant"], major) == "leak"
    rows = []
    for window in WINDOWS:
        if window > len(graphs):
            break
        seen = sorted(observe(graphs[:window], done[:window]), key=_rank)
        report = _document([replace(one.finding, suppressed=None) for one in seen])
        named = judge(case.name, work["variant"], truth, major, report, 0.0).named
        for place, (one, name) in enumerate(zip(seen, named, strict=True)):
            is_it = name.is_the_leak or place == 0
            rows.append(
                Row(
                    case=case.name,
                    group=work["group"],
                    variant=work["variant"],
                    node=work["node"],
                    window=window,
                    leaks=leaks,
                    is_leak=(True if is_it else None) if leaks else False,
                    title=one.finding.title,
                    features=dict(one.features),
                )
            )
    return rows


def _rank(one: Observation) -> tuple[float, str]:
    return -one.finding.members.bytes_per_work, one.finding.signature


def _document(findings: list[Finding]) -> dict[str, Any]:
    return document(AnalysisReport("identity", Verdict.UNDECIDED, (), tuple(findings)))
