"""The analysis of one snapshot: what is in it, what is wasted, and what to suspect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.sources import Sources
from heapsleuth.heap.statistics import heap_statistics
from heapsleuth.leaks.census import take_census
from heapsleuth.leaks.confidence import load_model
from heapsleuth.leaks.heap_view import HeapView
from heapsleuth.leaks.model import AnalysisReport, ClassRow, SnapshotSummary, Verdict
from heapsleuth.leaks.suspects import find_suspects
from heapsleuth.leaks.waste import find_waste

if TYPE_CHECKING:
    from heapsleuth.heap.graph import HeapGraph
    from heapsleuth.leaks.model import Input

__all__ = ["analyse_single", "summarise"]

_LOCATED_ROWS = 200
"""Classes whose place is looked up: more than anybody reads, and looking up reads source files."""


def analyse_single(graph: HeapGraph, inputs: tuple[Input, ...]) -> AnalysisReport:
    """Return the report on one snapshot; its verdict is always `undecided`."""
    sources = Sources(graph)
    view = HeapView(graph, sources)
    suspects = find_suspects(view)
    graph.release_pages()
    return AnalysisReport(
        mode="single",
        verdict=Verdict.UNDECIDED,
        inputs=inputs,
        findings=tuple(suspects),
        snapshot=_summarise(view),
        model=load_model().version,
    )


def summarise(graph: HeapGraph, sources: Sources) -> SnapshotSummary:
    """Return classes, live resources, waste and bytes by kind of memory of one snapshot."""
    return _summarise(HeapView(graph, sources))


def _summarise(view: HeapView) -> SnapshotSummary:
    statistics = heap_statistics(view.graph)
    view.graph.release_pages()
    named = (
        ("strings", statistics.string_bytes),
        ("code", statistics.code_bytes),
        ("JS arrays", statistics.js_array_bytes),
        ("typed arrays", statistics.typed_array_bytes),
        ("other native", statistics.native_bytes - statistics.typed_array_bytes),
        ("system", statistics.system_bytes),
    )
    other = statistics.total_bytes - sum(size for _, size in named)
    classes = _classes(view)
    view.graph.release_pages()
    return SnapshotSummary(
        classes=classes,
        census=take_census(view),
        waste=find_waste(view),
        off_heap_bytes=statistics.native_bytes,
        statistics=(*named, ("other objects", other)),
    )


def _classes(view: HeapView) -> tuple[ClassRow, ...]:
    graph = view.graph
    nodes = graph.columns.location_nodes
    example = np.full(len(graph.class_table), -1, dtype=np.int64)
    example[graph.class_ids[nodes]] = nodes
    rows = []
    for index, row in enumerate(graph.classes()):
        # Functions are one class, wherever they are from; only classes of instances have a place.
        known = row.script is not None and index < _LOCATED_ROWS and example[row.class_id] >= 0
        rows.append(
            ClassRow(
                class_name=row.name,
                location=view.place(int(example[row.class_id])) if known else None,
                count=row.count,
                shallow_bytes=row.shallow_size,
                retained_bytes=row.retained_size,
                distance=row.distance,
            )
        )
    return tuple(rows)
