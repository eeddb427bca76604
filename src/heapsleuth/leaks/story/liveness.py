"""Which objects on a path are surely in use and which are surely finished.

LeakCanary's idea: a leak is between the last object that is rightly alive and the first that should be
gone.  Signs of death are fields by which Node.js and common libraries mark what is done with.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from heapsleuth.heap.kinds import EdgeType, NodeType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapsleuth.heap.graph import HeapGraph

__all__ = ["Life", "ends", "sign_of_death", "suspect_steps"]


class Life(Enum):
    """What is known about an object on a path."""

    ALIVE = "alive"
    DEAD = "dead"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class _Sign:
    """A field whose value says that its object is done with."""

    field: str
    value: str
    """Name of the oddball: `true`, `null`."""
    says: str
    classes: frozenset[str] = frozenset()
    """Constructors for which it counts; empty for all."""


_SIGNS = (
    _Sign("_destroyed", "true", "cleared", frozenset({"Timeout", "Immediate"})),
    _Sign("<symbol kAborted>", "true", "aborted"),
    _Sign("destroyed", "true", "destroyed"),
    _Sign("_destroyed", "true", "destroyed"),
    _Sign("closed", "true", "closed"),
    _Sign("_closed", "true", "closed"),
    _Sign("finished", "true", "finished"),
    _Sign("aborted", "true", "aborted"),
    _Sign("disposed", "true", "disposed"),
    _Sign("isDisposed", "true", "disposed"),
    _Sign("isStopped", "true", "stopped", frozenset({"SafeSubscriber", "Subscriber", "OperatorSubscriber"})),
)
_FIELDS = {sign.field for sign in _SIGNS}
# What a state of its own holds, one step away: streams.
_STATES = frozenset({"_readableState", "_writableState"})
_MOST_FIELDS = 200


def sign_of_death(graph: HeapGraph, node: int) -> str | None:
    """Return in a word why an object is done with (`destroyed`, `cleared`), None when nothing says so."""
    if graph.node_types[node] != NodeType.OBJECT:
        return None
    kind = graph.own_name(node)
    fields = _fields(graph, node)
    for sign in _SIGNS:
        if (not sign.classes or kind in sign.classes) and _says(graph, fields.get(sign.field), sign.value):
            return sign.says
    states = [fields[name] for name in _STATES if name in fields]
    done = [_says(graph, _fields(graph, state).get("destroyed"), "true") for state in states]
    return "destroyed" if done and all(done) else None


def ends(lives: Sequence[Life]) -> tuple[int, int]:
    """Return the positions of the last surely alive object and of the first surely dead one after it."""
    dead = next((i for i, life in enumerate(lives) if life is Life.DEAD and i), len(lives) - 1)
    alive = next((i for i in range(dead - 1, -1, -1) if lives[i] is Life.ALIVE), 0)
    return alive, dead


def suspect_steps(lives: Sequence[Life]) -> frozenset[int]:
    """Return the positions reached by a suspect reference: after the last alive, up to the first dead."""
    alive, dead = ends(lives)
    return frozenset(range(alive + 1, dead + 1))


def _fields(graph: HeapGraph, node: int) -> dict[str, int]:
    first = int(graph.first_edges[node])
    last = min(int(graph.first_edges[node + 1]), first + _MOST_FIELDS)
    found: dict[str, int] = {}
    for edge in range(first, last):
        if graph.edge_types[edge] == EdgeType.PROPERTY:
            name = graph.edge_name(edge)
            if name in _FIELDS or name in _STATES:
                found[name] = int(graph.edge_targets[edge])
    return found


def _says(graph: HeapGraph, node: int | None, value: str) -> bool:
    """Whether a node is the oddball of that name."""
    if node is None or graph.node_types[node] != NodeType.HIDDEN:
        return False
    name = graph.own_name(node)
    if name != "system / Oddball":
        return name == value  # from Node 24 on
    first, last = int(graph.first_edges[node]), int(graph.first_edges[node + 1])
    return any(graph.own_name(int(graph.edge_targets[edge])) == value for edge in range(first, last))
