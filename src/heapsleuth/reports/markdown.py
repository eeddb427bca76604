"""The report as a short summary for a pull request: GitHub's Markdown, one table, details folded away.

Names from the heap cannot become markup, HTML, links or mentions of people.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from heapsleuth.leaks.model import SITE_ROLES, AnalysisReport, Finding, Verdict
from heapsleuth.reports import wording
from heapsleuth.reports.untrusted import clean, clean_block
from heapsleuth.units import format_bytes, format_count

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TextIO

    from heapsleuth.leaks.model import Warning_

__all__ = ["MARKS", "code", "code_block", "finding_lines", "footer", "prose", "render", "warning_lines"]

_MOST_FINDINGS = 20
_MOST_SITES = 4
_MOST_STEPS = 12
_MOST_STACKS = 5
_MOST_ALSO = 5
MARKS = {Verdict.LEAK: "🔴", Verdict.UNDECIDED: "🟡", Verdict.CLEAN: "🟢", Verdict.BOUNDED: "🟢"}
_SPECIAL = re.compile(r"[\\`*_{}\[\]<>()#!|~&$]")
_CODE_PARTS = re.compile(r"`([^`]+)`")
_BACKTICKS = re.compile(r"`+")


def render(report: AnalysisReport, out: TextIO, *, base_dir: str = "") -> None:
    """Write verdict, findings, fixes, warnings, inputs; places inside `base_dir` are relative to it."""
    lines = [
        f"### {MARKS[report.verdict]} heapsleuth: {report.verdict}",
        "",
        _capital(_text(wording.headline(report))),
        *finding_lines(report, base_dir),
        *warning_lines(report.warnings),
        "",
        footer(report),
    ]
    out.write("\n".join(lines) + "\n")


def finding_lines(report: AnalysisReport, base_dir: str = "") -> list[str]:
    """Return the table of findings and their fixes, each after an empty line; none without findings."""
    shown = [f for f in report.findings if f.suppressed is None]
    lines: list[str] = []
    if shown:
        lines += ["", *_table(report, shown[:_MOST_FINDINGS], base_dir)]
    if len(shown) > _MOST_FINDINGS:
        lines += ["", f"{wording.plural(len(shown) - _MOST_FINDINGS, 'more finding')} in the full report."]
    for finding in shown[:_MOST_FINDINGS]:
        lines += _details(finding, {f.signature: wording.holder(f) for f in shown}, base_dir)
    return lines + _suppressed(report, base_dir)


def warning_lines(warnings: tuple[Warning_, ...]) -> list[str]:
    """Return the warnings as quotes after an empty line."""
    return ["", *(f"> ⚠️ {_text(warning.text, 600)}" for warning in warnings)] if warnings else []


def _table(report: AnalysisReport, findings: list[Finding], base_dir: str) -> list[str]:
    grows = len(report.inputs) > 1
    growth = f"per {wording.work_unit(report)}" if grows else "count"
    lines = [f"| | cause | held at | {growth} | retained | confidence |", "|---|---|---|--:|--:|--:|"]
    for finding in findings:
        members = finding.members
        if grows:
            rates = (
                f"{wording.count_rate(members.count_per_work)}, {wording.byte_rate(members.bytes_per_work)}"
            )
        else:
            rates = format_count(members.counts[-1]) if members.counts else ""
        retained = format_bytes(members.retained_bytes[-1]) if members.retained_bytes else ""
        place = wording.place(finding.holder.location, base_dir)
        cells = (
            MARKS[finding.verdict],
            prose(finding.title),
            code(place, in_table=True) if place else "",
            rates,
            retained,
            wording.confidence(report, finding),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _details(finding: Finding, holders: Mapping[str, str], base_dir: str) -> list[str]:
    """Return what is known about one finding, folded away; nothing if there is nothing to say."""
    parts = {
        "fix": _fix(finding),
        "code": _code(finding, base_dir),
        "path": _path(finding),
        "who waits": _stacks(finding, base_dir),
        "more": _relations(finding, holders),
    }
    told = {name: lines for name, lines in parts.items() if lines}
    if not told:
        return []
    return [
        "",
        # Blank lines around the inside: GitHub reads Markdown inside HTML only after one.
        f"<details><summary>{_html(finding.holder.name)}: {', '.join(told)}</summary>",
        *(line for lines in told.values() for line in ("", *lines)),
        "",
        "</details>",
    ]


def _fix(finding: Finding) -> list[str]:
    if finding.fix is None:
        return []
    before = [f"- {line}" for line in clean_block(finding.fix.before)]
    after = [f"+ {line}" for line in clean_block(finding.fix.after)]
    see = ["", f"See {code(clean(finding.fix.doc))}."] if finding.fix.doc else []
    return [prose(finding.fix.summary), "", *_fenced([*before, *after], "diff"), *see]


def _code(finding: Finding, base_dir: str) -> list[str]:
    lines: list[str] = []
    for site in finding.sites[:_MOST_SITES]:
        place = code(wording.place(site.location, base_dir))
        role = _text(SITE_ROLES.get(site.role, site.role))
        lines += ["", f"{place} {role}"] if lines else [f"{place} {role}"]
        if site.code:
            digits = max(len(str(line.number)) for line in site.code)
            numbered = [
                f"{'>' if line.marked else ' '} {line.number:>{digits}}  {' '.join(clean_block(line.text))}"
                for line in site.code
            ]
            lines += ["", *_fenced([line.rstrip() for line in numbered], "text")]
    return lines


def _path(finding: Finding) -> list[str]:
    steps = [
        f"{'>' if step.suspect else ' '} {clean(step.edge) + ' → ' if step.edge else ''}{clean(step.node)}"
        for step in finding.path[:_MOST_STEPS]
    ]
    return _fenced(steps, "text") if steps else []


def _stacks(finding: Finding, base_dir: str) -> list[str]:
    lines = []
    for stack in finding.stacks[:_MOST_STACKS]:
        functions = " ← ".join(clean(name, 80) for name in stack.functions[:_MOST_STEPS])
        place = wording.place(stack.location, base_dir)
        where = f" (defined at {clean(place)})" if place else ""
        size = format_bytes(stack.retained_bytes)
        lines.append(f"{format_count(stack.count)} stuck in {functions or 'a function'}{where}, {size}")
    return _fenced(lines, "text") if lines else []


def _relations(finding: Finding, holders: Mapping[str, str]) -> list[str]:
    others = [other for other in finding.related if other != finding.signature]
    related = [holders[other] for other in others if other in holders]
    told = [
        *(f"Also retains: {prose(title)}" for title in finding.also_retained[:_MOST_ALSO]),
        *(f"Also kept by: {prose(name)}" for name in finding.also_retained_by[:_MOST_ALSO]),
        *(f"Related: {prose(name)}" for name in related[:_MOST_ALSO]),
        *([f"What would settle it: {prose(finding.settles)}"] if finding.settles else []),
    ]
    # Two blanks at a line's end keep the next one from joining it.
    return [*(f"{line}  " for line in told[:-1]), *told[-1:]]


def _suppressed(report: AnalysisReport, base_dir: str) -> list[str]:
    """Return the findings that were accepted, each with the reason; they are never left out."""
    found = [f for f in report.findings if f.suppressed is not None]
    lines: list[str] = []
    for finding in found:
        place = wording.place(finding.holder.location, base_dir)
        where = f" at {code(place)}" if place else ""
        reason = _text(finding.suppressed or "no reason given", 400)
        lines += ["", f"Accepted: {prose(finding.title)}{where}, because: {reason}"]
    summary = f"{wording.plural(len(found), 'finding')} suppressed"
    return ["", f"<details><summary>{summary}</summary>", *lines, "", "</details>"] if found else []


def code_block(text: str) -> list[str]:
    """Return a text of several lines as a block of code."""
    return _fenced(clean_block(text), "text")


def _fenced(lines: list[str], language: str) -> list[str]:
    # A fence longer than any run of backticks inside cannot be closed from inside.
    longest = max((len(run) for line in lines for run in _BACKTICKS.findall(line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *lines, fence]


def footer(report: AnalysisReport) -> str:
    """Return how many snapshots, candidates and suppressions there were, and the names of the files."""
    suppressed = sum(f.suppressed is not None for f in report.findings)
    parts = [wording.plural(len(report.inputs), "snapshot")]
    if report.bounded:
        parts.append(f"{wording.plural(len(report.bounded), 'candidate')} stopped growing")
    if suppressed:
        parts.append(f"{wording.plural(suppressed, 'finding')} suppressed")
    files = ", ".join(code(one.path) for one in report.inputs[:_MOST_FINDINGS])
    return f"<sub>{' · '.join(parts)}</sub> {files}".rstrip()


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def prose(text: str) -> str:
    """Return a sentence in which `names` in backticks stay code and everything else is only text."""
    parts = _CODE_PARTS.split(clean(text, 400))
    return "".join(code(part, in_table=True) if i % 2 else _text(part, 400) for i, part in enumerate(parts))


def _text(text: str, limit: int = 200) -> str:
    # A word joiner after @ keeps GitHub from calling the person or team of that name, :// from linking.
    safe = _SPECIAL.sub(r"\\\g<0>", clean(text, limit))
    return safe.replace("@", "@\u2060").replace("://", ":\u2060//")


def code(text: str, *, in_table: bool = False) -> str:
    """Return a name as code that cannot leave its backticks."""
    # Without anything between them, backticks would pair with later ones.
    shown = clean(text, 160) or "(empty)"
    longest = max((len(run) for run in _BACKTICKS.findall(shown)), default=0)
    fence = "`" * (longest + 1)
    margin = " " if longest else ""
    # Tables split at pipes before they look for code.
    return f"{fence}{margin}{shown.replace('|', chr(92) + '|') if in_table else shown}{margin}{fence}"


def _html(text: str) -> str:
    shown = clean(text, 120)
    # Character references: neither HTML nor Markdown sees the characters themselves.
    escaped = re.sub(r"[^\w\s.,:/\"'-]", lambda match: f"&#{ord(match[0])};", shown)
    return f"<code>{escaped}</code>"
