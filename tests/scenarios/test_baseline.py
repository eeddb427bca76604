"""Baselines: what is accepted stays visible and fails nothing, what is new fails."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import report_samples

from heapsleuth.errors import OutputError, UsageError
from heapsleuth.leaks.model import Verdict
from heapsleuth.scenarios import baseline
from heapsleuth.scenarios.baseline import Accepted, Baseline

if TYPE_CHECKING:
    from pathlib import Path

CACHE = Accepted("9f2c41d07be3", "cache", "Map `reportCache` gains", "bounded by design")
LISTENERS = Accepted("17b0aa93c2f4", "listener", "EventEmitter `bus` gains", "")


def test_accepted_findings_are_marked_and_new_ones_still_leak() -> None:
    report = Baseline("known.json", (CACHE,)).apply(report_samples.leak())

    assert [one.suppressed for one in report.findings[:2]] == [
        "accepted in known.json: bounded by design",
        None,
    ]
    assert report.verdict is Verdict.LEAK


def test_when_every_leak_is_accepted_the_rest_decides() -> None:
    report = report_samples.leak()
    known = Baseline("known.json", (CACHE, LISTENERS))

    assert known.apply(report).verdict is Verdict.UNDECIDED
    without_doubt = replace(report, findings=(report.findings[0], report.findings[1]))
    assert known.apply(without_doubt).verdict is Verdict.CLEAN
    assert known.apply(without_doubt).findings[1].suppressed == "accepted in known.json"


def test_a_suppression_in_the_source_keeps_its_reason() -> None:
    report = report_samples.leak()
    known = Baseline("known.json", (Accepted(report.findings[3].signature, "cache", "", "x"),))

    assert known.apply(report) is report


def test_an_update_adds_leaks_and_keeps_what_was_accepted_before() -> None:
    gone = Accepted("aaaa", "timer", "a timer", "fixed in the next release")
    updated = Baseline("known.json", (gone, CACHE)).updated(report_samples.leak())

    assert [one.signature for one in updated.entries] == ["aaaa", "9f2c41d07be3", "17b0aa93c2f4"]
    assert updated.entries[1].reason == "bounded by design"
    assert updated.apply(report_samples.leak()).verdict is Verdict.UNDECIDED


def test_entries_that_nothing_answers_to_are_told() -> None:
    gone = Accepted("aaaa", "timer", "a timer", "")
    known = Baseline("known.json", (gone, CACHE, Accepted("b-lru", "cache", "", "")))

    assert known.unseen(report_samples.leak()) == (gone,)


def test_a_saved_baseline_is_loaded_again_and_merges_well(tmp_path: Path) -> None:
    path = str(tmp_path / "known.json")
    baseline.save(Baseline(path, (CACHE, LISTENERS)))

    assert baseline.load(path) == Baseline(path, (LISTENERS, CACHE))
    first = (tmp_path / "known.json").read_text(encoding="utf-8")
    baseline.save(baseline.load(path))
    assert (tmp_path / "known.json").read_text(encoding="utf-8") == first
    assert [one.name for one in tmp_path.iterdir()] == ["known.json"]
    assert json.loads(first)["version"] == 1


def test_a_baseline_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "known.json").mkdir()

    with pytest.raises(OutputError, match=r"known\.json: cannot be written"):
        baseline.save(Baseline(str(tmp_path / "known.json")))
    assert [one.name for one in tmp_path.iterdir()] == ["known.json"]


def test_a_missing_file_is_empty_only_when_it_is_about_to_be_written(tmp_path: Path) -> None:
    path = str(tmp_path / "known.json")

    assert baseline.load(path, missing_ok=True) == Baseline(path)
    with pytest.raises(UsageError, match="found no such file; --update-baseline writes one"):
        baseline.load(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "expected a baseline in JSON"),
        ("[" * 100_000, "expected a baseline in JSON"),
        ("[]", 'expected "format": "heapsleuth/baseline", found null'),
        ('{"format": "heapsleuth/report"}', 'found "heapsleuth/report"'),
        ('{"format": "heapsleuth/baseline", "version": 2}', "expected version 1, found 2"),
        ('{"format": "heapsleuth/baseline", "version": 1}', "accepted: expected a list, found nothing"),
        (
            '{"format": "heapsleuth/baseline", "version": 1, "accepted": [3]}',
            r"accepted\[0\]: expected an object, found a number",
        ),
        (
            '{"format": "heapsleuth/baseline", "version": 1, "accepted": [{"signature": true}]}',
            r"accepted\[0\]\.signature: expected a text, found true or false",
        ),
        (
            '{"format": "heapsleuth/baseline", "version": 1, "accepted": [{"title": "x"}]}',
            r"accepted\[0\]\.signature: expected the signature of a finding, found none",
        ),
    ],
)
def test_a_wrong_file_is_told_with_the_place(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "known.json"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(UsageError, match=message) as caught:
        baseline.load(str(path))
    assert str(caught.value).startswith(f"{path}: ")


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    path = tmp_path / "known.json"
    path.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(UsageError, match="the baseline cannot be read"):
        baseline.load(str(path))
