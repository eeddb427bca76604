"""The members of a candidate in the last snapshot, as nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.leaks.edges import edges_of
from heapsleuth.leaks.groups import CONTENTS, STRONG, VISIBLE, field_labels
from heapsleuth.leaks.member_kinds import MemberKinds
from heapsleuth.leaks.series import folded_holders

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heapsleuth.leaks.history import Moment
    from heapsleuth.leaks.series import Candidate

__all__ = ["Membership"]


class Membership:
    """
    Members of candidates in one snapshot.

    Args:
        moment: The last snapshot.
    """

    def __init__(self, moment: Moment) -> None:
        self._moment = moment
        self._kinds = MemberKinds(moment.graph)
        self._folded: NDArray[np.uint32] | None = None

    def of(self, candidate: Candidate) -> NDArray[np.int64]:
        """Return the members of the leading kind, sorted by node index, each once."""
        if candidate.below:
            return self._below(candidate)
        if candidate.chain:
            return self._of_chain(candidate)
        moment, graph = self._moment, self._moment.graph
        edges = edges_of(graph, np.flatnonzero(moment.lifted == candidate.holder))
        keep = np.isin(graph.edge_types[edges.edges], STRONG) & VISIBLE[graph.node_types[edges.targets]]
        keep &= edges.targets != candidate.holder
        edges = edges.where(keep)
        if candidate.label != CONTENTS:
            holders = np.full(len(edges), candidate.holder, dtype=np.int64)
            edges = edges.where(field_labels(moment, edges, holders) == np.uint64(candidate.label))
        members = np.unique(edges.targets)
        return self._leading(members, candidate)

    def _below(self, candidate: Candidate) -> NDArray[np.int64]:
        nodes = np.sort(self._moment.graph.dominated(candidate.holder).astype(np.int64))
        return self._leading(nodes[VISIBLE[self._moment.graph.node_types[nodes]]], candidate)

    def _of_chain(self, candidate: Candidate) -> NDArray[np.int64]:
        if self._folded is None:
            self._folded = folded_holders(self._moment)
        below = (self._folded == candidate.top) & VISIBLE[self._moment.graph.node_types]
        return self._leading(np.flatnonzero(below), candidate)

    def _leading(self, members: NDArray[np.int64], candidate: Candidate) -> NDArray[np.int64]:
        if candidate.kind == 0 or not len(members):
            return members
        leading: NDArray[np.int64] = members[self._kinds.keys(members) == np.uint64(candidate.kind)]
        return leading
