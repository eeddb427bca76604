"""Growth between snapshots of different processes, where object ids mean nothing.

Objects are grouped by the path of names that leads to them down the dominator tree, and groups are
matched by that path (BLeak and LeakCanary do so by shortest paths; dominators are shorter and more
stable).  The result names what grew, not which object.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import EdgeType, NodeType
from heapsleuth.kernels import cohorts
from heapsleuth.leaks.causes import one_per_cause
from heapsleuth.leaks.confidence import load_model
from heapsleuth.leaks.edges import edge_labels, edges_of
from heapsleuth.leaks.evidence import judge
from heapsleuth.leaks.findings import Judged, Teller
from heapsleuth.leaks.groups import CONTENTS, STRONG, VISIBLE
from heapsleuth.leaks.history import Moment
from heapsleuth.leaks.model import AnalysisReport, Evidence, Finding, Verdict
from heapsleuth.leaks.series import Candidate, Series

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from heapsleuth.heap.graph import HeapGraph
    from heapsleuth.heap.sources import Sources
    from heapsleuth.leaks.inputs import Arranged
    from heapsleuth.leaks.model import Comparison, Input

__all__ = ["analyse_structural"]

# Objects with more fields than this are used as dictionaries: their keys name no common place.
_MOST_FIELDS = 64
_LEAST_GROWTH = 8
_MOST_GROUPS = 200
_BLOCK = 1 << 21
_TEXT = (NodeType.STRING, NodeType.CONS_STRING, NodeType.SLICED_STRING)


@dataclass(frozen=True, slots=True, eq=False)
class _Groups:
    """The u groups of one snapshot."""

    keys: NDArray[np.uint64]
    """(u,) sorted."""
    counts: NDArray[np.int64]
    retained: NDArray[np.int64]
    parents: NDArray[np.uint64]
    """(u,) key of the group that dominates each."""
    of_node: NDArray[np.uint64]
    """(n,) key of each node."""


def analyse_structural(
    sequence: Arranged, described: tuple[Input, ...], sources: Sources, table: Comparison | None
) -> AnalysisReport:
    """Return the report for snapshots of different processes."""
    model = load_model()
    moments = [Moment(graph, graph.node_ids) for graph in sequence.graphs]
    groups = [_group(moment) for moment in moments]
    old = np.ones(moments[-1].graph.node_count, dtype=bool)
    teller = Teller(moments[-1], old, sources, per=sequence.per)
    weighed = []
    for key, series in _growing(groups):
        judgement = judge(series, sequence.work, model)
        if judgement is None or judgement.confidence < model.drop_below:
            continue
        candidate = _candidate(moments[-1], groups[-1], key)
        if candidate is not None:
            weighed.append(teller.weigh(Judged(candidate, series, judgement)))
    findings = [_doubted(teller.tell(one)) for one in one_per_cause(weighed, sequence.work, model)]
    open_findings = tuple(finding for finding in findings if finding.verdict is not Verdict.BOUNDED)
    return AnalysisReport(
        mode="structural",
        verdict=Verdict.UNDECIDED if open_findings else Verdict.CLEAN,
        inputs=described,
        findings=open_findings,
        bounded=tuple(finding for finding in findings if finding.verdict is Verdict.BOUNDED),
        warnings=sequence.warnings,
        comparison=table,
        model=model.version,
    )


def _doubted(finding: Finding) -> Finding:
    """Keep a finding from claiming more than paths can show."""
    if finding.verdict is not Verdict.LEAK:
        return finding
    doubt = Evidence("no-identity", "matched by path only: the snapshots are of different processes", 1.0)
    return replace(finding, verdict=Verdict.UNDECIDED, evidence_against=(*finding.evidence_against, doubt))


def _group(moment: Moment) -> _Groups:
    graph = moment.graph
    own = graph.strings.hashes[graph.node_names] ^ (graph.node_types.astype(np.uint64) << np.uint64(59))
    own[np.isin(graph.node_types, _TEXT)] = np.uint64(NodeType.STRING)
    own ^= _labels_from_dominators(graph)
    keys = np.empty(graph.node_count, dtype=np.uint64)
    cohorts.path_keys(graph.dominator_order, graph.dominators, moment.lifted, own, keys)
    seen = np.flatnonzero(VISIBLE[graph.node_types] & (moment.lifted == np.arange(graph.node_count)))
    unique, which = np.unique(keys[seen], return_inverse=True)
    above = keys[moment.lifted[graph.dominators[seen]]]
    tops = np.flatnonzero(above != keys[seen])
    parents = np.zeros(len(unique), dtype=np.uint64)
    parents[which[tops[::-1]]] = above[tops[::-1]]
    sizes = np.where(above != keys[seen], graph.retained_sizes[seen], 0).astype(np.float64)
    return _Groups(
        keys=unique,
        counts=np.bincount(which, minlength=len(unique)),
        retained=np.bincount(which, weights=sizes, minlength=len(unique)).astype(np.int64),
        parents=parents,
        of_node=keys,
    )


def _labels_from_dominators(graph: HeapGraph) -> NDArray[np.uint64]:
    """(n,) label of the variable or field by which a node's dominator holds it, 0 if there is none."""
    labels = np.zeros(graph.node_count, dtype=np.uint64)
    degrees = np.diff(graph.first_edges)
    for start in range(0, graph.edge_count, _BLOCK):
        kinds = graph.edge_types[start : start + _BLOCK]
        edges = np.flatnonzero((kinds == EdgeType.CONTEXT) | (kinds == EdgeType.PROPERTY)) + start
        sources = np.searchsorted(graph.first_edges, edges, side="right") - 1
        targets = graph.edge_targets[edges]
        keep = (graph.dominators[targets] == sources) & (degrees[sources] <= _MOST_FIELDS)
        # Written backwards so that the first of several references wins.
        labels[targets[keep][::-1]] = edge_labels(graph, edges[keep])[::-1]
    return labels


