"""Who got new members: the edges by which old objects came to hold newer ones, grouped by holder.

A *group* is one holder and one of its fields, or its whole contents where the holder is a
collection.  Growth is judged group by group; see `series` for the counts in every snapshot.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import EdgeType, NodeType
from heapsleuth.leaks.edges import NUMBERED, edge_labels, edges_into
from heapsleuth.leaks.member_kinds import MemberKinds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from heapsleuth.heap.graph import HeapGraph
    from heapsleuth.leaks.edges import Edges
    from heapsleuth.leaks.history import History, Moment

__all__ = ["CONTENTS", "STRONG", "VISIBLE", "Groups", "field_labels", "holds_nothing", "new_members"]

CONTENTS = np.uint64(0)
"""The label of "any member of this collection", whatever its key or position."""

STRONG = (EdgeType.CONTEXT, EdgeType.ELEMENT, EdgeType.PROPERTY, EdgeType.INTERNAL, EdgeType.HIDDEN)

VISIBLE = np.zeros(32, dtype=bool)
VISIBLE[
    [
        NodeType.OBJECT,
        NodeType.CLOSURE,
        NodeType.REGEXP,
        NodeType.STRING,
        NodeType.CONS_STRING,
        NodeType.SLICED_STRING,
        NodeType.NUMBER,
        NodeType.NATIVE,
        NodeType.SYMBOL,
        NodeType.BIGINT,
        NodeType.WASM_OBJECT,
    ]
] = True

_ENGINE = np.zeros(32, dtype=bool)
_ENGINE[[NodeType.CODE, NodeType.OBJECT_SHAPE]] = True

# An object with this many different fields that all got new values is used as a dictionary.
_DICTIONARY_FIELDS = 8

# The roots through which embedders keep objects alive.  All others exist only because the snapshot
# was being taken, for the length of a job, or for the engine's own tables.
_LASTING_ROOTS = ("(Global handles)", "(Eternal handles)", "C++ roots", "(Micro tasks)")
_WEAK = ("WeakMap", "WeakSet")

# A text counts this much of its bytes when the leading kind of members is chosen.
_TEXT_WEIGHT = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """g groups of new members, as seen in the last snapshot."""

    holders: NDArray[np.int64]
    """(g,) node index of the holder."""
    labels: NDArray[np.uint64]
    """(g,) field label, or `CONTENTS`."""
    dictionary: NDArray[np.bool_]
    """(g,) true where the holder is a plain object used as a dictionary."""
    kinds: NDArray[np.uint64]
    """(g,) kind of the members that matter most."""
    examples: NDArray[np.int64]
    """(g,) edge index of the newest of them."""
    counts: NDArray[np.int64]
    """(g,) new members of any kind."""
    edges: Edges = field(repr=False)
    """All edges from old to newer objects."""
    group_of_edge: NDArray[np.int64] = field(repr=False)
    """(len(edges),) the group each belongs to."""


def field_labels(moment: Moment, edges: Edges, holders: NDArray[np.integer]) -> NDArray[np.uint64]:
    """Return (k,) labels of edges as fields of their holders; members of backing stores are `CONTENTS`."""
    graph = moment.graph
    labels = edge_labels(graph, edges.edges)
    contents = (edges.sources != holders) | np.isin(graph.edge_types[edges.edges], NUMBERED)
    contents |= graph.node_types[holders] == NodeType.SYNTHETIC
    labels[contents] = CONTENTS
    return labels


def new_members(history: History) -> Groups:
    """Group the members that holders gained after they were first seen."""
    moment, births = history.last, history.births
    graph, lifted = moment.graph, moment.lifted
    edges = edges_into(graph, (births > 0) & VISIBLE[graph.node_types], STRONG)
    holders = lifted[edges.sources].astype(np.int64)
    keep = births[holders] < births[edges.targets]
    keep &= ~_ENGINE[graph.node_types[edges.sources]] & ~_ENGINE[graph.node_types[holders]]
    keep &= ~holds_nothing(moment)[holders]
    edges, holders = edges.where(keep), holders[keep]
    labels = field_labels(moment, edges, holders)
    dictionaries = _dictionaries(moment, holders, labels)
    labels[dictionaries[holders]] = CONTENTS
    keep = ~_seen_by_name(edges, holders, labels)
    edges, holders, labels = edges.where(keep), holders[keep], labels[keep]
    return _grouped(moment, edges, holders, labels, dictionaries)


def holds_nothing(moment: Moment) -> NDArray[np.bool_]:
    """Return (n,) true for roots that keep nothing alive for long, and for weak collections."""
    graph = moment.graph
    lasting = _named(graph, _LASTING_ROOTS)
    passing = (graph.node_types == NodeType.SYNTHETIC) & ~np.isin(graph.node_names, lasting)
    # The value of a weak entry lives as long as its key: whoever holds the key holds both.
    weak = (graph.node_types == NodeType.OBJECT) & np.isin(graph.node_names, _named(graph, _WEAK))
    result: NDArray[np.bool_] = passing | weak | _is_of_browser(graph)
    return result


def _is_of_browser(graph: HeapGraph) -> NDArray[np.bool_]:
    """Return (n,) true for the browser's own objects: they have no identity, and are nobody's holder."""
    native = np.flatnonzero(graph.node_types == NodeType.NATIVE)
    names = np.unique(graph.node_names[native])
    texts = graph.strings.decode_many(names)
    blink = [name for name, text in zip(names, texts, strict=True) if text.startswith("blink::")]
    found = np.zeros(graph.node_count, dtype=bool)
    found[native[np.isin(graph.node_names[native], blink)]] = True
    return found


def _seen_by_name(edges: Edges, holders: NDArray[np.int64], labels: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Return (k,) true for references from a backing store that stand for a named field."""
    pairs = holders.astype(np.uint64) << np.uint64(32) | edges.targets.astype(np.uint64)
    result: NDArray[np.bool_] = (labels == CONTENTS) & np.isin(pairs, pairs[labels != CONTENTS])
    return result


