"""Detached nodes without a holder are counted by class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from heapsleuth.heap.opening import open_heap
from heapsleuth.leaks.detached_growth import detached_growth
from heapsleuth.leaks.model import Verdict
from tests.snapshot_builder import NODE22, SnapshotBuilder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from heapsleuth.heap.graph import HeapGraph
    from heapsleuth.leaks.model import Finding

DETACHED, ATTACHED = 2, 1


def heap_with(path: Path, kinds: dict[str, int], state: int = DETACHED) -> HeapGraph:
    heap = SnapshotBuilder()
    heap.global_object()
    roots = heap.add(heap.root, "element", 1, "synthetic", "(GC roots)")
    document = heap.add(roots, "element", 1, "native", "HTMLDocument", id=1000, detachedness=ATTACHED)
    names = [name for name, count in kinds.items() for _ in range(count)]
    for number, name in enumerate(names):
        # The browser's objects have even ids.
        heap.add(roots, "element", number, "native", name, id=2000 + 2 * number, size=80, detachedness=state)
    heap.edge(document, "element", 2, heap.root)
    return open_heap(str(heap.write(path, NODE22)), index=False)


def found(folder: Path, counts: Sequence[int], told: Sequence[Finding] = (), **other: int) -> list[Finding]:
    graphs = [
        heap_with(folder / f"{index}.heapsnapshot", {"<li>": count, **other})
        for index, count in enumerate(counts)
    ]
    return detached_growth(
        graphs, [10.0 * (index + 1) for index in range(len(graphs))], told, per="per click"
    )


def test_a_class_of_detached_nodes_that_rises_in_every_interval_is_undecided(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, (10, 30, 50), **{"<ul>": 5})
    assert finding.verdict is Verdict.UNDECIDED
    assert finding.category == "detached-dom"
    assert finding.members.class_name == "Detached <li>"
    assert finding.members.counts == (10, 30, 50)
    assert finding.members.count_per_work == pytest.approx(2)
    assert finding.members.retained_bytes == (800, 2400, 4000)
    assert finding.fix is not None
    assert finding.title == "2 <li> per click leave the document and stay in memory"


@pytest.mark.parametrize("counts", [(10, 30, 30), (50, 30, 60), (10, 12, 14), (40, 40, 40)])
def test_what_stands_still_falls_or_hardly_rises_is_not_told(tmp_path: Path, counts: tuple[int, ...]) -> None:
    assert found(tmp_path, counts) == []


def test_nothing_is_added_where_a_holder_was_found(tmp_path: Path) -> None:
    told = found(tmp_path, (10, 30, 50))
    assert found(tmp_path, (10, 30, 50), told) == []


def test_attached_nodes_and_objects_of_node_do_not_count(tmp_path: Path) -> None:
    attached = [heap_with(tmp_path / f"a{n}.heapsnapshot", {"<li>": 20 * n}, ATTACHED) for n in (1, 2, 3)]
    runtime = [heap_with(tmp_path / f"n{n}.heapsnapshot", {"Node / Script": 20 * n}) for n in (1, 2, 3)]
    assert detached_growth(attached, [1, 2, 3], [], per="") == []
    assert detached_growth(runtime, [1, 2, 3], [], per="") == []
