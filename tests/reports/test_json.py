"""The JSON form: valid by its schema, stable, and nothing in it breaks a reader."""

from __future__ import annotations

import io
import json as stdlib_json
import math
from dataclasses import fields, replace
from importlib.resources import files
from typing import Any

import jsonschema
import orjson
import pytest
import report_samples
from hypothesis import given
from report_strategies import fewer, reports

from heapsleuth.leaks.model import AnalysisReport, Finding, Members
from heapsleuth.reports import json

SCHEMA = stdlib_json.loads((files("heapsleuth.reports") / "report.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def objects_of_schema(schema: Any) -> list[dict[str, Any]]:
    found = []
    if isinstance(schema, dict):
        found += [schema] if schema.get("type") == "object" else []
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            found += objects_of_schema(part)
    return found


@fewer
@given(reports())
def test_every_report_is_valid_by_the_schema(report: AnalysisReport) -> None:
    VALIDATOR.validate(orjson.loads(json.render_text(report)))


@fewer
@given(reports())
def test_the_text_is_printable_ascii_and_the_same_every_time(report: AnalysisReport) -> None:
    text = json.render_text(report)

    assert set(text) <= set("\n" + "".join(map(chr, range(0x20, 0x80))))
    assert text == json.render_text(replace(report))


def test_the_schema_is_a_schema_and_allows_no_unknown_keys() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)

    # Objects without `properties` map names of the user's to values.
    known = [part for part in objects_of_schema(SCHEMA) if "properties" in part]
    assert len(known) > 20
    assert all(part["additionalProperties"] is False for part in known)
    assert all(part["required"] == [name for name in part["properties"] if name != "check"] for part in known)


def test_the_schema_refuses_a_report_with_a_verdict_of_its_own() -> None:
    report = orjson.loads(json.render_text(report_samples.leak()))
    report["findings"][0]["verdict"] = "maybe"

    with pytest.raises(jsonschema.ValidationError, match="maybe"):
        VALIDATOR.validate(report)


def test_every_field_of_the_model_is_in_the_json() -> None:
    report = orjson.loads(json.render_text(report_samples.leak()))
    finding = report["findings"][0]

    renamed = {
        "model": "tool",
        "class_name": "class",
        "evidence_for": "evidence",
        "evidence_against": "evidence",
    }
    assert {renamed.get(f.name, f.name) for f in fields(AnalysisReport)} <= set(report)
    assert {renamed.get(f.name, f.name) for f in fields(Finding)} == set(finding)
    assert {renamed.get(f.name, f.name) for f in fields(Members)} == set(finding["members"])
    assert report["tool"]["confidence_model"] == "provisional-1"


def test_values_are_the_ones_of_the_report() -> None:
    report = orjson.loads(json.render_text(report_samples.leak()))
    cache = report["findings"][0]

    assert (report["format"], report["version"]) == ("heapsleuth/report", 1)
    assert [one["work"] for one in report["inputs"]] == [6000, 10000, 14000]
    assert cache["members"]["counts"] == [6000, 10000, 14000]
    assert cache["members"]["bytes_per_work"] == 1650.2
    assert cache["holder"]["location"]["line"] == 20
    assert cache["holder"]["package"] == {"name": "app", "version": "1.4.0"}
    assert [step["suspect"] for step in cache["path"]].index(True) == 6
    assert [fact["code"] for fact in cache["evidence"]["against"]] == ["few-rounds"]
    assert report["findings"][3]["suppressed"].startswith("comment in")
    assert report["bounded"][1]["holder"]["name"] == "config"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (math.nan, "null"),
        (-math.inf, "null"),
        (-0.0, "0.0"),
        (1 / 3, "0.333333"),
        (2e-7 / 3, "6.66667e-08"),
        (1234567.8914, "1234567.891"),
        (1.0, "1.0"),
    ],
)
def test_rates_are_rounded_to_what_they_are_worth(value: float, shown: str) -> None:
    report = report_samples.leak()
    finding = report.findings[0]
    finding = replace(finding, members=replace(finding.members, count_per_work=value))

    text = json.render_text(replace(report, findings=(finding,)))

    assert f'"count_per_work": {shown},' in text


def test_work_is_kept_as_it_was_given() -> None:
    report = report_samples.clean()
    inputs = (replace(report.inputs[0], work=12345678.0), replace(report.inputs[0], work=12345678.25))

    text = json.render_text(replace(report, inputs=inputs))

    assert '"work": 12345678,' in text
    assert '"work": 12345678.25,' in text


def test_half_characters_become_the_replacement_character() -> None:
    text = json.render_text(report_samples.hostile())

    assert "\\ud800" not in text
    assert "\\ufffd" in text


def test_the_report_object_renders_itself() -> None:
    out = io.StringIO()
    json.render(report_samples.leak(), out)

    assert report_samples.leak().to_json() == out.getvalue()
