"""Which members of two findings were made together: what they alone refer to within a few steps.

Two listeners added by one call share the scope of that call; an object and its entry in a side table share
the object.  What many members refer to (a prototype, a configuration) says nothing and is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import NodeType
from heapsleuth.leaks.edges import edges_of
from heapsleuth.leaks.groups import STRONG

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heapsleuth.heap.graph import HeapGraph

__all__ = ["Surroundings", "surroundings", "together"]

_HOPS = 3
_MOST_MEMBERS = 100_000
_MOST_EDGES = 3_000_000
_SEVERAL = -2
_ENGINE = np.zeros(256, dtype=bool)
_ENGINE[[NodeType.CODE, NodeType.OBJECT_SHAPE]] = True

Surroundings = tuple["NDArray[np.int64]", "NDArray[np.int64]", int]
"""(k,) nodes that one member alone leads to, sorted, (k,) position of that member, number of members."""


def surroundings(graph: HeapGraph, births: NDArray[np.uint8], members: NDArray[np.int64]) -> Surroundings:
    """
    Return the new objects that exactly one of the members leads to in at most 3 steps, members included.

    Args:
        graph: The last snapshot's heap.
        births: (n,) the first snapshot that had each object; those of the first are not followed.
        members: (k,) node indices; of more than 100,000 the newest.
    """
    members = members[births[members] == births[members].max(initial=0)][-_MOST_MEMBERS:]
    owner: NDArray[np.int32] = np.full(graph.node_count, -1, dtype=np.int32)
    owner[members] = np.arange(len(members), dtype=np.int32)
    frontier = members
    for _ in range(_HOPS):
        edges = edges_of(graph, frontier)
        if len(edges) > _MOST_EDGES:
            break
        keep = np.isin(graph.edge_types[edges.edges], STRONG) & (births[edges.targets] > 0)
        keep &= ~_ENGINE[graph.node_types[edges.targets]]
        edges = edges.where(keep)
        colours = owner[edges.sources]
        targets = edges.targets
        before = owner[targets]
        # The first colour stays unless another one arrives, now or later.
        fresh = before == -1
        owner[targets[fresh]] = colours[fresh]
        clash = owner[targets] != colours
        owner[targets[clash]] = _SEVERAL
        frontier = np.unique(targets[fresh])
        frontier = frontier[owner[frontier] >= 0]
    nodes = np.flatnonzero(owner >= 0)
    return nodes, owner[nodes].astype(np.int64), len(members)


def together(first: Surroundings, second: Surroundings) -> float:
    """Return the share of the second's members, in [0, 1], that share an object with one of the first's."""
    if not second[2]:
        return 0.0
    shared = np.isin(second[0], first[0], assume_unique=True)
    return len(np.unique(second[1][shared])) / second[2]
