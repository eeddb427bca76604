"""The report as an engineer reads it in a terminal: cause, place, rate and fix at one look.

Eighty columns, readable without colour, ASCII where the device knows nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from heapsleuth.leaks.model import AnalysisReport, Finding, Verdict
from heapsleuth.reports import wording
from heapsleuth.reports.page import Column, Page, wants_colour
from heapsleuth.reports.terminal_finding import VERDICT_STYLES, add_finding
from heapsleuth.reports.terminal_snapshot import add_comparison, add_snapshot
from heapsleuth.units import format_bytes, format_count

if TYPE_CHECKING:
    from typing import TextIO

    from heapsleuth.leaks.model import Warning_

__all__ = ["add_analysis", "add_badge", "add_warnings", "render"]

DEFAULT_LIMIT = 10
"""Findings in full."""
DEFAULT_ROWS = 20
"""Rows of a long table."""
_SERIES_CELLS = 28


def render(
    report: AnalysisReport,
    out: TextIO,
    *,
    limit: int | None = DEFAULT_LIMIT,
    width: int | None = None,
    colour: bool | None = None,
    base_dir: str = "",
) -> None:
    """
    Write the report for a person.

    Args:
        report: What to show.
        out: Where to; its encoding and terminal decide about colour, ASCII and width.
        limit: Findings in full, the rest one line each; None shows everything, long tables too.
        width: Cells per line; None takes the terminal's between 40 and 110, or 80.
        colour: Force colours on or off; None asks the stream, `NO_COLOR` and `TERM`.
        base_dir: Absolute path of the folder that places are relative to; empty leaves them absolute.
    """
    page = Page.for_stream(out, width, base_dir=base_dir)
    _add_headline(page, report)
    add_analysis(page, report, limit)
    out.write(page.to_text(colour=wants_colour(out) if colour is None else colour))


def add_analysis(page: Page, report: AnalysisReport, limit: int | None) -> None:
    """Add everything below the headline: findings, what is no leak, tables, warnings, inputs."""
    rows = DEFAULT_ROWS if limit is not None else None
    shown = [f for f in report.findings if f.suppressed is None]
    full = shown if limit is None else shown[:limit]
    if len(shown) > 1:
        _add_overview(page, report, shown, len(full))
    for number, finding in enumerate(full, 1):
        # The first one is what to act on; the others keep the page short.
        add_finding(page, report, finding, number, whole=number == 1 or limit is None)
    if limit is not None and len(full) > 1:
        page.blank()
        page.add(Text("Findings after the first are shortened; --all shows them in full.", "dim"), indent=2)
    _add_bounded(page, report, rows)
    _add_suppressed(page, report)
    if report.snapshot is not None:
        add_snapshot(page, report.snapshot, rows)
    if report.comparison is not None:
        add_comparison(page, report, report.comparison, rows)
    add_warnings(page, report.warnings)
    _add_inputs(page, report)


def add_badge(page: Page, word: str, style: str, sentence: str) -> int:
    """Add a verdict with the sentence that explains it; return the column the sentence begins in."""
    badge = f" {word.upper()} "
    indent = len(badge) + 1
    page.add(Text.assemble((badge, style), " ", (sentence, "bold")), hanging=indent)
    return indent


def add_warnings(page: Page, warnings: tuple[Warning_, ...]) -> None:
    """Add the section of warnings, if there are any."""
    if not warnings:
        return
    page.heading("Warnings")
    for warning in warnings:
        code = f"  [{page.text(warning.code)}]"
        line = Text.assemble(("! ", "bold yellow"), page.text(warning.text, 600), (code, "dim"))
        page.add(line, indent=2, hanging=2)


def _add_headline(page: Page, report: AnalysisReport) -> None:
    indent = add_badge(page, report.verdict, VERDICT_STYLES[report.verdict], wording.headline(report))
    heaps = [format_bytes(one.heap_bytes) for one in report.inputs]
    text = f"heap {page.series(heaps, _SERIES_CELLS)}"
    if len(heaps) > 1:
        text += f"  {page.bars([one.heap_bytes for one in report.inputs])}"
        works = [format_count(one.work) for one in report.inputs if one.work is not None]
        if len(works) == len(heaps):
            text += "  work "
            text += page.series(works, page.width - indent - len(text))
    page.add(Text(text, style="dim"), indent=indent)


def _add_overview(page: Page, report: AnalysisReport, findings: list[Finding], in_full: int) -> None:
    grows = len(report.inputs) > 1
    unit = wording.work_unit(report).removeprefix("unit of ")
    page.blank()
    columns = (
        Column("#", right=True),
        Column("held by", flexible=True, style="bold", worth=5),
        Column("at", flexible=True, keep="end", style="cyan", worth=6, optional=1),
        Column("members", flexible=True, optional=3),
        Column(f"per {unit}" if grows else "count", right=True, optional=2),
        Column("bytes" if grows else "retained", right=True, style="bold red"),
        Column("conf.", right=True),
    )
    rows = []
    for number, finding in enumerate(findings, 1):
        members = finding.members
        if grows:
            growth = (wording.count_rate(members.count_per_work), wording.byte_rate(members.bytes_per_work))
        else:
            growth = (format_count(_last(members.counts)), format_bytes(_last(members.retained_bytes)))
        doubt = "? " if finding.verdict is Verdict.UNDECIDED and report.verdict is Verdict.LEAK else ""
        rows.append(
            (
                str(number),
                page.text(wording.holder(finding)),
                page.text(wording.short_place(finding.holder.location)),
                page.text(members.class_name),
                *growth,
                doubt + wording.probability(finding.confidence),
            )
        )
    page.table(columns, rows)
    if len(findings) > in_full:
        rest = f"The first {in_full} in full below, {len(findings) - in_full:,} only here (--all shows all)."
        page.add(Text(rest, "dim"), indent=2)


def _add_bounded(page: Page, report: AnalysisReport, limit: int | None) -> None:
    if not report.bounded:
        return
    candidates = wording.plural(len(report.bounded), "candidate")
    page.heading("Not leaks", f"{candidates} grew or churned, then stopped")
    columns = (
        Column("held by", flexible=True),
        Column("members", flexible=True, optional=2),
        Column("count"),
        Column("", optional=3),
        Column("retained", right=True),
        Column("at", flexible=True, keep="end", style="cyan", optional=1),
    )
    page.table(
        columns,
        [
            (
                page.text(wording.holder(one)),
                page.text(one.members.class_name),
                page.series([format_count(count) for count in one.members.counts], _SERIES_CELLS),
                page.bars(one.members.counts),
                format_bytes(_last(one.members.retained_bytes)),
                page.text(wording.short_place(one.holder.location)),
            )
            for one in report.bounded[:limit]
        ],
    )
    _add_rest(page, len(report.bounded), limit)


def _add_suppressed(page: Page, report: AnalysisReport) -> None:
    suppressed = [f for f in report.findings if f.suppressed is not None]
    if not suppressed:
        return
    page.heading("Suppressed", f"{wording.plural(len(suppressed), 'finding')} found and accepted")
    for finding in suppressed:
        place = page.text(wording.short_place(finding.holder.location))
        title = Text(page.text(finding.title))
        page.add(title.append(f"  {place}", "cyan") if place else title, indent=2, hanging=2)
        reason = page.text(finding.suppressed or "no reason given", 400)
        page.add(Text(f"because: {reason}", "dim"), indent=4, hanging=2)


def _add_inputs(page: Page, report: AnalysisReport) -> None:
    page.heading("Inputs", _MODES.get(report.mode, "") if len(report.inputs) > 1 else "")
    columns = (
        Column("#", right=True),
        Column("file", flexible=True, keep="end"),
        Column("work", right=True),
        Column("size", right=True),
        Column("heap", right=True),
        Column("nodes", right=True, optional=2),
        Column("edges", right=True, optional=3),
        Column("runtime", flexible=True, optional=4),
    )
    page.table(
        columns,
        [
            (
                str(number),
                page.text(one.path),
                "" if one.work is None else format_count(one.work),
                format_bytes(one.bytes),
                format_bytes(one.heap_bytes),
                format_count(one.nodes),
                format_count(one.edges),
                page.text(one.runtime),
            )
            for number, one in enumerate(report.inputs, 1)
        ],
    )


def _add_rest(page: Page, total: int, limit: int | None) -> None:
    if limit is not None and total > limit:
        rest = f"{page.symbols.ellipsis} {total - limit:,} more (--all shows them)"
        page.add(Text(rest, style="dim"), indent=2)


def _last(values: tuple[int, ...]) -> int:
    return values[-1] if values else 0


_MODES = {
    "identity": "compared object by object: the files are from one process",
    "structural": "compared by shape: the files are from different processes",
}
assert set(VERDICT_STYLES) == set(Verdict)  # noqa: S101 - a verdict without a style is noticed at import
