"""Files that cannot be judged together are refused with one clear sentence."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from heapsleuth.errors import IncomparableSnapshots, UsageError
from heapsleuth.leaks.analysis import analyze
from heapsleuth.leaks.model import Verdict
from tests.snapshot_builder import SnapshotBuilder

if TYPE_CHECKING:
    from pathlib import Path


def cache_heap(entries: int, *, first_id: int = 1001, kind: str = "Entry") -> SnapshotBuilder:
    """A global Map with *entries* members of one kind."""
    builder = SnapshotBuilder()
    cache = builder.add(builder.global_object(), "property", "cache", "object", "Map", id=501, size=32)
    table = builder.add(cache, "internal", "table", "array", "", id=503, size=8 * entries)
    for index in range(entries):
        builder.add(table, "internal", str(index), "object", kind, id=first_id + 2 * index, size=64)
    return builder


def write(tmp_path: Path, *builders: SnapshotBuilder) -> list[str]:
    return [str(b.write(tmp_path / f"{index}.heapsnapshot")) for index, b in enumerate(builders)]


def test_a_growing_map_made_by_hand_is_a_leak(tmp_path: Path) -> None:
    report = analyze(write(tmp_path, cache_heap(50), cache_heap(150), cache_heap(250)), work=[50, 150, 250])
    (finding,) = report.findings
    assert report.verdict is Verdict.LEAK
    assert (finding.holder.name, finding.holder.kind, finding.members.class_name) == ("cache", "Map", "Entry")
    assert finding.members.counts == (50, 150, 250)
    assert finding.members.count_per_work == pytest.approx(1)
    # 64 bytes an entry and 8 for its slot in the table.
    assert finding.members.bytes_per_work == pytest.approx(72)


def test_no_file_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no snapshot given"):
        analyze([])


def test_standard_input_can_be_read_once() -> None:
    with pytest.raises(UsageError, match="given twice"):
        analyze(["-", "-"])


def test_one_file_twice_is_refused_whatever_its_names(tmp_path: Path) -> None:
    (path,) = write(tmp_path, cache_heap(5))
    link, copy = tmp_path / "link.heapsnapshot", tmp_path / "copy.heapsnapshot"
    link.symlink_to(path)
    shutil.copy(path, copy)
    with pytest.raises(IncomparableSnapshots, match="is the same file as"):
        analyze([path, str(link)])
    with pytest.raises(IncomparableSnapshots, match="is the same snapshot as"):
        analyze([path, str(copy)])


def test_work_must_fit_the_files(tmp_path: Path) -> None:
    paths = write(tmp_path, cache_heap(5), cache_heap(9))
    with pytest.raises(UsageError, match=r"one work value per snapshot \(2\), found 1"):
        analyze(paths, work=[5])
    with pytest.raises(UsageError, match="must increase from snapshot to snapshot, found 5 after 9"):
        analyze(paths, work=[9, 5])


def test_work_that_contradicts_the_order_of_the_files_is_refused(tmp_path: Path) -> None:
    early, late = write(tmp_path, cache_heap(5), cache_heap(9))
    with pytest.raises(IncomparableSnapshots, match="they were taken as"):
        analyze([late, early], work=[5, 9])


def test_snapshots_of_different_processes_are_matched_by_path_and_never_called_a_leak(tmp_path: Path) -> None:
    others = [cache_heap(n, first_id=1001 + 20_000 * i) for i, n in enumerate((50, 150, 250))]
    paths = write(tmp_path, *others)
    for index, builder in enumerate(others):
        # The same low ids mean other things in each process.
        builder.add(0, "element", 7, "object", f"Process{index}", id=301)
    paths = write(tmp_path, *others)
    report = analyze(paths, work=[50, 150, 250])
    assert report.mode == "structural"
    assert report.verdict is Verdict.UNDECIDED
    assert "different-processes" in {warning.code for warning in report.warnings}
    (finding,) = [f for f in report.findings if f.holder.name == "cache"]
    assert finding.members.counts == (50, 150, 250)
    assert "no-identity" in {fact.code for fact in finding.evidence_against}


def test_a_heap_that_does_not_grow_is_clean(tmp_path: Path) -> None:
    churn = [cache_heap(100, first_id=1001 + 400 * index) for index in range(3)]
    report = analyze(write(tmp_path, *churn), work=[1, 2, 3])
    assert report.verdict is Verdict.CLEAN
    assert report.findings == ()
