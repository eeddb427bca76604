"""The terminal form: what it must never do, whatever a heap holds, and what it must say."""

from __future__ import annotations

import io
import os
import re
from dataclasses import replace

import pytest
import report_samples
from hypothesis import given
from hypothesis import strategies as st
from report_strategies import fewer, reports
from rich.cells import cell_len

from heapsleuth.leaks.model import AnalysisReport, PathStep, Verdict
from heapsleuth.places import SourceLocation
from heapsleuth.reports import terminal

COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class FakeTerminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def shown(report: AnalysisReport, *, limit: int | None = 10, width: int = 80, colour: bool = False) -> str:
    out = io.StringIO()
    terminal.render(report, out, limit=limit, width=width, colour=colour)
    return out.getvalue()


@fewer
@given(reports(), st.integers(40, 110))
def test_no_line_is_wider_than_the_page_or_ends_in_blanks(report: AnalysisReport, width: int) -> None:
    lines = shown(report, width=width).split("\n")

    assert [line for line in lines if cell_len(line) > width] == []
    assert [line for line in lines if line != line.rstrip()] == []


@fewer
@given(reports())
def test_nothing_from_the_heap_acts_on_the_terminal(report: AnalysisReport) -> None:
    text = shown(report)

    assert [char for char in set(text) - {"\n"} if not char.isprintable()] == []


@fewer
@given(reports())
def test_colour_changes_nothing_but_colour(report: AnalysisReport) -> None:
    coloured = shown(report, colour=True)

    assert COLOURS.sub("", coloured) == shown(report)


@fewer
@given(reports())
def test_a_device_without_unicode_gets_ascii(report: AnalysisReport) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")

    terminal.render(report, out, limit=None)
    out.seek(0)

    assert out.read().isascii()


@fewer
@given(reports())
def test_the_verdict_comes_first_and_every_input_is_named_last(report: AnalysisReport) -> None:
    text = shown(report, limit=None)

    assert text.startswith(f" {report.verdict.upper()}  ")
    inputs = text[text.rindex("\nInputs") :].splitlines()
    assert len(inputs) == 1 + 1 + 1 + len(report.inputs)


def test_markup_of_the_drawing_library_is_only_text() -> None:
    text = shown(report_samples.hostile())

    assert "[red]not markup[/red]" in text
    assert ":boom:" in text


def test_evidence_says_which_way_it_points() -> None:
    text = shown(report_samples.leak())

    assert "  evidence   + grew in 2 of 2 rounds" in text
    assert "             - only two rounds were seen" in text


def test_a_long_path_is_narrowed_to_its_suspect_edges() -> None:
    steps = [PathStep(f"edge{i}", f"Node{i}", i, suspect=i in {9, 10}) for i in range(20)]
    finding = replace(report_samples.leak().findings[0], path=tuple(steps))

    text = shown(replace(report_samples.leak(), findings=(finding,)))
    path = text[text.index("  path ") : text.index("  fix ")]

    assert re.findall(r"edge(\d+)", path) == ["0", "8", "9", "10", "19"]
    assert "7 steps" in path
    assert "8 steps" in path
    assert [line.split(" ")[0].strip() for line in path.split("             ") if "suspect" in line] == [
        "edge9",
        "edge10",
    ]


def test_a_gap_of_one_step_is_shown_instead_of_being_counted() -> None:
    steps = [PathStep(f"edge{i}", f"Node{i}", i, suspect=i == 3) for i in range(9)]
    finding = replace(report_samples.leak().findings[0], path=tuple(steps))

    text = shown(replace(report_samples.leak(), findings=(finding,)))

    assert "1 step" not in text
    assert "edge1 " in text


def test_findings_beyond_the_limit_get_one_line_each_and_all_shows_them() -> None:
    limited, full = shown(report_samples.many()), shown(report_samples.many(), limit=None)

    assert limited.count("\n━━ ") == 10
    assert "13  Array queue12" in limited
    assert "3 only here" in limited
    assert full.count("\n━━ ") == 13
    assert "only here" not in full


