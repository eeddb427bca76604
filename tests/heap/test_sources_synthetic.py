"""Sources of heaps written by hand: V8 versions and states that no Node.js here produces."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import pytest
from snapshot_builder import DENO, NODE18, NODE26, SnapshotBuilder, Style

from heapsleuth.heap.columns import Columns
from heapsleuth.heap.graph import HeapGraph
from heapsleuth.heap.programs import file_name
from heapsleuth.heap.readers import read
from heapsleuth.heap.sources import Sources
from heapsleuth.places import Package, SourceLocation

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def load(heap: SnapshotBuilder, folder: Path, style: Style = NODE26) -> HeapGraph:
    return HeapGraph(read(str(heap.write(folder / "heap.heapsnapshot", style))))


def add_script(
    heap: SnapshotBuilder, closure: int, name: str, *, edge: str = "script", source: str = ""
) -> int:
    """Give a closure a SharedFunctionInfo and a Script; return the Script node."""
    info = heap.add(closure, "internal", "shared", "code", "info")
    script = heap.add(info, "internal", edge, "code", name)
    if source:
        heap.add(script, "internal", "source", "string", source)
    return script


@pytest.mark.parametrize(
    ("edge", "name", "file"),
    [
        ("script_or_debug_info", "/app/a.js", "/app/a.js"),
        ("script", "file:///app/a%20b.mjs", "/app/a b.mjs"),
        ("script", "system / Script / /app/a.js", "/app/a.js"),
        ("script", "system / Script", "<eval>"),
        ("script", "", "<eval>"),
        ("script", "node:events", "node:events"),
    ],
)
def test_scripts_are_found_whatever_v8_calls_edges_and_nodes(
    tmp_path: Path, edge: str, name: str, file: str
) -> None:
    heap = SnapshotBuilder()
    closure = heap.add(heap.root, "element", 1, "closure", "f")
    add_script(heap, closure, name, edge=edge)
    heap.locate(closure, script=5, line=9, column=4)
    sources = Sources(load(heap, tmp_path))
    assert sources.location(closure) == SourceLocation(file, 10, 4, "f")


def test_a_script_name_made_by_concatenation_is_put_together(tmp_path: Path) -> None:
    heap = SnapshotBuilder()
    closure = heap.add(heap.root, "element", 1, "closure", "f")
    script = add_script(heap, closure, "(concatenated string)", edge="script_or_debug_info")
    name = heap.add(script, "internal", "name", "concatenated string", "(concatenated string)")
    heap.add(name, "internal", "first", "string", "/app/")
    heap.add(name, "internal", "second", "string", "joined.js")
    heap.locate(closure, script=5, line=0, column=3)
    assert Sources(load(heap, tmp_path, NODE18)).script_url(5) == "/app/joined.js"


def test_an_instance_whose_script_has_no_other_closure_resolves_by_its_constructor(tmp_path: Path) -> None:
    heap = SnapshotBuilder()
    item = heap.add(heap.root, "element", 1, "object", "Item")
    heap.locate(item, script=8, line=2, column=1)
    shape = heap.add(item, "internal", "map", "object shape", "system / Map")
    prototype = heap.add(shape, "internal", "prototype", "object", "Object")
    maker = heap.add(prototype, "property", "constructor", "closure", "Item")
    add_script(heap, maker, "/app/item.js")
    unknown = heap.add(heap.root, "element", 2, "object", "Lost")
    heap.locate(unknown, script=9, line=0, column=0)
    sources = Sources(load(heap, tmp_path))
    assert sources.location(item) == SourceLocation("/app/item.js", 3, 1, "Item")
    assert sources.location(unknown) is None


def test_one_closure_that_leads_nowhere_does_not_hide_its_script(tmp_path: Path) -> None:
    heap = SnapshotBuilder()
    good = heap.add(heap.root, "element", 1, "closure", "good")
    add_script(heap, good, "/app/a.js")
    odd = [heap.add(heap.root, "element", 2 + number, "closure", "odd") for number in range(3)]
    debugged = heap.add(odd[0], "internal", "shared", "code", "info")
    heap.add(debugged, "internal", "script_or_debug_info", "hidden", "system / DebugInfo")
    for closure in (*odd, good):
        heap.locate(closure, script=5, line=0, column=0)
    for _ in odd:
        heap.locate(heap.add(heap.root, "element", 9, "closure", "later"), script=5, line=1, column=0)
    assert Sources(load(heap, tmp_path)).script_url(5) == "/app/a.js"


def test_absurd_script_ids_cost_nothing(tmp_path: Path) -> None:
    heap = SnapshotBuilder()
    closure = heap.add(heap.root, "element", 1, "closure", "f")
    add_script(heap, closure, "/app/a.js")
    heap.locate(closure, script=4_294_967_295, line=0, column=7)
    assert Sources(load(heap, tmp_path)).script_url(4_294_967_295) == "/app/a.js"


@dataclass(frozen=True, slots=True, eq=False)
class ColumnsWithScripts(Columns):
    """What a reader of V8 15 files adds: the Script node of each location."""

    location_script_nodes: NDArray[np.uint32] | None = None


def test_script_nodes_that_locations_name_are_used_as_they_are(tmp_path: Path) -> None:
    heap = SnapshotBuilder()
    pattern = heap.add(heap.root, "element", 1, "regexp", "/x/")
    script = heap.add(heap.root, "element", 2, "code", "system / Script / /app/r.js")
    heap.locate(pattern, script=3, line=4, column=5)
    plain = load(heap, tmp_path, DENO).columns
    values = {field.name: getattr(plain, field.name) for field in fields(Columns)}
    graph = HeapGraph(ColumnsWithScripts(**values, location_script_nodes=np.array([script], np.uint32)))
    assert Sources(graph).location(pattern) == SourceLocation("/app/r.js", 5, 5, "/x/")


def test_a_context_known_only_by_its_scope_gives_the_file(tmp_path: Path) -> None:
    heap = SnapshotBuilder()
    context = heap.add(heap.root, "element", 1, "object", "system / Context / scope @77")
    info = heap.add(context, "internal", "scope_info", "code", "system / ScopeInfo")
    heap.add(info, "hidden", 0, "string", "cache")
    function = heap.add(heap.root, "element", 2, "code", "f")
    heap.edge(function, "internal", "name_or_scope_info", info)
    script = heap.add(function, "internal", "script", "code", "/gone/a.js")
    heap.add(script, "internal", "source", "string", "let x; function f() { const cache = []; }")
    sources = Sources(load(heap, tmp_path))
    assert sources.context_location(context) == SourceLocation("/gone/a.js", None)
    assert sources.declaration(context, "cache") == SourceLocation("/gone/a.js", 1, 28, "f")


def test_a_context_of_the_runtime_itself_has_no_place(tmp_path: Path) -> None:
    heap = SnapshotBuilder()
    context = heap.add(heap.root, "element", 1, "object", "system / Context")
    closure = heap.add(heap.root, "element", 2, "closure", "")
    heap.edge(closure, "internal", "context", context)
    sources = Sources(load(heap, tmp_path))
    assert sources.context_location(context) is None
    assert sources.declaration(context, "x") is None
    assert sources.function_name(closure) is None


def test_a_context_is_reached_through_inner_contexts(tmp_path: Path) -> None:
    source = "const a = 1;\nfunction f() {\n  const b = 2;\n  return () => a + b;\n}\n"
    heap = SnapshotBuilder()
    outer = heap.add(heap.root, "element", 1, "object", "system / Context")
    heap.add(outer, "context", "a", "object", "Map")
    inner = heap.add(heap.root, "element", 2, "object", "system / Context")
    heap.add(inner, "context", "b", "object", "Map")
    heap.edge(inner, "internal", "previous", outer)
    closure = heap.add(heap.root, "element", 3, "closure", "")
    heap.edge(closure, "internal", "context", inner)
    add_script(heap, closure, "/gone/a.js", source=source)
    heap.locate(closure, script=5, line=3, column=9)
    sources = Sources(load(heap, tmp_path))
    assert sources.declaration(outer, "a") == SourceLocation("/gone/a.js", 1, 6)
    assert sources.declaration(inner, "b") == SourceLocation("/gone/a.js", 3, 8, "f")
    assert sources.context_location(inner) == SourceLocation("/gone/a.js", 2, 0, "f")
    assert sources.context_location(outer) == SourceLocation("/gone/a.js", None)


def test_a_location_in_a_package_names_it(tmp_path: Path) -> None:
    sources = Sources(load(SnapshotBuilder(), tmp_path))
    assert sources.package(SourceLocation("/app/node_modules/ws/lib/a.js", 1)) == Package("ws", None)
    assert sources.package(SourceLocation("/app/a.js", 1)) is None
    assert sources.package(None) is None


def test_an_empty_heap_has_no_places(tmp_path: Path) -> None:
    sources = Sources(load(SnapshotBuilder(), tmp_path))
    assert sources.location(0) is None
    assert sources.class_location(0) is None
    assert sources.declaration(0, "x") is None
    assert sources.growth_sites(0, "x") == ()


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("", "<eval>"),
        ("data:text/javascript,export default 1", "<data:text/javascript>"),
        ("evalmachine.<anonymous>", "evalmachine.<anonymous>"),
        ("C:\\app\\a.js", "C:\\app\\a.js"),
        ("wasm://wasm/0001787e", "wasm://wasm/0001787e"),
    ],
)
def test_scripts_without_a_file_are_named_honestly(url: str, name: str) -> None:
    assert file_name(url) == name
