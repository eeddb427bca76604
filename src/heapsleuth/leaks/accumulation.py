"""Where the memory of one heap piles up: objects, and classes of objects, that retain a tenth of it.

The rules are the Eclipse Memory Analyzer's, on the dominator tree.  A *suspect* is an object of the
top level that retains more than a tenth of the heap; from it, the way goes down to the biggest child as
long as that has 70 % of its parent: where it ends, memory accumulates.  What is left of the top level
is grouped by class, and a class that retains more than a tenth is a suspect, too; its holder is the
nearest object behind 80 % of its members.

Two things are different here.  The top level lies below what every program has: roots, the engine's own
objects, the global object, and scopes and functions that retain a tenth themselves.  And where the way
ends at an object with several children that retain a tenth each, each of them is followed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import EdgeType, NodeType
from heapsleuth.leaks.groups import VISIBLE
from heapsleuth.leaks.heap_view import look_up, mixed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heapsleuth.leaks.heap_view import HeapView

__all__ = ["Pile", "find_piles"]

_SHARE = 0.1
_DROP = 0.7
_COMMON_SHARE = 0.8
_SMALLEST_STEP = 0.02
"""Share of the heap below which the way down ends in any case."""
_MOST_PILES = 12
_MOST_LEVELS = 8
_TEXT = (NodeType.STRING, NodeType.CONS_STRING, NodeType.SLICED_STRING)
_PLUMBING = (
    NodeType.HIDDEN, NodeType.ARRAY, NodeType.CODE, NodeType.SYNTHETIC, NodeType.OBJECT_SHAPE, NodeType.OTHER
)  # fmt: skip
_IS_PLUMBING = np.zeros(32, dtype=bool)
_IS_PLUMBING[list(_PLUMBING)] = True
_PASSED = ("Module", "process", "global", "global (global*)", "global (global)")
_LISTS = frozenset({"Array", "Map", "Set", "Object"})
"""Classes that hold each other without being a chain."""
_BYTES = ("ArrayBuffer", "SharedArrayBuffer", "system / JSArrayBufferData")
_LEAST_BYTES = 1_000_000
"""Smaller things are not worth suspecting: a bare Node process has piles of a few 100 kB of its own."""
_CHAIN_PERIOD = 3
_BLOCK = 1 << 21


@dataclass(frozen=True, slots=True, eq=False)
class Pile:
    """Memory that accumulates in one place, or in one class."""

    holder: int | None
    """Node index of the object it accumulates in; None when a class has no common holder."""
    members: NDArray[np.int64]
    """(k,) node indices of the class that retains most of it."""
    retained_bytes: int
    """Of the whole pile."""
    chain: bool
    """Whether the members hold each other, as in a linked list."""
    share: float
    """Share of the heap."""
    is_class: bool
    """Whether it was found by class."""


def find_piles(view: HeapView) -> list[Pile]:
    """Return the suspects, most bytes first; objects before classes."""
    total = int(view.graph.retained_sizes[0])
    least = max(_SHARE * total, _LEAST_BYTES)
    tops = _top_level(view, least)
    big = tops[view.graph.retained_sizes[tops] > least]
    small = tops[view.graph.retained_sizes[tops] <= least]
    view.graph.release_pages()
    descent = _Descent(view, total, least)
    piles = [pile for node in _by_size(view, big).tolist() for pile in descent.piles_under(node)]
    view.graph.release_pages()
    piles += _classes(view, small, least)
    view.graph.release_pages()
    piles.sort(key=lambda pile: (-pile.retained_bytes, pile.is_class, pile.holder or 0))
    return piles[:_MOST_PILES]


def _top_level(view: HeapView, least: float) -> NDArray[np.int64]:
    """Return the highest objects of the dominator tree that say something about the program."""
    graph = view.graph
    passed = _IS_PLUMBING[graph.node_types]
    passed |= (graph.node_types == NodeType.NATIVE) & (graph.node_ids & 1 == 0)
    large = np.flatnonzero(graph.retained_sizes > least)
    named = np.zeros(len(large), dtype=bool)
    for name in _PASSED:
        named |= view.is_called(large, name)
    passed[large[named | view.scopes[large] | (graph.node_types[large] == NodeType.CLOSURE)]] = True
    # In preorder, what a node dominates is an interval: an object is highest when no interval of
    # another one that says something reaches over it.
    order = graph.dominator_order
    says = ~passed[order]
    place = np.arange(len(order), dtype=np.uint32)
    reach = place + graph.subtree_counts
    reach[~says] = 0
    np.maximum.accumulate(reach, out=reach)
    says[1:] &= reach[:-1] <= place[1:]
    return order[says].astype(np.int64)


def _by_size(view: HeapView, nodes: NDArray[np.int64]) -> NDArray[np.int64]:
    sizes = view.graph.retained_sizes[nodes].astype(np.int64)
    return nodes[np.lexsort((view.graph.node_ids[nodes], -sizes))]


class _Descent:
    """The way down from a suspect to where memory accumulates."""

    def __init__(self, view: HeapView, total: int, least: float) -> None:
        graph = view.graph
        self._view = view
        self._total = total
        self._least = least
        big = np.flatnonzero(graph.retained_sizes >= max(_SMALLEST_STEP * total, 1))
        big = _by_size(view, big[big != 0])
        self._children: dict[int, list[int]] = {}
        for node, parent in zip(big.tolist(), graph.dominators[big].tolist(), strict=True):
            self._children.setdefault(parent, []).append(node)

    def piles_under(self, top: int) -> list[Pile]:
        """Return the piles in what *top* dominates."""
        retained = self._view.graph.retained_sizes
        pending, piles = [top], []
        while pending:
            end, chain = self._follow(pending.pop(0))
            further = [] if chain else [c for c in self._children.get(end, []) if retained[c] > self._least]
            pending += further
            holder = _of_bytes(self._view, int(self._view.moment.lifted[end]))
            rest = int(max(retained[holder], retained[end])) - sum(int(retained[node]) for node in further)
            if rest > self._least or not further:
                piles.append(self._pile(holder, rest, chain=chain, without=further))
        return piles

    def _follow(self, node: int) -> tuple[int, bool]:
        """Return where the way down from a node ends, and whether it ends at the head of a chain."""
        graph = self._view.graph
        seen: list[tuple[int, int]] = []
        while True:
            if self._view.moment.lifted[node] == node:
                kind = int(graph.class_ids[node])
                repeated = [earlier for earlier, its_kind in seen[-_CHAIN_PERIOD:] if its_kind == kind]
                if repeated and not self._is_list(node):
                    return repeated[0], True
                seen.append((node, kind))
            children = self._children.get(node, [])
            if not children or graph.retained_sizes[children[0]] < _DROP * graph.retained_sizes[node]:
                return node, False
            if graph.own_name(children[0]) in _BYTES:
                return node, False  # a Buffer says more than its bytes
            node = children[0]

    def _is_list(self, node: int) -> bool:
        return self._view.graph.class_name(node) in _LISTS or bool(self._view.scopes[node])

    def _pile(self, holder: int, retained: int, *, chain: bool, without: list[int]) -> Pile:
        view = self._view
        graph = view.graph
        start = int(graph.dominator_places[holder])
        stop = start + int(graph.subtree_counts[start])
        found = [np.array([holder] if chain else [], dtype=np.int64)]
        for block in range(start + 1, stop, _BLOCK):
            below = graph.dominator_order[block : min(block + _BLOCK, stop)]
            if chain:
                keep = graph.class_ids[below] == graph.class_ids[holder]
            else:
                keep = view.moment.lifted[graph.dominators[below]] == holder
            below = below[keep]
            visible = VISIBLE[graph.node_types[below]] & (view.moment.lifted[below] == below)
            found.append(below[visible].astype(np.int64))
        members = np.concatenate(found)
        if not chain:
            own_bytes = np.isin(graph.node_names[members], [view.lookup.name_id(name) for name in _BYTES])
            members = _leading(view, members[~own_bytes & ~np.isin(members, np.array(without, np.int64))])
        return Pile(holder, members, retained, chain=chain, share=retained / self._total, is_class=False)


def _of_bytes(view: HeapView, node: int) -> int:
    """Return the Buffer or ArrayBuffer for its bytes, another node for itself."""
    for label in ("backing_store", "buffer"):
        if view.graph.own_name(node) in _BYTES:
            found = view.edges_to(np.array([node]))
            owners = [
                source
                for edge, source in zip(found.edges.tolist(), found.sources.tolist(), strict=True)
                if view.graph.edge_types[edge] == EdgeType.INTERNAL and view.graph.edge_name(edge) == label
            ]
            node = owners[0] if owners else node
    return node


def _leading(view: HeapView, nodes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return those of the kind that retains most."""
    if not len(nodes):
        return nodes
    kinds, kind = np.unique(_kinds(view, nodes), return_inverse=True)
    sizes = np.bincount(kind, weights=view.graph.retained_sizes[nodes], minlength=len(kinds))
    leading: NDArray[np.int64] = nodes[kind == int(sizes.argmax())]
    return leading


