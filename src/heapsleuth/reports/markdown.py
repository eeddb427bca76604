"""The report as a short summary for a pull request: GitHub's Markdown, one table, fixes folded away.

Names from the heap cannot become markup, HTML, links or mentions of people.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from heapsleuth.leaks.model import AnalysisReport, Finding, Verdict
from heapsleuth.reports import wording
from heapsleuth.reports.untrusted import clean, clean_block
from heapsleuth.units import format_bytes, format_count

if TYPE_CHECKING:
    from typing import TextIO

    from heapsleuth.leaks.model import Warning_

__all__ = ["MARKS", "code", "code_block", "finding_lines", "footer", "prose", "render", "warning_lines"]

_MOST_FINDINGS = 20
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
        lines += _fix(finding)
    return lines


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


def _fix(finding: Finding) -> list[str]:
    if finding.fix is None:
        return []
    before = [f"- {line}" for line in clean_block(finding.fix.before)]
    after = [f"+ {line}" for line in clean_block(finding.fix.after)]
    return [
        "",
        # Blank lines around the code: GitHub reads Markdown inside HTML only after one.
        f"<details><summary>Fix for {_html(finding.holder.name)}</summary>",
        "",
        prose(finding.fix.summary),
        "",
        *_fenced([*before, *after], "diff"),
        "",
        *([f"See {code(clean(finding.fix.doc))}.", ""] if finding.fix.doc else []),
        "</details>",
    ]


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
