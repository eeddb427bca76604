"""JUnit XML: valid by its schema whatever a heap holds, and the right cases fail."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import check_samples
import pytest
import report_samples
from check_strategies import checks
from hypothesis import given
from lxml import etree
from report_strategies import fewer, reports

from heapsleuth.leaks.model import AnalysisReport, Verdict
from heapsleuth.reports import check_junit, junit

if TYPE_CHECKING:
    from heapsleuth.leaks.check_model import CheckReport

SCHEMA = etree.XMLSchema(etree.parse(Path(__file__).parent.parent / "data" / "junit.xsd"))


def parsed(text: str) -> etree._Element:
    root = etree.fromstring(text.encode("ascii"))
    SCHEMA.assertValid(root)
    return root


def analysed(report: AnalysisReport, fail_on: float = 0.0) -> etree._Element:
    out = io.StringIO()
    junit.render(report, out, fail_on=fail_on)
    return parsed(out.getvalue())


def checked(report: CheckReport) -> etree._Element:
    out = io.StringIO()
    check_junit.render(report, out)
    return parsed(out.getvalue())


def outcomes(root: etree._Element) -> dict[str, str]:
    """Outcome by the name of the case."""
    return {
        case.get("name"): next((child.tag for child in case if child.tag != "system-out"), "passed")
        for case in root.iter("testcase")
    }


@fewer
@given(reports())
def test_every_report_is_valid_and_has_a_case_per_finding(report: AnalysisReport) -> None:
    root = analysed(report)

    assert len(root.findall(".//testcase")) == max(len(report.findings) + len(report.bounded), 1)


@fewer
@given(checks())
def test_every_check_is_valid_and_its_counts_add_up(report: CheckReport) -> None:
    root = checked(report)

    for kind, tag in (("failures", "failure"), ("errors", "error"), ("tests", "testcase")):
        assert int(root.get(kind)) == len(root.findall(f".//{tag}"))
        assert int(root.get(kind)) == sum(int(suite.get(kind)) for suite in root)
    assert sum(int(suite.get("skipped")) for suite in root) == len(root.findall(".//skipped"))


def test_leaks_fail_and_doubt_is_skipped_and_what_stopped_passes() -> None:
    found = outcomes(analysed(report_samples.leak(), 0.96))

    assert found == {
        "Map reportCache keeps ReportEntry [9f2c41d07be3]": "failure",
        'EventEmitter bus "invalidate" listeners keeps closure onInvalidate [17b0aa93c2f4]': "skipped",
        "Array history keeps Snapshot [c0ffee000001]": "skipped",
        "Map templates keeps Template [c0ffee000002]": "skipped",
        "Map lru keeps LruVal [b-lru]": "passed",
        "Map config keeps ConfigRow [b-config]": "passed",
    }


def test_skipped_cases_say_why() -> None:
    root = analysed(report_samples.leak(), 0.96)

    assert [one.get("message").split(":")[0] for one in root.iter("skipped")] == [
        "leak with confidence 0.95, below 0.96",
        "undecided",
        "suppressed",
    ]


def test_a_failure_names_place_rate_evidence_and_fix() -> None:
    text = analysed(report_samples.leak()).find(".//failure").text

    assert "held by: Map reportCache at /srv/app/src/reports/cache.js:20" in text
    assert "+1.65 kB per unit of work" in text
    assert "- only two rounds were seen" in text
    assert "fix: Bound the cache" in text


def test_rates_are_properties_of_the_suite() -> None:
    root = analysed(report_samples.leak())
    values = {one.get("name"): one.get("value") for one in root.iter("property")}

    assert values["9f2c41d07be3.bytes_per_work"] == "1650.2"
    assert values["9f2c41d07be3.count_per_work"] == "1"
    assert values["9f2c41d07be3.confidence"] == "0.9700"


@pytest.mark.parametrize(("verdict", "outcome"), [(Verdict.CLEAN, "passed"), (Verdict.UNDECIDED, "skipped")])
def test_a_report_without_findings_has_one_case_for_its_verdict(verdict: Verdict, outcome: str) -> None:
    report = replace(report_samples.clean(), bounded=(), verdict=verdict)

    assert outcomes(analysed(report)) == {"nothing grows with the work": outcome}


def test_one_snapshot_fails_nothing() -> None:
    assert set(outcomes(analysed(report_samples.single())).values()) == {"skipped"}


def test_criteria_are_cases_and_findings_a_second_suite() -> None:
    root = checked(check_samples.check_leak())
    found = outcomes(root)

    assert [suite.get("name") for suite in root] == ["heapsleuth check", "heapsleuth findings"]
    assert found["leak-findings"] == found["budget:ReportEntry"] == "failure"
    assert found["stable-floor"] == "skipped"
    assert found["peak"] == "passed"
    assert root.get("time") == "31.400"


def test_a_check_that_did_not_run_is_an_error_with_the_last_output() -> None:
    error = checked(check_samples.check_failed()).find(".//error")

    assert error.get("message") == "the program ended in round 2: signal SIGABRT."
    assert "JavaScript heap out of memory" in error.text


def test_a_check_without_criteria_still_has_a_case() -> None:
    assert outcomes(checked(check_samples.check_soak())) == {"nothing grows with the work": "skipped"}


def test_places_inside_the_repository_are_relative_to_it() -> None:
    out = io.StringIO()
    junit.render(report_samples.leak(), out, base_dir="/srv/app")

    assert "held by: Map reportCache at src/reports/cache.js:20\n" in out.getvalue()
