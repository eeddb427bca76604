"""SARIF: valid by the published schema, places found by code scanning, nothing in it is markup."""

from __future__ import annotations

import io
import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import check_samples
import jsonschema
import pytest
import report_samples
from check_strategies import checks
from hypothesis import given
from report_strategies import fewer, reports, texts

from heapsleuth.places import SourceLocation
from heapsleuth.reports import check_sarif, sarif

if TYPE_CHECKING:
    from heapsleuth.leaks.check_model import CheckReport
    from heapsleuth.leaks.model import AnalysisReport

# The schema as published, in Microsoft's matchers for Jest.
SCHEMA = (
    Path(__file__).parent.parent / "node_modules/@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json"
)
needs_schema = pytest.mark.skipif(
    not SCHEMA.exists() and not os.environ.get("CI"), reason="no npm packages; run `make setup`"
)


def validate(log: Any) -> None:
    jsonschema.Draft4Validator(json.loads(SCHEMA.read_text(encoding="utf-8"))).validate(log)


def analysed(report: AnalysisReport, **options: Any) -> Any:
    out = io.StringIO()
    sarif.render(report, out, **options)
    assert out.getvalue().isascii()
    return json.loads(out.getvalue())


def checked(report: CheckReport, **options: Any) -> Any:
    out = io.StringIO()
    check_sarif.render(report, out, **options)
    return json.loads(out.getvalue())


def results(log: Any) -> list[Any]:
    return list(log["runs"][0]["results"])


def artifact(file: str, base_dir: str) -> dict[str, str]:
    report = report_samples.leak()
    finding = report.findings[0]
    finding = replace(finding, holder=replace(finding.holder, location=SourceLocation(file, 3)))
    log = analysed(replace(report, findings=(finding,)), base_dir=base_dir)
    found: dict[str, str] = results(log)[0]["locations"][0]["physicalLocation"]["artifactLocation"]
    return found


@needs_schema
@fewer
@given(reports())
def test_every_report_is_valid_by_the_published_schema(report: AnalysisReport) -> None:
    log = analysed(report, base_dir="/srv/app")

    validate(log)
    assert len(results(log)) == len(report.findings)


@needs_schema
@fewer
@given(checks())
def test_every_check_is_valid_by_the_published_schema(report: CheckReport) -> None:
    validate(checked(report, base_dir="/srv/app"))


@fewer
@given(checks())
def test_every_result_names_a_rule_that_is_there(report: CheckReport) -> None:
    log = checked(report)
    rules = [rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]]

    assert [rules[one["ruleIndex"]] for one in results(log)] == [one["ruleId"] for one in results(log)]
    assert len(rules) == len(set(rules))


@given(texts())
def test_no_message_holds_a_link_or_a_placeholder(text: str) -> None:
    shown = sarif.message(f"{text}[name](http://example.invalid){{0}}")["text"]

    assert not re.search(r"(?<!\\)(\\\\)*[\[\]]", shown)
    assert not re.search(r"(?<!\{)(\{\{)*\{(?!\{)", shown)


def test_levels_follow_verdict_and_confidence() -> None:
    levels = [one["level"] for one in results(analysed(report_samples.leak(), fail_on=0.96))]

    assert levels == ["error", "warning", "note", "warning"]


def test_a_result_names_holder_members_signature_and_rate() -> None:
    result = results(analysed(report_samples.leak(), base_dir="/srv/app"))[0]

    place = {
        "artifactLocation": {"uri": "src/reports/cache.js", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 20, "startColumn": 7},
    }
    assert result["locations"][0]["physicalLocation"] == place
    assert result["relatedLocations"][0]["physicalLocation"]["region"]["startLine"] == 12
    assert result["partialFingerprints"] == {"heapsleuthSignature/v1": "9f2c41d07be3"}
    assert result["properties"]["bytesPerWork"] == 1650.2
    assert "+1.65 kB per unit of work" in result["message"]["text"]


def test_suppressed_findings_are_there_with_their_reason() -> None:
    report = report_samples.leak()
    accepted = replace(report.findings[0], suppressed="accepted in known.json: bounded by design")

    found = results(analysed(replace(report, findings=(accepted, report.findings[3]))))

    assert [one["suppressions"][0]["kind"] for one in found] == ["external", "inSource"]
    assert found[0]["suppressions"][0]["justification"] == "accepted in known.json: bounded by design"


def test_a_holder_without_a_place_is_shown_at_its_members() -> None:
    report = report_samples.leak()
    finding = replace(report.findings[0], holder=replace(report.findings[0].holder, location=None))

    place = results(analysed(replace(report, findings=(finding,))))[0]["locations"][0]["physicalLocation"]

    assert place["region"]["startLine"] == 12


@pytest.mark.parametrize(
    ("file", "base_dir", "uri", "relative"),
    [
        ("/srv/app/src/a b.js", "/srv/app", "src/a%20b.js", True),
        ("/srv/app/src/a.js", "/srv/app/", "src/a.js", True),
        ("/srv/app/src/a.js", "/", "srv/app/src/a.js", True),
        ("/srv/application/a.js", "/srv/app", "file:///srv/application/a.js", False),
        ("/srv/app/../secret.js", "/srv/app", "file:///srv/secret.js", False),
        ("/srv/app/a.js", "", "file:///srv/app/a.js", False),
        ("file:///srv/app/a%20b.mjs", "/srv/app", "a%20b.mjs", True),
        ("src/a.js", "/srv/app", "src/a.js", True),
        ("C:\\app\\src\\a.js", "C:\\app", "src/a.js", True),
        ("C:\\app\\src\\a.js", "", "file:///C:/app/src/a.js", False),
        ("node:internal/timers", "/srv/app", "node:internal/timers", False),
        ("/srv/app/x:y.js", "/srv/app", "x%3Ay.js", True),
    ],
)
def test_files_are_relative_to_the_base_folder_when_inside(
    file: str, base_dir: str, uri: str, relative: bool
) -> None:
    expected = {"uri": uri, **({"uriBaseId": "%SRCROOT%"} if relative else {})}

    assert artifact(file, base_dir) == expected


def test_failed_criteria_are_results_and_the_findings_are_told_once() -> None:
    found = results(checked(check_samples.check_leak()))

    assert [one["ruleId"] for one in found if one["ruleId"].startswith("check/")] == ["check/budget"]
    assert len(found) == 5


def test_what_has_no_place_is_shown_at_the_workload() -> None:
    report = check_samples.check_leak()
    module = replace(report, target=replace(report.target, kind="module", name="/srv/app/test/load.js"))
    budget = results(checked(module, base_dir="/srv/app"))[-1]["locations"][0]

    assert budget["physicalLocation"]["artifactLocation"]["uri"] == "test/load.js"
    assert "physicalLocation" not in results(checked(report))[-1]["locations"][0]


def test_a_check_that_broke_off_says_so() -> None:
    run = checked(check_samples.check_failed())["runs"][0]

    assert run["invocations"][0]["executionSuccessful"] is False
    assert [one["ruleId"] for one in run["results"]] == ["check/no-crash"]