def test_a_finding_that_is_only_suspected_is_marked_among_leaks() -> None:
    assert re.search(r"3  Array history .* \? 0\.55\n", shown(report_samples.leak()))


def test_the_comparison_puts_what_grew_most_first() -> None:
    text = shown(report_samples.two_snapshots())
    table = text[text.index("\nComparison") : text.index("\nWarnings")]

    assert re.findall(r"\n  (\S+) ", table) == ["class", "ReportEntry", "(string)", "RequestCtx", "Conn"]


def test_rates_are_per_round_when_the_work_is_unknown() -> None:
    text = shown(report_samples.two_snapshots())

    assert "per round" in text
    assert "unit of work" not in text


def test_a_calibrated_model_is_not_called_provisional() -> None:
    report = report_samples.leak()

    assert "confidence 0.97, provisional model" in shown(report)
    assert "provisional" not in shown(replace(report, model="2026-01"))


def test_suppressed_findings_are_listed_with_their_reason_and_not_counted() -> None:
    text = shown(report_samples.leak())

    assert "2 causes keep growing" in text
    assert "Suppressed  1 finding" in text
    assert "CACHE: one per template on disk" in text
    assert "templates" not in text[: text.index("Suppressed")]


@pytest.mark.parametrize(
    ("verdict", "findings", "sentence"),
    [
        (Verdict.LEAK, 1, "1 cause keeps growing, 1.65 kB per unit of work."),
        (Verdict.LEAK, 2, "2 causes keep growing, together 2.34 kB per unit of work."),
        (Verdict.CLEAN, 0, "nothing grows with the work; 2 things grew or churned, then stopped."),
        (
            Verdict.UNDECIDED,
            1,
            "1 candidate grew, not enough to call it a leak. More rounds of work would decide.",
        ),
        (Verdict.UNDECIDED, 0, "the snapshots do not settle it. More rounds of work would decide."),
    ],
)
def test_the_headline_says_why(verdict: Verdict, findings: int, sentence: str) -> None:
    report = report_samples.leak()

    text = shown(replace(report, verdict=verdict, findings=report.findings[:findings]))

    assert sentence in " ".join(text.split())


@pytest.mark.parametrize(
    ("variables", "colour"),
    [
        ({"TERM": "xterm-256color"}, True),
        ({"TERM": "dumb"}, False),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, False),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, True),
    ],
)
def test_colours_are_for_terminals_that_want_them(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], colour: bool
) -> None:
    for name in ("TERM", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    out = FakeTerminal()

    terminal.render(report_samples.leak(), out)

    assert ("\x1b[" in out.getvalue()) is colour


def test_a_pipe_gets_no_colours_even_if_the_environment_has_a_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    out = io.StringIO()

    terminal.render(report_samples.leak(), out)

    assert "\x1b[" not in out.getvalue()


@pytest.mark.parametrize(("columns", "width"), [("100", 100), ("300", 110), ("20", 40)])
def test_a_terminal_is_filled_within_reason(
    monkeypatch: pytest.MonkeyPatch, columns: str, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("NO_COLOR", "1")
    assert os.environ["COLUMNS"] == columns
    out = FakeTerminal()

    terminal.render(report_samples.leak(), out)

    assert max(cell_len(line) for line in out.getvalue().split("\n")) == width


def test_a_confidence_is_never_shown_as_certainty() -> None:
    report = report_samples.leak()

    text = shown(replace(report, findings=tuple(replace(f, confidence=0.998) for f in report.findings)))

    assert "confidence >0.99, provisional model" in text
    assert "1.00" not in text


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("Map", "cache", "Map cache"),
        ("global", "global orders", "global orders"),
        ("function handler", "handler", "function handler"),
        ("process", "process", "process"),
        ("", "cache", "cache"),
        ("Map", "", "Map"),
    ],
)
def test_a_holder_is_not_named_twice(kind: str, name: str, words: str) -> None:
    report = report_samples.leak()
    finding = replace(report.findings[0], holder=replace(report.findings[0].holder, kind=kind, name=name))

    assert f"  held by    {words}" in shown(replace(report, findings=(finding,)))
    assert not name or f"{words} {name}" not in shown(replace(report, findings=(finding,)))


