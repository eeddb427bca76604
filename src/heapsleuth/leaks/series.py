"""The counts and bytes of each candidate in every snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from heapsleuth.heap.edge_lookup import EdgeLookup
from heapsleuth.heap.kinds import EdgeType, NodeType
from heapsleuth.kernels import cohorts
from heapsleuth.leaks.edges import edges_of
from heapsleuth.leaks.groups import CONTENTS, STRONG, VISIBLE, field_labels
from heapsleuth.leaks.member_kinds import MemberKinds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from heapsleuth.heap.graph import HeapGraph
    from heapsleuth.leaks.history import History, Moment

__all__ = ["Candidate", "Series", "measure"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A holder and one of its fields (or its contents) that may be growing."""

    holder: int
    """Node index in the last snapshot."""
    label: int
    """Field label as of `groups.field_labels`."""
    dictionary: bool
    """Whether the holder's named fields are its contents."""
    kind: int
    """Kind key of the members that matter most; 0 for "whatever it refers to"."""
    example: int
    """Edge index in the last snapshot that leads to the newest such member."""
    chain: bool = False
    """Whether members hold each other (list, tree) and are counted by dominance."""
    top: int = -1
    """Node index that dominates a chain; the holder itself unless the chain has several entrances."""
    below: bool = False
    """Whether everything of the kind that the holder dominates is counted, at any depth."""


@dataclass(frozen=True, slots=True)
class Series:
    """One value per snapshot, for one candidate."""

    counts: tuple[int, ...]
    """Distinct members of the leading kind."""
    references: tuple[int, ...]
    """References to members of any kind: more than members when one is listed many times."""
    retained: tuple[int, ...]
    """Bytes retained by the members, of any kind."""
    shallow: tuple[int, ...]
    """Bytes of the holder itself, its backing stores included."""
    present: tuple[bool, ...]
    """Whether the holder existed."""
    survivors: tuple[int, ...]
    """Of the leading members held in the last snapshot, those made before each snapshot."""
    single: bool = False
    """Whether this is one named field: then what it retains can grow without a new member."""


@dataclass(frozen=True, slots=True, eq=False)
class _Tally:
    """What was counted in one snapshot, for k candidates."""

    counts: NDArray[np.int64]
    references: NDArray[np.int64]
    retained: NDArray[np.int64]
    members: NDArray[np.int64]
    """(p,) node index of every leading member …"""
    group: NDArray[np.int64]
    """(p,) … and the candidate it belongs to."""


def measure(history: History, candidates: Sequence[Candidate]) -> list[Series]:
    """Return the series of each candidate, in order."""
    counted_at = [candidate.top if candidate.chain else candidate.holder for candidate in candidates]
    rows = [_measure_at(history, moment, candidates, counted_at) for moment in history.moments]
    names = ("counts", "references", "retained", "shallow", "present")
    columns = {name: [row[name] for row in rows] for name in names}
    survivors = _survivors(history, rows[-1]["tally"], len(candidates))
    return [
        Series(
            **{name: tuple(values[index].item() for values in columns[name]) for name in names},
            survivors=tuple(values[index].item() for values in survivors),
            single=candidate.label != CONTENTS,
        )
        for index, candidate in enumerate(candidates)
    ]


def _survivors(
    history: History, tallies: list[tuple[NDArray[np.intp], _Tally]], size: int
) -> list[NDArray[np.int64]]:
    """Return per snapshot (size,) members of the last snapshot that it already had."""
    result = [np.zeros(size, dtype=np.int64) for _ in history.moments]
    for chosen, tally in tallies:
        births = history.births[tally.members]
        for index, counts in enumerate(result):
            counts[chosen] = np.bincount(tally.group[births <= index], minlength=len(chosen))
    return result


