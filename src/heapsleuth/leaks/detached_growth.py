"""Detached DOM nodes that pile up although no object that grows is seen to keep them.

Nodes that JavaScript has touched have ids that last, and are found by their holders like anything else.
All others belong to the browser, whose objects get other ids in each snapshot: they can only be counted,
class by class.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.detached import DETACHED
from heapsleuth.heap.kinds import NodeType
from heapsleuth.leaks.fixes import fix_for
from heapsleuth.leaks.growth import fit
from heapsleuth.leaks.model import Evidence, Finding, Holder, Members, Verdict
from heapsleuth.leaks.signature import signature

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapsleuth.heap.graph import HeapGraph

__all__ = ["detached_growth"]

_CATEGORY = "detached-dom"
_HOLDER, _KIND = "detached DOM nodes", "browser"
_PREFIX = "Detached "
_LEAST_NODES = 10
# Steady growth that nobody is seen to cause: worth a look, and no more.
_CONFIDENCE = 0.5

Tally = dict[str, tuple[int, int, int]]
"""Number, shallow bytes and an example's id of detached nodes, by class."""


def detached_growth(
    graphs: Sequence[HeapGraph], work: Sequence[float], told: Sequence[Finding], *, per: str
) -> list[Finding]:
    """
    Return at most one finding: the class of detached nodes that rises most, in every interval.

    Args:
        graphs: Snapshots in the order they were taken, at least two.
        work: Operations done so far at each.
        told: Findings of holders; nothing is added where one of them is about detached nodes.
        per: What rates are per, in words.
    """
    if any(finding.category == _CATEGORY for finding in told):
        return []
    tallies = [_tally(graph) for graph in graphs]
    rising = {name: rise for name in tallies[-1] if (rise := _rise(tallies, name)) >= _LEAST_NODES}
    if not rising:
        return []
    name = min(rising, key=lambda name: (-rising[name], name))
    counts = tuple(tally.get(name, (0, 0, 0))[0] for tally in tallies)
    sizes = tuple(tally.get(name, (0, 0, 0))[1] for tally in tallies)
    return [_finding(name, counts, sizes, tallies[-1][name][2], work, per)]


def _tally(graph: HeapGraph) -> Tally:
    states = graph.detached_states
    if not len(states):
        return {}
    nodes = np.flatnonzero((states == DETACHED) & (graph.node_types == NodeType.NATIVE))
    found: Tally = {}
    for node in nodes.tolist():
        name = graph.own_name(node).removeprefix(_PREFIX)
        # Node.js and the browser's own machinery mark objects of theirs, too.
        if name.startswith("Node / ") or "::" in name:
            continue
        count, size, example = found.get(name, (0, 0, 0))
        found[name] = (count + 1, size + int(graph.shallow_sizes[node]), example or int(graph.node_ids[node]))
    return found


def _rise(tallies: Sequence[Tally], name: str) -> int:
    """Return by how much a class rose, 0 unless it did in every interval."""
    counts = [tally.get(name, (0, 0, 0))[0] for tally in tallies]
    return counts[-1] - counts[0] if all(a < b for a, b in pairwise(counts)) else 0


def _finding(
    name: str, counts: tuple[int, ...], sizes: tuple[int, ...], example: int, work: Sequence[float], per: str
) -> Finding:
    rate, bytes_rate = fit(counts, work).rate, fit(sizes, work).rate
    intervals = len(counts) - 1
    grew = f"{_PREFIX}{name} grew in every one of {intervals} intervals, {counts[0]:,} → {counts[-1]:,}"
    finding = Finding(
        signature=signature(_CATEGORY, _HOLDER, name, None, None),
        category=_CATEGORY,
        verdict=Verdict.UNDECIDED,
        confidence=_CONFIDENCE,
        title=f"{rate:.3g} {name} {per} leave the document and stay in memory",
        holder=Holder(name=_HOLDER, kind=_KIND, node_id=example, location=None, package=None),
        members=Members(
            class_name=f"{_PREFIX}{name}",
            location=None,
            counts=counts,
            retained_bytes=sizes,
            count_per_work=float(f"{rate:.6g}"),
            bytes_per_work=float(f"{bytes_rate:.6g}"),
        ),
        exclusive_bytes=sizes[-1],
        path=(),
        evidence_for=(Evidence("grows-every-interval", grew, 1.0),),
        evidence_against=(Evidence("no-holder", "no JavaScript object that grows keeps them", 1.0),),
        settles="the retainers of one of them, in the last snapshot",
    )
    return replace(finding, fix=fix_for(finding, {"element": name}))
