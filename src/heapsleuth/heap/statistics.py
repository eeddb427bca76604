"""Where the bytes are, by kind of memory: DevTools' statistics view."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.detached import DETACHED
from heapsleuth.heap.kinds import EdgeType, NodeType
from heapsleuth.kernels import csr as _csr

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heapsleuth.heap.graph import HeapGraph

__all__ = ["HeapStatistics", "heap_statistics"]

_NONE = 0xFFFFFFFF
_STRINGS = (NodeType.STRING, NodeType.CONS_STRING, NodeType.SLICED_STRING)


@dataclass(frozen=True, slots=True)
class HeapStatistics:
    """Bytes by kind; kinds overlap only where said."""

    total_bytes: int
    """Everything the root retains, and native memory outside the snapshot."""
    native_bytes: int
    """Native nodes, and native memory outside the snapshot."""
    typed_array_bytes: int
    """Backing stores of ArrayBuffers; part of `native_bytes`."""
    code_bytes: int
    string_bytes: int
    js_array_bytes: int
    """Arrays with the elements that belong to them alone."""
    system_bytes: int
    """Hidden nodes: the engine's own."""


def heap_statistics(graph: HeapGraph) -> HeapStatistics:
    """Add the shallow sizes of a heap up by kind."""
    sizes, kinds = graph.shallow_sizes, graph.node_types
    by_kind = {kind: _total(graph, kinds == kind) for kind in NodeType}
    buffers = graph.strings.find("system / JSArrayBufferData")
    typed = 0
    if buffers is not None:
        named = (kinds == NodeType.NATIVE) & (graph.node_names == np.uint32(buffers))
        states = graph.detached_states
        typed = _total(graph, named & (states != DETACHED) if len(states) else named)
    extra = graph.columns.extra_native_bytes
    arrays = 0
    index = graph.strings.find("Array")
    if index is not None:
        others = (NodeType.HIDDEN, NodeType.NATIVE, NodeType.CODE, *_STRINGS)
        nodes = np.flatnonzero((graph.node_names == np.uint32(index)) & ~np.isin(kinds, others))
        arrays = int(sizes[nodes].sum(dtype=np.uint64)) + _own_elements(graph, nodes.astype(np.uint32))
    return HeapStatistics(
        total_bytes=int(graph.retained_sizes[0]) + extra,
        native_bytes=by_kind[NodeType.NATIVE] + extra,
        typed_array_bytes=typed,
        code_bytes=by_kind[NodeType.CODE],
        string_bytes=sum(by_kind[kind] for kind in _STRINGS),
        js_array_bytes=arrays,
        system_bytes=by_kind[NodeType.HIDDEN],
    )


def _own_elements(graph: HeapGraph, arrays: NDArray[np.uint32]) -> int:
    """Return the bytes of elements that were not given to their array but have no other retainer."""
    name = graph.strings.find("elements")
    if name is None:
        return 0
    elements = np.empty(len(arrays), np.uint32)
    _csr.find_named_targets(
        arrays,
        graph.first_edges,
        graph.edge_types,
        graph.edge_names,
        graph.edge_targets,
        EdgeType.INTERNAL,
        name,
        elements,
    )
    elements = elements[elements != _NONE]
    elements = elements[graph.shallow_sizes[elements] != 0]
    if not len(elements):
        return 0
    retainers = np.zeros(graph.node_count, graph.first_edges.dtype)
    _csr.count_targets(graph.edge_targets, retainers)
    return int(graph.shallow_sizes[elements[retainers[elements] == 1]].sum(dtype=np.uint64))


def _total(graph: HeapGraph, chosen: NDArray[np.bool_]) -> int:
    return int(graph.shallow_sizes[chosen].sum(dtype=np.uint64))
