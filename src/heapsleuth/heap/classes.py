"""Classes: which objects belong together, how many there are and what they hold.

As in Chrome DevTools, an object's class is its constructor's name and place of declaration, a plain
object's its shape, and everything else is grouped by type.  Objects whose size went to an owner are
members of a class but not counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.detached import DETACHED
from heapsleuth.heap.kinds import NodeType, node_type_name
from heapsleuth.heap.shapes import collect_plain_objects, infer_shapes, match_shapes
from heapsleuth.kernels import classes as _classes
from heapsleuth.kernels import retained as _retained

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from heapsleuth.heap.columns import Columns, UInt
    from heapsleuth.heap.shapes import Shape

__all__ = ["ClassKeys", "ClassRow", "ClassTable", "class_keys", "class_name_of", "class_sums"]

_TYPE_NAMES = {
    NodeType.HIDDEN: "(system)",
    NodeType.CODE: "(compiled code)",
    NodeType.CLOSURE: "Function",
    NodeType.REGEXP: "RegExp",
}
_FARTHEST = np.iinfo(np.int32).max


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One class of one heap."""

    class_id: int
    """Index into the class table."""
    name: str
    script: int | None
    """V8's id, valid within one process, of the script that declares the class; None if unknown."""
    line: int | None
    """0-based line of the declaration, as in the file."""
    column: int | None
    """0-based column of the declaration."""
    count: int
    """Members whose shallow size is not 0."""
    shallow_size: int
    """Bytes of all members."""
    retained_size: int
    """Bytes kept by members, each byte counted once per class."""
    distance: int
    """Smallest distance of a counted member."""


@dataclass(frozen=True, slots=True, eq=False)
class ClassKeys:
    """What makes the c classes of a heap distinct."""

    ids: NDArray[np.uint32]
    """(n,) class by node."""
    names: list[str]
    """(c,) names; several classes can share one."""
    places: NDArray[np.int64]
    """(c, 3) script id, 0-based line, 0-based column of the declaration; -1 where unknown."""
    shapes: list[Shape]
    """The shapes plain objects were sorted by."""


@dataclass(frozen=True, slots=True, eq=False)
class ClassTable:
    """The c classes of a heap as columns; the class id is the index."""

    names: list[str]
    places: NDArray[np.int64]
    """(c, 3) script id, 0-based line, 0-based column of the declaration; -1 where unknown."""
    counts: NDArray[np.uint64]
    """(c,) members whose shallow size is not 0."""
    shallow_sizes: NDArray[np.uint64]
    """(c,) bytes."""
    retained_sizes: NDArray[np.uint64]
    """(c,) bytes, each counted once per class."""
    distances: NDArray[np.int32]
    """(c,) smallest distance of a counted member."""

    def __len__(self) -> int:
        return len(self.names)

    def row(self, class_id: int) -> ClassRow:
        """Return one class."""
        script, line, column = (None if value < 0 else value for value in self.places[class_id].tolist())
        return ClassRow(
            int(class_id),
            self.names[class_id],
            script,
            line,
            column,
            int(self.counts[class_id]),
            int(self.shallow_sizes[class_id]),
            int(self.retained_sizes[class_id]),
            int(self.distances[class_id]),
        )

    def rows(self) -> list[ClassRow]:
        """Return the classes that have members, those that retain most first."""
        present = np.flatnonzero(self.counts)
        order = np.lexsort((present, -self.retained_sizes[present].astype(np.int64)))
        return [self.row(int(class_id)) for class_id in present[order]]


def class_name_of(name: str) -> str:
    """Return the class of an object or native node called *name*: `<div id="a">` counts as `<div>`."""
    begin = 0 if name.startswith("<") else 10 if name.startswith("Detached <") else None
    if begin is None:
        return name
    blank = name.find(" ", begin)
    return name if blank < 0 else f"{name[:blank]}>"


