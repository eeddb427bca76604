"""Which snapshots belong to one process, and what took whose place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from heapsleuth.heap.graph import HeapGraph
from heapsleuth.heap.readers import read
from heapsleuth.leaks.history import History
from heapsleuth.leaks.identity import Positions, shared_identity
from tests.snapshot_builder import SnapshotBuilder

if TYPE_CHECKING:
    from pathlib import Path


def graph(builder: SnapshotBuilder, path: Path) -> HeapGraph:
    return HeapGraph(read(str(builder.write(path))))


def heap(names: dict[int, str], fields: dict[str, int]) -> SnapshotBuilder:
    """A global with objects by id, held by the fields that name their ids."""
    builder = SnapshotBuilder()
    root = builder.global_object()
    nodes = {number: builder.node("object", name, id=number, size=16) for number, name in names.items()}
    for field, number in fields.items():
        builder.edge(root, "property", field, nodes[number])
    return builder


@pytest.mark.parametrize("dtype", [np.uint32, np.uint64])
@pytest.mark.parametrize("spread", [1, 1_000_003])
def test_positions_find_odd_ids_and_nothing_else(dtype: type[np.unsignedinteger], spread: int) -> None:
    ids = np.array([1, 9 * spread, 5, 4, 7 * spread], dtype=dtype)
    wanted = np.array([9 * spread, 4, 1, 3, 7 * spread, 2**31 + 1], dtype=dtype)
    found = Positions(ids).find(wanted).tolist()
    naive = [next((i for i, have in enumerate(ids) if have == want and want % 2), -1) for want in wanted]
    assert found == naive


def test_positions_of_a_heap_without_odd_ids_are_empty() -> None:
    assert Positions(np.array([2, 4], dtype=np.uint64)).find(np.array([1], dtype=np.uint64)).tolist() == [-1]


def test_snapshots_of_one_process_share_ids_that_mean_the_same(tmp_path: Path) -> None:
    before = graph(heap({101: "A", 103: "B"}, {"a": 101, "b": 103}), tmp_path / "1.heapsnapshot")
    after = graph(heap({101: "A", 105: "C"}, {"a": 101, "c": 105}), tmp_path / "2.heapsnapshot")
    identity = shared_identity(before, after)
    assert identity.same_process
    assert identity.common == 2  # the global and A


def test_snapshots_of_two_processes_reuse_ids_for_other_things(tmp_path: Path) -> None:
    before = graph(heap({101: "A", 103: "B"}, {"a": 101, "b": 103}), tmp_path / "1.heapsnapshot")
    after = graph(heap({101: "X", 103: "B"}, {"a": 101, "b": 103}), tmp_path / "2.heapsnapshot")
    identity = shared_identity(before, after)
    assert not identity.same_process
    assert identity.share == pytest.approx(2 / 3)


def test_what_replaced_a_dead_object_in_a_field_inherits_its_id(tmp_path: Path) -> None:
    before = graph(
        heap({101: "State", 103: "Kept"}, {"state": 101, "kept": 103}), tmp_path / "1.heapsnapshot"
    )
    after = graph(
        heap({107: "State", 103: "Kept", 109: "State"}, {"state": 107, "kept": 103, "extra": 109}),
        tmp_path / "2.heapsnapshot",
    )
    history = History([before, after])
    last = history.last
    born = {
        int(last.graph.node_ids[node]): int(history.births[node]) for node in range(last.graph.node_count)
    }
    assert last.ids[last.graph.index_of(107)] == 101
    assert born[107] == 0
    assert born[103] == 0
    assert born[109] == 1


def test_a_new_head_of_a_list_does_not_inherit_from_the_old_one_that_lives_on(tmp_path: Path) -> None:
    def chain(ids: list[int]) -> SnapshotBuilder:
        builder = SnapshotBuilder()
        holder = builder.global_object()
        for depth, number in enumerate(ids):
            label = "next" if depth else "head"
            holder = builder.add(holder, "property", label, "object", "Link", id=number, size=16)
        return builder

    before = graph(chain([101]), tmp_path / "1.heapsnapshot")
    after = graph(chain([103, 101]), tmp_path / "2.heapsnapshot")
    history = History([before, after])
    assert history.last.ids[history.last.graph.index_of(103)] == 103
    assert history.births[history.last.graph.index_of(103)] == 1