def _named(graph: HeapGraph, names: Sequence[str]) -> list[int]:
    return [index for name in names if (index := graph.strings.find(name)) is not None]


def _dictionaries(
    moment: Moment, holders: NDArray[np.int64], labels: NDArray[np.uint64]
) -> NDArray[np.bool_]:
    """Return (n,) true for objects that are used as dictionaries: many fields, all newly filled."""
    graph = moment.graph
    fields = np.unique(np.stack([holders.astype(np.uint64), labels]), axis=1)
    owners = fields[0][fields[1] != CONTENTS].astype(np.int64)
    many = np.bincount(owners, minlength=graph.columns.node_count) > _DICTIONARY_FIELDS
    context = graph.strings.find("system / Context")
    many &= graph.node_types == NodeType.OBJECT
    if context is not None:
        many &= graph.node_names != context
    return many


def _grouped(
    moment: Moment,
    edges: Edges,
    holders: NDArray[np.int64],
    labels: NDArray[np.uint64],
    dictionaries: NDArray[np.bool_],
) -> Groups:
    graph = moment.graph
    order = np.lexsort((edges.targets, labels, holders))
    edges = edges.take(order)
    holders, labels = holders[order], labels[order]
    fresh = np.ones(len(holders), dtype=bool)
    fresh[1:] = (holders[1:] != holders[:-1]) | (labels[1:] != labels[:-1])
    group = np.cumsum(fresh) - 1
    starts = np.flatnonzero(fresh)
    distinct = np.ones(len(holders), dtype=bool)
    distinct[1:] = fresh[1:] | (edges.targets[1:] != edges.targets[:-1])
    kinds = MemberKinds(graph).keys(edges.targets)
    kind, example = _leading_kinds(moment, group, kinds, edges, distinct)
    return Groups(
        holders=holders[starts],
        labels=labels[starts],
        dictionary=dictionaries[holders[starts]],
        kinds=kind,
        examples=example,
        counts=np.bincount(group[distinct], minlength=len(starts)),
        edges=edges,
        group_of_edge=group,
    )


def _leading_kinds(
    moment: Moment,
    group: NDArray[np.int64],
    kinds: NDArray[np.uint64],
    edges: Edges,
    distinct: NDArray[np.bool_],
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return per group the kind whose members retain most, and the edge to its newest member."""
    graph = moment.graph
    at = np.flatnonzero(distinct)
    at = at[np.lexsort((moment.ids[edges.targets[at]], kinds[at], group[at]))]
    if not len(at):
        return np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)
    fresh = np.ones(len(at), dtype=bool)
    fresh[1:] = (group[at][1:] != group[at][:-1]) | (kinds[at][1:] != kinds[at][:-1])
    starts = np.flatnonzero(fresh)
    newest = np.append(starts[1:], len(at)) - 1
    weight = np.add.reduceat(graph.retained_sizes[edges.targets[at]].astype(np.float64), starts)
    # Texts are mostly keys: what they are the keys of says more, however small.
    text = (graph.node_types[edges.targets[at[starts]]] == NodeType.STRING) | (
        graph.node_types[edges.targets[at[starts]]] == NodeType.CONS_STRING
    )
    weight[text] *= _TEXT_WEIGHT
    # Ascending by (group, weight, age): the last of each group is its leading kind.  Not by the kind's
    # hash, which is another one where names have been redacted.
    owner = group[at[starts]]
    rank = np.lexsort((moment.ids[edges.targets[at[newest]]], weight, owner))
    last = np.append(owner[rank][1:] != owner[rank][:-1], True)
    best = rank[last]
    return kinds[at[starts[best]]], edges.edges[at[newest[best]]]