def _measure_at(
    history: History, moment: Moment, candidates: Sequence[Candidate], counted_at: Sequence[int]
) -> dict[str, Any]:
    holders = _holders_at(history, moment, counted_at)
    size = len(candidates)
    counts, references, retained = (np.zeros(size, dtype=np.int64) for _ in range(3))
    below = np.array([candidate.below for candidate in candidates], dtype=bool)
    chains = np.array([candidate.chain for candidate in candidates], dtype=bool) & ~below
    tallies = []
    ways = ((~chains & ~below, _count_members), (chains, _count_chains), (below, _count_below))
    for mask, count in ways:
        chosen = np.flatnonzero(mask & (holders >= 0))
        if len(chosen):
            tally = count(moment, [candidates[index] for index in chosen.tolist()], holders[chosen])
            counts[chosen], references[chosen] = tally.counts, tally.references
            retained[chosen] = tally.retained
            tallies.append((chosen, tally))
    present = holders >= 0
    shallow = np.where(present, moment.graph.shallow_sizes[np.maximum(holders, 0)], 0).astype(np.int64)
    return {
        "counts": counts,
        "references": references,
        "retained": retained,
        "shallow": shallow,
        "present": present,
        "tally": tallies,
    }


def _holders_at(history: History, moment: Moment, counted_at: Sequence[int]) -> NDArray[np.int64]:
    """Return (k,) node index of each holder in *moment*, -1 where it did not exist."""
    wanted = history.last.ids[np.array(counted_at, dtype=np.int64)]
    found = moment.positions.find(wanted).astype(np.int64)
    graph, last = moment.graph, history.last.graph
    for index in np.flatnonzero(wanted & 1 == 0).tolist():
        # Embedder nodes have no identity; all of one name are one holder.
        name = last.strings.hashes[last.node_names[counted_at[index]]]
        same = np.flatnonzero(
            (graph.node_types == NodeType.NATIVE)
            & (graph.strings.hashes[graph.node_names] == name)
            & (graph.node_ids & 1 == 0)
        )
        found[index] = same[0] if len(same) else -1
    return found


def _count_members(moment: Moment, candidates: list[Candidate], holders: NDArray[np.int64]) -> _Tally:
    graph, size = moment.graph, len(candidates)
    slot = np.full(graph.columns.node_count, -1, dtype=np.int32)
    unique, first = np.unique(holders, return_index=True)
    slot[unique] = np.arange(len(unique), dtype=np.int32)
    edges = edges_of(graph, np.flatnonzero(slot[moment.lifted] >= 0))
    keep = np.isin(graph.edge_types[edges.edges], STRONG) & VISIBLE[graph.node_types[edges.targets]]
    edges = edges.where(keep)
    owners = moment.lifted[edges.sources].astype(np.int64)
    edges, owners = edges.where(owners != edges.targets), owners[owners != edges.targets]
    labels = field_labels(moment, edges, owners)
    dictionary = np.array([candidates[index].dictionary for index in first], dtype=bool)
    labels[dictionary[slot[owners]]] = CONTENTS

    keys = _mixed(slot[holders].astype(np.uint64), np.array([c.label for c in candidates], dtype=np.uint64))
    sorted_keys = np.sort(keys)
    candidate_at = np.argsort(keys, kind="stable")
    edge_keys = _mixed(slot[owners].astype(np.uint64), labels)
    at = np.minimum(np.searchsorted(sorted_keys, edge_keys), size - 1)
    hit = sorted_keys[at] == edge_keys
    edges, group = edges.where(hit), candidate_at[at[hit]]
    owners = owners[hit]

    listed = (graph.edge_types[edges.edges] == EdgeType.ELEMENT) & (edges.sources == owners)
    per_list = np.bincount(group[listed], minlength=size)
    references = np.where(per_list > 0, per_list, np.bincount(group, minlength=size))
    pairs = np.unique(group.astype(np.uint64) << np.uint64(32) | edges.targets.astype(np.uint64))
    group, members = (
        (pairs >> np.uint64(32)).astype(np.int64),
        (pairs & np.uint64(0xFFFFFFFF)).astype(np.int64),
    )
    kinds = np.array([c.kind for c in candidates], dtype=np.uint64)
    leading = (MemberKinds(graph).keys(members) == kinds[group]) | (kinds[group] == 0)
    counts = np.bincount(group[leading], minlength=size)
    single = np.array([c.label != CONTENTS for c in candidates], dtype=bool)
    alone = single[group] & (counts[group] == 1) & leading
    retained = np.bincount(group, weights=graph.retained_sizes[members].astype(np.float64), minlength=size)
    counted, owner = members[leading & ~alone], group[leading & ~alone]
    if alone.any():
        chains = _chains_from(moment, members[alone])
        lengths = np.array([len(chain) for chain in chains], dtype=np.int64)
        counts[group[alone]] = lengths
        counted = np.concatenate([counted, *chains])
        owner = np.concatenate([owner, np.repeat(group[alone], lengths)])
    return _Tally(counts, references, retained.astype(np.int64), counted, owner)


