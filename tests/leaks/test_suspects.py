"""Where memory piles up: suspects of a real process and of small heaps drawn by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from heapsleuth.heap.graph import HeapGraph
from heapsleuth.heap.readers import read
from heapsleuth.leaks.accumulation import find_piles
from heapsleuth.leaks.model import Finding, Verdict
from heapsleuth.leaks.suspects import find_suspects
from tests.leaks.conftest import marked_line, view_of
from tests.snapshot_builder import NODE26, SnapshotBuilder

if TYPE_CHECKING:
    from pathlib import Path

    from heapsleuth.leaks.heap_view import HeapView

MB = 1_000_000


@pytest.fixture(scope="module")
def suspects(suspects_heap: HeapGraph) -> dict[str, Finding]:
    return {finding.holder.name: finding for finding in find_suspects(view_of(suspects_heap))}


def test_the_four_piles_are_found_and_nothing_else(suspects: dict[str, Finding]) -> None:
    assert sorted(suspects) == ["byId", "cache", "frames.image", "head"]


@pytest.mark.parametrize(
    ("holder", "kind", "category", "members", "count", "marker"),
    [
        ("cache", "Map", "cache", "Entry", 25_000, "cache"),
        ("head", "Link", "collection", "Link", 60_000, "head"),
        ("byId", "Array", "collection", "Shared", 7_000, "byId"),
        ("frames.image", "Buffer", "buffer", "Buffer", 1, "frames"),
    ],
)
def test_a_suspect_names_holder_members_and_line(
    suspects: dict[str, Finding], holder: str, kind: str, category: str, members: str, count: int, marker: str
) -> None:
    finding = suspects[holder]

    assert (finding.holder.kind, finding.category) == (kind, category)
    assert (finding.members.class_name, finding.members.counts) == (members, (count,))
    assert finding.holder.location is not None
    assert finding.holder.location.line == marked_line("suspects.cjs", marker)


def test_suspects_stay_undecided_and_say_why(suspects: dict[str, Finding]) -> None:
    for finding in suspects.values():
        assert finding.verdict is Verdict.UNDECIDED
        assert [evidence.code for evidence in finding.evidence_against] == ["one-snapshot"]
        assert len(finding.members.counts) == len(finding.members.retained_bytes) == 1


def test_titles_say_bytes_share_and_members(suspects: dict[str, Finding], suspects_heap: HeapGraph) -> None:
    total = int(suspects_heap.retained_sizes[0])
    share = round(100 * suspects["cache"].exclusive_bytes / total)

    assert suspects["cache"].title.startswith("Map `cache` holds ")
    assert suspects["cache"].title.endswith(f" MB ({share} % of the heap) in 25,000 Entry")
    assert "Link `head` begins a chain of 60,000 Link that holds " in suspects["head"].title
    assert suspects["frames.image"].title.startswith("Buffer `frames.image` holds 9.00 MB")


def test_the_bytes_of_a_suspect_are_what_its_holder_retains(
    suspects: dict[str, Finding], suspects_heap: HeapGraph
) -> None:
    node = suspects_heap.index_of(suspects["cache"].holder.node_id)

    assert suspects["cache"].exclusive_bytes == int(suspects_heap.retained_sizes[node])


def test_the_path_leads_from_the_variable_to_a_member(suspects: dict[str, Finding]) -> None:
    path = suspects["cache"].path

    assert path[0].node.startswith("module ")
    assert (path[1].edge, path[1].node) == ("variable cache", "Map")
    assert (path[-1].node, path[-1].suspect) == ("Entry", True)


def drawn(heap: SnapshotBuilder, folder: Path) -> HeapView:
    return view_of(HeapGraph(read(str(heap.write(folder / "drawn.heapsnapshot", NODE26)))))


def test_the_way_down_ends_where_no_child_has_seven_tenths(tmp_path: Path) -> None:
    heap = SnapshotBuilder()
    app = heap.add(heap.global_object(), "property", "app", "object", "App", size=100)
    state = heap.add(app, "property", "state", "object", "State", size=100)
    store = heap.add(state, "property", "store", "object", "Store", size=100)
    for index in range(40):
        heap.add(store, "property", f"row{index}", "object", "Row", size=MB // 10)

    (pile,) = find_piles(drawn(heap, tmp_path))

    assert (pile.holder, len(pile.members), pile.retained_bytes) == (store, 40, 4 * MB + 100)


def test_several_large_children_are_each_followed_and_the_rest_is_small(tmp_path: Path) -> None:
    heap = SnapshotBuilder()
    app = heap.add(heap.global_object(), "property", "app", "object", "App", size=100)
    one, two = (heap.add(app, "property", name, "object", "Store", size=2 * MB) for name in ("one", "two"))
    heap.add(app, "property", "three", "object", "Small", size=1000)

    assert [pile.holder for pile in find_piles(drawn(heap, tmp_path))] == [one, two]


def test_what_is_left_beside_large_children_is_a_suspect_of_its_own(tmp_path: Path) -> None:
    heap = SnapshotBuilder()
    app = heap.add(heap.global_object(), "property", "app", "object", "App", size=0)
    giant = heap.add(app, "property", "giant", "object", "Store", size=3 * MB)
    rows = [heap.add(app, "property", f"row{index}", "object", "Row", size=MB // 10) for index in range(30)]

    piles = {pile.holder: pile for pile in find_piles(drawn(heap, tmp_path))}

    assert set(piles) == {app, giant}
    assert piles[app].retained_bytes == 3 * MB
    assert sorted(piles[app].members.tolist()) == rows


def test_a_scope_is_passed_and_its_variables_are_the_suspects(tmp_path: Path) -> None:
    heap = SnapshotBuilder()
    function = heap.add(heap.global_object(), "property", "main", "closure", "main", size=64)
    scope = heap.add(function, "internal", "context", "object", "system / Context", size=64)
    one, two = (heap.add(scope, "context", name, "object", "Map", size=2 * MB) for name in ("one", "two"))

    assert [pile.holder for pile in find_piles(drawn(heap, tmp_path))] == [one, two]


def test_members_that_two_collections_hold_are_a_class_with_a_common_holder(tmp_path: Path) -> None:
    heap = SnapshotBuilder()
    world = heap.global_object()
    lists = [heap.add(world, "property", name, "object", "Array", size=32) for name in ("a", "b")]
    members = []
    for index in range(30):
        members.append(heap.add(lists[0], "element", index, "object", "Row", size=MB // 10))
        heap.edge(lists[1], "element", index, members[-1])

    (pile,) = find_piles(drawn(heap, tmp_path))

    assert (pile.holder, pile.is_class, pile.retained_bytes) == (lists[0], True, 3 * MB)
    assert pile.members.tolist() == members


def test_members_held_here_and_there_have_no_common_holder(tmp_path: Path) -> None:
    heap = SnapshotBuilder()
    world = heap.global_object()
    for index in range(30):
        pair = [heap.add(world, "property", f"{name}{index}", "object", "Pair", size=32) for name in "ab"]
        row = heap.add(pair[0], "property", "row", "object", "Row", size=MB // 10)
        heap.edge(pair[1], "property", "row", row)

    view = drawn(heap, tmp_path)
    (pile,) = find_piles(view)

    assert (pile.holder, len(pile.members)) == (None, 30)
    (finding,) = find_suspects(view)
    assert finding.title == "30 Row without a common holder retain 3.00 MB (100 % of the heap)"


def test_texts_everywhere_and_small_heaps_raise_no_suspicion(tmp_path: Path) -> None:
    heap = SnapshotBuilder()
    world = heap.global_object()
    for index in range(30):
        owners = [
            heap.add(world, "property", f"{name}{index}", "object", f"C{index}", size=32) for name in "ab"
        ]
        text = heap.add(owners[0], "property", "text", "string", f"t{index}", size=MB // 10)
        heap.edge(owners[1], "property", "text", text)
    heap.add(world, "property", "cache", "object", "Map", size=MB // 2)

    assert find_piles(drawn(heap, tmp_path)) == []


def test_a_chain_through_a_second_class_is_one_pile_at_its_head(tmp_path: Path) -> None:
    heap = SnapshotBuilder()
    node = heap.add(heap.global_object(), "property", "head", "object", "Link", size=MB // 10)
    head = node
    for _ in range(29):
        cell = heap.add(node, "property", "cell", "object", "Cell", size=32)
        node = heap.add(cell, "property", "next", "object", "Link", size=MB // 10)

    (pile,) = find_piles(drawn(heap, tmp_path))

    assert (pile.holder, pile.chain, len(pile.members)) == (head, True, 30)


def test_piles_are_the_same_every_time(suspects_heap: HeapGraph) -> None:
    assert find_suspects(view_of(suspects_heap)) == find_suspects(view_of(suspects_heap))
