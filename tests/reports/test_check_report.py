"""Checks in every form: valid, complete, whole renderings, and safe whatever a program says."""

from __future__ import annotations

import io
import json
import re
from dataclasses import fields, replace
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import check_samples
import jsonschema
import pytest
from check_strategies import checks
from hypothesis import given
from markdown_it import MarkdownIt
from report_strategies import fewer
from rich.cells import cell_len

from heapsleuth.leaks.check_model import (
    CheckReport,
    CheckTarget,
    CriterionResult,
    Growth,
    LoadSummary,
    Round,
)
from heapsleuth.leaks.model import Verdict
from heapsleuth.reports import CHECK_RENDERERS, RENDERERS, check_json, check_renderer

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLES = ["clean", "failed", "hostile", "leak", "soak"]


SCHEMA = json.loads((files("heapsleuth.reports") / "report.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
INPUT = {"path": "a", "bytes": 0, "nodes": 0, "edges": 0, "heap_bytes": 0, "work": None, "runtime": "node"}


def sample(name: str) -> CheckReport:
    report: CheckReport = getattr(check_samples, f"check_{name}")()
    return report


def shown(form: str, report: CheckReport, **options: Any) -> str:
    out = io.StringIO()
    check_renderer(form)(report, out, **options)
    return out.getvalue()


@pytest.mark.parametrize("name", SAMPLES)
def test_terminal_of_a_check_without_colour(name: str, assert_gold: Callable[[str, str], None]) -> None:
    assert_gold(f"check_{name}.txt", shown("terminal", sample(name)))


@pytest.mark.parametrize("form", ["json", "markdown", "sarif"])
@pytest.mark.parametrize("name", ["failed", "hostile", "leak"])
def test_other_forms_of_a_check(form: str, name: str, assert_gold: Callable[[str, str], None]) -> None:
    suffix = {"markdown": "md"}.get(form, form)

    assert_gold(f"check_{name}.{suffix}", shown(form, sample(name)))


@pytest.mark.parametrize("name", ["failed", "hostile", "leak"])
def test_junit_of_a_check(name: str, assert_gold: Callable[[str, str], None]) -> None:
    assert_gold(f"check_{name}.junit.xml", shown("junit", sample(name)))


def test_checks_have_the_forms_that_reports_have() -> None:
    assert set(CHECK_RENDERERS) == set(RENDERERS)


@pytest.mark.parametrize("form", CHECK_RENDERERS)
def test_every_form_is_the_same_twice_and_names_the_target(form: str) -> None:
    report = sample("leak")

    assert "node server.js" in shown(form, report) or form == "sarif"
    assert shown(form, report) == shown(form, replace(report))


def test_an_unknown_form_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="pdf"):
        check_renderer("pdf")


@fewer
@given(checks())
def test_every_check_is_valid_by_its_schema(report: CheckReport) -> None:
    text = check_json.render_text(report)

    assert text.isascii()
    VALIDATOR.validate(json.loads(text))


@pytest.mark.parametrize(
    ("name", "change", "complaint"),
    [
        ("leak", {"analysis": None}, "'analysis' was unexpected"),
        ("clean", {"mode": "by ear"}, "'by ear' is not one of"),
        ("clean", {"check": {}}, "'target' is a required property"),
        ("clean", {"inputs": [INPUT]}, "expected to be empty"),
    ],
)
def test_the_schema_refuses_what_no_check_writes(name: str, change: dict[str, Any], complaint: str) -> None:
    report = json.loads(sample(name).to_json())

    with pytest.raises(jsonschema.ValidationError, match=complaint):
        VALIDATOR.validate(report | change)


def test_a_report_judged_by_rounds_has_the_check_in_it() -> None:
    report = json.loads(sample("clean").to_json())
    del report["check"]

    with pytest.raises(jsonschema.ValidationError, match="'check' is a required property"):
        VALIDATOR.validate(report)


def test_every_field_of_the_model_is_in_the_json() -> None:
    report = json.loads(sample("leak").to_json())
    check = report["check"]

    at_the_top = {"analysis", "verdict", "warnings"}
    assert {one.name for one in fields(CheckReport)} - at_the_top == set(check)
    assert {one.name for one in fields(CheckTarget)} == set(check["target"])
    assert {one.name for one in fields(Round)} == set(check["rounds"][0])
    assert {one.name for one in fields(Growth)} == set(check["growth"][0])
    assert {one.name for one in fields(CriterionResult)} == set(check["criteria"][0])
    assert {one.name for one in fields(LoadSummary)} == set(check["load"])


def test_a_check_reads_as_its_analysis_with_verdict_and_warnings_of_the_check() -> None:
    report = replace(sample("leak"), verdict=Verdict.UNDECIDED)
    assert report.analysis is not None
    alone = json.loads(report.analysis.to_json())
    assert (alone["verdict"], len(alone["warnings"])) == ("leak", 1)

    whole = json.loads(report.to_json())

    assert list(whole) == [*alone, "check"]
    assert whole["verdict"] == "undecided"
    assert [one["code"] for one in whole["warnings"]] == [
        *(one["code"] for one in alone["warnings"]),
        "no-cgroup-limit",
    ]
    unchanged = set(alone) - {"verdict", "warnings"}
    assert {key: whole[key] for key in unchanged} == {key: alone[key] for key in unchanged}


def test_without_snapshots_the_mode_is_rounds_and_nothing_is_found() -> None:
    report = json.loads(sample("clean").to_json())

    assert (report["format"], report["version"]) == ("heapsleuth/report", 1)
    assert (report["mode"], report["verdict"]) == ("rounds", "clean")
    assert report["inputs"] == report["findings"] == report["bounded"] == report["warnings"] == []
    assert len(report["check"]["rounds"]) == 5


@fewer
@given(checks())
def test_the_terminal_form_never_exceeds_its_width_nor_steers_the_terminal(report: CheckReport) -> None:
    text = shown("terminal", report, width=80)

    assert max(cell_len(line) for line in text.split("\n")) <= 80
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


@fewer
@given(checks())
def test_the_markdown_form_has_only_our_own_tags(report: CheckReport) -> None:
    parser = MarkdownIt("commonmark").enable("table")
    raw = [
        token.content
        for block in parser.parse(shown("markdown", report))
        for token in [block, *(block.children or [])]
        if token.type in {"html_block", "html_inline"}
    ]

    tags = {tag for piece in raw for tag in re.findall(r"<([^>\s]*)", piece)}
    assert tags <= {f"{end}{tag}" for end in ("", "/") for tag in ("details", "summary", "code", "sub")}


@fewer
@given(checks())
def test_every_criterion_is_a_row_of_the_markdown_form(report: CheckReport) -> None:
    text = shown("markdown", replace(report, analysis=None, rounds=()))

    rows = str(MarkdownIt("commonmark").enable("table").render(text)).count("<tr>")
    assert rows == (len(report.criteria) + 1 if report.criteria else 0)


def test_a_check_that_could_not_run_says_so_in_every_form_for_people() -> None:
    assert shown("terminal", sample("failed")).startswith(" FAILED ")
    assert "could not run" in shown("markdown", sample("failed")).splitlines()[0]


def test_a_flat_floor_draws_no_mountain() -> None:
    line = next(one for one in shown("terminal", sample("clean")).splitlines() if one.startswith("Rounds"))

    assert line == "Rounds  floor 4.31 MB → … → 4.31 MB → 4.31 MB"
