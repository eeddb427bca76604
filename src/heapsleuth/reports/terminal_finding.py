"""One finding as a block of the terminal report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from heapsleuth.leaks.model import AnalysisReport, Evidence, Finding, PathStep, Verdict
from heapsleuth.reports import wording
from heapsleuth.reports.terminal_code import add_sites, add_stacks
from heapsleuth.reports.untrusted import clean_block
from heapsleuth.units import format_bytes, format_count, format_share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapsleuth.places import Package, SourceLocation
    from heapsleuth.reports.page import Page

__all__ = ["VERDICT_STYLES", "add_finding"]

VERDICT_STYLES = {
    Verdict.LEAK: "bold reverse red",
    Verdict.CLEAN: "bold reverse green",
    Verdict.UNDECIDED: "bold reverse yellow",
    Verdict.BOUNDED: "bold reverse green",
}
_MOST_EVIDENCE, _FEW_EVIDENCE = 5, 2
_MOST_ALSO, _FEW_ALSO = 5, 2
_KEPT_BY = "must let go, too"
_MOST_STEPS = 7
_MOST_CODE = 12
_LONGEST_NAME = 120


def add_finding(
    page: Page, report: AnalysisReport, finding: Finding, number: int, *, whole: bool = True
) -> None:
    """Add the block of a finding: what, where, how fast, why, how it is held and what to do about it."""
    page.blank()
    word = "SUSPECT" if report.mode == "single" else finding.verdict.upper()
    left = Text.assemble(
        (f"{number} ", "bold"),
        (word, VERDICT_STYLES[finding.verdict].replace("reverse ", "")),
        f" {page.text(finding.category, 30)}",
    )
    page.rule(left, f"confidence {wording.confidence(report, finding)}")
    page.add(Text(page.text(finding.title, 400), style="bold"))
    _add_places(page, finding)
    _add_growth(page, report, finding)
    _add_evidence(page, finding, _MOST_EVIDENCE if whole else _FEW_EVIDENCE)
    _add_path(page, finding.path)
    add_stacks(page, finding.stacks, whole=whole)
    add_sites(page, finding, whole=whole)
    _add_fix(page, finding, whole=whole)
    _add_list(page, "also", finding.also_retained, whole=whole)
    _add_list(page, "kept by", finding.also_retained_by, whole=whole, note=_KEPT_BY)
    _add_list(page, "related", _related(report, finding), whole=whole)
    if finding.settles is not None:
        page.field("settles", Text(page.text(finding.settles, 400)))


def _add_places(page: Page, finding: Finding) -> None:
    holder, members = finding.holder, finding.members
    rows = (
        ("held by", page.text(wording.holder(finding), _LONGEST_NAME), holder.location, holder.package),
        ("members", page.text(members.class_name, _LONGEST_NAME), members.location, None),
    )
    # Both places stand in one column where there is room, else beside the name, else below it.
    column = max(len(name) for _, name, _, _ in rows)
    for label, name, location, package in rows:
        where = _place(page, name, location, package)
        if not where.plain:
            page.field(label, Text(name, style="bold"))
            continue
        where = Text.assemble(("at ", "dim"), where)
        room = page.field_width - where.cell_len - 2
        value = next((text for text in (name.ljust(column), name) if Text(text).cell_len <= room), None)
        if value is None:
            page.field(label, Text(name, style="bold"))
            page.field("", where, hanging=3)
        else:
            page.field(label, Text.assemble((f"{value}  ", "bold"), where))


def _place(page: Page, name: str, location: SourceLocation | None, package: Package | None) -> Text:
    text = Text()
    if location is not None:
        text.append(page.fit(page.text(wording.place(location)), page.field_width - 3, "end"), "cyan")
        if location.function and location.function not in name:
            text.append(f" in {page.text(location.function, 40)}")
        if location.generated:
            text.append(" (generated code)", "dim")
    if package is not None:
        version = page.text(" ".join(part for part in (package.name, package.version) if part), 60)
        text.append(f" ({version})", "dim")
    return text


def _add_growth(page: Page, report: AnalysisReport, finding: Finding) -> None:
    members = finding.members
    counts = [format_count(count) for count in members.counts]
    sizes = [format_bytes(size) for size in members.retained_bytes]
    if len(report.inputs) > 1:
        unit = wording.work_unit(report)
        # Rates last and in red: the number to remember.  Values of both rows stand under each other.
        width = max((len(value) for value in counts + sizes), default=0)
        rows = (
            ("count", counts, members.counts, wording.count_rate(members.count_per_work)),
            ("retained", sizes, members.retained_bytes, wording.byte_rate(members.bytes_per_work)),
        )
        for label, values, numbers, rate in rows:
            tail = Text(f"{rate} per {unit}", style="bold red")
            bars = page.bars(numbers)
            room = page.field_width - tail.cell_len - len(bars) - 4
            series = page.series([value.rjust(width) for value in values], room)
            page.field(label, Text(series).append(f"  {bars}  ", "red").append_text(tail))
    else:
        heap = report.inputs[0].heap_bytes if report.inputs else 0
        share = f", {format_share(members.retained_bytes[-1] / heap)} of the heap" if heap and sizes else ""
        page.field("count", Text(counts[-1] if counts else "unknown"))
        page.field("retained", Text((sizes[-1] if sizes else "unknown") + share))
    exclusive = format_bytes(finding.exclusive_bytes)
    page.field("exclusive", Text.assemble(exclusive, ("  held by nothing else", "dim")))


def _add_evidence(page: Page, finding: Finding, most: int) -> None:
    label = "evidence"
    for sign, style, facts in (("+", "red", finding.evidence_for), ("-", "green", finding.evidence_against)):
        for line in _facts(page, facts, most):
            page.field(label, Text.assemble((f"{sign} ", style), line), hanging=2)
            label = ""


def _facts(page: Page, facts: Sequence[Evidence], most: int) -> list[str]:
    shown = [page.text(fact.text, 400) for fact in facts[:most]]
    if len(facts) > most:
        shown.append(f"{len(facts) - most} more with --all")
    return shown


def _add_path(page: Page, path: Sequence[PathStep]) -> None:
    label = "path"
    previous = -1
    for position in _narrowed(path):
        if position - previous > 1:
            hidden = wording.plural(position - previous - 1, "step")
            page.field(label, Text(f"{page.symbols.ellipsis} {hidden}", style="dim"))
            label = ""
        page.field(label, _step(page, path[position]))
        label, previous = "", position


def _narrowed(path: Sequence[PathStep]) -> list[int]:
    """Return the steps worth showing: around the suspect edges, the root and the member."""
    if len(path) <= _MOST_STEPS:
        return list(range(len(path)))
    suspects = [i for i, step in enumerate(path) if step.suspect]
    near = {i + d for i in suspects[:2] + suspects[-1:] for d in (-1, 0)}
    chosen = {0, len(path) - 1} | {i for i in near if i >= 0}
    # A gap of one step would take as much room as the step.
    return [i for i in range(len(path)) if i in chosen or (i - 1 in chosen and i + 1 in chosen)]


def _step(page: Page, step: PathStep) -> Text:
    mark = f"  {page.symbols.suspect}" if step.suspect else ""
    node_id = f" @{step.id}"
    joint = f" {page.symbols.arrow} " if step.edge else ""
    room = page.field_width - len(mark) - len(node_id) - len(joint)
    edge = page.fit(page.text(step.edge), max(room * 3 // 5, room - len(page.text(step.node))))
    node = page.fit(page.text(step.node), room - Text(edge).cell_len)
    return Text.assemble(
        (edge, "bold yellow" if step.suspect else ""),
        (joint, "dim"),
        node,
        (node_id, "dim"),
        (mark, "bold yellow"),
    )


def _add_fix(page: Page, finding: Finding, *, whole: bool) -> None:
    fix = finding.fix
    if fix is None:
        return
    page.field("fix", Text(page.text(fix.summary, 400), style="bold green"))
    codes = (("-", "red", fix.before), ("+", "green", fix.after)) if whole else ()
    for sign, style, code in codes:
        lines = clean_block(code)
        for line in lines[:_MOST_CODE]:
            page.field("", Text(f"{sign} {page.text(line, 300)}", style=style), hanging=4)
        if len(lines) > _MOST_CODE:
            page.field("", Text(f"{sign} {page.symbols.ellipsis}", style=style))
    if fix.doc:
        page.field("", Text(f"see {page.text(fix.doc)}", style="dim"))


def _add_list(page: Page, label: str, texts: Sequence[str], *, whole: bool, note: str = "") -> None:
    most = _MOST_ALSO if whole else _FEW_ALSO
    for position, text in enumerate(texts[:most]):
        line = Text(page.text(text, 300))
        if note and not position:
            line.append(f"  {note}", "dim")
        page.field(label, line, hanging=2)
        label = ""
    rest = len(texts) - most
    if rest > 0:
        page.field("", Text(f"{page.symbols.ellipsis} {rest} more", style="dim"))


def _related(report: AnalysisReport, finding: Finding) -> list[str]:
    """Return number and holder of the findings that are related to one, as far as they are shown."""
    shown = [f for f in report.findings if f.suppressed is None]
    known = {f.signature: f"{number} {wording.holder(f)}" for number, f in enumerate(shown, 1)}
    return [known[other] for other in finding.related if other in known and other != finding.signature]
