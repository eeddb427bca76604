"""Snapshots of the programs that tests of single snapshots share: each is run once per Node version."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from heapsleuth.heap.sources import Sources
from heapsleuth.leaks.heap_view import HeapView
from tests.node_programs import heap_of, node_binaries, version

if TYPE_CHECKING:
    from heapsleuth.heap.graph import HeapGraph
    from heapsleuth.leaks.model import CensusRow

PROGRAMS = Path(__file__).parent.parent / "programs"


def marked_line(program: str, marker: str) -> int:
    lines = (PROGRAMS / program).read_text(encoding="utf-8").splitlines()
    found = [number for number, line in enumerate(lines, 1) if line.endswith(f"// @{marker}")]
    assert len(found) == 1, marker
    return found[0]


def view_of(graph: HeapGraph) -> HeapView:
    return HeapView(graph, Sources(graph))


@pytest.fixture(scope="session", params=node_binaries(), ids=version)
def census_heap(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> HeapGraph:
    folder = tmp_path_factory.mktemp("census")
    return heap_of(request.param, folder, "--no-warnings", str(PROGRAMS / "census.cjs"))


@pytest.fixture(scope="session")
def census_view(census_heap: HeapGraph) -> HeapView:
    return view_of(census_heap)


@pytest.fixture(scope="session", params=node_binaries(), ids=version)
def suspects_heap(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> HeapGraph:
    return heap_of(request.param, tmp_path_factory.mktemp("suspects"), str(PROGRAMS / "suspects.cjs"))


def line(row: CensusRow) -> int | None:
    assert row.location is not None, row
    return row.location.line