def _growing(groups: Sequence[_Groups]) -> list[tuple[int, Series]]:
    """Return the groups that grew, by key, largest growth first."""
    last = groups[-1]
    counts = np.stack([_at(group, last.keys, group.counts) for group in groups])
    retained = np.stack([_at(group, last.keys, group.retained) for group in groups])
    grew = counts[-1] - counts[0]
    grown = (grew >= _LEAST_GROWTH) & (counts[0] > 0)
    # What grows inside something that grows is told by the outer one.
    chosen = np.flatnonzero(grown & ~np.isin(last.parents, last.keys[grown]))
    order = np.lexsort((last.keys[chosen], -(retained[-1] - retained[0])[chosen]))
    return [
        (
            int(last.keys[index]),
            Series(
                counts=tuple(counts[:, index].tolist()),
                references=tuple(counts[:, index].tolist()),
                retained=tuple(retained[:, index].tolist()),
                shallow=(0,) * len(groups),
                present=(True,) * len(groups),
                survivors=tuple(counts[:, index].tolist()),
            ),
        )
        for index in chosen[order][:_MOST_GROUPS]
    ]


def _at(group: _Groups, keys: NDArray[np.uint64], values: NDArray[np.int64]) -> NDArray[np.int64]:
    at = np.minimum(np.searchsorted(group.keys, keys), len(group.keys) - 1)
    return np.where(group.keys[at] == keys, values[at], 0)


def _candidate(moment: Moment, groups: _Groups, key: int) -> Candidate | None:
    """Return the holder with most of a group's members, None when the group hangs on nothing visible."""
    graph = moment.graph
    members = np.flatnonzero((groups.of_node == np.uint64(key)) & VISIBLE[graph.node_types])
    holders = moment.lifted[graph.dominators[members]]
    outside = groups.of_node[holders] != np.uint64(key)
    members, holders = members[outside], holders[outside]
    if not len(members):
        return None
    holder = int(np.bincount(holders).argmax())
    if not VISIBLE[graph.node_types[holder]]:
        return None
    wanted = members[holders == holder]
    edges = edges_of(graph, np.flatnonzero(moment.lifted == holder))
    strong = edges.where(np.isin(graph.edge_types[edges.edges], STRONG))
    direct = strong.edges[np.isin(strong.targets, wanted)]
    if not len(direct):
        # In the middle of a list: nobody but other members refers to them.
        direct = np.array([edge for edge, _ in graph.retainers_of(int(wanted[-1]), 1)])
    return Candidate(holder, int(CONTENTS), dictionary=False, kind=0, example=int(direct[-1]))
