"""The report as one page for a browser: opens offline, prints, and can be passed on.

What it says is what the JSON says; tables of a single snapshot are cut to the rows worth a look.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from heapsleuth.reports import wording
from heapsleuth.reports.html_charts import bytes_chart
from heapsleuth.reports.html_finding import Findings, findings_of, headline
from heapsleuth.reports.html_kinds import Kind, about
from heapsleuth.reports.html_page import write
from heapsleuth.reports.untrusted import clean

if TYPE_CHECKING:
    from typing import TextIO

    from heapsleuth.leaks.model import AnalysisReport, ClassDelta, ClassRow

__all__ = ["analysis_context", "render"]

_MOST_ROWS = 200
"""Rows of a table by class; a browser gets slow long before the heap runs out of classes."""
_MODES = {
    "identity": "Compared object by object: the files are from one process.",
    "structural": "Compared by shape and path: the files are from different processes.",
    "single": "One snapshot, looked at by itself.",
}


def render(report: AnalysisReport, out: TextIO, *, base_dir: str = "") -> None:
    """Write the page; paths inside `base_dir`, an absolute path, are relative to it."""
    write(
        "analysis.html",
        out,
        base_dir=base_dir,
        verdict=report.verdict.value,
        headline=headline(report),
        command=_command(report),
        **analysis_context(report),
    )


def analysis_context(report: AnalysisReport) -> dict[str, Any]:
    """Return what the templates of an analysis read."""
    comparison = report.comparison
    snapshot = report.snapshot
    classes = () if snapshot is None else snapshot.classes
    deltas = () if comparison is None else comparison.rows
    findings = findings_of(report)
    kinds = about(one.category for one in report.findings)
    return {
        "report": report,
        "findings": findings,
        "about": kinds,
        "kinds": {kind.category for kind in kinds},
        "links": _links(report, findings, kinds),
        "grows": len(report.inputs) > 1,
        "unit": wording.work_unit(report),
        "mode": _MODES.get(report.mode, ""),
        "heap_chart": bytes_chart(
            "Heap in each snapshot",
            [one.heap_bytes for one in report.inputs],
            [one.work for one in report.inputs],
            "work",
        ),
        "classes": sorted(classes, key=lambda row: (-row.retained_bytes, *_name(row)))[:_MOST_ROWS],
        "deltas": sorted(deltas, key=lambda row: (-row.delta_bytes, *_name(row)))[:_MOST_ROWS],
        "statistics_total": 0 if snapshot is None else sum(size for _, size in snapshot.statistics),
        "runtimes": sorted({one.runtime for one in report.inputs if one.runtime}),
    }


def _links(report: AnalysisReport, findings: Findings, kinds: list[Kind]) -> list[tuple[str, str]]:
    """Return anchor and text of the parts below the findings."""
    parts = (
        ("suppressed", "Suppressed", bool(findings.suppressed)),
        ("bounded", "Not leaks", bool(report.bounded)),
        ("resources", "Live resources", report.snapshot is not None),
        ("waste", "Waste", report.snapshot is not None and bool(report.snapshot.waste)),
        ("kinds", "Memory by kind", report.snapshot is not None),
        ("classes", "Classes", report.snapshot is not None),
        ("comparison", "Comparison", report.comparison is not None),
        ("inputs", "Snapshots", True),
        ("about", "About these kinds of leaks", bool(kinds)),
        ("environment", "Environment", True),
    )
    return [(anchor, text) for anchor, text, there in parts if there]


def _name(row: ClassRow | ClassDelta) -> tuple[str, str]:
    return row.class_name, wording.place(row.location)


def _command(report: AnalysisReport) -> str:
    """Return a command line that analyses the same files again."""
    # Cleaned first: quoting sees what is shown, and a line break in a name cannot end the line.
    words = [clean(one.path, 400) for one in report.inputs]
    works = [one.work for one in report.inputs]
    if words and None not in works:
        words += ["--work", ",".join(f"{work:.12g}" for work in works if work is not None)]
    if report.comparison is not None:
        words.append("--compare")
    return shlex.join(["heapsleuth", "analyze", *words])
