"""Single objects and references of a heap, for those who look at a few rather than at all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import edge_type_name, node_type_name

if TYPE_CHECKING:
    from heapsleuth.heap.graph import HeapGraph
    from heapsleuth.places import SourceLocation

__all__ = ["HeapEdge", "HeapObject"]


@dataclass(frozen=True, slots=True)
class HeapObject:
    """One node of a heap; cheap to make, equal when it is the same node of the same graph."""

    graph: HeapGraph = field(repr=False)
    index: int

    @property
    def node_id(self) -> int:
        """V8's id: odd for JavaScript objects, and then the same in all snapshots of a process."""
        return int(self.graph.node_ids[self.index])

    @property
    def type(self) -> str:
        """V8's node type: `object`, `closure`, `string`, …"""
        return node_type_name(self.graph.node_types[self.index])

    @property
    def name(self) -> str:
        """Text of strings, `{a, b}` of plain objects, else what V8 wrote."""
        return self.graph.name(self.index)

    @property
    def class_name(self) -> str:
        """Name of the class the object counts for."""
        return self.graph.class_name(self.index)

    @property
    def self_size(self) -> int:
        """Bytes, as in the file."""
        return int(self.graph.self_sizes[self.index])

    @property
    def shallow_size(self) -> int:
        """Bytes with the backing stores the object owns; 0 for a backing store that has an owner."""
        return int(self.graph.shallow_sizes[self.index])

    @property
    def retained_size(self) -> int:
        """Bytes that would be freed with the object."""
        return int(self.graph.retained_sizes[self.index])

    @property
    def distance(self) -> int:
        """Edges from the program's globals; from 100,000,000 on only the runtime's; -5: unreachable."""
        return int(self.graph.distances[self.index])

    @property
    def location(self) -> SourceLocation | None:
        """Where the closure, or the class of the instance, is declared; None if V8 recorded no place."""
        return self.graph.sources.location(self.index)

    @property
    def dominator(self) -> HeapObject | None:
        """The object that alone keeps this one alive, None for the root."""
        above = int(self.graph.dominators[self.index])
        return None if above == self.index else HeapObject(self.graph, above)

    def dominator_chain(self) -> list[HeapObject]:
        """Return what dominates the object, the root first, the object last."""
        chain = [self]
        above = self.dominator
        while above is not None:
            chain.append(above)
            above = above.dominator
        return chain[::-1]

    def edges(self) -> list[HeapEdge]:
        """Return the references to other objects, in the order of the file."""
        first = self.graph.first_edges
        return [
            HeapEdge(self.graph, edge, self.index)
            for edge in range(int(first[self.index]), int(first[self.index + 1]))
        ]

    def retainers(self, limit: int | None = None) -> list[HeapEdge]:
        """Return the references to this object, in the order of the file, at most *limit* of them."""
        return [HeapEdge(self.graph, edge, node) for edge, node in self.graph.retainers_of(self.index, limit)]

    def path(self) -> list[HeapEdge]:
        """
        Return one way the object is held, from the root to the object.

        It uses edges that keep alive, and compiled code, cells of globals, handles and the stack only
        where there is no other way.  Empty for the root and for what nothing keeps alive.
        """
        edges = self.graph.path_edges(self.index)
        owners = np.searchsorted(self.graph.first_edges, np.array(edges, np.int64), "right") - 1
        return [HeapEdge(self.graph, edge, int(owner)) for edge, owner in zip(edges, owners, strict=True)]


@dataclass(frozen=True, slots=True)
class HeapEdge:
    """One reference."""

    graph: HeapGraph = field(repr=False)
    index: int
    source_index: int

    @property
    def type(self) -> str:
        """V8's edge type: `property`, `element`, `context`, `internal`, …"""
        return edge_type_name(self.graph.edge_types[self.index])

    @property
    def name(self) -> str:
        """Name of the property or variable, number of the element or slot."""
        return self.graph.edge_name(self.index)

    @property
    def source(self) -> HeapObject:
        """The object that refers."""
        return HeapObject(self.graph, self.source_index)

    @property
    def target(self) -> HeapObject:
        """The object referred to."""
        return HeapObject(self.graph, int(self.graph.edge_targets[self.index]))
