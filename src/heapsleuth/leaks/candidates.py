"""Which holders are worth measuring: those that gained members, and those that grew in place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.edge_lookup import EdgeLookup
from heapsleuth.heap.kinds import EdgeType, NodeType
from heapsleuth.leaks.edges import edges_of
from heapsleuth.leaks.groups import CONTENTS, STRONG, VISIBLE, holds_nothing, new_members
from heapsleuth.leaks.member_kinds import MemberKinds
from heapsleuth.leaks.series import Candidate, folded_holders

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heapsleuth.heap.graph import HeapGraph
    from heapsleuth.leaks.groups import Groups
    from heapsleuth.leaks.history import History

__all__ = ["find_candidates"]

# Fewer new members than this, retaining fewer bytes than this, cannot be told from noise.
_LEAST_MEMBERS = 4
_LEAST_BYTES = 2048

# Heaps have few real causes; a cap keeps a hostile or very busy heap from taking minutes.
_MOST_CANDIDATES = 4000

_BYTES_ONLY = (NodeType.STRING, NodeType.CONS_STRING, NodeType.SLICED_STRING, NodeType.NATIVE)


def find_candidates(history: History) -> list[Candidate]:
    """Return candidates in a stable order: most retained first, then by holder id."""
    groups = new_members(history)
    weight = _group_weight(history, groups)
    chained = _chained(history, groups)
    enough = (groups.counts >= _LEAST_MEMBERS) | (weight >= _LEAST_BYTES)
    chosen = np.flatnonzero(enough & ~chained)
    ids = history.last.ids[groups.holders[chosen]]
    chosen = chosen[np.lexsort((groups.labels[chosen], ids, -weight[chosen]))][:_MOST_CANDIDATES]
    chains = _fold_chains(history, groups, np.flatnonzero(chained))
    folded = {(chain.holder, chain.kind) for chain in chains}
    plain = [_candidate(groups, int(index)) for index in chosen]
    found = [*chains, *(c for c in plain if (c.holder, c.kind) not in folded)]
    holders = {candidate.holder for candidate in found}
    found.extend(c for c in _grown_in_place(history) if c.holder not in holders)
    return found


def _candidate(groups: Groups, index: int) -> Candidate:
    return Candidate(
        holder=int(groups.holders[index]),
        label=int(groups.labels[index]),
        dictionary=bool(groups.dictionary[index]),
        kind=int(groups.kinds[index]),
        example=int(groups.examples[index]),
    )


def _group_weight(history: History, groups: Groups) -> NDArray[np.int64]:
    graph = history.last.graph
    sizes = graph.retained_sizes[groups.edges.targets].astype(np.float64)
    return np.bincount(groups.group_of_edge, weights=sizes, minlength=len(groups.holders)).astype(np.int64)


def _chained(history: History, groups: Groups) -> NDArray[np.bool_]:
    """
    Return (g,) true where an old object of some kind came to hold a newer one of the same kind.

    A chain grows by one such reference, from its last old member, however long it gets.  What a
    collection contains is no chain, even of collections.
    """
    graph = history.last.graph
    alike = MemberKinds(graph).keys(groups.holders) == groups.kinds
    promise = graph.strings.find("Promise")
    linked = groups.labels != CONTENTS
    if promise is not None:
        linked |= graph.node_names[groups.holders] == promise
    result: NDArray[np.bool_] = alike & linked & _same_fields(graph, groups)
    return result


def _same_fields(graph: HeapGraph, groups: Groups) -> NDArray[np.bool_]:
    """Return (g,) false where holder and member are plain objects with different fields."""
    plain = graph.strings.find("Object")
    same = np.ones(len(groups.holders), dtype=bool)
    at = np.flatnonzero(graph.node_names[groups.holders] == (-1 if plain is None else plain))
    if len(at):
        edges = EdgeLookup(graph)
        members = graph.edge_targets[groups.examples[at]].astype(np.int64)
        ours, theirs = (
            edges.targets(nodes, EdgeType.INTERNAL, ("map",)) for nodes in (groups.holders[at], members)
        )
        same[at] = ours == theirs
    return same


def _fold_chains(history: History, groups: Groups, chained: NDArray[np.intp]) -> list[Candidate]:
    """Return one candidate per chain, held by what holds the chain as a whole."""
    if not len(chained):
        return []
    folded = folded_holders(history.last)
    tops = folded[groups.holders[chained]].astype(np.int64)
    found: dict[tuple[int, int], Candidate] = {}
    for index, top in zip(chained.tolist(), tops.tolist(), strict=True):
        kind = int(groups.kinds[index])
        if (top, kind) not in found and len(found) < _MOST_CANDIDATES:
            holder = _entrance(history, groups, top, kind, int(groups.holders[index]))
            found[top, kind] = Candidate(
                holder=holder,
                label=int(CONTENTS),
                dictionary=False,
                kind=kind,
                example=int(groups.examples[index]),
                chain=True,
                top=top,
            )
    return list(found.values())


def _is_global(graph: HeapGraph, node: int) -> bool:
    return graph.own_name(node).startswith(("global", "system / NativeContext"))


def _entrance(history: History, groups: Groups, top: int, kind: int, link: int) -> int:
    """Return what a programmer would call the holder of a chain whose dominator is *top*."""
    graph = history.last.graph
    if graph.node_types[top] not in (NodeType.SYNTHETIC, NodeType.NATIVE) and not _is_global(graph, top):
        return top
    # Entered from several roots: take an old object that came to point to its newest member.
    alike = (groups.kinds == np.uint64(kind)) & VISIBLE[graph.node_types[groups.holders]]
    entrances = groups.holders[alike]
    entrances = entrances[MemberKinds(graph).keys(entrances) != np.uint64(kind)]
    return int(min(entrances.tolist(), key=lambda node: int(history.last.ids[node]), default=link))


def _grown_in_place(history: History) -> list[Candidate]:
    """Return old objects that gained references, or bytes, in every interval without new members."""
    moments = history.moments
    last = moments[-1]
    alive = np.flatnonzero((history.births == 0) & (last.graph.node_ids & 1 == 1))
    alive = alive[(last.lifted[alive] == alive) & VISIBLE[last.graph.node_types[alive]]]
    alive = alive[~holds_nothing(last)[alive]]
    degree, size = (
        _degrees(last.lifted, last.graph.first_edges)[alive],
        last.graph.shallow_sizes[alive].astype(np.int64),
    )
    more = np.ones(len(alive), dtype=bool)
    bigger = np.isin(last.graph.node_types[alive], _BYTES_ONLY)
    start = (degree, size)
    for moment in reversed(moments[:-1]):
        at = moment.positions.find(last.ids[alive])
        known = at >= 0
        earlier_degree = np.where(known, _degrees(moment.lifted, moment.graph.first_edges)[at], degree)
        earlier_size = np.where(known, moment.graph.shallow_sizes[at], size).astype(np.int64)
        more &= earlier_degree < degree
        bigger &= earlier_size < size
        degree, size = earlier_degree, earlier_size
    more &= start[0] - degree >= _LEAST_MEMBERS
    bigger &= start[1] - size >= _LEAST_BYTES
    return [_in_place(history, int(node)) for node in alive[more | bigger]]


def _degrees(lifted: NDArray[np.uint32], first_edges: NDArray[np.unsignedinteger]) -> NDArray[np.int64]:
    """(n,) edges that leave each object, its backing stores included."""
    return np.bincount(lifted, weights=np.diff(first_edges), minlength=len(lifted)).astype(np.int64)


def _in_place(history: History, node: int) -> Candidate:
    graph = history.last.graph
    edges = edges_of(graph, np.array([node]))
    strong = np.isin(graph.edge_types[edges.edges], STRONG) & VISIBLE[graph.node_types[edges.targets]]
    edges = edges.where(strong)
    listed = edges.edges[graph.edge_types[edges.edges] == EdgeType.ELEMENT]
    example = int(listed[-1]) if len(listed) else int(edges.edges[-1]) if len(edges) else -1
    return Candidate(node, int(CONTENTS), dictionary=False, kind=0, example=example)
