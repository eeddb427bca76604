"""The Markdown form: short, and names from a heap stay names."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import report_samples
from hypothesis import given
from markdown_it import MarkdownIt
from report_strategies import fewer, reports, texts

from heapsleuth.reports import markdown

if TYPE_CHECKING:
    from heapsleuth.leaks.model import AnalysisReport

OURS = {"details", "/details", "summary", "/summary", "code", "/code", "sub", "/sub"}


def shown(report: AnalysisReport) -> str:
    out = io.StringIO()
    markdown.render(report, out)
    return out.getvalue()


def html(text: str) -> str:
    return str(MarkdownIt("commonmark").enable("table").render(text))


@fewer
@given(reports())
def test_only_our_own_tags_are_html(report: AnalysisReport) -> None:
    parser = MarkdownIt("commonmark").enable("table")
    raw = [
        token.content
        for block in parser.parse(shown(report))
        for token in [block, *(block.children or [])]
        if token.type in {"html_block", "html_inline"}
    ]

    assert {tag for piece in raw for tag in re.findall(r"<([^>\s]*)", piece)} <= OURS
    assert not re.search(r"<(a|img|em|strong|h[1245]|li|hr)\b", html(shown(report)))


@fewer
@given(reports())
def test_every_row_of_the_table_has_every_cell(report: AnalysisReport) -> None:
    findings = sum(f.suppressed is None for f in report.findings)

    rendered = html(shown(report))

    assert rendered.count("<tr>") == (findings + 1 if findings else 0)
    assert rendered.count("<td") == findings * 6


@given(texts())
def test_nobody_is_mentioned_by_a_title(name: str) -> None:
    report = report_samples.leak()
    finding = replace(report.findings[0], title=f"Map {name} @someone gains")

    prose = re.sub(r"`[^`]*`|<code>.*?</code>", "", shown(replace(report, findings=(finding,))))

    assert not re.search(r"@\w", prose)


def test_code_of_a_fix_cannot_leave_its_fence() -> None:
    rendered = html(shown(report_samples.hostile()))

    fence = re.search(r"<code class=\"language-diff\">(.*?)</code>", rendered, re.DOTALL)
    assert fence is not None
    assert "- ```" in fence[1]
    assert fence[1].rstrip().endswith("k")


def test_the_summary_names_cause_place_rate_and_fix() -> None:
    text = shown(report_samples.leak())

    row = next(line for line in text.splitlines() if "`reportCache` gains" in line)
    assert "`/srv/app/src/reports/cache.js:20`" in row
    assert "+1.0, +1.65 kB" in row
    assert "23.1 MB" in row
    assert "+ if (reportCache.size > 1000)" in text
    assert "1 finding suppressed" in text


def test_many_findings_stay_a_short_summary() -> None:
    report = report_samples.many()
    report = replace(report, findings=report.findings * 3)

    text = shown(report)

    assert text.count("\n| 🔴 |") == 20
    assert "19 more findings in the full report." in text


def test_places_inside_the_repository_are_relative_to_it() -> None:
    out = io.StringIO()
    markdown.render(report_samples.leak(), out, base_dir="/srv/app")

    assert "| `src/reports/cache.js:20` |" in out.getvalue()


def test_details_hold_code_path_stacks_and_relations() -> None:
    text = shown(report_samples.leak())

    assert "<details><summary><code>reportCache</code>: fix, code, path, more</summary>" in text
    assert "> 20  const reportCache = new Map();  // url -> ReportEntry\n" in text
    assert "> reportCache → Map\n" in text
    assert (
        "412 stuck in waitForReport ← handleReport ← listen (defined at /srv/app/src/reports/cache.js:34)"
        in text
    )
    assert "Also kept by: Array `recent`" in text
    assert "What would settle it: two more rounds of 4,000 requests" in text


def test_suppressed_findings_are_named_with_their_reason() -> None:
    text = shown(report_samples.leak())

    assert "<details><summary>1 finding suppressed</summary>" in text
    assert "Accepted: Map `templates` gains 0.10 Template per unit of work at" in text
    assert "because: comment in cache.js:43: CACHE: one per template on disk" in text
