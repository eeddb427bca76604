"""The last resort: what grows below an old object though no old object gained a member.

A list that grows at its head hangs on whatever holds the head at the moment, and that may be a new
object every time (the context of the request that is being served).  Still some old object dominates
it all; new objects of one kind are counted below it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import NodeType
from heapsleuth.leaks.groups import CONTENTS, VISIBLE, holds_nothing
from heapsleuth.leaks.member_kinds import MemberKinds
from heapsleuth.leaks.series import Candidate, folded_holders

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from heapsleuth.leaks.history import History

__all__ = ["grown_below"]

_LEAST_MEMBERS = 16
_MOST = 10

_COUNTED = VISIBLE.copy()
_COUNTED[[NodeType.STRING, NodeType.NUMBER, NodeType.SYMBOL, NodeType.BIGINT]] = False


def grown_below(history: History, known: Sequence[Candidate]) -> list[Candidate]:
    """
    Return the old objects with most new objects of one kind below them, most bytes first.

    Args:
        history: The snapshots.
        known: Candidates there are already: an old link of a chain that is one of them is none itself.
    """
    moment, births = history.last, history.births
    graph = moment.graph
    new = np.flatnonzero((births > 0) & _COUNTED[graph.node_types])
    if not len(new):
        return []
    above = _nearest_old(graph.dominators, births)[new]
    holders = moment.lifted[above].astype(np.int64)
    keep = (graph.node_types[holders] != NodeType.SYNTHETIC) & ~holds_nothing(moment)[holders]
    keep &= ~_is_link(history, known)[holders]
    new, holders = new[keep], holders[keep]
    kinds = MemberKinds(graph).keys(new)
    pairs, group = np.unique(np.stack([holders.astype(np.uint64), kinds]), axis=1, return_inverse=True)
    counts = np.bincount(group, minlength=pairs.shape[1])
    sizes = np.bincount(group, weights=graph.shallow_sizes[new].astype(np.float64), minlength=pairs.shape[1])
    # The one that retains most is the head of what hangs together.
    by_group = np.lexsort((moment.ids[new], graph.retained_sizes[new], group))
    heads = new[by_group[np.cumsum(counts) - 1]]
    order = np.lexsort((moment.ids[pairs[0].astype(np.int64)], -sizes))
    chosen = [int(index) for index in order if counts[index] >= _LEAST_MEMBERS][:_MOST]
    return [_candidate(history, int(pairs[0, i]), int(pairs[1, i]), int(heads[i])) for i in chosen]


def _nearest_old(dominators: NDArray[np.unsignedinteger], births: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return (n,) the nearest dominator of each object that was there in the first snapshot."""
    above = np.where(births > 0, dominators, np.arange(len(births))).astype(np.int64)
    while True:  # each turn doubles the distance looked over
        further = above[above]
        if np.array_equal(further, above):
            return above
        above = further


def _is_link(history: History, known: Sequence[Candidate]) -> NDArray[np.bool_]:
    """Return (n,) true for members of chains that are candidates."""
    moment = history.last
    links = np.zeros(moment.graph.node_count, dtype=bool)
    chains = [candidate for candidate in known if candidate.chain]
    if not chains:
        return links
    folded, kinds = folded_holders(moment), MemberKinds(moment.graph)
    for chain in chains:
        nodes = np.flatnonzero(folded == chain.top)
        links[nodes[kinds.keys(nodes) == np.uint64(chain.kind)]] = True
    return links


def _candidate(history: History, holder: int, kind: int, member: int) -> Candidate:
    graph = history.last.graph
    return Candidate(
        holder=holder,
        label=int(CONTENTS),
        dictionary=False,
        kind=kind,
        example=int(graph.retainer_edges[int(graph.first_retainers[member])]),
        chain=True,
        top=holder,
        below=True,
    )
