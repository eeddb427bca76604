"""What each class uses, for budgets: counted in the last snapshot, growth since the first."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from heapsleuth.heap.opening import open_heap
from heapsleuth.scenarios.criteria import ClassUse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapsleuth.heap.graph import HeapGraph

__all__ = ["class_uses", "read_class_uses"]


def read_class_uses(snapshots: Sequence[tuple[str, float]]) -> dict[str, ClassUse] | None:
    """
    Return what each class uses from snapshot files, each with the work done when it was taken.

    Returns:
        None without snapshots; growth is unknown with one.

    Raises:
        SnapshotError: A file cannot be read.
    """
    if not snapshots:
        return None
    (first, begun), (last, done) = snapshots[0], snapshots[-1]
    end = open_heap(last, index=False)
    if len(snapshots) == 1:
        return class_uses(end)
    return class_uses(end, open_heap(first, index=False), done - begun)


def class_uses(last: HeapGraph, first: HeapGraph | None = None, work: float = 0.0) -> dict[str, ClassUse]:
    """
    Return count and growth of every class by name; classes of one name count together.

    Args:
        last: The heap that objects are counted in.
        first: The heap that growth is measured from; None leaves growth unknown.
        work: Units of work between the two.
    """
    counts: dict[str, int] = defaultdict(int)
    for row in last.classes():
        counts[row.name] += row.count
    sizes = _sizes(last)
    if first is None or work <= 0:
        return {name: ClassUse(count, None) for name, count in counts.items()}
    before = _sizes(first)
    return {
        name: ClassUse(count, (sizes[name] - before.get(name, 0)) / work) for name, count in counts.items()
    }


def _sizes(heap: HeapGraph) -> dict[str, int]:
    sizes: dict[str, int] = defaultdict(int)
    for row in heap.classes():
        sizes[row.name] += row.shallow_size
    return sizes
