"""Whether a timer that fires once is what keeps an object alive, and will let it go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapsleuth.heap.kinds import EdgeType, NodeType

if TYPE_CHECKING:
    from heapsleuth.leaks.case import Case

__all__ = ["fires_once", "is_timed"]

_MOST_NODES = 200
_MOST_RETAINERS = 12
_FURTHEST = 5
_FOLLOWED = (EdgeType.CONTEXT, EdgeType.PROPERTY, EdgeType.INTERNAL, EdgeType.HIDDEN, EdgeType.ELEMENT)


def is_timed(case: Case) -> bool:
    """
    Return whether a `Timeout` set by `setTimeout` leads to the newest member in a few steps.

    Followed outwards from the member through functions and scopes that are as new as itself: what was there
    before is shared, and a timer that leads to it says nothing about the member.
    """
    if case.member is None:
        return False
    graph = case.graph
    level, seen = [case.member], {case.member}
    for _ in range(_FURTHEST):
        above: list[int] = []
        for node in level:
            for edge, source in graph.retainers_of(node, _MOST_RETAINERS):
                if source in seen or case.old[source] or graph.edge_types[edge] not in _FOLLOWED:
                    continue
                if graph.own_name(source) == "Timeout" and graph.node_types[source] == NodeType.OBJECT:
                    if fires_once(case, source):
                        return True
                    continue
                if graph.node_types[source] == NodeType.CLOSURE or _is_between(graph.own_name(source)):
                    seen.add(source)
                    above.append(source)
        level = above
        if not level or len(seen) > _MOST_NODES:
            break
    return False


def _is_between(name: str) -> bool:
    return name in ("system / Context", "Array", "(object elements)", "Promise", "system / PromiseReaction")


def fires_once(case: Case, timer: int) -> bool:
    """Whether a `Timeout` is of `setTimeout`, not of `setInterval`."""
    repeat = case.child(timer, "_repeat")
    return repeat is not None and case.type(repeat) == NodeType.HIDDEN
