"""Strings: equal ones, giants, and long ones that only slices of them keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import EdgeType, NodeType
from heapsleuth.leaks.heap_view import cut, mixed
from heapsleuth.leaks.model import WasteRow
from heapsleuth.units import format_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heapsleuth.leaks.heap_view import HeapView

    Tally = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
    """First node, count and wasted bytes of each value."""

__all__ = ["find_string_waste"]

_MOST_DUPLICATES = 20
_LEAST_WASTED = 1000
_MOST_BIG = 10
_BIG_BYTES = 100_000
_LEAST_PINNED = 10_000
_PREVIEW_LENGTH = 60

_CUT_LENGTH = 1024
"""V8 writes no more characters of a string than this; the raw text is never shorter than its characters."""

_DEEPEST_JOIN = 32
"""Joins of joins deeper than this are taken for different."""


def find_string_waste(view: HeapView) -> list[WasteRow]:
    """Return rows of kinds `duplicate-string`, `duplicate-strings`, `big-string`, `pinned-by-slice`."""
    rows: list[WasteRow] = []
    for find in (_duplicates, _big, _pinned):
        rows += find(view)
        view.graph.release_pages()
    return rows


def _duplicates(view: HeapView) -> list[WasteRow]:
    """
    Return the values that are there more than once, and a row for all of them together.

    Equal are flat strings with the same text; of what V8 has cut, also of the same size.  Strings made
    by concatenation are equal when they were put together from equal parts in the same way.
    """
    parts = [_flat(view)]
    for find in (_cut_flat, _joined):
        view.graph.release_pages()
        parts.append(_sorted_by_key(view, *find(view)))
    first, counts, wasted = (np.concatenate(column) for column in zip(*parts, strict=True))
    repeated = counts > 1
    first, counts, wasted = first[repeated], counts[repeated], wasted[repeated]
    rows = []
    for i in np.lexsort((first, -wasted))[:_MOST_DUPLICATES].tolist():
        if wasted[i] < _LEAST_WASTED:
            break
        text = _preview(view, int(first[i]))
        rows.append(WasteRow("duplicate-string", text, int(counts[i]), int(wasted[i])))
    total = int(wasted.sum())
    if total >= _LEAST_WASTED:
        name = f"all repeated strings, {format_count(len(first))} different ones"
        rows.append(WasteRow("duplicate-strings", name, int(counts.sum()), total))
    return rows


def _flat(view: HeapView) -> Tally:
    """Tally the flat strings that V8 wrote whole: their texts are in the file once each."""
    graph = view.graph
    nodes = np.flatnonzero(graph.node_types == NodeType.STRING)
    nodes = nodes[graph.shallow_sizes[nodes] > 0]
    names = graph.node_names[nodes]
    counts = np.bincount(names, minlength=len(graph.strings))
    counts[graph.strings.lengths >= _CUT_LENGTH] = 0
    total = np.bincount(names, weights=graph.shallow_sizes[nodes], minlength=len(graph.strings))
    first = np.zeros(len(graph.strings), dtype=np.int64)
    first[names[::-1]] = nodes[::-1]
    texts = np.flatnonzero(counts > 1)
    counts = counts[texts]
    # Equal texts are equally large.
    wasted = total[texts] * (counts - 1) // counts
    return first[texts], counts, wasted.astype(np.int64)


def _cut_flat(view: HeapView) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Return the flat strings of which the file has only the beginning, with their keys."""
    graph = view.graph
    long = np.flatnonzero(graph.strings.lengths >= _CUT_LENGTH)
    if not len(long):
        return np.empty(0, np.int64), np.empty(0, np.uint64)
    is_long = np.zeros(len(graph.strings), dtype=bool)
    is_long[long] = True
    nodes = np.flatnonzero(graph.node_types == NodeType.STRING)
    nodes = nodes[is_long[graph.node_names[nodes]]]
    nodes = nodes[graph.shallow_sizes[nodes] > 0]
    return nodes, _flat_keys(view, nodes)


def _flat_keys(view: HeapView, nodes: NDArray[np.integer]) -> NDArray[np.uint64]:
    graph = view.graph
    names = graph.node_names[nodes]
    is_cut = graph.strings.lengths[names] >= _CUT_LENGTH
    return mixed(names, np.where(is_cut, graph.self_sizes[nodes], 0))


