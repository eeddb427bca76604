"""Live resources of a real process: every number is known from the program."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from heapsleuth.leaks.census import take_census
from heapsleuth.leaks.census.contexts import count_contexts
from heapsleuth.leaks.census.handles import count_handles
from heapsleuth.leaks.census.listeners import count_listeners
from heapsleuth.leaks.census.promises import count_promises
from heapsleuth.leaks.census.scopes import count_scopes
from heapsleuth.leaks.census.suspended import count_suspended
from heapsleuth.leaks.census.timers import count_timers
from tests.leaks.conftest import marked_line, view_of
from tests.node_programs import nodes_named
from tests.snapshot_builder import NODE26, SnapshotBuilder

if TYPE_CHECKING:
    from pathlib import Path

    from heapsleuth.heap.graph import HeapGraph
    from heapsleuth.leaks.heap_view import HeapView
    from heapsleuth.leaks.model import CensusRow


def line_of(marker: str) -> int:
    return marked_line("census.cjs", marker)


def by_name(rows: list[CensusRow]) -> dict[str, CensusRow]:
    found = {row.name: row for row in rows}
    assert len(found) == len(rows), "two rows have one name"
    return found


@pytest.fixture(scope="module")
def listeners(census_view: HeapView) -> dict[str, CensusRow]:
    return by_name(count_listeners(census_view))


@pytest.mark.parametrize(
    ("name", "count", "marker"),
    [
        ('EventEmitter bus "tick"', 321, "onTick"),
        ('EventEmitter bus "done"', 40, "onDone"),
        ('EventEmitter "ready"', 1, "onReady"),
        ('Conn "close" on 60 emitters', 60, "onClose"),
        ('EventTarget kept.target "change"', 57, "onChange"),
    ],
)
def test_listeners_are_counted_per_emitter_and_event_with_the_line_of_the_function(
    listeners: dict[str, CensusRow], name: str, count: int, marker: str
) -> None:
    row = listeners[name]

    assert (row.kind, row.count) == ("listeners", count)
    assert row.location is not None
    assert row.location.line == line_of(marker)


def test_listeners_of_an_abort_signal_are_counted_whatever_its_class_is_called(
    listeners: dict[str, CensusRow],
) -> None:
    found = [row for name, row in listeners.items() if name.endswith(' "abort"') and "controller" in name]

    assert [(row.count, row.location and row.location.line) for row in found] == [(33, line_of("onAbort"))]


def test_listeners_retain_at_least_what_they_capture(
    listeners: dict[str, CensusRow], census_heap: HeapGraph
) -> None:
    contexts = nodes_named(census_heap, "object", "Ctx")
    captured = min(int(census_heap.retained_sizes[node]) for node in contexts if census_heap.self_sizes[node])

    assert listeners['EventEmitter bus "tick"'].retained_bytes > 321 * captured


def test_timers_are_counted_by_callback_kind_and_duration_and_cleared_ones_are_not(
    census_view: HeapView,
) -> None:
    timers = by_name(count_timers(census_view))

    assert timers["heartbeat every 60,000 ms"].count == 45
    assert timers["heartbeat every 60,000 ms"].location.line == line_of("heartbeat")
    assert timers["retry after 120,000 ms"].count == 23
    assert timers["retry after 120,000 ms"].location.line == line_of("retry")
    assert not [name for name in timers if "gone" in name]


def test_pending_promises_are_counted_by_what_waits_for_them(census_view: HeapView) -> None:
    promises = by_name(count_promises(census_view))

    assert promises["then(afterWait)"].count == 77
    assert promises["then(afterWait)"].location.line == line_of("afterWait")
    assert promises["awaited by handler"].count == 41
    # Fifty functions wait for the one promise `never`; the newest of them stands for all.
    assert promises["awaited by lonely"].count == 1


def test_suspended_functions_are_counted_by_their_chain_of_awaits(census_view: HeapView) -> None:
    suspended = by_name(count_suspended(census_view))

    assert suspended["loadUser ← handler"].count == 41
    assert suspended["loadUser ← handler"].location.line == line_of("loadUser")
    assert suspended["lonely"].count == 9
    assert "handler" not in suspended
    assert not [name for name in suspended if "counter" in name]


def test_sockets_are_counted_by_direction_and_by_whether_they_are_open(census_view: HeapView) -> None:
    rows = by_name([row for row in count_handles(census_view) if row.kind == "sockets"])

    assert rows["Socket, open, outgoing"].count == 12
    assert rows["Socket, open, incoming"].count == 12
    assert rows["Socket, closed, outgoing"].count == 4


def test_a_listening_server_is_counted_as_one_open_handle(census_view: HeapView) -> None:
    rows = by_name([row for row in count_handles(census_view) if row.kind == "handles"])

    assert rows["Server, open"].count == 1


def test_further_native_contexts_are_counted_without_the_main_one(census_view: HeapView) -> None:
    (row,) = count_contexts(census_view)

    assert (row.name, row.count) == ("native contexts besides the main one", 3)


def test_scopes_show_their_variables_and_the_calls_that_are_alive(census_view: HeapView) -> None:
    scopes = by_name(count_scopes(census_view))

    row = scopes["makeScope {payload, other}"]
    assert row.count == 88
    assert row.retained_bytes > 88 * 500
    assert row.location is not None
    assert scopes["subscribe {ctx}"].count == 321


def test_the_census_lists_the_largest_counts_first_and_is_the_same_every_time(census_heap: HeapGraph) -> None:
    rows = take_census(view_of(census_heap))

    assert [row.count for row in rows] == sorted((row.count for row in rows), reverse=True)
    assert rows[0].name == 'EventEmitter bus "tick"'
    assert take_census(view_of(census_heap)) == rows


def test_a_heap_without_any_resource_has_an_empty_census(tmp_path: Path) -> None:
    heap = SnapshotBuilder()
    heap.add(heap.global_object(), "property", "text", "string", "hello", size=24)

    assert take_census(view_of(built(heap, tmp_path))) == ()


def test_timers_whose_ring_has_no_list_have_no_duration(tmp_path: Path) -> None:
    heap = SnapshotBuilder()
    holder = heap.global_object()
    for index in range(3):
        timer = heap.add(holder, "property", f"t{index}", "object", "Timeout", size=120)
        heap.edge(timer, "property", "_idleNext", timer)
        heap.add(timer, "property", "_onTimeout", "closure", "tick", size=64)

    (row,) = count_timers(view_of(built(heap, tmp_path)))

    assert (row.name, row.count) == ("tick repeatedly", 3)


def test_names_from_the_heap_are_cut_and_kept_as_they_are(tmp_path: Path) -> None:
    heap = SnapshotBuilder()
    emitter = heap.add(heap.global_object(), "property", "e", "object", "<b>E\n", size=24)
    registry = heap.add(emitter, "property", "_events", "object", "Object", size=24)
    for event in ("x" * 500, "__proto__"):
        heap.add(registry, "property", event, "closure", "f" * 500, size=64)

    (row,) = count_listeners(view_of(built(heap, tmp_path)))

    assert row.name == f'<b>E\n "{"x" * 39}…"'


def built(heap: SnapshotBuilder, folder: Path) -> HeapGraph:
    from heapsleuth.heap.graph import HeapGraph
    from heapsleuth.heap.readers import read

    return HeapGraph(read(str(heap.write(folder / "built.heapsnapshot", NODE26))))
