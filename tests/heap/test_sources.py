from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from node_programs import DATA, heap_of, holders_of, node_binaries, nodes_named, place, version

from heapsleuth.heap.kinds import NodeType
from heapsleuth.heap.sources import Sources

if TYPE_CHECKING:
    from pathlib import Path

    from heapsleuth.heap.graph import HeapGraph
    from heapsleuth.places import SourceLocation

pytestmark = [
    pytest.mark.node,
    pytest.mark.skipif(not node_binaries(), reason="needs Node.js"),
]


class Program:
    """One run of the test program: its folder, its heap and the sources of the heap."""

    def __init__(self, folder: Path, graph: HeapGraph) -> None:
        self.folder = folder
        self.graph = graph
        self.sources = Sources(graph)
        self.main = folder / "main.mjs"
        self.store = folder / "lib" / "store.mjs"
        self.repository = folder / "lib" / "repository.cjs"

    def context_with(self, variable: str, *others: str) -> int:
        """Return the context that has all these variables."""
        common = set(holders_of(self.graph, "context", variable))
        for other in others:
            common &= set(holders_of(self.graph, "context", other))
        own = [
            node
            for node in sorted(common)
            if (where := self.sources.context_location(node)) and where.file.startswith(str(self.folder))
        ]
        assert own, f"no context has {variable}"
        return own[0]

    def module_object(self) -> int:
        """Return the CommonJS `Module` of repository.cjs."""
        for node in nodes_named(self.graph, "object", "Module"):
            where = self.sources.declaration(node, "list")
            if where is not None and where.file == str(self.repository):
                return node
        raise AssertionError("no Module for repository.cjs")

    def closure(self, name: str) -> int:
        own = [
            node for node in nodes_named(self.graph, "closure", name) if self.at(self.sources.location(node))
        ]
        # From Node 22 the function that initialises fields has the name of its class.
        makers = [node for node in own if node in set(holders_of(self.graph, "property", "prototype"))]
        return (makers or own)[0]

    def instance(self, name: str) -> int:
        return next(node for node in nodes_named(self.graph, "object", name) if self.sources.location(node))

    def at(self, where: SourceLocation | None) -> tuple[str, int | None] | None:
        """Return file and line of a place in the program, None for places elsewhere."""
        return (where.file, where.line) if where and where.file.startswith(str(self.folder)) else None


@pytest.fixture(scope="module", params=node_binaries(), ids=version)
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Program:
    folder = tmp_path_factory.mktemp("with space é") / "program"
    shutil.copytree(DATA / "program", folder)
    return Program(folder, heap_of(request.param, folder, "main.mjs"))


def line_of(file: Path, text: str) -> tuple[str, int]:
    return place(file, text)[:2]


def test_every_location_of_closures_and_instances_resolves(program: Program) -> None:
    columns = program.graph.columns
    assert len(columns.location_nodes) > 1000
    unresolved = [node for node in columns.location_nodes.tolist() if program.sources.location(node) is None]
    assert unresolved == []
    kinds = set(program.graph.node_types[columns.location_nodes].tolist())
    assert {int(NodeType.CLOSURE), int(NodeType.OBJECT)} <= kinds


def test_every_script_id_has_a_url_and_internals_keep_theirs(program: Program) -> None:
    urls = {program.sources.script_url(int(one)) for one in np.unique(program.graph.columns.location_scripts)}
    assert None not in urls
    assert {"node:events", program.main.as_uri()} <= urls
    assert program.sources.script_url(4_000_000_000) is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("onLate", "(n) { return n"),
        ("onTick", "() { return [moduleMap"),
        ("suspended", "(x) {"),
        ("generator", "() { yield"),
    ],
)
def test_a_closure_is_where_its_parameters_begin(program: Program, name: str, text: str) -> None:
    where = program.sources.location(program.closure(name))
    assert where is not None
    assert (where.file, where.line, where.column) == place(program.main, text)
    assert where.function == name
    assert not where.generated


def test_an_instance_is_where_its_constructor_or_class_is(program: Program) -> None:
    item = program.sources.location(program.instance("Item"))
    plain = program.sources.location(program.instance("Plain"))
    old = program.sources.location(program.instance("Old"))
    assert program.at(item) == line_of(program.main, "class Item")
    assert program.at(plain) == line_of(program.main, "class Plain")
    assert program.at(old) == line_of(program.main, "function Old")
    assert item is not None
    assert item.function == "Item"


def test_a_suspended_function_is_where_that_function_is(program: Program) -> None:
    waiting = [program.sources.location(node) for node in nodes_named(program.graph, "object", "Generator")]
    assert ("suspended", line_of(program.main, "async function suspended")) in [
        (where.function, program.at(where)) for where in waiting if where
    ]
    started = program.sources.location(program.instance("generator"))
    assert program.at(started) == line_of(program.main, "function* generator")


def test_a_bound_function_is_where_its_target_is(program: Program) -> None:
    places = {
        program.at(program.sources.location(node))
        for node in nodes_named(program.graph, "closure", "native_bind")
    }
    assert line_of(program.main, "function onLate") in places


def test_evaluated_code_is_named_as_such(program: Program) -> None:
    where = program.sources.location(nodes_named(program.graph, "closure", "evaluated")[0])
    assert where is not None
    assert (where.file, where.line, where.function) == ("<eval>", 1, "evaluated")
    assert program.sources.package(where) is None


