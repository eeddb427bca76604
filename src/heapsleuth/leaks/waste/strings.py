"""Strings: equal ones, giants, and long ones that only slices of them keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import EdgeType, NodeType
from heapsleuth.leaks.edges import edges_into
from heapsleuth.leaks.groups import STRONG
from heapsleuth.leaks.heap_view import cut, mixed
from heapsleuth.leaks.model import WasteRow
from heapsleuth.units import format_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heapsleuth.leaks.heap_view import HeapView

__all__ = ["find_string_waste"]

_MOST_DUPLICATES = 20
_LEAST_WASTED = 1000
_MOST_BIG = 10
_BIG_BYTES = 100_000
_LEAST_PINNED = 10_000
_PREVIEW_LENGTH = 60

_CUT_LENGTH = 1024
"""V8 writes no more characters of a string than this; the raw text is never shorter than its characters."""

_TEXT = (NodeType.STRING, NodeType.CONS_STRING, NodeType.SLICED_STRING)
_DEEPEST_JOIN = 32
"""Joins of joins deeper than this are taken for different."""


def find_string_waste(view: HeapView) -> list[WasteRow]:
    """Return rows of kinds `duplicate-string`, `duplicate-strings`, `big-string`, `pinned-by-slice`."""
    return [*_duplicates(view), *_big(view), *_pinned(view)]


def _duplicates(view: HeapView) -> list[WasteRow]:
    """
    Return the values that are there more than once, and a row for all of them together.

    Equal are flat strings with the same text; of what V8 has cut, also of the same size.  Strings made
    by concatenation are equal when they were put together from equal parts in the same way.
    """
    graph = view.graph
    nodes, keys = _contents(view)
    sizes = graph.shallow_sizes[nodes].astype(np.int64)
    order = np.argsort(keys, kind="stable")
    if not len(order):
        return []
    starts = np.flatnonzero(np.append(True, keys[order][1:] != keys[order][:-1]))
    counts = np.diff(np.append(starts, len(order)))
    total = np.add.reduceat(sizes[order], starts)
    wasted = total - np.maximum.reduceat(sizes[order], starts)
    wasted[counts == 1] = 0
    rows = []
    first = nodes[order[starts]]
    for i in np.lexsort((first, -wasted))[:_MOST_DUPLICATES].tolist():
        if wasted[i] < _LEAST_WASTED:
            break
        text = _preview(view, int(first[i]))
        rows.append(WasteRow("duplicate-string", text, int(counts[i]), int(wasted[i])))
    repeated = counts > 1
    if int(wasted.sum()) >= _LEAST_WASTED:
        name = f"all repeated strings, {format_count(int(repeated.sum()))} different ones"
        rows.append(WasteRow("duplicate-strings", name, int(counts[repeated].sum()), int(wasted.sum())))
    return rows


def _contents(view: HeapView) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """Return the strings that take memory, and (k,) keys equal for equal contents."""
    graph = view.graph
    flat = np.flatnonzero(graph.node_types == NodeType.STRING)
    names = graph.node_names[flat]
    is_cut = graph.strings.lengths[names] >= _CUT_LENGTH
    cons = np.flatnonzero(graph.node_types == NodeType.CONS_STRING)
    # Where in its parent a slice begins is not in the file, so every slice is different.
    slices = np.flatnonzero(graph.node_types == NodeType.SLICED_STRING)
    nodes = np.concatenate([flat, cons, slices])
    keys = mixed(graph.node_ids[nodes], np.array([1]))
    keys[: len(flat)] = mixed(names, np.where(is_cut, graph.self_sizes[flat], 0))
    row_of = np.zeros(graph.node_count, dtype=np.uint32)
    row_of[nodes] = np.arange(len(nodes), dtype=np.uint32)
    first = view.targets(cons, EdgeType.INTERNAL, "first")
    second = view.targets(cons, EdgeType.INTERNAL, "second")
    whole = np.isin(graph.node_types[first], _TEXT) & np.isin(graph.node_types[second], _TEXT)
    whole &= (first >= 0) & (second >= 0)
    rows, first, second = len(flat) + np.flatnonzero(whole), first[whole], second[whole]
    joined = graph.strings.lengths[graph.node_names[second]] > 0
    joined |= graph.node_types[second] != NodeType.STRING
    first_row, second_row = row_of[first], row_of[second]
    for _ in range(_DEEPEST_JOIN):
        fresh = np.where(joined, mixed(keys[first_row], keys[second_row]), keys[first_row])
        if np.array_equal(fresh, keys[rows]):
            break
        keys[rows] = fresh
    counted = graph.shallow_sizes[nodes] > 0
    # A flattened string is a mere reference to its text.
    counted[rows[~joined]] = False
    counted[len(flat) + len(cons) :] = False
    return nodes[counted], keys[counted]


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
    wanted = np.zeros(graph.node_count, dtype=bool)
    wanted[parents] = True
    retainers = edges_into(graph, wanted, STRONG)
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
