"""How findings hang together: one cause is one finding, others are related, some are held twice.

Decided on the graph and on the series, never by names: two growths are of one cause when they grow in
step and the members of one are kept by, or made together with, the members of the other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import NodeType
from heapsleuth.leaks.entrances import Entrances
from heapsleuth.leaks.groups import CONTENTS
from heapsleuth.leaks.membership import Membership
from heapsleuth.leaks.model import Finding, Verdict
from heapsleuth.leaks.neighbours import surroundings, together

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from heapsleuth.leaks.findings import Judged
    from heapsleuth.leaks.history import History
    from heapsleuth.leaks.neighbours import Surroundings
    from heapsleuth.leaks.series import Candidate

__all__ = ["by_signature", "relate"]

_MOST_FINDINGS = 40
_MOST_ALIKE = 50
_SAMPLE = 12
_MOST_STOPS = 200_000
_MOST = 0.8
"""Share of the members from which a relation holds for the whole finding."""
_SOME = 0.5
_IN_STEP = 0.05
"""Difference between two series' shares of growth per interval that is still "in step"."""
_FAR_LESS = 1 / 3
_MOST_KEEPERS = 3
_GENERIC = frozenset({"Object", "Array", "string", "number", "Map", "Set", "Promise", "reference", "Buffer"})


@dataclass(eq=False)
class _Cause:
    """A finding with its members and what keeps them."""

    finding: Finding
    members: NDArray[np.int64]
    """New members, sorted."""
    kept_by: Mapping[int, float]
    """By position of the finding: the share of the members that it keeps alive."""
    old: Mapping[int, float]
    """By node: the same for old objects that are no finding's."""
    around: Surroundings
    vague: bool
    """Whether another finding of the same cause says it better: the holder is a weak collection or an
    embedder's node, or its members are anywhere below it."""


def by_signature(findings: Sequence[Finding], judged: Sequence[Judged]) -> dict[str, list[Judged]]:
    """Return the candidates behind each signature; both arguments are in the same order."""
    found: dict[str, list[Judged]] = {}
    for finding, case in zip(findings, judged, strict=True):
        found.setdefault(finding.signature, []).append(case)
    return found


def relate(
    history: History,
    findings: Sequence[Finding],
    judged: Mapping[str, Sequence[Judged]],
    name_of: Callable[[int], str],
) -> list[Finding]:
    """
    Return the findings, those of one cause merged, the others with what they are related to.

    Args:
        history: The snapshots.
        findings: In order of importance, one per signature.
        judged: By signature, the candidates behind a finding.
        name_of: Says what an old object is called, by node index.
    """
    growing = [f for f in findings if f.verdict in (Verdict.LEAK, Verdict.UNDECIDED)][:_MOST_FINDINGS]
    causes = _causes(history, growing, judged)
    leaders = _merge(causes)
    told: dict[str, Finding] = {}
    for position, leader in enumerate(leaders):
        if leader == position:
            followers = [i for i, other in enumerate(leaders) if other == position and i != position]
            followers.sort(key=lambda i: causes[i].vague)
            told[causes[position].finding.signature] = _with_followers(causes, position, followers, name_of)
    kept = [told[f.signature] for f in growing if f.signature in told]
    related = iter(_with_related(kept))
    gone = {f.signature for f in growing} - set(told)
    return [next(related) if f.signature in told else f for f in findings if f.signature not in gone]


def _causes(
    history: History, findings: Sequence[Finding], judged: Mapping[str, Sequence[Judged]]
) -> list[_Cause]:
    moment, births = history.last, history.births
    membership = Membership(moment)
    holders, members = [], []
    for finding in findings:
        candidates = [case.candidate for case in judged[finding.signature][:_MOST_ALIKE]]
        holders.append({candidate.holder for candidate in candidates})
        found = np.unique(np.concatenate([membership.of(candidate) for candidate in candidates]))
        members.append(found[births[found] > 0])
    stops: dict[int, frozenset[int]] = {}
    for position, finding in enumerate(findings):
        candidates = [case.candidate for case in judged[finding.signature][:_MOST_ALIKE]]
        # Of what holds its members by a field, other fields may hold other things.
        own = {candidate.holder for candidate in candidates if candidate.label == CONTENTS}
        for node in (*own, *members[position][-_MOST_STOPS:].tolist()):
            stops[node] = stops.get(node, frozenset()) | {position}
    entrances = Entrances(moment, births, stops)
    causes = []
    for position, finding in enumerate(findings):
        kept_by, old = entrances.of(_sampled(members[position]))
        causes.append(
            _Cause(
                finding=finding,
                members=members[position],
                kept_by={other: share for other, share in kept_by.items() if other != position},
                old={node: share for node, share in old.items() if node not in holders[position]},
                around=surroundings(moment.graph, births, members[position]),
                vague=all(_is_vague(history, case.candidate) for case in judged[finding.signature]),
            )
        )
    return causes


def _sampled(members: NDArray[np.int64]) -> list[int]:
    """Return a few members, evenly spread."""
    if not len(members):
        return []
    at = np.unique(np.linspace(0, len(members) - 1, _SAMPLE).astype(np.int64))
    return [int(node) for node in members[at]]


