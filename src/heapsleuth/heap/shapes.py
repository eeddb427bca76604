"""Plain objects by their properties: `{id, name}` instead of one big class `Object`.

The rules are Chrome DevTools'.  A *shape* is a list of property names that at least two objects and one
plain object in a thousand have; an object counts for the largest shape all of whose properties it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import EdgeType, NodeType
from heapsleuth.heap.text import format_property, js_length
from heapsleuth.kernels import classes as _classes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from heapsleuth.heap.columns import Columns, UInt

__all__ = ["PlainObjects", "Shape", "collect_plain_objects", "infer_shapes", "match_shapes"]

_LONGEST_NAME = 120
_FEWEST_OBJECTS = 2
_SMALLEST_SHARE = 1000
_NONE = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Shape:
    """A list of properties that plain objects have in common."""

    name: str
    """As shown: `{a, b}`; of long lists only the beginning."""
    properties: tuple[str, ...]
    count: int
    """Objects that have exactly these, in this order, as their first properties."""


@dataclass(frozen=True, slots=True, eq=False)
class PlainObjects:
    """The k objects made by `Object`, and which of them have the same properties in the same order."""

    nodes: NDArray[np.uint32]
    """(k,) ascending."""
    groups: NDArray[np.uint32]
    """(k,) number of each object's list of properties."""
    starts: UInt
    """(groups,) first edge of the first object of each group."""
    ends: UInt
    """(groups,) edge to stop before."""
    counts: NDArray[np.int64]
    """(groups,) objects in each group."""
    property_texts: dict[int, str]
    """Property names in use, by string index."""


def collect_plain_objects(columns: Columns) -> PlainObjects | None:
    """Return the plain objects, None if there are none."""
    index = columns.strings.find("Object")
    if index is None:
        return None
    hit = columns.node_names == np.uint32(index)
    hit &= columns.node_types == NodeType.OBJECT
    nodes = np.flatnonzero(hit).astype(np.uint32)
    del hit
    if not len(nodes):
        return None
    starts, ends = columns.first_edges[nodes], columns.first_edges[nodes + np.uint32(1)]
    groups, members = _group(columns, starts, ends)
    starts, ends = starts[members], ends[members]
    used = np.zeros(len(columns.strings), np.uint8)
    _classes.mark_edge_names(
        starts, ends, columns.edge_types, columns.edge_names, 1 << EdgeType.PROPERTY, used
    )
    names = np.flatnonzero(used)
    texts = dict(zip(names.tolist(), columns.strings.decode_many(names), strict=True))
    return PlainObjects(nodes, groups, starts, ends, np.bincount(groups), texts)


def infer_shapes(columns: Columns, plain: PlainObjects) -> list[Shape]:
    """Return the shapes of this heap, the most frequent first, then in order of appearance."""
    widths = np.zeros(len(columns.strings), np.uint32)
    for index, text in plain.property_texts.items():
        widths[index] = js_length(format_property(text))
    ends = plain.ends.copy()
    _classes.cut_shapes(
        plain.starts, columns.edge_types, columns.edge_names, _proto(columns), widths, _LONGEST_NAME, ends
    )
    groups, members = _group(columns, plain.starts, ends)
    counts = np.zeros(len(members), np.int64)
    np.add.at(counts, groups, plain.counts)
    fewest = max(_FEWEST_OBJECTS, len(plain.nodes) / _SMALLEST_SHARE)
    shapes = []
    for group in np.argsort(-counts, kind="stable"):
        if counts[group] < fewest:
            break
        member = members[group]
        properties = _properties(columns, plain, int(plain.starts[member]), int(ends[member]))
        if properties:
            name = "{" + ", ".join(map(format_property, properties)) + "}"
            shapes.append(Shape(name, properties, int(counts[group])))
    return shapes


def match_shapes(columns: Columns, plain: PlainObjects, shapes: Sequence[Shape]) -> NDArray[np.int32]:
    """
    Find the shape each plain object counts for.

    Args:
        columns: The heap.
        plain: Its plain objects.
        shapes: Of this heap or of another one, the first wins among equally large ones.

    Returns:
        (k,) int32 index into *shapes*, -1 for none.
    """
    if not shapes:
        return np.full(len(plain.nodes), -1, np.int32)
    slots: dict[str, list[tuple[int, int]]] = {}
    for number, shape in enumerate(shapes):
        ranks: dict[str, int] = {}
        for name in shape.properties:
            rank = ranks.get(name, 0)
            ranks[name] = rank + 1
            slots.setdefault(name, []).append((number, rank))
    numbers = {name: slot for slot, name in enumerate(slots)}
    name_slots = np.full(len(columns.strings), _NONE, np.uint32)
    for index, text in plain.property_texts.items():
        name_slots[index] = numbers.get(text, _NONE)
    first_uses = np.zeros(len(slots) + 1, np.uint32)
    first_uses[1:] = np.cumsum([len(uses) for uses in slots.values()])
    uses = np.array([use for listed in slots.values() for use in listed], np.uint32)
    matches = np.empty(len(plain.starts), np.int32)
    _classes.match_shapes(
        plain.starts,
        plain.ends,
        columns.edge_types,
        columns.edge_names,
        name_slots,
        first_uses,
        np.ascontiguousarray(uses[:, 0]),
        np.ascontiguousarray(uses[:, 1]),
        np.array([len(shape.properties) for shape in shapes], np.uint32),
        np.zeros((4, max(len(slots), len(shapes))), np.int64),
        matches,
    )
    return matches[plain.groups]


def _proto(columns: Columns) -> int:
    index = columns.strings.find("__proto__")
    return _NONE if index is None else index


def _group(columns: Columns, starts: UInt, ends: UInt) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Return (group by object, first object by group)."""
    groups = np.empty(len(starts), np.uint32)
    members = np.empty(len(starts), np.uint32)
    table = np.full(1 << (2 * len(starts)).bit_length(), _NONE, np.uint32)
    count = _classes.group_shapes(
        starts, ends, columns.edge_types, columns.edge_names, _proto(columns), table, groups, members
    )
    return groups, members[:count].copy()


def _properties(columns: Columns, plain: PlainObjects, start: int, end: int) -> tuple[str, ...]:
    kinds, names = columns.edge_types[start:end].tolist(), columns.edge_names[start:end].tolist()
    proto = _proto(columns)
    return tuple(
        plain.property_texts[name]
        for kind, name in zip(kinds, names, strict=True)
        if kind == EdgeType.PROPERTY and name != proto
    )
