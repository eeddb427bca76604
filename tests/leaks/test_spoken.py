"""Findings call things what a programmer would, in every version of Node.js the same."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from heapsleuth.heap.kinds import EdgeType
from heapsleuth.heap.opening import open_heap
from heapsleuth.heap.sources import Sources
from heapsleuth.leaks.edges import edges_of
from heapsleuth.leaks.spoken import Speech
from tests.leaks.conftest import PROGRAMS, marked_line
from tests.node_programs import DATA, heap_of, holders_of, node_binaries, nodes_named, version
from tests.snapshot_builder import NODE26, SnapshotBuilder

if TYPE_CHECKING:
    from pathlib import Path

    from heapsleuth.heap.graph import HeapGraph

EXPECTED = {
    "smallIntegers": ["Object {id, user, at}"] * 5,
    "sharedList": ["Object"],
    "longer": ["Object {x, more}"],
    "parsed": ["Object {id, name}"] * 2,
    "manyFields": ["Object {identifier, description, timestamp, …}"],
    "dictionary": ["Object"],
    "named": ["function onTimeout"],
    "bound": ["bound onTimeout"],
    "inside": [f"function in handler (spoken.cjs:{marked_line('spoken.cjs', 'inside')})"],
    "given": ["function retry"],
    "boundNameless": [f"bound function (spoken.cjs:{marked_line('spoken.cjs', 'bound')})"],
    "generators": ["generator rows"],
    "asyncGenerators": ["async generator pages"],
    "weak": ["WeakRef of Object {id, user, at}"],
    "signals": ["AbortSignal"],
    "targets": ["EventTarget"],
    "proxies": ["Proxy of Token"],
    "errors": ["ValidationError", "Custom", "TypeError"],
    "compiled": ["function inScript"],
    "classes": ["Token"],
    "values": ["string", "symbol", "bigint", "RegExp"],
    "resolvers": ["promise resolver"],
}


@pytest.fixture(scope="module", params=node_binaries(), ids=version)
def graph(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> HeapGraph:
    return heap_of(request.param, tmp_path_factory.mktemp("spoken"), str(PROGRAMS / "spoken.cjs"))


def targets(graph: HeapGraph, node: int, kind: EdgeType) -> dict[str, int]:
    edges = edges_of(graph, np.array([node]))
    return {
        graph.edge_name(int(edge)): int(graph.edge_targets[edge])
        for edge in edges.edges
        if graph.edge_types[edge] == kind
    }


def test_members_are_called_the_same_in_all_versions(graph: HeapGraph) -> None:
    speech = Speech(graph, Sources(graph))
    (kinds,) = list(holders_of(graph, "property", "smallIntegers"))
    said = {
        name: [speech.say(member) for member in targets(graph, node, EdgeType.ELEMENT).values()]
        for name, node in targets(graph, kinds, EdgeType.PROPERTY).items()
        if name in EXPECTED
    }

    assert said == EXPECTED


def test_scopes_are_called_by_their_function(graph: HeapGraph) -> None:
    speech = Speech(graph, Sources(graph))
    (scope,) = list(holders_of(graph, "context", "request"))

    assert speech.say(scope) == "scope of handler"


def test_the_class_of_a_holder_has_no_fields(graph: HeapGraph) -> None:
    speech = Speech(graph, Sources(graph))
    (kinds,) = list(holders_of(graph, "property", "smallIntegers"))
    lists = targets(graph, kinds, EdgeType.PROPERTY)

    first = {name: next(iter(targets(graph, node, EdgeType.ELEMENT).values())) for name, node in lists.items()
             if name in ("smallIntegers", "signals", "targets", "classes")}  # fmt: skip

    assert {name: speech.kind(node) for name, node in first.items()} == {
        "smallIntegers": "Object",
        "signals": "AbortSignal",
        "targets": "EventTarget",
        "classes": "Token",
    }


@pytest.mark.parametrize("node", node_binaries(), ids=version)
def test_minified_classes_and_functions_have_the_names_of_their_source(node: str, tmp_path: Path) -> None:
    pytest.importorskip("symbolic", reason="source maps need the extra `sourcemaps`")
    shutil.copytree(DATA / "source_maps", tmp_path, dirs_exist_ok=True)
    write = "require('v8').writeHeapSnapshot(process.argv[2])"
    run = f"globalThis.kept = require(process.argv[1]); {write}"
    graph = heap_of(node, tmp_path, "-e", run, "./bundle/service.min.js")
    sources = Sources(graph)
    speech = Speech(graph, sources)
    (entry, *_) = holders_of(graph, "property", "label")
    closures = [
        one
        for one in graph.columns.location_nodes.tolist()
        if (where := sources.location(one)) and where.function == "onInvalidate"
    ]

    assert graph.own_name(entry) != "ReportEntry"
    assert speech.say(entry) == speech.kind(entry) == "ReportEntry"
    assert {speech.say(one) for one in closures} == {"function onInvalidate"}


def test_functions_that_are_bound_in_a_circle_have_a_name_nevertheless(tmp_path: Path) -> None:
    heap = SnapshotBuilder()
    first = heap.add(heap.root, "property", "f", "closure", "native_bind")
    second = heap.add(first, "internal", "bound_function", "closure", "native_bind")
    heap.edge(second, "internal", "bound_function", first)
    graph = open_heap(heap.write(tmp_path / "a.heapsnapshot", NODE26), index=False)
    (node, _) = nodes_named(graph, "closure", "native_bind")

    assert Speech(graph, Sources(graph)).say(node).startswith("bound bound ")