def _count_chains(moment: Moment, candidates: list[Candidate], holders: NDArray[np.int64]) -> _Tally:
    graph, size = moment.graph, len(candidates)
    folded = folded_holders(moment)
    slot = np.full(graph.columns.node_count, -1, dtype=np.int32)
    unique = np.unique(holders)
    slot[unique] = np.arange(len(unique), dtype=np.int32)
    members = np.flatnonzero((slot[folded] >= 0) & VISIBLE[graph.node_types])
    keys = _mixed(slot[holders].astype(np.uint64), np.array([c.kind for c in candidates], dtype=np.uint64))
    candidate_at = np.argsort(keys, kind="stable")
    member_keys = _mixed(slot[folded[members]].astype(np.uint64), MemberKinds(graph).keys(members))
    at = np.minimum(np.searchsorted(keys[candidate_at], member_keys), size - 1)
    hit = keys[candidate_at][at] == member_keys
    members, group = members[hit], candidate_at[at[hit]]
    counts = np.bincount(group, minlength=size)
    above = moment.lifted[graph.dominators[members]]
    kinds = _fold_kinds(graph)
    top = kinds[above] != kinds[members]
    weights = graph.retained_sizes[members[top]].astype(np.float64)
    retained = np.bincount(group[top], weights=weights, minlength=size).astype(np.int64)
    return _Tally(counts, counts, retained, members, group)


def _count_below(moment: Moment, candidates: list[Candidate], holders: NDArray[np.int64]) -> _Tally:
    graph = moment.graph
    kinds = MemberKinds(graph)
    found = []
    for candidate, holder in zip(candidates, holders.tolist(), strict=True):
        nodes = graph.dominated(holder)
        nodes = nodes[VISIBLE[graph.node_types[nodes]]].astype(np.int64)
        found.append(nodes[kinds.keys(nodes) == np.uint64(candidate.kind)])
    counts = np.array([len(nodes) for nodes in found], dtype=np.int64)
    # At the end of the list everything before it is below it: what hangs on the holder is the growth.
    retained = graph.retained_sizes[holders].astype(np.int64)
    group = np.repeat(np.arange(len(found)), counts)
    return _Tally(counts, counts, retained, np.concatenate(found), group)


def _chains_from(moment: Moment, heads: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """
    Return for each node the members of the chain that it begins, itself included.

    A list that grows at its head has one entrance, the newest member, that dominates all others.
    """
    graph = moment.graph
    kinds = _fold_kinds(graph)
    folded = folded_holders(moment)
    edges = EdgeLookup(graph)
    chains = []
    for head in heads.tolist():
        below = graph.dominated(head)
        alike = below[kinds[below] == kinds[head]].astype(np.int64)
        chain = alike[folded[alike] == folded[head]]
        if len(chain) == 1 and len(alike) > 1:
            # Linked by something between them, such as the scope of a function: told by their fields.
            shapes = edges.targets(alike, EdgeType.INTERNAL, ("map",))
            chain = alike[shapes == shapes[0]] if shapes[0] >= 0 else chain
        chains.append(chain)
    return chains


def folded_holders(moment: Moment) -> NDArray[np.uint32]:
    """(n,) nearest dominator that is not plumbing nor of the node's own kind; see `fold_holders`."""
    graph = moment.graph
    folded = np.zeros(graph.node_count, dtype=np.uint32)
    cohorts.fold_holders(graph.dominator_order, graph.dominators, moment.lifted, _fold_kinds(graph), folded)
    graph.release_pages()
    return folded


def _fold_kinds(graph: HeapGraph) -> NDArray[np.uint32]:
    """(n,) type and name in one number: what a chain's members have in common."""
    return graph.node_names * np.uint32(32) + graph.node_types


def _mixed(slots: NDArray[np.uint64], labels: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return (slots + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) ^ labels
