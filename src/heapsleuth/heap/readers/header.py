"""The header of a V8 snapshot: the object `snapshot`, checked, with every field found by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from heapsleuth.errors import SnapshotError
from heapsleuth.heap.kinds import EdgeType, edge_type_code, node_type_code

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Layout", "parse_layout"]

NODE_FIELDS = ("type", "name", "id", "self_size", "edge_count")
EDGE_FIELDS = ("type", "name_or_index", "to_node")
LOCATION_FIELDS = ("object_index", "script_id", "line", "column")
MAX_FIELDS = 32
"""V8 has had 5 to 7 fields per node; far more is no snapshot."""
MAX_TYPES = 255
_INDEXED_EDGES = frozenset((EdgeType.ELEMENT, EdgeType.HIDDEN))


@dataclass(frozen=True, slots=True)
class Layout:
    """How the numbers of one file are to be read."""

    node_count: int
    edge_count: int
    node_fields: NDArray[np.int32]
    """(7,) numbers per node, then places of type, name, id, self_size, edge_count, detachedness (or -1)."""
    edge_fields: NDArray[np.int32]
    """(4,) numbers per edge, then places of type, name_or_index, to_node."""
    location_fields: NDArray[np.int32] | None
    """(5,) numbers per location, then places of object_index, script_id, line, column; None: not given."""
    node_types: NDArray[np.uint8]
    """NodeType code of each node type of the file."""
    edge_types: NDArray[np.uint8]
    """EdgeType code of each edge type of the file."""
    named_edges: NDArray[np.uint8]
    """1 where an edge type of the file has a string for its name."""
    extra_native_bytes: int
    meta: dict[str, object]
    """The object `snapshot` as parsed."""

    @property
    def node_width(self) -> int:
        """Numbers per node."""
        return int(self.node_fields[0])

    @property
    def edge_width(self) -> int:
        """Numbers per edge."""
        return int(self.edge_fields[0])


def parse_layout(path: str, snapshot: object) -> Layout:
    """
    Check the parsed object `snapshot` of a file.

    Args:
        path: The file, for messages.
        snapshot: Whatever JSON stands there.

    Raises:
        SnapshotError: Something that is needed is missing or absurd.
    """
    header = _mapping(path, snapshot, "snapshot")
    meta = _mapping(path, header.get("meta"), "snapshot.meta")
    if header.get("root_index"):
        raise _bad(path, f"snapshot.root_index is {header['root_index']!r}, expected the root to come first")
    node_fields, node_width = _places(path, meta, "node_fields", NODE_FIELDS)
    edge_fields, edge_width = _places(path, meta, "edge_fields", EDGE_FIELDS)
    node_names = _names(path, meta, "node_fields")
    detached = node_names.index("detachedness") if "detachedness" in node_names else -1
    locations: NDArray[np.int32] | None = None
    if "location_fields" in meta:
        location_fields, location_width = _places(path, meta, "location_fields", LOCATION_FIELDS)
        locations = np.array([location_width, *location_fields], np.int32)
    node_types = _types(path, meta, "node_types", node_fields[0])
    edge_types = _types(path, meta, "edge_types", edge_fields[0])
    edge_codes = [edge_type_code(name) for name in edge_types]
    extra = header.get("extra_native_bytes", 0)
    return Layout(
        node_count=_count(path, header, "node_count", least=1, most=2**32 - 2),
        edge_count=_count(path, header, "edge_count", least=0, most=2**62),
        node_fields=np.array([node_width, *node_fields, detached], np.int32),
        edge_fields=np.array([edge_width, *edge_fields], np.int32),
        location_fields=locations,
        node_types=np.array([node_type_code(name) for name in node_types], np.uint8),
        edge_types=np.array(edge_codes, np.uint8),
        named_edges=np.array([code not in _INDEXED_EDGES for code in edge_codes], np.uint8),
        extra_native_bytes=extra if isinstance(extra, int) and extra > 0 else 0,
        meta=header,
    )


def _bad(path: str, problem: str) -> SnapshotError:
    return SnapshotError(
        path,
        problem,
        section="header",
        advice="The file was changed, or comes from a tool whose format is not known here.",
    )


def _mapping(path: str, value: object, name: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise _bad(path, f"{name} is missing or no object")
    return cast("dict[str, object]", value)


def _names(path: str, meta: dict[str, object], key: str) -> list[str]:
    value = meta.get(key)
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise _bad(path, f"snapshot.meta.{key} is missing or no list of names")
    return cast("list[str]", value)


def _places(path: str, meta: dict[str, object], key: str, wanted: Sequence[str]) -> tuple[list[int], int]:
    """Return where each of the *wanted* fields stands, and how many fields there are."""
    names = _names(path, meta, key)
    if len(names) > MAX_FIELDS:
        raise _bad(path, f"snapshot.meta.{key} has {len(names)} fields, expected at most {MAX_FIELDS}")
    missing = [name for name in wanted if name not in names]
    if missing:
        raise _bad(
            path, f"snapshot.meta.{key} has no field {missing[0]!r}, only {', '.join(names) or 'none'}"
        )
    return [names.index(name) for name in wanted], len(names)


def _types(path: str, meta: dict[str, object], key: str, place: int) -> list[str]:
    """
    Return the type names.

    The table has one entry per field, the type's own is the list of names.  Node 24 writes one
    entry too many, so the length of the table is not checked.
    """
    table = meta.get(key)
    names = table[place] if isinstance(table, list) and place < len(table) else None
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise _bad(path, f"snapshot.meta.{key}[{place}] is missing or no list of type names")
    if len(names) > MAX_TYPES:
        raise _bad(path, f"snapshot.meta.{key}[{place}] has {len(names)} types, expected at most {MAX_TYPES}")
    return cast("list[str]", names)


def _count(path: str, header: dict[str, object], key: str, *, least: int, most: int) -> int:
    value = header.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _bad(path, f"snapshot.{key} is {value!r}, expected a whole number")
    if not least <= value <= most:
        raise _bad(path, f"snapshot.{key} is {value:,}, expected {least:,} to {most:,}")
    return value