def _kinds(view: HeapView, nodes: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Return (k,) keys: scopes and functions by where they are in the source, objects by class."""
    keys = view.kinds.keys(nodes)
    objects = view.graph.node_types[nodes] == NodeType.OBJECT
    keys[objects] = mixed(view.graph.class_ids[nodes[objects]], np.array([0]))
    scopes = np.flatnonzero(view.scopes[nodes])
    infos = view.targets(nodes[scopes], EdgeType.INTERNAL, "scope_info")
    keys[scopes] = mixed(np.maximum(infos, 0), np.array([1]))
    return keys


def _classes(view: HeapView, nodes: NDArray[np.int64], least: float) -> list[Pile]:
    """Return the classes of top-level objects that retain enough together."""
    graph = view.graph
    total = int(graph.retained_sizes[0])
    nodes = nodes[VISIBLE[graph.node_types[nodes]]]
    # Most classes are out before anything is sorted.
    by_class = np.bincount(graph.class_ids[nodes], weights=graph.retained_sizes[nodes], minlength=1)
    nodes = nodes[(by_class > least)[graph.class_ids[nodes]]]
    if not len(nodes):
        return []
    kinds, kind = np.unique(_kinds(view, nodes), return_inverse=True)
    sizes = np.bincount(kind, weights=graph.retained_sizes[nodes], minlength=len(kinds)).astype(np.int64)
    piles = []
    for index in np.flatnonzero(sizes > least).tolist():
        members = nodes[kind == index]
        holder = _common_holder(view, members)
        if holder is None and graph.node_types[members[0]] in _TEXT:
            continue  # texts everywhere are no suspect
        piles.append(
            Pile(
                holder,
                members,
                int(sizes[index]),
                chain=False,
                share=int(sizes[index]) / total,
                is_class=True,
            )
        )
    return piles


def _common_holder(view: HeapView, members: NDArray[np.int64]) -> int | None:
    """Return the nearest object through which the shortest ways to 80 % of the members go."""
    graph = view.graph
    current, counts = members, np.ones(len(members), dtype=np.int64)
    for _ in range(_MOST_LEVELS):
        current, counts = _nearer_the_roots(view, current, counts)
        if not len(current):
            return None
        leading = int(counts.argmax())
        if counts[leading] >= _COMMON_SHARE * len(members):
            node = int(current[leading])
            # That all of them hang on the whole program says nothing.
            says = VISIBLE[graph.node_types[node]] and not view.scopes[node]
            return node if says and graph.own_name(node) not in _PASSED else None
    return None


def _nearer_the_roots(
    view: HeapView, nodes: NDArray[np.int64], counts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return who refers to each node on its shortest way from the roots, and how many members are behind."""
    graph = view.graph
    edges = view.edges_to(nodes)
    edges = edges.where(graph.distances[edges.sources] < graph.distances[edges.targets])
    order = np.lexsort((graph.node_ids[edges.sources], graph.distances[edges.sources], edges.targets))
    targets, first = np.unique(edges.targets[order], return_index=True)
    parents = view.moment.lifted[edges.sources[order][first]]
    current, which = np.unique(parents, return_inverse=True)
    return current.astype(np.int64), np.bincount(which, weights=look_up(nodes, counts, targets)).astype(
        np.int64
    )
