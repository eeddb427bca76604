"""The whole report on one snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from heapsleuth.heap.sources import Sources
from heapsleuth.leaks.model import AnalysisReport, Verdict
from heapsleuth.leaks.single import analyse_single, summarise

if TYPE_CHECKING:
    from heapsleuth.heap.graph import HeapGraph


@pytest.fixture(scope="module")
def report(suspects_heap: HeapGraph) -> AnalysisReport:
    return analyse_single(suspects_heap, ())


def test_one_snapshot_is_never_more_than_undecided(report: AnalysisReport) -> None:
    assert (report.mode, report.verdict) == ("single", Verdict.UNDECIDED)
    assert {finding.verdict for finding in report.findings} == {Verdict.UNDECIDED}


def test_classes_are_those_of_the_heap_with_the_place_of_their_declaration(
    report: AnalysisReport, suspects_heap: HeapGraph
) -> None:
    assert report.snapshot is not None
    rows = report.snapshot.classes

    assert [row.class_name for row in rows] == [row.name for row in suspects_heap.classes()]
    entry = next(row for row in rows if row.class_name == "Entry")
    assert (entry.count, entry.location and entry.location.function) == (25_000, "Entry")
    assert next(row for row in rows if row.class_name == "(string)").location is None


def test_kinds_of_memory_add_up_to_all_memory(report: AnalysisReport, suspects_heap: HeapGraph) -> None:
    assert report.snapshot is not None
    sizes = dict(report.snapshot.statistics)
    extra = suspects_heap.columns.extra_native_bytes

    assert sum(sizes.values()) == int(suspects_heap.retained_sizes[0]) + extra
    assert min(sizes.values()) >= 0
    assert 9_000_000 <= sizes["typed arrays"] < 9_200_000
    assert report.snapshot.off_heap_bytes == sizes["typed arrays"] + sizes["other native"]


def test_the_summary_alone_is_the_one_of_the_report(report: AnalysisReport, suspects_heap: HeapGraph) -> None:
    assert summarise(suspects_heap, Sources(suspects_heap)) == report.snapshot


def test_the_report_can_be_written_as_json(report: AnalysisReport) -> None:
    assert '"mode": "single"' in report.to_json() or '"mode":"single"' in report.to_json()
