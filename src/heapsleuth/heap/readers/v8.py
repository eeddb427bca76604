"""Heap snapshots of V8: Node, Chrome, Deno, Electron, and the ones Bun writes in the same format.

The file is one JSON object: `snapshot` (a header that names the fields), then long arrays of
unsigned integers (`nodes`, `edges`, `locations`, …) and at last the list `strings`.  A
`.heaptimeline` is the same with more sections.  Only the header has to come first; sections that
are not needed are stepped over.

Everything that is used as an index later is checked here, once.  Odd ids (JavaScript objects) must
be unique; even ids are not identities in any version of V8 and are not looked at.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from heapsleuth.errors import SnapshotError
from heapsleuth.heap.columns import Columns
from heapsleuth.heap.readers.columns import EdgeColumns, LocationColumns, NodeColumns, find_repeated_id
from heapsleuth.heap.readers.cursor import Cursor
from heapsleuth.heap.readers.foreign import identify, not_a_snapshot
from heapsleuth.heap.readers.header import Layout, parse_layout
from heapsleuth.heap.readers.memory import free_memory
from heapsleuth.heap.readers.numbers import NumberReader
from heapsleuth.heap.readers.source import open_source
from heapsleuth.heap.readers.text import read_strings

if TYPE_CHECKING:
    from collections.abc import Callable

    from heapsleuth.heap.readers.source import ByteSource
    from heapsleuth.heap.strings import StringTable

    Progress = Callable[[str, int, int | None], None]

__all__ = ["read"]

Made = TypeVar("Made", NodeColumns, EdgeColumns)

_BOM = b"\xef\xbb\xbf"
_HEAD_BYTES = 1 << 16
_SPARE_BYTES = 256 << 20
"""Columns below this size are allocated without asking how much memory there is."""


def read(path: str | os.PathLike[str], progress: Progress | None = None) -> Columns:
    """
    Read one snapshot into columns.

    Args:
        path: A `.heapsnapshot` or `.heaptimeline`, plain, gzip or zstd; `-` is standard input.
        progress: Called now and then as `progress(phase, done, total)`: the section being read,
            bytes of the file read so far and in all (None if not known).  Raising from it stops.

    Raises:
        SnapshotError: The file is no valid snapshot, or cannot be read.
        SnapshotTruncated: It stops before its end.
    """
    name = os.fspath(path)
    source = open_source(name)
    try:
        return _Document(source, progress).read()
    finally:
        source.close()


class _Document:
    """One pass over one file."""

    def __init__(self, source: ByteSource, progress: Progress | None) -> None:
        self._cursor = Cursor(source, progress)
        self._head = b""
        self._seen: set[str] = set()
        self._layout: Layout | None = None
        self._nodes: NodeColumns | None = None
        self._edges: EdgeColumns | None = None
        self._locations: LocationColumns | None = None
        self._strings: StringTable | None = None

    def read(self) -> Columns:
        try:
            columns = self._read()
        except SnapshotError:
            if self._cursor.source.changed():
                raise self._cursor.changed() from None
            raise
        if self._cursor.source.changed():
            raise self._cursor.changed()
        return columns

    def _read(self) -> Columns:
        cursor = self._cursor
        cursor.refill()
        self._head = bytes(cursor.block[: min(cursor.end, _HEAD_BYTES)])
        if self._head.startswith(_BOM):
            cursor.start = len(_BOM)
        if cursor.peek() != ord("{"):
            raise not_a_snapshot(cursor.path, self._head)
        cursor.expect("{")
        with NumberReader(cursor) as numbers:
            more = cursor.peek() != ord("}")
            while more:
                self._member(numbers)
                more = cursor.peek() == ord(",")
                if more:
                    cursor.expect(",")
        cursor.expect("}")
        if cursor.peek() != -1:
            cursor.section = "end of file"
            raise cursor.bad("something follows the end of the snapshot", cursor.offset)
        return self._finish()

    def _member(self, numbers: NumberReader) -> None:
        cursor = self._cursor
        key = cursor.key()
        if not self._seen and key != "snapshot" and b'"snapshot"' not in self._head and identify(self._head):
            raise not_a_snapshot(cursor.path, self._head)
        if key in self._seen:
            raise cursor.bad(f"there are two sections {key!r}", cursor.offset)
        self._seen.add(key)
        cursor.section = "header" if key == "snapshot" else key[:40]
        if key == "snapshot":
            self._layout = parse_layout(cursor.path, cursor.json_value())
        elif key == "nodes":
            layout = self._need_layout()
            self._nodes = nodes = self._allocate(NodeColumns, layout, layout.node_count, layout.node_width)
            numbers.read(layout.node_width, nodes)
            self._check_nodes(nodes, layout)
        elif key == "edges":
            layout = self._need_layout()
            self._edges = edges = self._allocate(EdgeColumns, layout, layout.edge_count, layout.edge_width)
            numbers.read(layout.edge_width, edges)
            self._check_count("edges", edges.row, layout.edge_count)
        elif key == "locations":
            layout = self._need_layout()
            self._locations = LocationColumns(cursor, layout)
            fields = layout.location_fields
            numbers.read(1 if fields is None else int(fields[0]), self._locations)
        elif key == "strings":
            self._strings = read_strings(cursor)
        else:
            cursor.skip()

    def _need_layout(self) -> Layout:
        if self._layout is None:
            if identify(self._head):
                raise not_a_snapshot(self._cursor.path, self._head)
            raise self._cursor.bad("this section comes before the header `snapshot`", self._cursor.offset)
        return self._layout

    def _allocate(self, make: type[Made], layout: Layout, count: int, width: int) -> Made:
        """
        Make columns for as many records as there can be.

        A header can say anything.  A number takes two bytes at least, so what is left of a plain
        file bounds the room; for the rest the memory of the machine does.
        """
        cursor = self._cursor
        size = cursor.source.size
        if size is not None:
            count = min(count, (size - cursor.offset) // (2 * width) + 1)
        need = count * make.bytes_per_row
        try:
            if need > _SPARE_BYTES and need > free_memory():
                raise MemoryError  # noqa: TRY301
            return make(cursor, layout, count)
        except (MemoryError, ValueError) as error:
            raise SnapshotError(
                cursor.path,
                f"{count:,} {cursor.section} need {need:,} bytes of memory, which are not free",
                section=cursor.section,
                advice="Close other programs or use a machine with more memory; about 1.2 times the size of"
                " the snapshot is needed. If the snapshot is small, its header is damaged.",
            ) from error

    def _check_count(self, what: str, found: int, expected: int) -> None:
        if found != expected:
            raise self._cursor.bad(
                f"found {found:,} {what}, the header says {expected:,}", self._cursor.offset
            )

    def _check_nodes(self, nodes: NodeColumns, layout: Layout) -> None:
        self._check_count("nodes", nodes.row, layout.node_count)
        bad = self._cursor.bad
        first_edges = nodes.first_edges
        first_edges[0] = 0
        edges = int(first_edges.sum(dtype=np.uint64))
        if edges != layout.edge_count:
            expected = f"the header says {layout.edge_count:,}"
            raise bad(f"the nodes have {edges:,} edges in all, {expected}", None)
        np.cumsum(first_edges, out=first_edges)
        twice = find_repeated_id(nodes.ids)
        if twice >= 0:
            raise bad(
                f"node {twice:,} has the id {int(nodes.ids[twice])}, which another one has already", None
            )

    def _finish(self) -> Columns:
        cursor = self._cursor
        if "snapshot" not in self._seen:
            raise not_a_snapshot(cursor.path, self._head)
        layout, nodes, edges, strings = self._layout, self._nodes, self._edges, self._strings
        if layout is None or nodes is None or edges is None or strings is None:
            missing = ", ".join(key for key in ("nodes", "edges", "strings") if key not in self._seen)
            cursor.section = "end of file"
            raise cursor.bad(f"there is no section {missing}", cursor.offset)
        count = len(strings)
        cursor.section = "strings"
        if nodes.largest_name >= count:
            at = int(np.flatnonzero(nodes.names >= count)[0])
            raise cursor.bad(
                f"node {at:,} has name {int(nodes.names[at]):,}, there are {count:,} strings", None
            )
        if edges.largest_name >= count:
            raise cursor.bad(f"an edge has name {edges.largest_name:,}, there are {count:,} strings", None)
        location_nodes, scripts, lines, columns = (
            self._locations or LocationColumns(cursor, layout)
        ).finish()
        return Columns(
            node_types=nodes.types,
            node_names=nodes.names,
            node_ids=nodes.ids,
            self_sizes=nodes.sizes,
            detachedness=nodes.detachedness,
            first_edges=nodes.first_edges,
            edge_types=edges.types,
            edge_names=edges.names,
            edge_targets=edges.targets,
            location_nodes=location_nodes,
            location_scripts=scripts,
            location_lines=lines,
            location_columns=columns,
            strings=strings,
            extra_native_bytes=layout.extra_native_bytes,
            meta=layout.meta,
        )
