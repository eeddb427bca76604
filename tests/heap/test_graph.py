"""What a user asks a `HeapGraph` for: names, classes, objects, paths, and that nothing can be changed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from snapshot_builder import NODE18, NODE26, SnapshotBuilder, leaky_heap

from heapsleuth.errors import UnknownNode
from heapsleuth.heap.graph import STORED, HeapGraph
from heapsleuth.heap.readers import read

if TYPE_CHECKING:
    from pathlib import Path


def graph_of(heap: SnapshotBuilder, folder: Path, style: Any = NODE26) -> HeapGraph:
    path = heap.write(folder / "a.heapsnapshot", style)
    return HeapGraph(read(path), path=str(path))


def test_no_array_can_be_written_to(tmp_path: Path) -> None:
    graph = graph_of(leaky_heap(), tmp_path)
    lazy = (*STORED, "subtree_counts", "first_retainers", "retainer_nodes", "retainer_edges")
    for name in lazy:
        array = getattr(graph, name, None)
        if array is not None:
            with pytest.raises(ValueError, match="read-only"):
                array[...] = 0


def test_an_object_is_found_by_its_id_and_an_unknown_id_is_an_error(tmp_path: Path) -> None:
    heap = leaky_heap()
    graph = graph_of(heap, tmp_path)
    for node in range(graph.node_count):
        assert graph.index_of(heap.id_of(node)) == node
        assert graph.node(heap.id_of(node)).index == node
    with pytest.raises(UnknownNode, match=r"no node has id 12345 in .*a\.heapsnapshot"):
        graph.index_of(12345)


def test_an_object_tells_what_the_columns_hold(tmp_path: Path) -> None:
    graph = graph_of(leaky_heap(requests=3), tmp_path)
    cache = next(o for o in map(graph.object, range(graph.node_count)) if o.name == "Map")
    assert (cache.type, cache.class_name, cache.distance) == ("object", "Map", 2)
    assert (cache.self_size, cache.shallow_size) == (32, 32 + 64 + 16 * 3)
    assert cache.retained_size == cache.shallow_size + 3 * (48 + 100)
    assert [(edge.type, edge.name, edge.target.type) for edge in cache.edges()] == [
        ("internal", "table", "array")
    ]
    assert [(edge.type, edge.name) for edge in cache.retainers()] == [
        ("property", "reportCache"),
        ("context", "reportCache"),
    ]
    assert [edge.source.name for edge in cache.retainers(limit=1)] == ["global"]
    entry = cache.edges()[0].target.edges()[0].target
    assert [o.name for o in entry.dominator_chain()] == ["", "global", "Map", "", "ReportEntry"]
    assert graph.object(0).dominator is None
    assert cache == graph.node(cache.node_id)


def test_a_path_goes_around_code_and_cells_where_it_can_and_never_over_weak_edges(tmp_path: Path) -> None:
    heap = SnapshotBuilder()
    window = heap.global_object()
    cell = heap.add(window, "internal", "cell", "hidden", "system / PropertyCell")
    code = heap.add(window, "internal", "code", "code", "(code)")
    target = heap.add(cell, "internal", "value", "object", "Target", size=8)
    heap.edge(code, "internal", "literal", target)
    heap.edge(window, "weak", "w", target)
    one = heap.add(window, "property", "one", "object", "One")
    two = heap.add(one, "property", "two", "object", "Two")
    heap.edge(two, "property", "three", target)
    only = heap.add(code, "internal", "only", "object", "Only", size=8)
    scope = heap.add(heap.root, "element", 1, "synthetic", "(Handle scope)")
    heap.edge(scope, "element", 1, only)
    temporary = heap.add(scope, "element", 2, "object", "Temporary", size=8)
    loose = heap.node("object", "Loose")
    graph = graph_of(heap, tmp_path)

    def path(node: int) -> list[str]:
        return [edge.name for edge in graph.object(node).path()]

    assert path(target) == ["global", "one", "two", "three"]
    assert path(only) == ["global", "code", "only"]
    assert path(temporary) == ["1", "2"]
    assert path(0) == path(loose) == []
    for edge in graph.object(target).path():
        assert edge in edge.source.edges()
    assert graph.object(target).path() == graph.object(target).path()


def test_names_are_put_together_as_devtools_shows_them(tmp_path: Path) -> None:
    heap = SnapshotBuilder()
    window = heap.global_object()
    plain = heap.add(window, "property", "plain", "object", "Object")
    for name in ("id", "__proto__", "a, b", "x" * 60, "y" * 20, "tail", "last"):
        heap.add(plain, "property", name, "object", "X")
    heap.add(plain, "internal", "map", "hidden", "system / Map")
    cons = heap.add(window, "property", "cons", "concatenated string", "(concatenated string)")
    heap.add(cons, "internal", "first", "string", "one ")
    inner = heap.add(cons, "internal", "second", "concatenated string", "(concatenated string)")
    heap.add(inner, "internal", "first", "string", "two " + "z" * 1020)
    heap.add(inner, "internal", "second", "string", "never reached")
    heap.edge(window, "shortcut", "12 twelve", cons)
    heap.edge(window, "hidden", 7, cons)
    graph = graph_of(heap, tmp_path)
    assert graph.name(plain) == '{id, "a, b", ' + "x" * 60 + ", …, tail, last}"
    assert graph.own_name(plain) == "Object"
    assert graph.name(cons) == "one two " + "z" * 1020
    edges = {edge.type: edge.name for edge in graph.object(window).edges()}
    assert edges["shortcut"] == "12"
    assert edges["hidden"] == "7"


def test_objects_of_one_class_name_are_told_apart_by_where_it_is_declared(tmp_path: Path) -> None:
    heap = SnapshotBuilder()
    window = heap.global_object()
    places = [(1, 10, 0), (1, 10, 0), (1, 20, 4), (2, 10, 0), None]
    for place in places:
        node = heap.add(window, "property", "x", "object", "Twin", size=8)
        if place:
            heap.locate(node, script=place[0], line=place[1], column=place[2])
    graph = graph_of(heap, tmp_path)
    rows = {(row.script, row.line, row.column): row.count for row in graph.classes() if row.name == "Twin"}
    assert rows == {(1, 10, 0): 2, (1, 20, 4): 1, (2, 10, 0): 1, (None, None, None): 1}
    assert graph.classes() == sorted(graph.classes(), key=lambda row: (-row.retained_size, row.class_id))


def test_plain_objects_can_be_sorted_by_the_shapes_of_another_heap(tmp_path: Path) -> None:
    def heap_with(*shapes: str) -> HeapGraph:
        heap = SnapshotBuilder()
        window = heap.global_object()
        for shape in shapes:
            node = heap.add(window, "element", 1, "object", "Object", size=8)
            for name in shape:
                heap.add(node, "property", name, "object", "X", size=8)
        folder = tmp_path / "".join(shapes)
        folder.mkdir()
        return graph_of(heap, folder)

    old, new = heap_with("ab", "ab", "abc"), heap_with("abc", "abc", "cba", "ab")
    assert [shape.name for shape in old.shapes] == ["{a, b}"]
    assert [(shape.name, shape.count) for shape in new.shapes] == [("{a, b, c}", 2)]
    plain = [node for node in range(old.node_count) if old.own_name(node) == "Object"]
    assert [old.class_name(node) for node in plain] == ["{a, b}", "{a, b}", "{a, b}"]
    keys = old.classes_by_shapes_of(new)
    assert [keys.names[keys.ids[node]] for node in plain] == ["Object", "Object", "{a, b, c}"]


def test_the_statistics_count_elements_for_their_array_only_when_it_alone_holds_them(tmp_path: Path) -> None:
    heap = SnapshotBuilder()
    roots = heap.add(heap.root, "element", 1, "synthetic", "(GC roots)")  # no user root: sizes stay
    for shared in (False, True):
        array = heap.add(roots, "element", 1, "object", "Array", size=10)
        elements = heap.add(array, "internal", "elements", "array", "(object elements)", size=100)
        if shared:
            heap.edge(roots, "weak", "x", elements)
    heap.add(roots, "element", 2, "native", "system / JSArrayBufferData", size=1000)
    heap.add(roots, "element", 3, "string", "text", size=5)
    heap.add(roots, "element", 4, "sliced string", "text", size=6)
    heap.add(roots, "element", 5, "code", "code", size=7)
    heap.add(roots, "element", 6, "hidden", "system / Map", size=8)
    statistics = graph_of(heap, tmp_path).statistics
    assert statistics.js_array_bytes == 10 + 100 + 10
    assert statistics.typed_array_bytes == 1000
    assert statistics.native_bytes == 1000 + 4096  # extra_native_bytes of the header
    assert (statistics.string_bytes, statistics.code_bytes, statistics.system_bytes) == (11, 7, 8)
    assert statistics.total_bytes == 220 + 1000 + 5 + 6 + 7 + 8 + 4096


@pytest.mark.parametrize(
    ("name", "runtime"),
    [("Node / Environment", "node"), ("(Document DOM trees)", "chrome"), ("Deno", "deno"), ("Other", "v8")],
)
def test_the_runtime_is_told_by_what_only_it_has(name: str, runtime: str, tmp_path: Path) -> None:
    heap = SnapshotBuilder()
    heap.add(heap.root, "element", 1, "synthetic", name)
    assert graph_of(heap, tmp_path, NODE18).runtime == runtime


def test_threads_that_ask_at_once_get_the_same_arrays(tmp_path: Path) -> None:
    graph = graph_of(leaky_heap(requests=500), tmp_path)
    names = ["retained_sizes", "class_ids", "first_retainers", "distances", "owners", "dominator_order"] * 3
    found: dict[int, Any] = {}
    barrier = threading.Barrier(len(names))

    def ask(place: int) -> None:
        barrier.wait()
        found[place] = getattr(graph, names[place])

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(len(names))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for place, name in enumerate(names):
        assert found[place] is getattr(graph, name)


def test_the_rows_of_the_class_table_add_up_to_the_heap(tmp_path: Path) -> None:
    graph = graph_of(leaky_heap(requests=50), tmp_path)
    table = graph.class_table
    assert table.shallow_sizes.sum() == graph.shallow_sizes.sum() == graph.self_sizes.sum()
    assert table.counts.sum() == np.count_nonzero(graph.shallow_sizes)
    assert len(graph.classes()) == np.count_nonzero(table.counts)
