"""Parts of a story, on drawn heaps and hand-made steps: keys, signs of death, folds, roots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from heapsleuth.heap.graph import HeapGraph
from heapsleuth.heap.readers import read
from heapsleuth.heap.sources import Sources
from heapsleuth.leaks.history import Moment
from heapsleuth.leaks.naming import Name
from heapsleuth.leaks.story.api import api_steps
from heapsleuth.leaks.story.folds import NODE, Stop, folded
from heapsleuth.leaks.story.keys import is_name, shown_key, shown_property
from heapsleuth.leaks.story.lasting import LastingWays
from heapsleuth.leaks.story.liveness import Life, sign_of_death, suspect_steps
from heapsleuth.leaks.story.roots import find_root, module_name
from heapsleuth.places import SourceLocation
from tests.snapshot_builder import NODE22, NODE26, SnapshotBuilder

if TYPE_CHECKING:
    from pathlib import Path

    from tests.snapshot_builder import Style

A, D, U = Life.ALIVE, Life.DEAD, Life.UNKNOWN


@pytest.mark.parametrize(
    "text",
    ["config", "userCache", "content-type", "user.created", "X-Request-Id", "v2", "$on"],
)
def test_names_that_people_write_are_names(text: str) -> None:
    assert is_name(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "alice@mail.example",
        "sk_live_51HxQ2eZvKYlo2C",
        "deadbeefcafe",
        "socket-5078",
        "AKIAIOSFODNNSEVENEXAMPLEKEY",
        "aGVsbG8gd29ybGQgdGhpcw",
        "/home/alice/report.pdf",
        "Mozilla/5.0 (X11; Linux)",
        "a b\nc",
        "John Smith",
        "qWeRtYuIoPaSdFgH",
    ],
)
def test_data_is_no_name(text: str) -> None:
    assert not is_name(text)


def test_keys_of_maps_are_shown_only_when_they_are_names() -> None:
    assert shown_key("config") == 'Map["config"]'.removeprefix("Map")
    assert shown_key("alice@mail.example") == "[…]"
    assert shown_key(None) == "[…]"


def test_properties_that_are_data_lose_their_end() -> None:
    assert shown_property("items") == ".items"
    assert shown_property("#signal") == ".#signal"
    assert shown_property("content-type") == '["content-type"]'
    assert shown_property("socket-5078") == '["sock…"]'
    assert shown_property("31415926535") == "[…]"
    assert shown_property("a@b.cd") == "[…]"


@pytest.mark.parametrize(
    ("lives", "suspects"),
    [
        ([A, A, D], {2}),
        ([A, U, U, D], {1, 2, 3}),
        ([A, U, D, U, D], {1, 2}),
        ([A, D, A, D], {1}),
        ([U, U, U], {1, 2}),
        ([A, A, A, U, D], {3, 4}),
    ],
)
def test_suspects_lie_between_the_last_alive_and_the_first_dead(
    lives: list[Life], suspects: set[int]
) -> None:
    assert suspect_steps(lives) == suspects


def heap_of(builder: SnapshotBuilder, folder: Path, style: Style = NODE22) -> HeapGraph:
    return HeapGraph(read(str(builder.write(folder / "drawn.heapsnapshot", style))))


def oddball(heap: SnapshotBuilder, style: Style, name: str) -> int:
    """Return `true` or `null` as that version writes it."""
    if style is NODE26:
        return heap.add(heap.root, "internal", name, "hidden", name)
    node = heap.add(heap.root, "internal", name, "hidden", "system / Oddball")
    heap.add(node, "hidden", 0, "string", name)
    return node


@pytest.mark.parametrize("style", [NODE22, NODE26], ids=["node22", "node26"])
def test_what_is_done_with_says_so(style: Style, tmp_path: Path) -> None:
    heap = SnapshotBuilder()
    true, false = oddball(heap, style, "true"), oddball(heap, style, "false")
    said = {}
    for kind, fields in {
        "Timeout": {"_destroyed": true},
        "ServerResponse": {"finished": true, "destroyed": false},
        "Socket": {"destroyed": false},
        "AbortSignal": {"<symbol kAborted>": true},
        "Subscription": {"closed": true},
        "Plain": {},
    }.items():
        said[kind] = heap.add(heap.root, "property", kind, "object", kind)
        for name, value in fields.items():
            heap.edge(said[kind], "property", name, value)
    stream = heap.add(heap.root, "property", "stream", "object", "Readable")
    state = heap.add(stream, "property", "_readableState", "object", "ReadableState")
    heap.edge(state, "property", "destroyed", true)
    graph = heap_of(heap, tmp_path, style)

    signs = {kind: sign_of_death(graph, node) for kind, node in said.items()}

    assert signs == {
        "Timeout": "cleared",
        "ServerResponse": "finished",
        "Socket": None,
        "AbortSignal": "aborted",
        "Subscription": "closed",
        "Plain": None,
    }
    assert sign_of_death(graph, stream) == "destroyed"


def stop(edge: str, label: str = "Object", package: str = "", *, suspect: bool = False) -> Stop:
    return Stop(edge, 0, label, package, suspect=suspect)


def test_what_a_library_does_inside_is_one_step_and_the_last_name_of_it() -> None:
    story = [
        stop("", "module app.js"),
        stop("variable client", "Client", "undici"),
        *(stop(f".{name}", "Pool", "undici") for name in "abc"),
        stop(".queue", "Array", "undici"),
        stop("array[…]", "Request", suspect=True),
    ]

    edges = [step.edge for step in folded(story)]

    assert edges == [
        "",
        "variable client",
        "(2 internal steps in undici)",
        ".c",
        ".queue",
        "array[…]",
    ]


def test_suspects_are_never_folded_into_a_library() -> None:
    story = [
        stop(""),
        stop(".a"),
        *(stop(f".{n}", "X", NODE, suspect=True) for n in "bcd"),
        stop(".e"),
        stop(".f"),
    ]

    assert folded(story) == story


def test_a_run_along_a_list_is_one_step_with_its_length() -> None:
    story = [
        stop("", "module"),
        stop("variable head", "Item"),
        *([stop(".next", "Item")] * 40),
        stop(".value", "Row"),
    ]

    assert [step.edge for step in folded(story)] == ["", "variable head", ".next ×40", ".value"]


def test_a_long_middle_is_counted() -> None:
    story = [stop(f".f{i}", f"C{i}") for i in range(30)]

    shown = [step.edge for step in folded(story)]

    assert len(shown) == 12
    assert shown[5] == "(19 more steps)"
    assert shown[-1] == ".f29"


def test_files_are_named_alike_on_every_host() -> None:
    def place(file: str) -> str:
        return module_name(SourceLocation(file, 1))

    assert place("/srv/app/src/app.js") == place("C:\\work\\src\\app.js") == "module src/app.js"
    assert place("/x/node_modules/undici/lib/fetch.js") == "module undici/lib/fetch.js"
    assert place("/x/node_modules/.pnpm/a@1/node_modules/a/i.js") == "module a/i.js"
    assert place("node:internal/timers") == "module node:internal/timers"
    assert module_name(None) == "module"


def ways_of(graph: HeapGraph) -> tuple[Moment, LastingWays]:
    moment = Moment(graph, graph.node_ids)
    return moment, LastingWays(moment, np.ones(graph.node_count, dtype=bool))


def test_a_socket_hangs_on_its_open_handle_not_on_the_scope_it_keeps(tmp_path: Path) -> None:
    heap = SnapshotBuilder()
    handle = heap.add(heap.root, "element", 7, "synthetic", "Node / TCPSocketWrap")
    tcp = heap.add(handle, "internal", "native_to_javascript", "object", "TCP")
    socket = heap.add(tcp, "property", "<symbol owner_symbol>", "object", "Socket")
    events = heap.add(socket, "property", "_events", "object", "Object")
    listeners = heap.add(events, "property", "data", "object", "Array")
    listener = heap.add(listeners, "element", 0, "closure", "onData")
    scope = heap.add(listener, "internal", "context", "object", "system / Context")
    outer = heap.add(scope, "internal", "previous", "object", "system / Context")
    native = heap.add(outer, "internal", "previous", "object", "system / NativeContext")
    heap.add(native, "internal", "x", "object", "X")
    heap.edge(scope, "context", "socket", socket)
    graph = heap_of(heap, tmp_path)
    moment, ways = ways_of(graph)

    way = ways.way(Name("socket", (), anchored=True), socket)
    root = find_root(graph, Sources(graph), way[0], lasts=True)

    assert root.words == "open handles"
    assert [(step.edge, step.node) for step in api_steps(moment, way)] == [("handle", tcp), ("owner", socket)]


def test_an_emitter_is_told_by_its_event_and_a_map_by_its_key(tmp_path: Path) -> None:
    heap = SnapshotBuilder()
    app = heap.add(heap.global_object(), "property", "app", "object", "App")
    table_owner = heap.add(app, "property", "registry", "object", "Map")
    table = heap.add(table_owner, "internal", "table", "array", "")
    heap.add(table, "internal", "4", "string", "orders")
    bus = heap.add(table, "internal", "5", "object", "EventEmitter")
    events = heap.add(bus, "property", "_events", "object", "Object")
    listeners = heap.add(events, "property", "data", "object", "Array")
    listener = heap.add(listeners, "element", 3, "closure", "onData")
    graph = heap_of(heap, tmp_path)
    moment, ways = ways_of(graph)

    told = [step.edge for step in api_steps(moment, ways.name(listener).steps)]

    assert told == [".app", ".registry", 'Map["orders"]', '"data" listeners']


def test_the_key_of_one_member_of_many_is_not_shown(tmp_path: Path) -> None:
    heap = SnapshotBuilder()
    cache = heap.add(heap.global_object(), "property", "cache", "object", "Map")
    table = heap.add(cache, "internal", "table", "array", "")
    heap.add(table, "internal", "4", "string", "alice")
    member = heap.add(table, "internal", "5", "object", "User")
    graph = heap_of(heap, tmp_path)
    moment, ways = ways_of(graph)
    steps = ways.name(member).steps

    assert [step.edge for step in api_steps(moment, steps)][-1] == 'Map["alice"]'
    assert [step.edge for step in api_steps(moment, steps, one_of_many=True)][-1] == "Map[…]"
