"""Sources of programs that were compiled, changed or removed since the snapshot's code was read."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from node_programs import DATA, heap_of, holders_of, node_binaries, nodes_named, place, version

from heapsleuth.heap.sources import Sources

if TYPE_CHECKING:
    from pathlib import Path

    from heapsleuth.heap.graph import HeapGraph
    from heapsleuth.places import SourceLocation

pytestmark = [
    pytest.mark.node,
    pytest.mark.skipif(not node_binaries(), reason="needs Node.js"),
]
pytest.importorskip("symbolic", reason="source maps need the extra `sourcemaps`")

SNAPSHOT = "require('v8').writeHeapSnapshot(process.argv[2])"
RUN = f"globalThis.kept = require(process.argv[1]); {SNAPSHOT}"
LOADER = """
const { readFileSync } = require('node:fs');
require.extensions['.ts'] = (module, file) => {
  module._compile(readFileSync('inline/service.min.js', 'utf8'), file);
};
"""


@pytest.fixture(scope="module", params=node_binaries(), ids=version)
def node(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def run(node: str, folder: Path, script: str, *, code: str = RUN) -> HeapGraph:
    shutil.copytree(DATA / "source_maps", folder, dirs_exist_ok=True)
    return heap_of(node, folder, "-e", code, script)


def only_context(graph: HeapGraph, sources: Sources, members: str, folder: Path) -> tuple[int, str]:
    """Return the context of the service's module and the name its Map of *members* has in it."""
    for node in nodes_named(graph, "object", "system / Context"):
        where = sources.context_location(node)
        if where is not None and where.file.startswith(str(folder)) and where.line is None:
            for name in sorted(sources._contexts.variables(node)):
                if sources.variable_name(node, name) == members:
                    return node, name
    raise AssertionError(f"nothing is called {members}")


def spot(where: SourceLocation | None) -> tuple[str, int | None, int | None]:
    assert where is not None
    assert not where.generated
    return where.file, where.line, where.column


@pytest.mark.parametrize("build", ["bundle/service.min.js", "inline/service.min.js", "tsc/service.js"])
def test_compiled_code_is_placed_in_its_original(node: str, build: str, tmp_path: Path) -> None:
    graph = run(node, tmp_path, f"./{build}")
    sources, original = Sources(graph), tmp_path / "service.ts"

    listeners = {
        spot(sources.location(one))
        for one in graph.columns.location_nodes.tolist()
        if (where := sources.location(one)) and where.function == "onInvalidate"
    }
    assert {file_line[:2] for file_line in listeners} == {place(original, "function onInvalidate")[:2]}

    context, name = only_context(graph, sources, "reportCache", tmp_path)
    assert spot(sources.declaration(context, name)) == place(original, "reportCache: Map")
    assert {where.line for where in sources.growth_sites(context, name)} == {
        place(original, "reportCache.set(")[1]
    }

    (entry, *_) = holders_of(graph, "property", "label")
    where = sources.class_location(entry)
    assert spot(where)[:2] == place(original, "constructor(public id")[:2]
    assert where is not None
    assert where.function == "ReportEntry"
    assert spot(sources.declaration(entry, "rows"))[:2] == place(original, "readonly rows")[:2]

    (registry, *_) = holders_of(graph, "property", "shared")
    assert spot(sources.declaration(registry, "shared"))[:2] == place(original, "static readonly shared")[:2]


def test_code_without_its_map_keeps_generated_positions(node: str, tmp_path: Path) -> None:
    graph = run(node, tmp_path, "./tsc/service.js")
    (tmp_path / "tsc" / "service.js.map").write_text("{ not a map")
    sources = Sources(graph)
    where = sources.location(nodes_named(graph, "closure", "onInvalidate")[0])
    assert where is not None
    assert where.generated
    assert (where.file, where.line) == place(tmp_path / "tsc" / "service.js", "function onInvalidate")[:2]
    context, name = only_context(graph, sources, "reportCache", tmp_path)
    declared = sources.declaration(context, name)
    assert declared is not None
    assert declared.generated
    assert declared.line == place(tmp_path / "tsc" / "service.js", "reportCache = new Map")[1]


