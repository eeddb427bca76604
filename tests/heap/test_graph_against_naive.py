"""Everything `HeapGraph` computes, against slow twins on hand-drawn and random heaps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from kernel_choice import CHOICES, choose_kernels
from naive import NaiveHeap, random_heap
from snapshot_builder import NODE18, NODE26, SnapshotBuilder, leaky_heap

from heapsleuth.heap.graph import HeapGraph
from heapsleuth.heap.readers import read

if TYPE_CHECKING:
    from pathlib import Path

    from heapsleuth.heap.columns import Columns


@pytest.fixture(params=CHOICES)
def _kernels(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    choose_kernels(request.param, monkeypatch)


def columns_of(heap: SnapshotBuilder, folder: Path) -> Columns:
    return read(heap.write(folder / "a.heapsnapshot", NODE26))


def widened(columns: Columns) -> Columns:
    """Return the same heap with every column that can be 64 bits wide that wide."""
    wide = {
        name: getattr(columns, name).astype(np.uint64) for name in ("first_edges", "node_ids", "self_sizes")
    }
    return replace(columns, **wide)


def assert_equals_naive(columns: Columns) -> None:
    graph, naive = HeapGraph(columns), NaiveHeap(columns)
    assert graph.distances.tolist() == naive.distances
    assert graph.owners.tolist() == naive.owners
    assert graph.shallow_sizes.tolist() == naive.shallow_sizes
    assert graph.dominators.tolist() == naive.dominators
    assert graph.retained_sizes.tolist() == naive.retained_sizes
    for node in range(graph.node_count):
        assert graph.dominated(node)[0] == node
        assert set(graph.dominated(node).tolist()) == naive.dominated[node]
    assert [graph.class_name(node) for node in range(graph.node_count)] == naive.class_names
    rows = {
        (row.name, None if row.script is None else (row.script, row.line, row.column)): (
            row.count,
            row.shallow_size,
            row.retained_size,
            row.distance,
        )
        for row in graph.classes()
    }
    assert rows == naive.class_rows
    if len(graph.detached_states):
        assert graph.detached_states.tolist() == naive.detached
    arriving = [[] for _ in range(graph.node_count)]
    for edge, target in enumerate(graph.edge_targets.tolist()):
        source = int(np.searchsorted(graph.first_edges, edge, "right")) - 1
        arriving[target].append((edge, source))
    assert [list(graph.retainers_of(node)) for node in range(graph.node_count)] == arriving
    assert graph.retainer_nodes.tolist() == [source for listed in arriving for _, source in listed]


@pytest.mark.usefixtures("_kernels")
@pytest.mark.parametrize("seed", range(40))
def test_random_heaps_give_what_the_definitions_say(seed: int, tmp_path: Path) -> None:
    columns = columns_of(random_heap(seed), tmp_path)
    assert_equals_naive(columns)
    assert_equals_naive(widened(columns))


@pytest.mark.parametrize("seed", range(40, 240))
def test_many_more_random_heaps_give_what_the_definitions_say(seed: int, tmp_path: Path) -> None:
    assert_equals_naive(columns_of(random_heap(seed, nodes=10 + seed % 60), tmp_path))


def test_dominators_and_retained_sizes_of_the_heap_in_devtools_own_tests(tmp_path: Path) -> None:
    heap = SnapshotBuilder()
    a = heap.add(heap.root, "element", 1, "object", "A", size=2)
    b = heap.add(heap.root, "element", 2, "object", "B", size=3)
    heap.edge(a, "property", "ab", b)
    c = heap.add(a, "property", "ac", "object", "C", size=4)
    heap.edge(b, "property", "bc", c)
    heap.add(b, "property", "bd", "object", "D", size=5)
    heap.add(c, "property", "ce", "object", "E", size=6)
    graph = HeapGraph(columns_of(heap, tmp_path))
    assert graph.dominators.tolist() == [0, 0, 0, 0, 2, 3]
    assert graph.retained_sizes.tolist() == [20, 2, 8, 10, 5, 6]


@pytest.mark.usefixtures("_kernels")
def test_a_chain_of_a_hundred_thousand_objects_needs_no_recursion(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    length = 100_000 if "compiled" in request.node.callspec.id else 3_000
    heap = SnapshotBuilder()
    node = heap.global_object(size=1)
    for _ in range(length):
        node = heap.add(node, "property", "next", "object", "Item", size=1)
        heap.edge(node, "property", "previous", node - 1)
    graph = HeapGraph(columns_of(heap, tmp_path))
    assert graph.dominators.tolist() == [0, *range(length + 1)]
    assert graph.retained_sizes.tolist() == [length + 1, *range(length + 1, 0, -1)]
    assert len(graph.object(node).path()) == length + 1


def test_sizes_past_four_gibibytes_are_added_up_in_full(tmp_path: Path) -> None:
    heap = SnapshotBuilder()
    window = heap.global_object(size=2**33)
    buffer = heap.add(window, "property", "buffer", "object", "ArrayBuffer", size=2**32 + 7)
    store = heap.add(buffer, "internal", "backing_store", "array", "", size=2**40)
    graph = HeapGraph(columns_of(heap, tmp_path))
    assert graph.shallow_sizes.tolist() == [0, 2**33, 2**40 + 2**32 + 7, 0]
    assert graph.retained_sizes[window] == 2**33 + 2**32 + 7 + 2**40
    assert graph.owners[store] == buffer
    assert graph.class_table.retained_sizes.sum() > 2**40


def test_small_columns_are_as_narrow_as_their_values_allow(tmp_path: Path) -> None:
    graph = HeapGraph(columns_of(leaky_heap(), tmp_path))
    assert graph.retained_sizes.dtype == graph.shallow_sizes.dtype == np.uint32
    assert graph.dominators.dtype == graph.dominator_order.dtype == graph.class_ids.dtype == np.uint32


@pytest.mark.parametrize("style", [NODE18, NODE26])
def test_a_heap_without_user_roots_keeps_the_sizes_of_the_file(style: object, tmp_path: Path) -> None:
    heap = SnapshotBuilder()
    roots = heap.add(heap.root, "element", 1, "synthetic", "(GC roots)")
    owner = heap.add(roots, "element", 1, "object", "Map", size=8)
    heap.add(owner, "internal", "table", "array", "", size=100)
    graph = HeapGraph(read(heap.write(tmp_path / "a.heapsnapshot", style)))
    assert graph.shallow_sizes.tolist() == [0, 0, 8, 100]
    assert graph.distances.tolist() == [0, 1, 2, 3]
