"""Shallow sizes: backing stores count for the object that owns them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.detached import DETACHED
from heapsleuth.heap.kinds import NodeType
from heapsleuth.heap.reach import user_roots
from heapsleuth.kernels import owners as _owners

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heapsleuth.heap.columns import Columns, UInt

__all__ = ["transfer"]


def transfer(columns: Columns, states: NDArray[np.uint8]) -> tuple[NDArray[np.uint32], UInt]:
    """
    Give the size of every singly owned hidden node, array and external string to its owner.

    A heap without user roots (taken with its internals exposed) keeps its sizes.

    Args:
        columns: The heap.
        states: (n,) what `detached_states` gives; a detached node has another name and is not ownable.

    Returns:
        (owners, shallow sizes): owners (n,) uint32, the node whose shallow size took this node's bytes,
        the node itself if none; sizes (n,) uint32, or uint64 where their sum needs it.
    """
    count = columns.node_count
    total = int(columns.self_sizes.sum(dtype=np.uint64))
    sizes: UInt = columns.self_sizes.astype(np.uint32 if total < 1 << 32 else np.uint64)
    owners = np.empty(count, np.uint32)
    if not user_roots(columns):
        owners[:] = np.arange(count, dtype=np.uint32)
        return owners, sizes
    ownable = columns.node_types <= NodeType.ARRAY  # hidden and array are 0 and 1
    external = columns.strings.find("system / ExternalStringData")
    if external is not None:
        named = np.flatnonzero(columns.node_names == np.uint32(external))
        named = named[columns.node_types[named] == NodeType.NATIVE]
        ownable[named[states[named] != DETACHED] if len(states) else named] = True
    _owners.find_owners(
        columns.first_edges,
        columns.edge_types,
        columns.edge_targets,
        ownable.view(np.uint8),
        owners,
        np.empty(2 * count, np.uint32),  # little of it is ever touched
    )
    _owners.transfer_sizes(owners, columns.node_types, sizes)
    return owners, sizes
