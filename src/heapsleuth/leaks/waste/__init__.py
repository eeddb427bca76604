"""Memory spent without need or worth a look: duplicates, giants, slices that pin, empty collections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapsleuth.leaks.waste.buffers import find_buffer_waste
from heapsleuth.leaks.waste.collections import find_collection_waste
from heapsleuth.leaks.waste.strings import find_string_waste

if TYPE_CHECKING:
    from collections.abc import Callable

    from heapsleuth.leaks.heap_view import HeapView
    from heapsleuth.leaks.model import WasteRow

__all__ = ["FINDERS", "find_waste"]

FINDERS: tuple[Callable[[HeapView], list[WasteRow]], ...] = (
    find_string_waste,
    find_buffer_waste,
    find_collection_waste,
)


def find_waste(view: HeapView) -> tuple[WasteRow, ...]:
    """Return the rows of all kinds, most bytes first."""
    rows: list[WasteRow] = []
    for finder in FINDERS:
        rows += finder(view)
        view.graph.release_pages()
    return tuple(sorted(rows, key=lambda row: (-row.bytes, -row.count, row.kind, row.name)))