def test_a_map_of_a_later_build_is_not_used(node: str, tmp_path: Path) -> None:
    graph = run(node, tmp_path, "./tsc/service.js")
    compiled = tmp_path / "tsc" / "service.js"
    compiled.write_text("// rebuilt\n// twice\n" + compiled.read_text())
    where = Sources(graph).location(nodes_named(graph, "closure", "onInvalidate")[0])
    assert where is not None
    assert (where.file, where.generated) == (str(compiled), True)


def test_a_file_compiled_while_loading_is_searched_by_name(node: str, tmp_path: Path) -> None:
    # As tsx and ts-node do it: the script has the name of the source, and an inline map that the
    # snapshot holds only the beginning of.
    graph = run(node, tmp_path, "./service.ts", code=LOADER + RUN)
    sources, original = Sources(graph), tmp_path / "service.ts"
    where = sources.location(nodes_named(graph, "closure", "keep")[0])
    assert spot(where) == place(original, "keep(value: T)")
    assert sources.stale_files == ()


def changed(node: str, tmp_path: Path, edit: str) -> tuple[HeapGraph, Sources, Path]:
    shutil.copytree(DATA / "program", tmp_path, dirs_exist_ok=True)
    graph = heap_of(node, tmp_path, "main.mjs")
    main = tmp_path / "main.mjs"
    text = main.read_text()
    if edit == "removed":
        main.unlink()
    elif edit == "above":
        main.write_text("// one line more\n" + text)
    elif edit == "within":
        main.write_text(text.replace("\nasync function", "\n// one line more\nasync function"))
    elif edit == "fifo":
        main.unlink()
        os.mkfifo(main)
    return graph, Sources(graph), main


@pytest.mark.parametrize("edit", ["above", "within"])
def test_no_line_is_taken_from_a_file_that_changed(node: str, tmp_path: Path, edit: str) -> None:
    graph, sources, main = changed(node, tmp_path, edit)
    places = [sources.declaration(context, "late") for context in holders_of(graph, "context", "late")]
    assert not any(places)
    assert sources.stale_files == (str(main),)
    # What V8 itself recorded still stands: it is where the code was when it ran.
    where = sources.location(nodes_named(graph, "closure", "onTick")[0])
    assert where is not None
    assert where.line == place(DATA / "program" / "main.mjs", "function onTick")[1]


@pytest.mark.parametrize("edit", ["removed", "fifo", "above"])
def test_without_the_file_the_beginning_in_the_snapshot_is_used(node: str, tmp_path: Path, edit: str) -> None:
    graph, sources, main = changed(node, tmp_path, edit)
    places = [sources.declaration(context, "exportedMap") for context in holders_of(graph, "context", "kept")]
    declared = [where for where in places if where and where.file == str(main)]
    assert {where.line for where in declared} == {
        place(DATA / "program" / "main.mjs", "exportedMap = new")[1]
    }
    assert not any(sources.declaration(context, "late") for context in holders_of(graph, "context", "late"))


def test_stripped_types_leave_positions_alone(node: str, tmp_path: Path) -> None:
    if tuple(int(part) for part in version(node)[1:].split(".")) < (22, 18):
        pytest.skip("this Node does not strip types")
    source = tmp_path / "typed.ts"
    source.write_text(
        "type Row = { id: number };\n"
        "const cache: Map<number, Row> = new Map();\n"
        "export function add(row: Row): void { cache.set(row.id, row); }\n"
        "export function size(): number { return cache.size; }\n"
        "export const all = (): Row[] => [...cache.values()];\n"
    )
    snapshot = SNAPSHOT.replace("argv[2]", "argv[1]")
    code = f"import('./typed.ts').then((m) => {{ globalThis.kept = m; {snapshot} }})"
    graph = heap_of(node, tmp_path, "--no-warnings", "-e", code)
    sources = Sources(graph)
    places = [sources.declaration(context, "cache") for context in holders_of(graph, "context", "cache")]
    assert place(source, "cache: Map") in [spot(where) for where in places if where]
