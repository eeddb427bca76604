"""What each class uses, for budgets: counted in the last snapshot, growth since the first."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from heapsleuth.scenarios.criteria import ClassUse

if TYPE_CHECKING:
    from heapsleuth.heap.graph import HeapGraph

__all__ = ["class_uses"]


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
