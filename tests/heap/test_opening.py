"""Opening files: the first look computes, the second one finds everything in the index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from snapshot_builder import NODE26, leaky_heap

from heapsleuth.errors import SnapshotError
from heapsleuth.heap import index, opening
from heapsleuth.heap.graph import STORED, HeapGraph
from heapsleuth.heap.opening import open_heap
from heapsleuth.heap.readers import read

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

COLUMNS = ("node_types", "node_names", "node_ids", "self_sizes", "first_edges", "edge_types", "edge_names")


@pytest.fixture
def snapshot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A snapshot of which an index is kept however small it is."""
    cache = tmp_path / "cache"
    cache.mkdir(mode=0o700)
    monkeypatch.setenv("HEAPSLEUTH_CACHE", str(cache))
    for made in ("Index", "IndexWriter"):
        monkeypatch.setattr(opening, made, _without_least_size(getattr(index, made)))
    return leaky_heap(requests=40).write(tmp_path / "a.heapsnapshot", NODE26)


def _without_least_size(made: type) -> object:
    if made is index.Index:
        return type("Any", (), {"open": staticmethod(lambda path: index.Index.open(path, least_bytes=0))})
    return lambda path: index.IndexWriter(path, least_bytes=0)


def assert_same(one: HeapGraph, other: HeapGraph) -> None:
    for name in (*COLUMNS, "edge_targets"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    for name in ("shallow_sizes", "owners", "retained_sizes", "distances", "dominators", "dominator_order"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        assert getattr(one, name).dtype == getattr(other, name).dtype
    assert one.classes() == other.classes()
    assert [one.name(node) for node in range(one.node_count)] == [
        other.name(node) for node in range(other.node_count)
    ]
    assert one.object(one.node_count - 1).path() or one.statistics == other.statistics
    assert (one.path, one.file_bytes, one.runtime) == (other.path, other.file_bytes, other.runtime)


def test_the_second_look_finds_what_the_first_one_computed(
    snapshot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = open_heap(snapshot)
    assert len(list((snapshot.parent / "cache").iterdir())) == 1
    assert first.file_bytes == snapshot.stat().st_size
    assert_same(first, open_heap(snapshot, index=False))

    def forbidden(*_arguments: object) -> None:
        raise AssertionError("read although there is an index")

    monkeypatch.setattr(opening, "read", forbidden)
    second = open_heap(snapshot)
    monkeypatch.setattr(HeapGraph, "_compute_reach", forbidden)
    monkeypatch.setattr(HeapGraph, "_compute_class_keys", forbidden)
    assert_same(first, second)
    with pytest.raises(ValueError, match="read-only"):
        second.retained_sizes[0] = 1


def test_an_index_without_a_column_we_need_is_made_again(snapshot: Path) -> None:
    with index.IndexWriter(snapshot, least_bytes=0) as writer:
        writer.add_columns(read(snapshot))
        assert writer.commit()
    found = index.Index.open(snapshot, least_bytes=0)
    assert found is not None
    assert "retained_sizes" not in found.arrays
    assert_same(open_heap(snapshot), open_heap(snapshot, index=False))
    again = index.Index.open(snapshot, least_bytes=0)
    assert again is not None
    assert set(STORED) <= set(again.arrays)


def test_a_file_that_is_replaced_while_it_is_read_gets_no_index(
    snapshot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_and_replace(path: str, progress: Callable[[str, int, int | None], None] | None) -> object:
        columns = read(path, progress)
        other = leaky_heap(requests=3).write(snapshot.with_name("b.heapsnapshot"), NODE26)
        other.replace(snapshot)
        return columns

    monkeypatch.setattr(opening, "read", read_and_replace)
    old = open_heap(snapshot)
    assert not list((snapshot.parent / "cache").iterdir())
    monkeypatch.undo()
    assert open_heap(snapshot, index=False).node_count < old.node_count


def test_progress_names_the_sections_and_then_the_steps(snapshot: Path) -> None:
    phases: list[str] = []

    def progress(phase: str, _done: int, _total: int | None) -> None:
        if phase not in phases:
            phases.append(phase)

    open_heap(snapshot, progress=progress)
    assert phases[-5:] == ["classes", "sizes", "distances", "dominators", "totals"]


def test_a_missing_file_is_a_snapshot_error(tmp_path: Path) -> None:
    with pytest.raises(SnapshotError):
        open_heap(tmp_path / "none.heapsnapshot")
