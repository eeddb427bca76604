"""Filling columns from the flat numbers of the file, and saying which number is wrong when one is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.kernels.scan import mark_ids, scatter_edges, scatter_nodes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heapsleuth.heap.readers.cursor import Cursor
    from heapsleuth.heap.readers.header import Layout
    from heapsleuth.heap.readers.numbers import Flat

__all__ = ["EdgeColumns", "Growing", "LocationColumns", "NodeColumns", "find_repeated_id"]

_MAX32 = 2**32 - 1
_DETACHED = 2


class Growing:
    """
    A column whose length is known only at the end.

    Grows in place where the system can move pages, so there is hardly ever a second copy.
    """

    def __init__(self, dtype: type[np.unsignedinteger], room: int = 1024) -> None:
        self.array: NDArray[np.unsignedinteger] = np.empty(room, dtype)

    def reserve(self, room: int) -> None:
        """Make sure that there are at least *room* places."""
        if room > len(self.array):
            self.array.resize(max(room, len(self.array) * 3 // 2), refcheck=False)

    def finish(self, length: int) -> NDArray[np.unsignedinteger]:
        """Return the column, cut to *length*."""
        self.array.resize(length, refcheck=False)
        return self.array


class NodeColumns:
    """
    The columns of the nodes; call it with the numbers of whole nodes, in file order.

    Args:
        cursor: For error messages.
        layout: Of the file.
        n: Room for so many nodes.
    """

    bytes_per_row = 17

    def __init__(self, cursor: Cursor, layout: Layout, n: int) -> None:
        self._cursor = cursor
        self._layout = layout
        self.types = np.empty(n, np.uint8)
        self.names = np.empty(n, np.uint32)
        self.ids: NDArray[np.unsignedinteger] = np.empty(n, np.uint32)
        self.sizes: NDArray[np.unsignedinteger] = np.empty(n, np.uint32)
        # Holds the edge counts, one place late, until they are summed.
        self.first_edges: NDArray[np.unsignedinteger] = np.empty(
            n + 1, np.uint32 if layout.edge_count <= _MAX32 else np.uint64
        )
        self.detachedness: NDArray[np.uint8] | None = None
        self.largest_name = 0
        self.row = 0

    def __call__(self, flat: Flat, begin: int, rows: int, offset: int) -> None:
        """Take `rows` nodes from place `begin` of *flat* on; they came from the block at `offset`."""
        row, layout = self.row, self._layout
        if row + rows > layout.node_count:
            raise self._cursor.bad(f"more nodes than the {layout.node_count:,} of the header", offset)
        if row + rows > len(self.types):
            raise self._cursor.changed()
        self.row += rows
        columns = (self.types, self.names, self.ids, self.sizes, self.first_edges[1:])
        if flat.dtype == np.uint32 and all(column.dtype != np.uint64 for column in columns):
            flags, largest, detached = scatter_nodes(
                flat, begin, rows, layout.node_fields, layout.node_types, *columns, row
            )
            if flags:
                self._find_bad_type(flat, begin, rows, offset, row)
            if detached:
                self._take_detachedness(flat, begin, rows, row)
            self.largest_name = max(self.largest_name, largest)
        else:
            self._take_wide(flat, begin, rows, offset, row)

    def _field(self, flat: Flat, begin: int, rows: int, place: int) -> Flat:
        width = self._layout.node_width
        return flat[begin : begin + rows * width].reshape(rows, width)[:, self._layout.node_fields[place]]

    def _find_bad_type(self, flat: Flat, begin: int, rows: int, offset: int, row: int) -> None:
        kinds = self._field(flat, begin, rows, 1)
        known = len(self._layout.node_types)
        at = np.flatnonzero(kinds >= known)
        if len(at):
            raise self._cursor.bad(
                f"node {row + int(at[0]):,} has type {int(kinds[at[0]])}, the header names {known} types",
                offset,
            )

    def _take_detachedness(self, flat: Flat, begin: int, rows: int, row: int) -> None:
        if self.detachedness is None:
            self.detachedness = np.zeros(self._layout.node_count, np.uint8)
        values = self._field(flat, begin, rows, 6)
        self.detachedness[row : row + rows] = np.where(values <= _DETACHED, values, 0)

    def _take_wide(self, flat: Flat, begin: int, rows: int, offset: int, row: int) -> None:
        self._find_bad_type(flat, begin, rows, offset, row)
        self.types[row : row + rows] = self._layout.node_types[self._field(flat, begin, rows, 1)]
        names = self._field(flat, begin, rows, 2)
        if int(names.max()) > _MAX32:
            at = int(names.argmax())
            raise self._cursor.bad(f"node {row + at:,} has name {int(names[at]):,}", offset)
        self.largest_name = max(self.largest_name, int(names.max()))
        self.names[row : row + rows] = names
        self.ids = _store(self.ids, row, self._field(flat, begin, rows, 3))
        self.sizes = _store(self.sizes, row, self._field(flat, begin, rows, 4))
        counts = self._field(flat, begin, rows, 5)
        if int(counts.max()) > self._layout.edge_count:
            at = int(counts.argmax())
            raise self._cursor.bad(f"node {row + at:,} has {int(counts[at]):,} edges", offset)
        self.first_edges[row + 1 : row + rows + 1] = counts
        if self._layout.node_fields[6] >= 0 and self._field(flat, begin, rows, 6).any():
            self._take_detachedness(flat, begin, rows, row)


class EdgeColumns:
    """
    The columns of the edges; call it with the numbers of whole edges, in file order.

    Args:
        cursor: For error messages.
        layout: Of the file.
        m: Room for so many edges.
    """

    bytes_per_row = 9

    def __init__(self, cursor: Cursor, layout: Layout, m: int) -> None:
        self._cursor = cursor
        self._layout = layout
        self.types = np.empty(m, np.uint8)
        self.names = np.empty(m, np.uint32)
        self.targets = np.empty(m, np.uint32)
        self.largest_name = 0
        self.row = 0

    def __call__(self, flat: Flat, begin: int, rows: int, offset: int) -> None:
        """Take `rows` edges from place `begin` of *flat* on; they came from the block at `offset`."""
        row, layout = self.row, self._layout
        if row + rows > layout.edge_count:
            raise self._cursor.bad(f"more edges than the {layout.edge_count:,} of the header", offset)
        if row + rows > len(self.types):
            raise self._cursor.changed()
        self.row += rows
        if flat.dtype == np.uint32:
            flags, largest = scatter_edges(
                flat,
                begin,
                rows,
                layout.edge_fields,
                layout.edge_types,
                layout.named_edges,
                layout.node_width,
                layout.node_count,
                self.types,
                self.names,
                self.targets,
                row,
            )
            self.largest_name = max(self.largest_name, largest)
            if not flags:
                return
        self._take_slowly(flat, begin, rows, offset, row)

    def _take_slowly(self, flat: Flat, begin: int, rows: int, offset: int, row: int) -> None:
        """Take a block with numbers over 32 bits, or find the one that is wrong."""
        layout = self._layout
        width = layout.edge_width
        records = flat[begin : begin + rows * width].reshape(rows, width)
        kinds, names, targets = (records[:, place] for place in layout.edge_fields[1:])
        known = len(layout.edge_types)
        at = np.flatnonzero(kinds >= known)
        if len(at):
            raise self._cursor.bad(
                f"edge {row + int(at[0]):,} has type {int(kinds[at[0]])}, the header names {known} types",
                offset,
            )
        nodes = targets // np.uint64(layout.node_width)
        at = np.flatnonzero((targets % np.uint64(layout.node_width) != 0) | (nodes >= layout.node_count))
        if len(at):
            raise self._cursor.bad(
                f"edge {row + int(at[0]):,} points to {int(targets[at[0]]):,}, expected a multiple of"
                f" {layout.node_width} below {layout.node_count * layout.node_width:,}",
                offset,
            )
        at = np.flatnonzero(names > _MAX32)
        if len(at):
            raise self._cursor.bad(
                f"edge {row + int(at[0]):,} has the name or index {int(names[at[0]]):,}", offset
            )
        named = layout.named_edges[kinds] != 0
        self.largest_name = max(self.largest_name, int(names[named].max(initial=0)))
        self.types[row : row + rows] = layout.edge_types[kinds]
        self.names[row : row + rows] = names
        self.targets[row : row + rows] = nodes


class LocationColumns:
    """Source locations; call it with the numbers of whole locations, in file order."""

    def __init__(self, cursor: Cursor, layout: Layout) -> None:
        self._cursor = cursor
        self._layout = layout
        self._columns = tuple(Growing(np.uint32) for _ in range(4))
        self._count = 0

    def __call__(self, flat: Flat, begin: int, rows: int, offset: int) -> None:
        """Take `rows` locations from place `begin` of *flat* on; they came from the block at `offset`."""
        layout = self._layout
        fields = layout.location_fields
        if fields is None:
            raise self._cursor.bad(
                "there are locations, but the header has no snapshot.meta.location_fields", offset
            )
        width = int(fields[0])
        records = flat[begin : begin + rows * width].reshape(rows, width)
        objects = records[:, fields[1]]
        nodes = objects // flat.dtype.type(layout.node_width)
        at = np.flatnonzero(
            (nodes * flat.dtype.type(layout.node_width) != objects) | (nodes >= layout.node_count)
        )
        if len(at):
            raise self._cursor.bad(
                f"location {self._count + int(at[0]):,} belongs to {int(objects[at[0]]):,}, expected a"
                f" multiple of {layout.node_width} below {layout.node_count * layout.node_width:,}",
                offset,
            )
        end = self._count + rows
        values = (nodes, *(records[:, place] for place in fields[2:]))
        for column, part in zip(self._columns, values, strict=True):
            if flat.dtype == np.uint64 and int(part.max()) > _MAX32:
                raise self._cursor.bad(f"a location has a number over {_MAX32:,}", offset)
            column.reserve(end)
            column.array[self._count : end] = part
        self._count = end

    def finish(self) -> tuple[NDArray[np.unsignedinteger], ...]:
        """Return the columns node, script, line and column."""
        return tuple(column.finish(self._count) for column in self._columns)


def _store(column: NDArray[np.unsignedinteger], row: int, values: Flat) -> NDArray[np.unsignedinteger]:
    """Write *values* from *row* on, into a wider copy of *column* if they need it; return the column."""
    if column.dtype == np.uint32 and int(values.max()) > _MAX32:
        column = column.astype(np.uint64)
    column[row : row + len(values)] = values
    return column


def find_repeated_id(ids: NDArray[np.unsignedinteger]) -> int:
    """
    Return the index of a node whose odd id another node has too, -1 if there is none.

    Even ids belong to embedder objects; no version of V8 uses them as identities.
    """
    if ids.dtype == np.uint32:
        return mark_ids(ids, np.zeros(int(ids.max()) // 16 + 1, np.uint8))
    odd = np.flatnonzero(ids & np.uint64(1))
    order = odd[np.argsort(ids[odd], kind="stable")]
    same = np.flatnonzero(ids[order][1:] == ids[order][:-1])
    return int(order[same[0] + 1]) if len(same) else -1
