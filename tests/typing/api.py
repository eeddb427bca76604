"""The public API as a user's type checker sees it; `make lint` runs mypy --strict over this file."""

from __future__ import annotations

from typing import assert_type

import heapsleuth


def read_a_report(paths: list[str]) -> list[str]:
    """Use what `analyze` returns."""
    report = heapsleuth.analyze(paths, work=[6000, 10000, 14000])
    assert_type(report, heapsleuth.AnalysisReport)
    assert_type(report.verdict, heapsleuth.Verdict)
    assert_type(report.findings, tuple[heapsleuth.Finding, ...])
    assert_type(report.to_json(), str)
    if report.verdict is heapsleuth.Verdict.LEAK:
        return [finding.title for finding in report.findings if finding.confidence > 0.8]
    return []


def positions(report: heapsleuth.AnalysisReport) -> list[heapsleuth.SourceLocation]:
    """Use the places in a report."""
    found = [finding.holder.location for finding in report.findings]
    return [place for place in found if place is not None]


def walk(heap: heapsleuth.HeapGraph, node_id: int) -> list[str]:
    """Use a heap and its objects."""
    node = heap.node(node_id)
    assert_type(node, heapsleuth.HeapObject)
    assert_type(node.path(), list[heapsleuth.HeapEdge])
    largest = int(heap.retained_sizes.argmax())
    return [heap.name(largest), *(edge.target.class_name for edge in node.edges())]


def catch_errors(path: str) -> int:
    """Use the error tree."""
    try:
        heapsleuth.open_heap(path)
    except heapsleuth.SnapshotTruncated as error:
        assert_type(error.offset, int | None)
        return int(heapsleuth.ExitCode.FAILED)
    except heapsleuth.HeapsleuthError as error:
        assert_type(error.slug, str)
    return 0
