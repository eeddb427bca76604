"""A check as a short summary for a pull request: verdict, criteria, findings, how to run it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapsleuth.errors import ExitCode
from heapsleuth.reports import wording
from heapsleuth.reports.markdown import (
    MARKS,
    code,
    code_block,
    finding_lines,
    footer,
    prose,
    warning_lines,
)
from heapsleuth.units import format_bytes, format_count, format_duration

if TYPE_CHECKING:
    from typing import TextIO

    from heapsleuth.leaks.check_model import CheckReport, LoadSummary, Round

__all__ = ["render"]

_OUTCOMES = {True: "✅", False: "❌", None: "⚪"}


def render(report: CheckReport, out: TextIO, *, base_dir: str = "") -> None:
    """Write the summary; places inside `base_dir`, an absolute path, are relative to it."""
    failed = report.exit_code is ExitCode.FAILED
    mark, word = ("⚫", "could not run") if failed else (MARKS[report.verdict], report.verdict.value)
    reason = prose(report.reason)
    lines = [f"### {mark} heapsleuth check: {word}", "", reason[:1].upper() + reason[1:]]
    if report.criteria:
        lines += ["", "| | criterion | result |", "|---|---|---|"]
        lines += [
            f"| {_OUTCOMES[one.passed]} | {code(one.name, in_table=True)} | {prose(one.text)} |"
            for one in report.criteria
        ]
    if report.analysis is not None:
        lines += finding_lines(report.analysis, base_dir)
    if report.rounds:
        lines += ["", *_rounds(report.rounds)]
    if report.growth:
        lines += ["", *(f"- {code(one.kind)} {one.verdict}: {prose(one.text)}" for one in report.growth)]
    if report.load is not None:
        lines += ["", _load(report.load)]
    if report.output_tail:
        lines += _folded("Last output", report.output_tail)
    if report.target.reproduce:
        lines += _folded("Run it again", report.target.reproduce)
    lines += warning_lines(report.warnings)
    if report.analysis is not None:
        lines += warning_lines(report.analysis.warnings)
        lines += ["", footer(report.analysis)]
    out.write("\n".join(lines) + "\n")


def _rounds(rounds: tuple[Round, ...]) -> list[str]:
    lines = ["| work | heap | external | array buffers | rss |", "|--:|--:|--:|--:|--:|"]
    # First and last ones: a soak has hundreds.
    shown = rounds if len(rounds) <= 12 else (rounds[0], *rounds[-11:])  # noqa: PLR2004
    for one in shown:
        sizes = (one.heap_used_bytes, one.external_bytes, one.array_buffers_bytes, one.rss_bytes)
        lines.append(f"| {format_count(one.work)} | {' | '.join(format_bytes(size) for size in sizes)} |")
    return ["<details><summary>Memory after each round</summary>", "", *lines, "", "</details>"]


def _load(load: LoadSummary) -> str:
    parts = [
        f"{wording.plural(load.requests, 'request')} in {format_duration(load.duration_s)}",
        f"{format_count(round(load.requests_per_s))} per second",
    ]
    if load.latency_p99_ms is not None:
        parts.append(f"99 % within {format_duration(load.latency_p99_ms / 1000)}")
    if load.non_2xx or load.errors:
        parts.append(
            f"{load.non_2xx:,} not 2xx, {load.errors:,} unanswered, {load.timeouts:,} of them timed out"
        )
    return f"Load: {', '.join(parts)}."


def _folded(title: str, text: str) -> list[str]:
    return ["", f"<details><summary>{title}</summary>", "", *code_block(text), "", "</details>"]
