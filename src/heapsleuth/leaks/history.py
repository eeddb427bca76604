"""One process seen several times: which objects are old, and in which round each new one was made.

An object's *logical id* is its V8 id, except for an object that took the place of one that died
behind the same named field of an old object (`state = {...state}`, a reallocated buffer): it
inherits the logical id, so that "the thing in this field" can be followed through the snapshots.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import EdgeType, NodeType
from heapsleuth.kernels import cohorts
from heapsleuth.leaks.edges import edge_labels, edges_into
from heapsleuth.leaks.identity import Positions, highest_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from heapsleuth.heap.graph import HeapGraph
    from heapsleuth.leaks.edges import Edges

    Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]

__all__ = ["History", "Moment"]

_PLUMBING = np.zeros(32, dtype=np.uint8)
_PLUMBING[[NodeType.HIDDEN, NodeType.ARRAY]] = 1

# A field replaced inside a replaced object inside …: deeper nests than this are left as new objects.
_SLOT_DEPTH = 6

_SLOT_KIND = np.arange(32, dtype=np.uint8)
_SLOT_KIND[[NodeType.CONS_STRING, NodeType.SLICED_STRING]] = NodeType.STRING

# Not the elements of an array: who takes the place of another in a list is another.
_SLOT_EDGES = (EdgeType.CONTEXT, EdgeType.PROPERTY, EdgeType.INTERNAL)


@dataclass(eq=False)
class Moment:
    """One snapshot with what the analysis of growth needs of it."""

    graph: HeapGraph
    ids: NDArray[np.unsignedinteger]
    """(n,) logical ids."""

    @cached_property
    def lifted(self) -> NDArray[np.uint32]:
        """(n,) the object a programmer would see in place of each node; see `lift_plumbing`."""
        graph = self.graph
        lifted = np.arange(graph.columns.node_count, dtype=np.uint32)
        cohorts.lift_plumbing(
            graph.dominator_order,
            graph.dominators,
            graph.owners,
            _PLUMBING[graph.node_types],
            lifted,
        )
        natives = np.flatnonzero((graph.node_types == NodeType.NATIVE) & (graph.node_ids & 1 == 0))
        # Embedder nodes have no identity: all of one name stand for their first.
        names = graph.node_names[natives]
        _, first, which = np.unique(names, return_index=True, return_inverse=True)
        lifted[natives] = natives[first][which]
        graph.release_pages()
        return lifted

    @cached_property
    def positions(self) -> Positions:
        """Finds nodes by logical id."""
        return Positions(self.ids)


class History:
    """
    Snapshots of one process in the order they were taken.

    Args:
        graphs: At least two heaps; ids must be comparable.
    """

    def __init__(self, graphs: Sequence[HeapGraph]) -> None:
        self.moments: list[Moment] = [Moment(graphs[0], graphs[0].node_ids)]
        self._highest = [highest_id(graph) for graph in graphs]
        for graph in graphs[1:]:
            self.moments.append(_follow(self.moments[-1], graph))

    @property
    def last(self) -> Moment:
        """The newest snapshot."""
        return self.moments[-1]

    @cached_property
    def births(self) -> NDArray[np.uint8]:
        """(n,) of the last snapshot: the first snapshot that had each object, 0 for the old ones."""
        return self.births_at(len(self.moments) - 1)

    def births_at(self, index: int) -> NDArray[np.uint8]:
        """(n,) of snapshot *index*: the first snapshot that had each object."""
        moment = self.moments[index]
        bounds = np.array(self._highest[:index], dtype=np.uint64)
        births = np.searchsorted(bounds, moment.ids.astype(np.uint64, copy=False), side="left")
        births[(moment.ids & moment.ids.dtype.type(1)) == 0] = 0
        return births.astype(np.uint8)


def _follow(before: Moment, graph: HeapGraph) -> Moment:
    """Give each object of *graph* its logical id, given the snapshot before it."""
    ids = graph.node_ids
    known = before.positions.find(ids)
    survived = np.zeros(before.graph.columns.node_count, dtype=bool)
    survived[known[known >= 0]] = True
    moment = Moment(graph, ids)
    for _ in range(_SLOT_DEPTH):
        new, old = _replaced(before, moment, known, survived)
        if not len(new):
            break
        if moment.ids is ids:
            moment.ids = ids.copy()
        moment.ids[new] = before.ids[old]
        known[new] = old
        survived[old] = True
    return moment


def _replaced(before: Moment, after: Moment, known: NDArray[np.int32], survived: NDArray[np.bool_]) -> Pairs:
    """Return pairs (new node, dead node) that stand behind the same field of a known object."""
    slots = _named(after.graph, edges_into(after.graph, known < 0, _SLOT_EDGES, known >= 0))
    if not len(slots):
        return slots.targets, slots.targets
    owners = np.zeros(len(survived), dtype=bool)
    owners[known[slots.sources]] = True
    dead = _named(before.graph, edges_into(before.graph, ~survived, _SLOT_EDGES, owners))
    here = _slot_keys(after.graph, slots, known[slots.sources])
    there = _slot_keys(before.graph, dead, dead.sources)
    _, a, b = np.intersect1d(here, there, return_indices=True)
    new, old = slots.targets[a], dead.targets[b]
    odd = after.graph.node_ids[new] & before.graph.node_ids[old] & 1 == 1
    new, old = new[odd], old[odd]
    # One to one: a dead object has one heir, an heir one ancestor.
    keep = np.unique(new, return_index=True)[1]
    new, old = new[keep], old[keep]
    keep = np.unique(old, return_index=True)[1]
    return new[keep], old[keep]


def _named(graph: HeapGraph, edges: Edges) -> Edges:
    """Return the edges that stand for a name somebody gave, not for a place in a table of the engine."""
    internal = graph.edge_types[edges.edges] == EdgeType.INTERNAL
    names = np.unique(graph.edge_names[edges.edges[internal]])
    places = [
        name for name, text in zip(names, graph.strings.decode_many(names), strict=True) if text.isdigit()
    ]
    return edges.where(~(internal & np.isin(graph.edge_names[edges.edges], places)))


def _slot_keys(graph: HeapGraph, slots: Edges, owners: NDArray[np.integer]) -> NDArray[np.uint64]:
    """Return (k,) keys equal for the same field, of the same object, holding the same type."""
    labels = edge_labels(graph, slots.edges)
    kinds = _SLOT_KIND[graph.node_types[slots.targets]].astype(np.uint64)
    owner_hash = (owners.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    result: NDArray[np.uint64] = labels ^ owner_hash ^ (kinds << np.uint64(57))
    return result
