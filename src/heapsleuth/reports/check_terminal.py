"""A check as an engineer reads it in a terminal: verdict, rounds, criteria, then the causes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from heapsleuth.errors import ExitCode
from heapsleuth.reports import wording
from heapsleuth.reports.page import Column, Page, wants_colour
from heapsleuth.reports.terminal import DEFAULT_LIMIT, add_analysis, add_badge, add_warnings
from heapsleuth.reports.terminal_finding import VERDICT_STYLES
from heapsleuth.reports.untrusted import clean_block
from heapsleuth.units import format_bytes, format_count, format_duration

if TYPE_CHECKING:
    from typing import TextIO

    from heapsleuth.leaks.check_model import CheckReport, LoadSummary, Round

__all__ = ["render"]

_FAILED_STYLE = "bold reverse magenta"
_MOST_ROUNDS = 12
_MOST_OUTPUT = 20
_SERIES_CELLS = 40
_NAME_CELLS = 28
_VERDICT_CELLS = 9
_SEEN_SHARE = 0.01
"""A rise below this share is not drawn: bars would make a mountain of it."""
_OUTCOMES = {True: ("pass", "green"), False: ("FAIL", "bold red"), None: ("-", "dim")}


def render(
    report: CheckReport,
    out: TextIO,
    *,
    limit: int | None = DEFAULT_LIMIT,
    width: int | None = None,
    colour: bool | None = None,
    base_dir: str = "",
) -> None:
    """
    Write the check for a person.

    Args:
        report: What to show.
        out: Where to; its encoding and terminal decide about colour, ASCII and width.
        limit: Findings in full, the rest one line each; None shows everything, all rounds too.
        width: Cells per line; None takes the terminal's between 60 and 110, or 80.
        colour: Force colours on or off; None asks the stream, `NO_COLOR` and `TERM`.
        base_dir: Absolute path of the folder that places are relative to; empty leaves them absolute.
    """
    page = Page.for_stream(out, width, base_dir=base_dir)
    _add_verdict(page, report)
    _add_rounds(page, report, None if limit is None else _MOST_ROUNDS)
    _add_growth(page, report)
    _add_criteria(page, report)
    if report.load is not None:
        _add_load(page, report.load)
    if report.analysis is not None:
        page.heading("Snapshots", page.text(wording.headline(report.analysis), 300))
        add_analysis(page, report.analysis, limit)
    _add_output(page, report.output_tail)
    add_warnings(page, report.warnings)
    if report.target.reproduce:
        page.heading("Run it again")
        page.add(Text(page.text(report.target.reproduce, 600)), indent=2, hanging=2)
    out.write(page.to_text(colour=wants_colour(out) if colour is None else colour))


def _add_verdict(page: Page, report: CheckReport) -> None:
    word, style = report.verdict.value, VERDICT_STYLES[report.verdict]
    if report.exit_code is ExitCode.FAILED:
        word, style = "failed", _FAILED_STYLE
    indent = add_badge(page, word, style, page.text(report.reason, 400))
    parts = [page.text(part) for part in (report.target.name, report.target.runtime) if part]
    if report.rounds:
        parts.append(wording.plural(len(report.rounds), "round"))
    if report.duration_s > 0:
        parts.append(format_duration(report.duration_s))
    page.add(Text(", ".join(parts), style="dim"), indent=indent)


def _add_rounds(page: Page, report: CheckReport, most: int | None) -> None:
    rounds = report.rounds
    if not rounds:
        return
    floors = [one.heap_used_bytes for one in rounds]
    series = page.series([format_bytes(floor) for floor in floors], _SERIES_CELLS)
    lowest = min(floors)
    # From the lowest floor: from zero, a leak of some per cent would be a straight line.
    rises = [floor - lowest for floor in floors]
    bars = page.bars(rises) if max(rises) >= lowest * _SEEN_SHARE else ""
    page.heading("Rounds", f"floor {series}  {bars}".rstrip())
    skipped = 0 if most is None else max(len(rounds) - most, 0)
    shown = rounds if not skipped else (rounds[0], *rounds[skipped + 1 :])
    titles = ("work", "heap", "external", "buffers", "rss", "at")
    columns = (*(Column(title, right=True) for title in titles), Column(""))
    page.table(columns, [_round(one) for one in shown])
    if skipped:
        rest = f"{page.symbols.ellipsis} {skipped:,} rounds after the first not shown"
        page.add(Text(rest, style="dim"), indent=2)


def _add_growth(page: Page, report: CheckReport) -> None:
    if not report.growth:
        return
    page.heading("Memory")
    kinds = [page.fit(page.text(one.kind), _NAME_CELLS) for one in report.growth]
    column = max(map(len, kinds))
    for kind, one in zip(kinds, report.growth, strict=True):
        style = VERDICT_STYLES[one.verdict].replace("reverse ", "")
        verdict = one.verdict.value.ljust(_VERDICT_CELLS)
        line = Text.assemble((verdict, style), f"  {kind.ljust(column)}  ", page.text(one.text, 400))
        page.add(line, indent=2, hanging=_VERDICT_CELLS + 4 + column)


def _round(one: Round) -> tuple[str, ...]:
    return (
        format_count(one.work),
        format_bytes(one.heap_used_bytes),
        format_bytes(one.external_bytes),
        format_bytes(one.array_buffers_bytes),
        format_bytes(one.rss_bytes),
        format_duration(one.at_s),
        "snapshot" if one.snapshot else "",
    )


def _add_criteria(page: Page, report: CheckReport) -> None:
    if not report.criteria:
        return
    failed = sum(one.passed is False for one in report.criteria)
    page.heading("Criteria", f"{failed} of {len(report.criteria)} failed" if failed else "none failed")
    names = [page.fit(page.text(one.name), _NAME_CELLS) for one in report.criteria]
    column = max(map(len, names))
    for name, one in zip(names, report.criteria, strict=True):
        word, style = _OUTCOMES[one.passed]
        line = Text.assemble((word.ljust(4), style), f"  {name.ljust(column)}  ", page.text(one.text, 400))
        page.add(line, indent=2, hanging=8 + column)


def _add_load(page: Page, load: LoadSummary) -> None:
    page.heading("Load")
    parts = [
        f"{wording.plural(load.requests, 'request')} in {format_duration(load.duration_s)}",
        f"{format_count(round(load.requests_per_s))} per second",
    ]
    for share, latency in (("50 %", load.latency_p50_ms), ("99 %", load.latency_p99_ms)):
        if latency is not None:
            parts.append(f"{share} within {format_duration(latency / 1000)}")
    page.add(Text(", ".join(parts)), indent=2, hanging=2)
    if load.non_2xx or load.errors:
        bad = f"{load.non_2xx:,} not 2xx, {load.errors:,} unanswered, {load.timeouts:,} of them timed out"
        page.add(Text(bad, style="bold"), indent=2, hanging=2)


def _add_output(page: Page, output: str) -> None:
    if not output.strip():
        return
    page.heading("Last output of the program")
    for line in clean_block(output.rstrip()[-8000:])[-_MOST_OUTPUT:]:
        page.add(Text(page.text(line, 300)), indent=2, hanging=2)