def test_what_v8_places_nowhere_has_no_location(program: Program) -> None:
    assert program.sources.location(nodes_named(program.graph, "object", "Map")[0]) is None
    assert program.sources.class_location(nodes_named(program.graph, "object", "Map")[0]) is None


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("moduleMap", "moduleMap = new Map()"),
        ("bus", "bus = new EventEmitter"),
        ("kept", "kept = [outer(1)"),
        ("Item", "class Item"),
        ("onLate", "function onLate"),
    ],
)
def test_a_module_variable_is_where_it_is_declared(program: Program, variable: str, text: str) -> None:
    context = program.context_with("kept", "moduleMap")
    where = program.sources.declaration(context, variable)
    assert program.at(where) == line_of(program.main, text)


def test_a_captured_variable_is_declared_in_its_own_scope(program: Program) -> None:
    outer = program.context_with("inner")
    middle = program.context_with("deep")
    assert program.at(program.sources.declaration(outer, "inner")) == line_of(
        program.main, "const inner = new Map()"
    )
    assert program.at(program.sources.declaration(middle, "deep")) == line_of(program.main, "const deep")
    shadow = program.sources.declaration(middle, "moduleMap")
    assert program.at(shadow) == line_of(program.main, "const moduleMap = 'shadows")
    assert shadow is not None
    assert shadow.function == "middle"


def test_a_context_is_the_function_it_belongs_to(program: Program) -> None:
    where = program.sources.context_location(program.context_with("inner"))
    assert where is not None
    assert (where.function, program.at(where)) == ("outer", line_of(program.main, "function outer"))
    inner = program.sources.context_location(program.context_with("deep"))
    assert inner is not None
    assert (inner.function, program.at(inner)) == ("middle", line_of(program.main, "return function middle"))


def test_the_context_of_a_module_is_its_file(program: Program) -> None:
    where = program.sources.context_location(program.context_with("kept", "moduleMap"))
    assert where is not None
    assert (where.file, where.line) == (str(program.main), None)


def test_exported_variables_are_found_by_their_cell(program: Program) -> None:
    found = {
        program.sources.variable_name(cell, "value"): program.at(program.sources.declaration(cell, "value"))
        for cell in nodes_named(program.graph, "hidden", "system / Cell")
    }
    assert found["cache"] == line_of(program.store, "cache = new Map()")
    assert found["renamed"] == line_of(program.store, "let own = []")
    assert found["default"] == line_of(program.store, "export default")
    assert found["exportedMap"] == line_of(program.main, "exportedMap = new Map()")


def test_a_variable_of_a_module_record_is_found_by_name(program: Program) -> None:
    found = {
        program.at(program.sources.declaration(module, "fill"))
        for module in nodes_named(program.graph, "hidden", "system / SourceTextModule")
    }
    assert line_of(program.store, "export function fill") in found


@pytest.mark.parametrize(
    ("name", "field", "text"),
    [
        ("Repository", "cache", "static cache"),
        ("Repository", "#hidden", "static #hidden"),
        ("Item", "pool", "static pool"),
    ],
)
def test_a_static_field_is_where_the_class_declares_it(
    program: Program, name: str, field: str, text: str
) -> None:
    file = program.repository if name == "Repository" else program.main
    assert program.at(program.sources.declaration(program.closure(name), field)) == line_of(file, text)


@pytest.mark.parametrize(
    ("name", "field", "text"),
    [
        ("Repository", "rows", "this.rows = [];"),
        ("Item", "rows", "class Item"),
        ("Item", "#secret", "class Item"),
        ("Plain", "tags", "class Plain"),
        ("Special", "extra", "class Special"),
        ("Special", "tags", "class Item"),
        ("Old", "list", "function Old"),
    ],
)
def test_a_field_is_where_its_class_or_a_base_class_gives_it(
    program: Program, name: str, field: str, text: str
) -> None:
    file = program.repository if name == "Repository" else program.main
    assert program.at(program.sources.declaration(program.instance(name), field)) == line_of(file, text)


def test_a_field_of_another_class_is_not_taken(program: Program) -> None:
    assert program.sources.declaration(program.instance("Plain"), "rows") is None
    assert program.sources.declaration(program.instance("Repository"), "list") is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("table", "exports.table"),
        ("list", "exports.list"),
        ("other", "module.exports.other"),
        ("use", "exports.use"),
    ],
)
def test_an_export_of_a_commonjs_module_is_where_it_is_assigned(
    program: Program, name: str, text: str
) -> None:
    module = program.module_object()
    assert program.at(program.sources.declaration(module, name)) == line_of(program.repository, text)
    exports = [node for node in range(program.graph.node_count) if program.sources._modules.file_of(node)]
    owners = [
        node for node in exports if node != module and program.at(program.sources.declaration(node, name))
    ]
    assert owners, "the exports object itself leads to its file as well"


def test_a_global_is_where_a_script_of_the_program_assigns_it(program: Program) -> None:
    holders = holders_of(program.graph, "property", "keptGlobally")
    places = {program.at(program.sources.declaration(node, "keptGlobally")) for node in holders}
    assert line_of(program.main, "keptGlobally = [") in places


def test_unknown_names_are_declared_nowhere(program: Program) -> None:
    context = program.context_with("kept", "moduleMap")
    assert program.sources.declaration(context, "nowhere") is None
    assert program.sources.variable_name(context, "nowhere") == "nowhere"
    assert program.sources.declaration(0, "kept") is None


def test_growth_is_found_in_the_file_that_declares_the_holder(program: Program) -> None:
    context = program.context_with("kept", "moduleMap")
    assert {program.at(where) for where in program.sources.growth_sites(context, "bus")} == {
        line_of(program.main, "bus.on(")
    }


def test_nothing_is_stale_while_the_files_are_as_they_ran(program: Program) -> None:
    for node in program.graph.columns.location_nodes.tolist():
        program.sources.location(node)
    program.sources.declaration(program.context_with("kept", "moduleMap"), "kept")
    assert program.sources.stale_files == ()