def test_tables_name_the_folder_of_files_that_say_nothing() -> None:
    report = report_samples.leak()
    findings = [
        replace(f, holder=replace(f.holder, location=SourceLocation("/srv/app/cart/index.js", 3)))
        for f in report.findings
    ]

    assert "  cart/index.js:3  " in shown(replace(report, findings=tuple(findings)), width=110)


def test_bars_show_growth_from_zero() -> None:
    text = shown(report_samples.leak())

    assert "6,000 →  10,000 →  14,000  ▄▆█  +1.0 per unit of work" in text
    assert "0 → 10,000 → 10,000     ██" in text


def test_rates_too_small_to_read_are_not_spelled_out() -> None:
    report = report_samples.leak()
    finding = report.findings[0]
    finding = replace(finding, members=replace(finding.members, count_per_work=3e-9))

    assert "+<0.0001 per unit of work" in shown(replace(report, findings=(finding,)))


def block(text: str, number: int) -> str:
    """Return the block of one finding."""
    return text.split("\n━━ ")[number].split("\n\n", maxsplit=1)[0]


def test_code_stands_in_the_report_with_its_numbers_and_the_meant_line_marked() -> None:
    first = block(shown(report_samples.leak()), 1)

    assert "  code       cache.js:20 declares the holder\n" in first
    assert "             > 20  const reportCache = new Map();  // url -> ReportEntry\n" in first
    assert "               21  const bus = new EventEmitter();\n" in first
    assert "             /srv/app/src/reports/cache.js:41 adds the members\n" in first
    # The margin that all lines share is not worth its room.
    assert "             > 41  reportCache.set(" in first


def test_who_waits_is_told_innermost_first() -> None:
    second = block(shown(report_samples.leak()), 2)

    assert "  waiting    412 stuck in waitForReport ← handleReport ← listen at cache.js:34\n" in second


def test_relations_are_told_by_number_and_only_to_what_is_shown() -> None:
    text = shown(report_samples.leak())

    assert '  related    2 EventEmitter bus "invalidate" listeners\n' in text
    assert "  related    1 Map reportCache\n" in text
    assert "b-lru" not in text
    assert "  kept by    Array `recent` (context of `handleReport`)  must let go, too\n" in text


def test_what_would_settle_a_doubt_is_said() -> None:
    assert "  settles    two more rounds of 4,000 requests: a leak grows in both" in shown(
        report_samples.leak()
    )


def test_only_the_first_finding_is_told_in_full_unless_all_are_wanted() -> None:
    sample = report_samples.leak()
    first = sample.findings[0]
    two = replace(sample, findings=(first, replace(first, signature="other", title="Again")))

    brief, full = block(shown(two), 2), block(shown(two, limit=None), 2)

    assert brief.count("\n") < full.count("\n")
    assert "> 20  const reportCache" in brief
    assert "21  const bus" not in brief
    assert "21  const bus" in full
    assert "Bound the cache" in brief
    assert "reportCache.delete" not in brief
    assert "reportCache.delete" in full


def test_suppressed_findings_are_listed_with_place_and_reason() -> None:
    text = shown(report_samples.leak())
    section = text[text.index("\nSuppressed") : text.index("\nWarnings")]

    assert "1 finding found and accepted" in section
    assert "Map `templates` gains 0.10 Template per unit of work  cache.js:44" in section
    assert "because: comment in cache.js:43: CACHE: one per template on disk" in section


def test_a_narrow_page_leaves_out_columns_instead_of_cutting_all() -> None:
    overview = shown(report_samples.leak(), width=40).split("\n\n")[1]

    assert "held by" in overview
    assert "members" not in overview
    assert "+1.65 kB" in overview
