"""A check as one page for a browser: verdict, causes, criteria, memory by round, how to run it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heapsleuth.errors import ExitCode
from heapsleuth.leaks.model import Verdict
from heapsleuth.reports.html import analysis_context
from heapsleuth.reports.html_charts import Chart, bytes_chart
from heapsleuth.reports.html_page import write
from heapsleuth.reports.untrusted import clean_block

if TYPE_CHECKING:
    from typing import TextIO

    from heapsleuth.leaks.check_model import CheckReport, Growth

__all__ = ["render"]

_MOST_OUTPUT = 40
_KINDS = (
    ("heap", "Heap after garbage collection", "heap_used_bytes"),
    ("external", "External memory", "external_bytes"),
    ("array-buffers", "Array buffers", "array_buffers_bytes"),
    ("rss", "Resident memory (RSS)", "rss_bytes"),
)
"""Kind of `Growth`, title and field of `Round` of each chart; the first is the floor."""


def render(report: CheckReport, out: TextIO, *, base_dir: str = "") -> None:
    """Write the page; paths inside `base_dir`, an absolute path, are relative to it."""
    failed = report.exit_code is ExitCode.FAILED
    reason = report.reason
    analysis: dict[str, Any] = {"links": []} if report.analysis is None else analysis_context(report.analysis)
    write(
        "check.html",
        out,
        base_dir=base_dir,
        check=report,
        verdict="failed" if failed else report.verdict.value,
        headline=reason[:1].upper() + reason[1:],
        command=report.target.reproduce,
        memory=_memory(report),
        output=clean_block(report.output_tail.rstrip()[-8000:])[-_MOST_OUTPUT:],
        **analysis,
    )


def _memory(report: CheckReport) -> list[tuple[str, Chart | None, Growth | None]]:
    """Return title, chart and judgement of each kind of memory; kinds of others than these four last."""
    works = [one.work for one in report.rounds]
    judged = {one.kind: one for one in report.growth}
    shown = []
    for kind, title, name in _KINDS:
        growth = judged.get(kind)
        sizes = [getattr(one, name) for one in report.rounds]
        # A step of some per cent in what is fine would look like a cliff on an axis of its own.
        fine = growth is not None and growth.verdict is Verdict.CLEAN
        shown.append((title, bytes_chart(title, sizes, works, "work", from_zero=fine), growth))
    known = {kind for kind, _, _ in _KINDS}
    shown += [(one.kind, None, one) for one in report.growth if one.kind not in known]
    return [one for one in shown if one[1] is not None or one[2] is not None]
