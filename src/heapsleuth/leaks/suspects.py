"""What a single snapshot raises suspicion about: where a tenth of the heap or more piles up.

One snapshot shows what is big, never what grows, so every suspect stays `undecided`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.leaks.accumulation import find_piles
from heapsleuth.leaks.evidence import Judgement
from heapsleuth.leaks.findings import Judged, Teller
from heapsleuth.leaks.groups import CONTENTS
from heapsleuth.leaks.growth import fit
from heapsleuth.leaks.heap_view import cut
from heapsleuth.leaks.model import Evidence, Finding, Members, Verdict
from heapsleuth.leaks.series import Candidate, Series
from heapsleuth.units import format_bytes, format_count, format_share

if TYPE_CHECKING:
    from heapsleuth.leaks.accumulation import Pile
    from heapsleuth.leaks.heap_view import HeapView

__all__ = ["find_suspects"]

_ONE_SNAPSHOT = Evidence("one-snapshot", "one snapshot shows size, not growth: compare with a later one", 1.0)

_SETTLES = "two more snapshots of the same process, with work in between: what leaks grows"
_NO_OPINION = 0.5
"""Confidence that a suspect leaks: nothing is known about growth."""


def find_suspects(view: HeapView) -> list[Finding]:
    """Return a finding per suspect, most bytes first; verdict `undecided`, series of length 1."""
    teller = Teller(view.moment, np.ones(view.graph.node_count, dtype=bool), view.sources)
    found: dict[str, Finding] = {}
    for pile in find_piles(view):
        finding = _tell(view, teller, pile)
        if _is_nodes_own(finding):
            continue
        found.setdefault(finding.signature, finding)
    return list(found.values())


def _is_nodes_own(finding: Finding) -> bool:
    """Whether holder and members are Node's, such as the table of its built-in modules."""
    places = [place for place in (finding.holder.location, finding.members.location) if place is not None]
    return bool(places) and all(place.file.startswith("node:") for place in places)


def _tell(view: HeapView, teller: Teller, pile: Pile) -> Finding:
    graph = view.graph
    graph.release_pages()
    holder = int(pile.members[0]) if pile.holder is None else pile.holder
    example = _edge_to_member(view, pile)
    # A single big block, a Buffer or a string, has no members but itself.
    count = max(len(pile.members), 1)
    candidate = Candidate(
        holder=holder, label=int(CONTENTS), dictionary=False, kind=0, example=example, chain=pile.chain
    )
    retained = view.retained(pile.members) or pile.retained_bytes
    own = int(graph.shallow_sizes[holder])
    series = Series(
        counts=(count,),
        references=(count,),
        retained=(retained,),
        shallow=(own,),
        present=(True,),
        survivors=(count,),
    )
    told = teller.tell(teller.weigh(Judged(candidate, series, _nothing_grew(pile))))
    members = _class_name(view, int(pile.members[0])) if len(pile.members) else told.members.class_name
    return replace(
        told,
        verdict=Verdict.UNDECIDED,
        confidence=_NO_OPINION,
        settles=_SETTLES,
        title=_title(told, pile, members),
        members=Members(
            class_name=members,
            location=told.members.location,
            counts=(count,),
            retained_bytes=(retained,),
            count_per_work=0.0,
            bytes_per_work=0.0,
        ),
        exclusive_bytes=pile.retained_bytes,
    )


def _class_name(view: HeapView, node: int) -> str:
    """Return the class of a member; of a plain object its shape."""
    name = view.class_name(node)
    return cut(view.graph.class_name(node)) if name == "Object" else name


def _edge_to_member(view: HeapView, pile: Pile) -> int:
    """Return an edge from the holder, or its backing store, to its largest member; -1 without one."""
    graph = view.graph
    members = pile.members if pile.holder is None else pile.members[pile.members != pile.holder]
    if not len(members):
        return -1
    largest = members[
        np.lexsort((graph.node_ids[members], -graph.retained_sizes[members].astype(np.int64)))[0]
    ]
    edges = view.edges_to(np.array([largest]))
    direct = view.moment.lifted[edges.sources] == pile.holder
    chosen = edges.edges[direct] if direct.any() else edges.edges
    return int(chosen[0]) if len(chosen) else -1


def _nothing_grew(pile: Pile) -> Judgement:
    still = fit((0.0, 0.0), (0.0, 1.0))
    share = Evidence(
        "share-of-heap", f"{format_share(pile.share)} of the heap hangs on it", round(pile.share, 4)
    )
    return Judgement(
        metric="counts",
        growth=still,
        bytes_growth=still,
        verdict=Verdict.UNDECIDED,
        confidence=_NO_OPINION,
        features={},
        evidence_for=(share,),
        evidence_against=(_ONE_SNAPSHOT,),
    )


def _title(told: Finding, pile: Pile, members: str) -> str:
    size = f"{format_bytes(pile.retained_bytes)} ({format_share(pile.share)} of the heap)"
    many = f"{format_count(len(pile.members))} {members}"
    if pile.holder is None:
        return f"{many} without a common holder retain {size}"
    kind, name = told.holder.kind, told.holder.name
    if name == kind:
        subject = f"{cut(kind)} @{told.holder.node_id}"
    elif "`" in name or '"' in name:
        subject = name
    else:
        subject = f"{kind} `{name}`"
    if not len(pile.members):
        return f"{subject} holds {size}"
    if pile.chain:
        return f"{subject} begins a chain of {many} that holds {size}"
    return f"{subject} holds {size} in {many}"
