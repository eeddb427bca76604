"""Fourteen leaks and seven look-alikes in one real process: all found, named, counted, none invented."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from heapsleuth.leaks.analysis import analyze
from heapsleuth.leaks.model import AnalysisReport, Finding, Verdict
from tests.node_programs import node_binaries, version

PROGRAM = Path(__file__).parent.parent / "programs" / "leaks.cjs"
WORK = (400.0, 800.0, 1200.0)
# The last operations are done and the garbage collected before each snapshot, so counts are exact
# but for what the runtime itself keeps in the same place.
SLACK = 3


class Expected(NamedTuple):
    """What the report must say of one leak."""

    holder: str
    kind: str
    category: str
    members: str
    rate: float
    holder_marker: str
    member_marker: str | None = None


LEAKS = (
    Expected("reports", "Map", "cache", "Report", 1, "@reports"),
    Expected("byName", "Object", "cache", "Object {i}", 1, "@byName"),
    Expected("audit", "Array", "collection", "Object {at, who}", 1, "@audit"),
    Expected("seen", "Set", "collection", "Object {id}", 1, "@seen"),
    Expected(
        'bus "change" listeners', "EventEmitter", "listener", "function onChange", 1, "@bus", "@onChange"
    ),
    Expected("target listeners", "EventTarget", "listener", "Listener", 1, "@target"),
    Expected(
        "interval timers of `pollTick`", "timer list", "timer", "Timeout", 0.25, "@pollTick", "@pollTick"
    ),
    Expected("waiters", "Array", "promise", "Object {i, resolve}", 0.5, "@waiters"),
    Expected("shutdown", "Promise", "promise", "suspended work", 0.4, "@shutdown", "@work"),
    Expected("Repository.cache", "Map", "cache", "Object {cached}", 1, "@statics"),
    Expected("list", "variable", "collection", "Object {next, value}", 1, "@list"),
    Expected("hooks", "Array", "collection", "function in operation (leaks.cjs:58)", 1, "@hooks"),
    Expected("chunks", "Array", "buffer", "Buffer", 0.125, "@chunks"),
)
INNOCENT = ("lru", "ring", "sessions", "state", "current", "pool", "config")


def line_of(marker: str) -> int:
    lines = PROGRAM.read_text(encoding="utf-8").splitlines()
    found = [number for number, line in enumerate(lines, 1) if line.endswith(f"// {marker}")]
    assert len(found) == 1, marker
    return found[0]


@pytest.fixture(scope="module", params=node_binaries(), ids=version)
def snapshots(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("leaks")
    command = [request.param, "--expose-gc", "--no-warnings", str(PROGRAM), str(folder)]
    subprocess.run(command, check=True, timeout=120)
    return [str(folder / f"{name}.heapsnapshot") for name in "ABC"]


@pytest.fixture(scope="module")
def report(snapshots: list[str]) -> AnalysisReport:
    return analyze(snapshots, work=WORK)


def by_holder(report: AnalysisReport) -> dict[str, Finding]:
    return {finding.holder.name: finding for finding in report.findings}


def test_the_verdict_is_leak_and_nothing_else_is_reported(report: AnalysisReport) -> None:
    assert report.mode == "identity"
    assert report.verdict is Verdict.LEAK
    expected = {leak.holder for leak in LEAKS} | {"text"}
    assert {f.holder.name for f in report.findings} == expected
    assert {f.holder.name for f in report.findings if f.verdict is Verdict.LEAK} == expected


@pytest.mark.parametrize("leak", LEAKS, ids=lambda leak: leak.holder)
def test_each_leak_is_named_counted_and_located(report: AnalysisReport, leak: Expected) -> None:
    finding = by_holder(report)[leak.holder]
    expected = [leak.rate * work for work in WORK]

    assert finding.holder.kind == leak.kind
    assert finding.category == leak.category
    assert finding.members.class_name == leak.members
    assert finding.members.counts == pytest.approx(expected, abs=SLACK)
    assert finding.members.count_per_work == pytest.approx(leak.rate, rel=0.02)
    assert finding.holder.location is not None
    assert finding.holder.location.file == str(PROGRAM)
    assert finding.holder.location.line == line_of(leak.holder_marker)
    if leak.member_marker:
        assert finding.members.location is not None
        assert finding.members.location.line == line_of(leak.member_marker)


def test_a_growing_string_is_judged_by_its_bytes(report: AnalysisReport) -> None:
    finding = by_holder(report)["text"]
    assert finding.category == "buffer"
    # 33 to 36 characters an operation, and up to three string headers.
    assert 30 < finding.members.bytes_per_work < 150


def test_look_alikes_are_bounded_or_silent(report: AnalysisReport) -> None:
    told = {finding.holder.name for finding in report.findings}
    assert not told & set(INNOCENT)
    bounded = {finding.holder.name: finding for finding in report.bounded}
    assert "config" in bounded
    assert bounded["config"].verdict is Verdict.BOUNDED


def test_bytes_add_up_to_the_growth_of_the_heap(report: AnalysisReport) -> None:
    heap = report.inputs[-1].heap_bytes - report.inputs[0].heap_bytes
    told = sum(f.members.retained_bytes[-1] - f.members.retained_bytes[0] for f in report.findings)
    assert 0.6 * heap < told < 1.2 * heap


def test_two_runs_say_the_same_to_the_byte(snapshots: list[str], report: AnalysisReport) -> None:
    again = analyze(snapshots, work=WORK)
    assert again.to_json() == report.to_json()


def test_two_snapshots_are_never_enough_for_a_verdict(snapshots: list[str]) -> None:
    report = analyze(snapshots[:2], work=WORK[:2])
    assert report.verdict is Verdict.UNDECIDED
    assert {finding.verdict for finding in report.findings} == {Verdict.UNDECIDED}
    assert "reports" in by_holder(report)
    assert "two-snapshots" in {warning.code for warning in report.warnings}


def test_without_work_intervals_count_as_equal_and_the_report_says_so(snapshots: list[str]) -> None:
    report = analyze(snapshots)
    assert by_holder(report)["reports"].members.count_per_work == pytest.approx(400, abs=SLACK)
    assert "no-work" in {warning.code for warning in report.warnings}


def test_work_is_read_from_sidecars(snapshots: list[str]) -> None:
    sidecars = [Path(f"{path}.json") for path in snapshots]
    for sidecar, work in zip(sidecars, WORK, strict=True):
        sidecar.write_text(json.dumps({"work": work}), encoding="utf-8")
    try:
        report = analyze(snapshots)
    finally:
        for sidecar in sidecars:
            sidecar.unlink()
    assert by_holder(report)["reports"].members.count_per_work == pytest.approx(1, rel=0.02)
    assert [given.work for given in report.inputs] == list(WORK)


def test_snapshots_in_the_wrong_order_are_put_right_and_the_report_says_so(snapshots: list[str]) -> None:
    report = analyze([snapshots[2], snapshots[0], snapshots[1]])
    assert [given.path for given in report.inputs] == snapshots
    assert "reordered" in {warning.code for warning in report.warnings}
    assert by_holder(report)["reports"].members.counts == pytest.approx((400, 800, 1200), abs=SLACK)