def _joined(view: HeapView) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Return the strings made by concatenation that were not flattened since, with their keys."""
    graph = view.graph
    nodes = np.flatnonzero(graph.node_types == NodeType.CONS_STRING)
    if not len(nodes):
        return nodes, np.empty(0, np.uint64)
    halves = [view.targets(nodes, EdgeType.INTERNAL, name) for name in ("first", "second")]
    whole = (halves[0] >= 0) & (halves[1] >= 0)
    nodes, first, second = nodes[whole], halves[0][whole], halves[1][whole]
    row_of = np.zeros(graph.node_count, dtype=np.uint32)
    row_of[nodes] = np.arange(1, len(nodes) + 1, dtype=np.uint32)
    # Where in its parent a slice begins is not in the file, so every slice is different.
    keys = mixed(graph.node_ids[nodes], np.array([1]))
    fixed = [_half_keys(view, half) for half in (first, second)]
    rows = [row_of[first], row_of[second]]
    # A flattened string has its text in the first half: a mere reference to it.
    flattened = (graph.strings.lengths[graph.node_names[second]] == 0) & (
        graph.node_types[second] == NodeType.STRING
    )
    for _ in range(_DEEPEST_JOIN):
        parts = [
            np.where(row > 0, keys[np.maximum(row, 1) - 1], key) for row, key in zip(rows, fixed, strict=True)
        ]
        fresh = np.where(flattened, parts[0], mixed(*parts))
        if np.array_equal(fresh, keys):
            break
        keys = fresh
    counted = ~flattened & (graph.shallow_sizes[nodes] > 0)
    graph.release_pages()
    return nodes[counted], keys[counted]


def _half_keys(view: HeapView, nodes: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return (k,) keys of flat strings; of others what is different for each."""
    flat = view.graph.node_types[nodes] == NodeType.STRING
    return np.where(flat, _flat_keys(view, nodes), mixed(view.graph.node_ids[nodes], np.array([1])))


def _sorted_by_key(view: HeapView, nodes: NDArray[np.int64], keys: NDArray[np.uint64]) -> Tally:
    """Return first node, count and wasted bytes of each key."""
    if not len(nodes):
        nothing = np.empty(0, np.int64)
        return nothing, nothing, nothing
    order = np.argsort(keys, kind="stable")
    starts = np.flatnonzero(np.append(True, keys[order][1:] != keys[order][:-1]))
    counts = np.diff(np.append(starts, len(order)))
    sizes = view.graph.shallow_sizes[nodes[order]].astype(np.int64)
    wasted = np.add.reduceat(sizes, starts) - np.maximum.reduceat(sizes, starts)
    return nodes[order[starts]], counts, wasted


def _big(view: HeapView) -> list[WasteRow]:
    graph = view.graph
    big = np.flatnonzero(graph.shallow_sizes >= _BIG_BYTES)
    big = big[(graph.node_types[big] == NodeType.STRING) | (graph.node_types[big] == NodeType.CONS_STRING)]
    order = np.lexsort((graph.node_ids[big], -graph.shallow_sizes[big].astype(np.int64)))
    return [
        WasteRow("big-string", _whose(view, int(node)), 1, int(graph.shallow_sizes[node]))
        for node in big[order[:_MOST_BIG]]
    ]


def _whose(view: HeapView, node: int) -> str:
    """Return what a string is: a script's text, or the name that leads to it with how it begins."""
    graph = view.graph
    owners, targets = view.lookup.named(EdgeType.INTERNAL, "source")
    owners = owners[(targets == node) & (graph.node_types[owners] == NodeType.CODE)]
    if len(owners):
        return f"source of {cut(graph.own_name(int(owners[0])) or '<eval>')}"
    name = view.namer.name(node)
    preview = _preview(view, node)
    return f"{cut(name.text)}: {preview}" if name.anchored else preview


def _pinned(view: HeapView) -> list[WasteRow]:
    """Return a row for long strings that nothing but slices of them keeps alive."""
    graph = view.graph
    slices = np.flatnonzero(graph.node_types == NodeType.SLICED_STRING)
    parents = view.targets(slices, EdgeType.INTERNAL, "parent")
    parents = np.unique(parents[parents >= 0])
    parents = parents[graph.shallow_sizes[parents] >= _LEAST_PINNED]
    if not len(parents):
        return []
    retainers = view.edges_to(parents)
    others = graph.node_types[retainers.sources] != NodeType.SLICED_STRING
    parents = np.setdiff1d(parents, retainers.targets[others])
    if not len(parents):
        return []
    count = int((~others & np.isin(retainers.targets, parents)).sum())
    longest = int(parents[graph.shallow_sizes[parents].argmax()])
    only = f"the longest {_preview(view, longest)}"
    name = f"long strings kept only by {format_count(count)} slices of them, {only}"
    size = int(graph.shallow_sizes[parents].sum(dtype=np.int64))
    return [WasteRow("pinned-by-slice", name, len(parents), size)]


def _preview(view: HeapView, node: int) -> str:
    return f'"{cut(view.graph.name(node), _PREVIEW_LENGTH)}"'
