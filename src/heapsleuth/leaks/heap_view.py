"""One snapshot as the census, waste and suspects look at it: shared look-ups, made once."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.edge_lookup import EdgeLookup
from heapsleuth.heap.kinds import EdgeType, NodeType
from heapsleuth.leaks.edges import Edges, source_of
from heapsleuth.leaks.groups import STRONG
from heapsleuth.leaks.history import Moment
from heapsleuth.leaks.member_kinds import MemberKinds
from heapsleuth.leaks.naming import Namer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heapsleuth.heap.graph import HeapGraph
    from heapsleuth.heap.sources import Sources
    from heapsleuth.places import SourceLocation

__all__ = ["HeapView", "among", "cut", "look_up", "mixed"]

_LONGEST_NAME = 80
_SCOPE = "system / Context"
_STRONG = np.zeros(256, dtype=bool)
_STRONG[list(STRONG)] = True
_BOUND = "native_bind"  # what V8 calls all of them


class HeapView:
    """
    Look-ups in one snapshot.

    Args:
        graph: The heap.
        sources: Its source locations.
    """

    def __init__(self, graph: HeapGraph, sources: Sources) -> None:
        self.graph = graph
        self.sources = sources
        self.moment = Moment(graph, graph.node_ids)
        self.lookup = EdgeLookup(graph)
        self.kinds = MemberKinds(graph)

    @cached_property
    def namer(self) -> Namer:
        """Names objects by the variables and fields that lead to them."""
        return Namer(self.moment, np.ones(self.graph.node_count, dtype=bool))

    @cached_property
    def scopes(self) -> NDArray[np.bool_]:
        """(n,) whether each node holds the variables of a function, a block or a module."""
        names = self.graph.class_table.names
        # V8 15 appends which scope it is.
        wanted = np.array([name == _SCOPE or name.startswith(f"{_SCOPE} / ") for name in names], dtype=bool)
        scopes: NDArray[np.bool_] = wanted[self.graph.class_ids]
        scopes &= self.graph.node_types == NodeType.OBJECT
        return scopes

    @cached_property
    def _prototypes(self) -> NDArray[np.uint32]:
        # `X.prototype` of `class X extends Y` is an object called Y, and no instance.
        owners, targets = self.lookup.named(EdgeType.PROPERTY, "prototype")
        return np.unique(targets[self.graph.node_types[owners] == NodeType.CLOSURE])

    def instances(self, class_name: str) -> NDArray[np.int64]:
        """Return the objects whose constructor is called *class_name*, prototypes left out."""
        name = self.lookup.name_id(class_name)
        nodes = np.flatnonzero(self.graph.node_names == name) if name >= 0 else np.empty(0, np.int64)
        nodes = nodes[self.graph.node_types[nodes] == NodeType.OBJECT]
        instances: NDArray[np.int64] = nodes[~among(nodes, self._prototypes)] if len(nodes) else nodes
        self.graph.release_pages()
        return instances

    def is_called(self, nodes: NDArray[np.integer], name: str) -> NDArray[np.bool_]:
        """Return (k,) whether each node has that name in the file."""
        index = self.lookup.name_id(name)
        called: NDArray[np.bool_] = self.graph.node_names[nodes] == index
        return called

    def targets(self, nodes: NDArray[np.integer], edge_type: int, *names: str) -> NDArray[np.int64]:
        """Return (k,) where each node's first such edge leads, -1 without one."""
        found = self.lookup.targets(nodes.astype(np.int64), edge_type, names)
        self.graph.release_pages()
        return found

    def edges_to(self, nodes: NDArray[np.integer]) -> Edges:
        """Return the strong edges that lead to each of some nodes, in their order and that of the file."""
        graph = self.graph
        first = graph.first_retainers[nodes].astype(np.int64)
        counts = graph.first_retainers[nodes.astype(np.int64) + 1].astype(np.int64) - first
        which = np.repeat(np.arange(len(nodes)), counts)
        places = first[which] + np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts)
        edges = graph.retainer_edges[places].astype(np.int64)
        graph.release_pages()
        strong = _STRONG[graph.edge_types[edges]]
        edges = edges[strong]
        return Edges(edges, source_of(graph, edges), nodes[which[strong]].astype(np.int64))

    def is_type(self, nodes: NDArray[np.integer], node_type: int) -> NDArray[np.bool_]:
        """Return (k,) whether each node is of that type; False for -1."""
        fits: NDArray[np.bool_] = (nodes >= 0) & (self.graph.node_types[np.maximum(nodes, 0)] == node_type)
        return fits

    def together(
        self, nodes: NDArray[np.integer], groups: NDArray[np.integer], size: int
    ) -> NDArray[np.int64]:
        """
        Return (size,) bytes that the nodes of each group retain.

        What one node of a group dominates of the same group is counted once.

        Args:
            nodes: (k,) node indices.
            groups: (k,) group of each, below *size*.
            size: Number of groups.
        """
        if not len(nodes):
            return np.zeros(size, dtype=np.int64)
        graph = self.graph
        start = self.graph.dominator_places[nodes].astype(np.int64)
        end = start + graph.subtree_counts[start]
        order = np.lexsort((start, groups))
        # Subtrees are intervals; an offset per group keeps the running end from crossing groups.
        offset = groups[order].astype(np.int64) * (graph.node_count + 1)
        reach = np.maximum.accumulate(end[order] + offset)
        outer = np.ones(len(nodes), dtype=bool)
        outer[1:] = start[order][1:] + offset[1:] >= reach[:-1]
        chosen = order[outer]
        weights = graph.retained_sizes[nodes[chosen]].astype(np.float64)
        return np.bincount(groups[chosen], weights=weights, minlength=size).astype(np.int64)

    def retained(self, nodes: NDArray[np.integer]) -> int:
        """Return the bytes that some nodes retain together."""
        return int(self.together(nodes, np.zeros(len(nodes), dtype=np.int64), 1)[0])

    def class_name(self, node: int) -> str:
        """Return the constructor's name of an object, a function's own name, a string's kind."""
        graph = self.graph
        kind = graph.node_types[node]
        if kind == NodeType.CLOSURE:
            return f"function {self.function_name(node)}"
        if kind in {NodeType.STRING, NodeType.CONS_STRING, NodeType.SLICED_STRING}:
            return "string"
        return cut(graph.own_name(node) or "(unnamed)")

    def function_name(self, closure: int) -> str:
        """Return a function's name as V8 has it, `(anonymous)` when it has none; of a bound one, its own."""
        name = self.graph.own_name(closure)
        if name == _BOUND:
            bound = self.lookup.target(closure, EdgeType.INTERNAL, "bound_function")
            name = name if bound is None else self.graph.own_name(bound)
        return cut(name) or "(anonymous)"

    def named(self, node: int) -> str:
        """Return class and name of an object as a programmer would say them: `Map reportCache`."""
        kind, name = self.class_name(node), self.namer.name(node)
        if not name.anchored or name.text == kind:
            return kind
        return f"{kind} {cut(name.text)}"

    def place(self, node: int) -> SourceLocation | None:
        """Return where a function or an instance's class begins."""
        return self.sources.location(node)