def _is_vague(history: History, candidate: Candidate) -> bool:
    graph, holder = history.last.graph, candidate.holder
    weak = graph.own_name(holder) in ("WeakMap", "WeakSet")
    return candidate.below or weak or graph.node_types[holder] == NodeType.NATIVE


def _merge(causes: Sequence[_Cause]) -> list[int]:
    """Return for each finding the position of the one it is told by, its own where it stands alone."""
    groups = list(range(len(causes)))
    for i, j in combinations(range(len(causes)), 2):
        if groups[i] != groups[j] and _one_cause(causes, i, j):
            groups = [groups[i] if group == groups[j] else group for group in groups]
    leaders = {}
    for group in set(groups):
        leaders[group] = _leader(causes, [i for i, other in enumerate(groups) if other == group])
    return [leaders[group] for group in groups]


def _leader(causes: Sequence[_Cause], group: Sequence[int]) -> int:
    """
    Return the finding that tells a cause best.

    Bytes differ a little between versions and hosts, so only what is far smaller gives way; else the
    choice is made by what is the same everywhere.
    """
    plain = [i for i in group if not causes[i].vague] or group
    most = max(causes[i].finding.members.bytes_per_work for i in plain)

    def rank(i: int) -> tuple[bool, bool, bool, int, str]:
        finding = causes[i].finding
        keeps = sum(causes[j].kept_by.get(i, 0.0) >= _MOST for j in group)
        small = finding.members.bytes_per_work < _FAR_LESS * most
        return (finding.verdict is not Verdict.LEAK, causes[i].vague, small, -keeps, _called(finding))

    return min(group, key=rank)


def _one_cause(causes: Sequence[_Cause], i: int, j: int) -> bool:
    first, second = causes[i], causes[j]
    if not _in_step(first.finding, second.finding):
        return False
    if first.vague and second.vague and first.finding.holder.node_id == second.finding.holder.node_id:
        return True
    if max(second.kept_by.get(i, 0.0), first.kept_by.get(j, 0.0)) >= _MOST:
        return True
    # Functions made by one call share its scope, whatever they are for: only in one holder is that one cause.
    if first.finding.holder.node_id != second.finding.holder.node_id:
        return False
    return together(first.around, second.around) >= _MOST and together(second.around, first.around) >= _MOST


def _in_step(first: Finding, second: Finding) -> bool:
    """Whether both series have the same share of their growth in every interval."""
    one, other = _shares(first.members.counts), _shares(second.members.counts)
    return (
        bool(one)
        and len(one) == len(other)
        and all(abs(a - b) <= _IN_STEP for a, b in zip(one, other, strict=True))
    )


def _shares(counts: Sequence[int]) -> list[float]:
    total = counts[-1] - counts[0] if counts else 0
    return [(later - earlier) / total for earlier, later in pairwise(counts)] if total > 0 else []


def _with_followers(
    causes: Sequence[_Cause], position: int, followers: Sequence[int], name_of: Callable[[int], str]
) -> Finding:
    """Return a finding with what it also retains, and who else keeps its members."""
    cause = causes[position]
    titles = dict.fromkeys([*cause.finding.also_retained, *(causes[i].finding.title for i in followers)])
    keepers = [
        (-share, _called(causes[i].finding))
        for i, share in cause.kept_by.items()
        if share >= _SOME and not causes[i].vague
    ]
    keepers += [(-share, name_of(node)) for node, share in cause.old.items() if share >= _SOME]
    own = {_called(cause.finding), cause.finding.holder.name}
    names = [name for _, name in sorted(keepers) if name not in own]
    group = [cause.finding, *(causes[i].finding for i in followers)]
    # Members that share what they keep retain little each; something above them retains it all.
    most = max(group, key=lambda f: f.members.bytes_per_work)
    members = replace(
        cause.finding.members,
        retained_bytes=most.members.retained_bytes,
        bytes_per_work=most.members.bytes_per_work,
    )
    return replace(
        cause.finding,
        members=members,
        exclusive_bytes=max(finding.exclusive_bytes for finding in group),
        also_retained=tuple(titles),
        also_retained_by=tuple(dict.fromkeys(names))[:_MOST_KEEPERS],
    )


def _called(finding: Finding) -> str:
    kind, name = finding.holder.kind, finding.holder.name
    return name if name.startswith(kind) or '"' in name else f"{kind} {name}"


def _with_related(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings with the signatures of those that share something, in their order."""
    return [
        replace(
            one,
            related=tuple(other.signature for other in findings if other is not one and _share(one, other)),
        )
        for one in findings
    ]


def _share(one: Finding, other: Finding) -> bool:
    """Whether two findings share a holder, members' class, the beginning of the path or a place in code."""
    if one.holder.node_id == other.holder.node_id:
        return True
    name = one.members.class_name
    if name == other.members.class_name and name not in _GENERIC and "anonymous" not in name:
        return True
    begins = [tuple(step.id for step in finding.path[:2]) for finding in (one, other)]
    if len(begins[0]) > 1 and begins[0] == begins[1] and len(one.path) > 2 and len(other.path) > 2:
        return True
    places = [{site.location for site in finding.sites} for finding in (one, other)]
    return bool(places[0] & places[1])
