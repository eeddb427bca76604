"""What keeps members and what was made with them, on drawn heaps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.graph import HeapGraph
from heapsleuth.heap.readers import read
from heapsleuth.leaks.entrances import Entrances
from heapsleuth.leaks.history import Moment
from heapsleuth.leaks.neighbours import surroundings, together
from tests.snapshot_builder import NODE22, SnapshotBuilder

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


class Drawn:
    """A heap in which some nodes are new."""

    def __init__(self) -> None:
        self.heap = SnapshotBuilder()
        self.app = self.heap.add(self.heap.global_object(), "property", "app", "object", "App")
        self.new: list[int] = []

    def old(self, name: str, kind: str) -> int:
        return self.heap.add(self.app, "property", name, "object", kind)

    def made(self, source: int, edge: str, name: str | int, kind: str) -> int:
        self.new.append(self.heap.add(source, edge, name, "object", kind))
        return self.new[-1]

    def done(self, folder: Path) -> tuple[HeapGraph, NDArray[np.uint8]]:
        graph = HeapGraph(read(str(self.heap.write(folder / "drawn.heapsnapshot", NODE22))))
        births = np.zeros(graph.node_count, dtype=np.uint8)
        births[self.new] = 1
        return graph, births


def test_old_objects_that_keep_members_are_found_through_new_ones(tmp_path: Path) -> None:
    drawn = Drawn()
    queue, ring = drawn.old("queue", "Array"), drawn.old("ring", "Ring")
    members = [drawn.made(queue, "element", i, "Job") for i in range(4)]
    for i, member in enumerate(members[:3]):
        slot = drawn.made(ring, "property", f"s{i}", "Slot")
        drawn.heap.edge(slot, "property", "job", member)
    graph, births = drawn.done(tmp_path)

    findings, old = Entrances(Moment(graph, graph.node_ids), births, {queue: frozenset({0})}).of(members)

    assert findings == {0: 1.0}
    assert old == {ring: 0.75}


def test_a_weak_reference_keeps_nothing(tmp_path: Path) -> None:
    drawn = Drawn()
    queue, side, registry = drawn.old("queue", "Array"), drawn.old("side", "WeakMap"), drawn.old("ref", "Ref")
    member = drawn.made(queue, "element", 0, "Job")
    drawn.heap.edge(side, "internal", "7", member)
    drawn.heap.edge(registry, "weak", "target", member)
    graph, births = drawn.done(tmp_path)

    _, old = Entrances(Moment(graph, graph.node_ids), births, {}).of([member])

    assert old == {queue: 1.0}


def test_a_walk_ends_at_the_members_of_another_finding(tmp_path: Path) -> None:
    drawn = Drawn()
    sessions = drawn.old("sessions", "Map")
    session = drawn.made(sessions, "property", "a", "Session")
    child = drawn.made(session, "property", "child", "Child")
    graph, births = drawn.done(tmp_path)

    findings, old = Entrances(Moment(graph, graph.node_ids), births, {session: frozenset({3})}).of([child])

    assert findings == {3: 1.0}
    assert old == {}


def test_members_that_share_an_object_of_their_own_were_made_together(tmp_path: Path) -> None:
    drawn = Drawn()
    first, second, third = (drawn.old(name, "Array") for name in ("first", "second", "third"))
    config = drawn.made(drawn.app, "property", "config", "Config")
    ones, twos, threes = [], [], []
    for i in range(5):
        ones.append(drawn.made(first, "element", i, "One"))
        twos.append(drawn.made(second, "element", i, "Two"))
        threes.append(drawn.made(third, "element", i, "Three"))
        scope = drawn.made(ones[-1], "property", "scope", "Scope")
        drawn.heap.edge(twos[-1], "property", "scope", scope)
        for member in (ones[-1], twos[-1], threes[-1]):
            # What all refer to says nothing about who was made with whom.
            drawn.heap.edge(member, "property", "config", config)
    graph, births = drawn.done(tmp_path)
    one, two, three = (surroundings(graph, births, np.array(nodes)) for nodes in (ones, twos, threes))

    assert together(one, two) == 1.0
    assert together(two, one) == 1.0
    assert together(one, three) == 0.0


def test_nothing_was_made_with_nothing(tmp_path: Path) -> None:
    drawn = Drawn()
    graph, births = drawn.done(tmp_path)
    nobody = surroundings(graph, births, np.empty(0, dtype=np.int64))

    assert together(nobody, nobody) == 0.0
