"""What is reachable and how: distances, and the edges that keep something alive.

The definitions are those of Chrome DevTools; `docs/devtools-equality.md` says how that is checked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.ephemerons import PairNames, find_pair_names
from heapsleuth.heap.kinds import EdgeType, NodeType
from heapsleuth.heap.text import leading_number
from heapsleuth.kernels import classes as _classes
from heapsleuth.kernels import distances as _distances
from heapsleuth.kernels import essential as _essential

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heapsleuth.heap.columns import Columns

__all__ = ["SYSTEM_DISTANCE", "UNREACHABLE", "Reach", "measure_reach", "user_roots"]

SYSTEM_DISTANCE = 100_000_000
"""Added to the distance of what only the runtime reaches, not the program's globals."""
UNREACHABLE = -5
"""Distance of what no root reaches."""


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """Distances and edge flags of one heap."""

    distances: NDArray[np.int32]
    """(n,) edges from the program's globals; plus `SYSTEM_DISTANCE` for what only the runtime reaches."""
    flags: NDArray[np.uint8]
    """(m,) bits of `heapsleuth.kernels.essential`."""


def user_roots(columns: Columns) -> list[int]:
    """Return the targets of the root's edges that belong to the program, in edge order."""
    ends = columns.edge_targets[: int(columns.first_edges[1])]
    return [node for node in ends.tolist() if _is_user_root(columns, node)]


def measure_reach(columns: Columns) -> Reach:
    """Measure all distances and flag all edges."""
    first, targets = columns.first_edges, columns.edge_targets
    flags = np.empty(columns.edge_count, np.uint8)
    _essential.classify_edges(first, columns.edge_types, targets, flags)
    pairs = _flag_pairs(columns, flags)
    _flag_skipped(columns, flags)

    groups = pairs.groups if pairs else np.empty(0, np.uint32)
    pending = np.zeros(len(pairs.tables) if pairs else 0, np.uint8)
    count = columns.node_count
    seen = np.zeros((count + 7) // 8, np.uint8)
    # A root that two edges lead to is visited twice; for a WeakMap pair that makes a difference.
    roots = user_roots(columns)
    queue = np.empty(count + len(roots), np.uint32)
    distances = np.full(count, UNREACHABLE, np.int32)

    def search(starts: list[int], distance: int) -> None:
        distances[starts] = distance
        _enter(starts, seen, queue)
        _distances.breadth_first(
            first, targets, flags, columns.edge_names, groups, pending, seen, distances, queue, len(starts)
        )

    if roots:
        search(roots, 1)
    page_roots = _page_roots(columns)
    if page_roots:
        _disown_foreign(columns, flags, seen if set(page_roots) == set(roots) else None, page_roots, queue)
    # The root may itself have been reached; what it reached then is done.
    search([0], SYSTEM_DISTANCE if roots else 0)
    return Reach(distances, flags)


def _enter(nodes: list[int], marks: NDArray[np.uint8], stack: NDArray[np.uint32]) -> None:
    for place, node in enumerate(nodes):
        marks[node >> 3] |= 1 << (node & 7)
        stack[place] = node


def _is_user_root(columns: Columns, node: int) -> bool:
    return columns.node_types[node] != NodeType.SYNTHETIC or _is_document_root(columns, node)


def _is_document_root(columns: Columns, node: int) -> bool:
    return bool(
        columns.node_types[node] == NodeType.SYNTHETIC
        and columns.strings[int(columns.node_names[node])] == "(Document DOM trees)"
    )


def _page_roots(columns: Columns) -> list[int]:
    """Return what owns the page: targets of the root's shortcuts, and the documents."""
    end = int(columns.first_edges[1])
    kinds, targets = columns.edge_types[:end].tolist(), columns.edge_targets[:end].tolist()
    return list(
        dict.fromkeys(
            node
            for kind, node in zip(kinds, targets, strict=True)
            if kind == EdgeType.SHORTCUT or (kind == EdgeType.ELEMENT and _is_document_root(columns, node))
        )
    )


def _flag_pairs(columns: Columns, flags: NDArray[np.uint8]) -> PairNames | None:
    used = np.zeros(len(columns.strings), np.uint8)
    _essential.mark_internal_names(columns.edge_types, columns.edge_names, used)
    pairs = find_pair_names(columns.strings, used)
    if pairs:
        _essential.flag_pair_edges(
            columns.first_edges,
            columns.edge_types,
            columns.edge_names,
            columns.node_ids,
            pairs.groups,
            pairs.tables,
            flags,
        )
    return pairs


def _flag_skipped(columns: Columns, flags: NDArray[np.uint8]) -> None:
    """Flag the edges of maps and contexts that lead into the engine's past."""
    first = columns.first_edges
    descriptors = _named(columns, "(map descriptors)", NodeType.ARRAY)
    if len(descriptors):
        _essential.flag_descriptor_edges(
            descriptors,
            first,
            columns.edge_types,
            columns.edge_names,
            _skipped_names(columns, descriptors),
            flags,
        )
    sloppy = columns.strings.find("sloppy_function_map")
    if sloppy is None:
        return
    for node in _named(columns, "system / NativeContext", NodeType.HIDDEN).tolist():
        own = slice(int(first[node]), int(first[node + 1]))
        kinds = columns.edge_types[own]
        hit = columns.edge_names[own] == sloppy
        hit &= (kinds != EdgeType.ELEMENT) & (kinds != EdgeType.HIDDEN)
        flags[own][hit] |= _essential.SKIP


def _skipped_names(columns: Columns, descriptors: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Mark edge names that begin with the number of a skipped slot, as JavaScript's `parseInt` reads it."""
    marks = np.zeros(len(columns.strings), np.uint8)
    starts = columns.first_edges[descriptors]
    ends = columns.first_edges[descriptors + np.uint32(1)]
    kinds = sum(1 << kind for kind in EdgeType if kind not in {EdgeType.ELEMENT, EdgeType.HIDDEN})
    _classes.mark_edge_names(starts, ends, columns.edge_types, columns.edge_names, kinds, marks)
    used = np.flatnonzero(marks)
    for index, name in zip(used.tolist(), columns.strings.decode_many(used), strict=True):
        slot = leading_number(name)
        marks[index] = slot is not None and slot >= 2 and slot % 3 == 1  # noqa: PLR2004 - V8's layout
    return marks


def _named(columns: Columns, name: str, kind: NodeType) -> NDArray[np.uint32]:
    index = columns.strings.find(name)
    if index is None:
        return np.empty(0, np.uint32)
    hit = columns.node_names == np.uint32(index)
    hit &= columns.node_types == kind
    return np.flatnonzero(hit).astype(np.uint32)


def _disown_foreign(
    columns: Columns,
    flags: NDArray[np.uint8],
    seen: NDArray[np.uint8] | None,
    roots: list[int],
    stack: NDArray[np.uint32],
) -> None:
    """Make edges inessential that lead into the page from outside; *seen* is a head start."""
    first, targets = columns.first_edges, columns.edge_targets
    if seen is not None:
        owned = seen.copy()
        size = _essential.enter_skipped_edges(first, targets, flags, owned, stack)
    else:
        owned = np.zeros((columns.node_count + 7) // 8, np.uint8)
        _enter(roots, owned, stack)
        size = len(roots)
    _essential.spread_ownership(first, targets, flags, owned, stack, size)
    _essential.flag_foreign_edges(first, targets, owned, flags)
