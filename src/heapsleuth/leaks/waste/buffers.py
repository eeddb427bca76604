"""ArrayBuffers: giants, pools that few small Buffers keep, and whose objects the bytes hang on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import EdgeType, NodeType
from heapsleuth.leaks.census.tally import largest_groups
from heapsleuth.leaks.heap_view import look_up, mixed
from heapsleuth.leaks.model import WasteRow
from heapsleuth.units import format_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heapsleuth.leaks.heap_view import HeapView

__all__ = ["find_buffer_waste"]

_MOST_BIG = 10
_BIG_BYTES = 100_000
_MOST_OWNERS = 10
_LEAST_OWNED = 10_000
_FARTHEST_OWNER = 6
_DATA = "system / JSArrayBufferData"

_POOL_BYTES = (8192, 65_536, 65_600)
"""Sizes of the block that Node cuts small Buffers from: up to 22, from 24, with its padding in 26."""

_LEAST_POOLS = 4
_FEW_BUFFERS = 8
"""A pool that so few Buffers keep is likely to be mostly free: they are small, as big ones have no pool."""


@dataclass(frozen=True, slots=True, eq=False)
class _Stores:
    """k backing stores."""

    data: NDArray[np.int64]
    """(k,) node of the bytes."""
    sizes: NDArray[np.int64]
    """(k,) bytes."""
    buffers: NDArray[np.int64]
    """(k,) the ArrayBuffer."""
    views: NDArray[np.int64]
    """(k,) a Buffer, typed array or DataView on it, -1 without one."""
    view_counts: NDArray[np.int64]
    """(k,) how many of them there are."""


def find_buffer_waste(view: HeapView) -> list[WasteRow]:
    """Return rows of kinds `big-buffer`, `pinned-pool`, `off-heap`."""
    stores = _stores(view)
    rows: list[WasteRow] = []
    for find in (_big, _pools, _owners):
        view.graph.release_pages()
        rows += find(view, stores)
    return rows


def _stores(view: HeapView) -> _Stores:
    graph = view.graph
    buffers, data = view.lookup.named(EdgeType.INTERNAL, "backing_store")
    known = view.is_called(data, _DATA)
    # Several ArrayBuffers can share a store; the first stands for all.
    data, at = np.unique(data[known], return_index=True)
    buffers = buffers[known][at]
    views, viewed = view.lookup.named(EdgeType.INTERNAL, "buffer")
    seen, counts = np.unique(viewed, return_counts=True)
    return _Stores(
        data=data.astype(np.int64),
        sizes=graph.self_sizes[data].astype(np.int64),
        buffers=buffers,
        views=look_up(viewed, views, buffers),
        view_counts=np.maximum(look_up(seen, counts, buffers), 0),
    )


def _big(view: HeapView, stores: _Stores) -> list[WasteRow]:
    chosen = np.flatnonzero(stores.sizes >= _BIG_BYTES)
    chosen = chosen[np.lexsort((view.graph.node_ids[stores.data[chosen]], -stores.sizes[chosen]))]
    rows = []
    for i in chosen[:_MOST_BIG].tolist():
        node = int(stores.views[i] if stores.views[i] >= 0 else stores.buffers[i])
        rows.append(WasteRow("big-buffer", view.named(node), 1, int(stores.sizes[i])))
    return rows


def _pools(view: HeapView, stores: _Stores) -> list[WasteRow]:
    rows = []
    for size in _POOL_BYTES:
        pools = (stores.sizes == size) & (stores.views >= 0) & (stores.view_counts <= _FEW_BUFFERS)
        pools[pools] = view.is_called(stores.views[pools], "Buffer")
        count, buffers = int(pools.sum()), int(stores.view_counts[pools].sum())
        if count >= _LEAST_POOLS:
            name = f"pools of {format_count(size)} bytes kept by only {format_count(buffers)} Buffers"
            rows.append(WasteRow("pinned-pool", name, count, count * size))
    return rows


def _owners(view: HeapView, stores: _Stores) -> list[WasteRow]:
    """Return bytes by the class of object they hang on, and by the name of other native nodes."""
    graph = view.graph
    tops = np.where(stores.views >= 0, stores.views, stores.buffers)
    located = np.zeros(graph.node_count, dtype=bool)
    located[graph.columns.location_nodes] = True
    located &= graph.node_types == NodeType.OBJECT
    lifted = view.moment.lifted
    holders = lifted[graph.dominators[tops]].astype(np.int64)
    for _ in range(_FARTHEST_OWNER):
        # Only an object made by a class of the program says more than `Buffer`.
        holders = np.where(located[holders], holders, lifted[graph.dominators[holders]])
    good = located[holders]
    holders = np.where(good, holders, tops)
    keys = mixed(graph.class_ids[holders], graph.class_ids[tops])
    rows = []
    # The bytes are the stores' own: one store is in one group.
    for group in largest_groups(view, keys, stores.data, by_bytes=True, most=_MOST_OWNERS):
        if group.retained_bytes < _LEAST_OWNED:
            break
        name = view.class_name(int(tops[group.example]))
        if good[group.example]:
            name = f"{name} of {view.class_name(int(holders[group.example]))}"
        rows.append(WasteRow("off-heap", name, group.count, group.retained_bytes))
    graph.release_pages()
    others = np.flatnonzero((graph.node_types == NodeType.NATIVE) & (graph.shallow_sizes > 0))
    others = others[~view.is_called(others, _DATA)]
    keys = graph.node_names[others].astype(np.uint64)
    sizes = np.bincount(graph.node_names[others], weights=graph.shallow_sizes[others])
    for group in largest_groups(view, keys, others, most=_MOST_OWNERS):
        own = int(sizes[graph.node_names[others[group.example]]])
        if own >= _LEAST_OWNED:
            rows.append(WasteRow("off-heap", view.class_name(int(others[group.example])), group.count, own))
    return rows