def cut(text: str, length: int = _LONGEST_NAME) -> str:
    """Return text from a heap shortened for a report."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def among(nodes: NDArray[np.integer], members: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return (k,) whether each node is one of *members*, which are sorted."""
    if not len(members):
        return np.zeros(len(nodes), dtype=bool)
    found: NDArray[np.bool_] = members[np.minimum(np.searchsorted(members, nodes), len(members) - 1)] == nodes
    return found


def look_up(
    keys: NDArray[np.integer], values: NDArray[np.integer], wanted: NDArray[np.integer]
) -> NDArray[np.int64]:
    """Return (k,) the value of the first key equal to each of (k,) *wanted*, -1 where there is none."""
    found = np.full(len(wanted), -1, dtype=np.int64)
    if len(keys):
        unique, first = np.unique(keys, return_index=True)
        at = np.minimum(np.searchsorted(unique, wanted), len(unique) - 1)
        hit = unique[at] == wanted
        found[hit] = values[first[at[hit]]]
    return found


def mixed(first: NDArray[np.integer], second: NDArray[np.integer | np.bool_]) -> NDArray[np.uint64]:
    """Return (k,) keys of pairs: equal for equal pairs, else different but for a chance of 2**-64."""
    key = (first.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    key ^= key >> np.uint64(29)
    key = (key ^ second.astype(np.uint64)) * np.uint64(0xBF58476D1CE4E5B9)
    return key ^ (key >> np.uint64(32))