def class_keys(
    columns: Columns, states: NDArray[np.uint8], shapes: Sequence[Shape] | None = None
) -> ClassKeys:
    """
    Sort all nodes into classes.

    Args:
        columns: The heap.
        states: (n,) what `detached_states` gives.
        shapes: Sort plain objects by these shapes, for a comparison with the heap they are of; None
            finds shapes in this heap.
    """
    numbers: dict[str, int] = {}

    def number(name: str) -> int:
        return numbers.setdefault(name, len(numbers))

    type_classes = np.array(
        [number(_TYPE_NAMES.get(kind, f"({node_type_name(kind)})")) for kind in NodeType], np.uint32
    )
    used = np.zeros(len(columns.strings), np.uint8)
    _classes.mark_class_names(columns.node_types, columns.node_names, used)
    indices = np.flatnonzero(used)
    name_classes = np.zeros(len(columns.strings), np.uint32)
    name_classes[indices] = [number(class_name_of(name)) for name in columns.strings.decode_many(indices)]
    ids = np.empty(columns.node_count, np.uint32)
    _classes.assign_classes(columns.node_types, columns.node_names, type_classes, name_classes, ids)

    if len(states):
        nodes = np.flatnonzero((states == DETACHED) & (columns.node_types == NodeType.NATIVE))
        indices, back = np.unique(columns.node_names[nodes], return_inverse=True)
        texts = columns.strings.decode_many(indices)
        detached = np.array([number(class_name_of(f"Detached {text}")) for text in texts], np.uint32)
        ids[nodes] = detached[back] if len(nodes) else 0
    used_shapes: list[Shape] = []
    plain = collect_plain_objects(columns)
    if plain:
        used_shapes = infer_shapes(columns, plain) if shapes is None else list(shapes)
        matches = match_shapes(columns, plain, used_shapes)
        # The last one, which -1 picks, is for objects without a shape.
        shape_names = [*(shape.name for shape in used_shapes), "Object"]
        shape_classes = np.array([number(name) for name in shape_names], np.uint32)
        ids[plain.nodes] = shape_classes[matches]
    names = list(numbers)
    places = _split_by_place(columns, ids, names)
    return ClassKeys(ids, names, places, used_shapes)


def _split_by_place(columns: Columns, ids: NDArray[np.uint32], names: list[str]) -> NDArray[np.int64]:
    """Give located objects classes of their own; extends *names*, returns the places of all classes."""
    places = np.full((len(names), 3), -1, np.int64)
    nodes = columns.location_nodes
    chosen = np.flatnonzero(columns.node_types[nodes] == NodeType.OBJECT)
    if not len(chosen):
        return places
    nodes = nodes[chosen]
    rows = np.empty((len(chosen), 4), np.uint32)
    rows[:, 0] = ids[nodes]
    rows[:, 1] = columns.location_scripts[chosen]
    rows[:, 2] = columns.location_lines[chosen]
    rows[:, 3] = columns.location_columns[chosen]
    groups, members = np.empty((2, len(rows)), np.uint32)
    table = np.full(1 << (2 * len(rows)).bit_length(), 0xFFFFFFFF, np.uint32)
    first = members[: _classes.group_rows(rows, table, groups, members)]
    # Where a node has two locations the last one counts, as assignment does.
    groups += np.uint32(len(names))
    ids[nodes] = groups
    names.extend([names[base] for base in rows[first, 0].tolist()])
    return np.concatenate([places, rows[first, 1:].astype(np.int64)])


def class_sums(
    size: int,
    class_ids: NDArray[np.uint32],
    shallow_sizes: UInt,
    retained_sizes: UInt,
    distances: NDArray[np.int32],
    order: NDArray[np.uint32],
    subtree_counts: NDArray[np.uint32],
) -> tuple[NDArray[np.uint64], NDArray[np.uint64], NDArray[np.uint64], NDArray[np.int32]]:
    """
    Add the classes up.

    Args:
        size: How many classes there are.
        class_ids: (n,) class by node.
        shallow_sizes: (n,) bytes.
        retained_sizes: (n,) bytes.
        distances: (n,).
        order: (n,) preorder of the dominator tree.
        subtree_counts: (n,) by position in *order*.

    Returns:
        The columns `counts`, `shallow_sizes`, `retained_sizes` and `distances` of a `ClassTable`.
    """
    counts, sums, retained = (np.zeros(size, np.uint64) for _ in range(3))
    nearest = np.full(size, _FARTHEST, np.int32)
    _classes.add_up_classes(class_ids, shallow_sizes, distances, counts, sums, nearest)
    ends = np.zeros(size, np.uint32)
    _retained.class_retained_sizes(
        order, subtree_counts, class_ids, shallow_sizes, retained_sizes, ends, retained
    )
    return counts, sums, retained, nearest
