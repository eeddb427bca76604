"""DevTools' comparison of two snapshots: per class what is new, what is gone, and the bytes of both.

An object counts as the same when its id and its class are; one that changed its class is deleted from
the one and new in the other.  Plain objects of both snapshots are sorted by the shapes of the newer
one, sizes are those after backing stores were given to their owners, and objects without size of their
own are left out, all as in Chrome DevTools.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import NodeType
from heapsleuth.heap.sources import Sources
from heapsleuth.leaks.identity import Positions
from heapsleuth.leaks.model import ClassDelta, Comparison

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heapsleuth.heap.graph import HeapGraph
    from heapsleuth.places import SourceLocation

__all__ = ["compare"]

_NO_CLASS = np.uint32(0xFFFFFFFF)


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """One snapshot's nodes by the classes common to both."""

    graph: HeapGraph
    classes: NDArray[np.uint32]
    """(n,) number of the common class, `_NO_CLASS` for nodes without size."""

    def tally(self, chosen: NDArray[np.bool_], size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return (size,) members and (size,) bytes of the *chosen* nodes by class."""
        nodes = np.flatnonzero(chosen)
        classes = self.classes[nodes]
        counts = np.bincount(classes, minlength=size)
        # Doubles are exact to 2**53 bytes.
        sums = np.bincount(classes, weights=self.graph.shallow_sizes[nodes], minlength=size)
        return counts.astype(np.int64), sums.astype(np.int64)


def compare(
    before: HeapGraph, after: HeapGraph, sources: Sources, *, inputs: tuple[int, int] = (0, 1)
) -> Comparison:
    """
    Compare two snapshots of one process class by class; unchanged classes are dropped.

    Args:
        before: The older snapshot.
        after: The newer one.
        sources: Source locations of *after*.
        inputs: Which inputs of the report the two are.
    """
    older, newer, names = _sides(before, after)
    kept_older, kept_newer = _same_objects(older, newer)
    size = len(names)
    new, allocated = newer.tally((newer.classes != _NO_CLASS) & ~kept_newer, size)
    deleted, freed = older.tally((older.classes != _NO_CLASS) & ~kept_older, size)
    changed = np.flatnonzero(new + deleted)
    places = _Places(older, newer, sources)
    rows = [
        ClassDelta(
            class_name=names[index],
            location=places.of(index),
            new=int(new[index]),
            deleted=int(deleted[index]),
            delta=int(new[index] - deleted[index]),
            allocated_bytes=int(allocated[index]),
            freed_bytes=int(freed[index]),
            delta_bytes=int(allocated[index] - freed[index]),
        )
        for index in changed.tolist()
    ]
    rows.sort(key=lambda row: (-row.delta_bytes, row.class_name, str(row.location), -row.new))
    return Comparison(*inputs, tuple(rows))


def _sides(before: HeapGraph, after: HeapGraph) -> tuple[_Side, _Side, list[str]]:
    """Number the classes of both heaps alike; return both sides and the class names."""
    numbers: dict[tuple[str, tuple[int, ...]], int] = {}
    sides = []
    old_keys = before.classes_by_shapes_of(after)
    table = after.class_table
    for graph, ids, names, places in (
        (before, old_keys.ids, old_keys.names, old_keys.places),
        (after, after.class_ids, table.names, table.places),
    ):
        common = np.array(
            [
                numbers.setdefault((name, tuple(place)), len(numbers))
                for name, place in zip(names, places.tolist(), strict=True)
            ],
            dtype=np.uint32,
        )
        classes = common[ids]
        classes[graph.shallow_sizes == 0] = _NO_CLASS
        sides.append(_Side(graph, classes))
    return sides[0], sides[1], [name for name, _ in numbers]


def _same_objects(older: _Side, newer: _Side) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return for the nodes of each side whether the other has the same id in the same class."""
    at = Positions(older.graph.node_ids).find(newer.graph.node_ids)
    here = np.flatnonzero(at >= 0)
    there = at[here].astype(np.int64)
    # Ids of embedder nodes are even; V8 never keeps one, but an equal number counts as the same here.
    old_even, new_even = (np.flatnonzero(side.graph.node_ids & 1 == 0) for side in (older, newer))
    _, a, b = np.intersect1d(
        older.graph.node_ids[old_even], newer.graph.node_ids[new_even], return_indices=True
    )
    here, there = np.append(here, new_even[b]), np.append(there, old_even[a])
    same = older.classes[there] == newer.classes[here]
    kept_older = np.zeros(older.graph.node_count, dtype=bool)
    kept_newer = np.zeros(newer.graph.node_count, dtype=bool)
    kept_older[there[same]] = True
    kept_newer[here[same]] = True
    return kept_older, kept_newer


class _Places:
    """Where classes are declared; those of the older snapshot are looked up there only if need be."""

    def __init__(self, older: _Side, newer: _Side, sources: Sources) -> None:
        self._older, self._newer = older, newer
        self._sources = sources
        self._older_sources: Sources | None = None
        self._examples = [_examples(side) for side in (newer, older)]

    def of(self, index: int) -> SourceLocation | None:
        """Return the place of a class by its common number."""
        for examples, is_newer in zip(self._examples, (True, False), strict=True):
            node = examples.get(index)
            if node is None:
                continue
            if is_newer:
                return self._sources.location(node)
            if self._older_sources is None:
                self._older_sources = Sources(self._older.graph)
            return self._older_sources.location(node)
        return None


def _examples(side: _Side) -> dict[int, int]:
    """Return one located member per class, of the classes that have a place of declaration."""
    nodes = side.graph.columns.location_nodes
    nodes = nodes[(side.graph.node_types[nodes] == NodeType.OBJECT) & (side.classes[nodes] != _NO_CLASS)]
    classes, first = np.unique(side.classes[nodes], return_index=True)
    return dict(zip(classes.tolist(), nodes[first].tolist(), strict=True))
