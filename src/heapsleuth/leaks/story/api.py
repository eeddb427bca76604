"""References as a programmer makes them: `Map["key"]`, `"data" listeners`, `callback`.

Turns the references of a heap, which lead through tables, arrays, contexts and handles, into the steps of
the API they implement.  What is true of V8's and Node.js' objects is in the tables below.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heapsleuth.heap.kinds import EdgeType, NodeType
from heapsleuth.leaks.story.keys import is_name, shown_key, shown_property

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapsleuth.leaks.history import Moment
    from heapsleuth.leaks.naming import Step

__all__ = ["Told", "api_steps"]


@dataclass(frozen=True, slots=True)
class Told:
    """One step in the API's words."""

    edge: str
    node: int
    """Node index reached."""
    internal: bool = False
    """Whether it only exists inside the runtime."""


_FIELDS = {
    "_onTimeout": "callback",
    "_onImmediate": "callback",
    "_idleNext": "timers",
    "_idlePrev": "timers",
    "_events": "",
    "<symbol kEvents>": "",
    "<symbol owner_symbol>": "owner",
    "<symbol kResourceStore>": "AsyncLocalStorage store",
    "<symbol async_context_frame>": "async context",
}
_INTERNALS = {
    "reactions_or_result": "reaction",
    "promise_or_capability": "then",
    "bound_this": "this of the bound function",
    "bound_function": "bound function",
    "extension": "resumes",
    "javascript_to_native": "handle",
    "backing_store": "memory",
    "first": "part",
    "second": "part",
}
_FOLDED_INTERNALS = frozenset({"context", "previous", "table", "elements", "properties"})
_COLLECTIONS = {"Map": "Map", "Set": "Set", "WeakMap": "WeakMap", "WeakSet": "WeakSet"}
_REGISTRIES = frozenset({"_events", "<symbol kEvents>"})
_ASYNC_STORE = re.compile(r"<symbol .*(?:AsyncLocalStorage|kResourceStore).*>")
_SYMBOL = re.compile(r"<symbol (.*)>")
_BOUND_ARGUMENT = re.compile(r"bound_argument_\d+")
_NAMED_KEY = re.compile(r'\["[^"…]*"\]')
_SCOPE = "system / Context"


def api_steps(moment: Moment, way: Sequence[Step], *, one_of_many: bool = False) -> list[Told]:
    """
    Return the way in the API's words; references that only pass through plumbing are left out.

    Args:
        moment: The snapshot.
        way: References, outermost first.
        one_of_many: The last one is an example of many, and its key says nothing about the others.
    """
    told: list[Told] = []
    events: str | None = None
    for step in way:
        if step.label in _REGISTRIES and step.type == EdgeType.PROPERTY:
            events = ""
            continue
        if events is not None:
            event = _event(moment, step)
            if event:
                events = event
            if _is_listeners_inside(moment, step):
                continue
            told.append(Told(f"{events or ''} listeners".strip(), step.target))
            events = None
            continue
        one = _one(moment, step, hide_key=one_of_many and step is way[-1])
        if one is not None:
            told.append(one)
    if events is not None:
        told.append(Told(f"{events} listeners".strip(), way[-1].target))
    return told


def _one(moment: Moment, step: Step, *, hide_key: bool) -> Told | None:
    """Return a step outside of emitters, None for one that a programmer does not see."""
    graph, lifted = moment.graph, moment.lifted
    if lifted[step.target] != step.target or _is_scope(moment, step.target):
        return None
    native = graph.node_types[step.target] == NodeType.NATIVE
    owner = int(lifted[step.source])
    edge = _edge(moment, step, owner)
    if hide_key:
        edge = _NAMED_KEY.sub("[…]", edge)
        if edge.startswith(".") and step.label not in _FIELDS and _is_plain(moment, owner):
            edge = "[…]"
    return Told(edge, step.target, internal=native)


def _edge(moment: Moment, step: Step, owner: int) -> str:
    graph = moment.graph
    kind = graph.own_name(owner)
    if graph.node_types[step.source] in (NodeType.SYNTHETIC, NodeType.NATIVE):
        return "handle"
    if step.type == EdgeType.CONTEXT:
        return f"variable {step.label}"
    if step.type == EdgeType.PROPERTY:
        if _ASYNC_STORE.fullmatch(step.label):
            return "AsyncLocalStorage store"
        known = _FIELDS.get(step.label)
        if known is not None:
            return known
        symbol = _SYMBOL.fullmatch(step.label)
        return f"[Symbol({symbol[1]})]" if symbol else shown_property(step.label)
    if owner != step.source and kind in _COLLECTIONS:
        return _entry(moment, step, kind)
    if graph.own_name(step.source) == "system / PromiseReaction" or kind == "Promise":
        return "reaction"
    if kind == "FinalizationRegistry":
        return "held value"
    if graph.own_name(step.target) == "TimersList":
        return f"list of {_position(moment, owner, step)} ms"
    if step.type == EdgeType.ELEMENT:
        return "array[…]" if kind == "Array" else "[…]"
    if owner != step.source:
        return "array[…]" if kind == "Array" else shown_key(_key_before(moment, step))
    if _BOUND_ARGUMENT.fullmatch(step.label):
        return "argument of the bound function"
    if step.label in _FOLDED_INTERNALS:
        return ""
    return _INTERNALS.get(step.label, "internal" if step.label.isdigit() else step.label)


def _entry(moment: Moment, step: Step, kind: str) -> str:
    if kind.endswith("Set"):
        return f"{kind} entry"
    key = _key_before(moment, step)
    return f"{kind}{shown_key(key)}"


def _key_before(moment: Moment, step: Step) -> str | None:
    """Return the text in the slot before: in a Map's table each value stands right behind its key."""
    graph = moment.graph
    if not step.label.isdigit() or step.type != EdgeType.INTERNAL:
        return None
    wanted = str(int(step.label) - 1)
    for edge in range(int(graph.first_edges[step.source]), int(graph.first_edges[step.source + 1])):
        if graph.edge_types[edge] == EdgeType.INTERNAL and graph.edge_name(edge) == wanted:
            key = int(graph.edge_targets[edge])
            return graph.name(key) if graph.node_types[key] == NodeType.STRING else None
    return None


def _event(moment: Moment, step: Step) -> str | None:
    """Return the event in quotes if this step, inside an emitter's registry, names one."""
    if step.type == EdgeType.PROPERTY and step.label not in ("next", "previous", "__proto__"):
        return f'"{step.label}"' if is_name(step.label) else f'"{shown_property(step.label).strip("[]")}"'
    key = _key_before(moment, step) if moment.graph.node_types[step.source] == NodeType.ARRAY else None
    return f'"{key}"' if key is not None and is_name(key) else None


def _is_listeners_inside(moment: Moment, step: Step) -> bool:
    """Whether a step only leads from the registry to its lists, not to a listener."""
    graph = moment.graph
    kind = graph.node_types[step.target]
    if kind in (NodeType.ARRAY, NodeType.HIDDEN):
        return True
    name = graph.own_name(step.target)
    # An EventTarget has a Map of heads, which are plain objects; an emitter an object of arrays.
    return kind == NodeType.OBJECT and name in ("Array", "Object", "Map")


def _is_scope(moment: Moment, node: int) -> bool:
    return moment.graph.own_name(node).startswith(_SCOPE)


def _is_plain(moment: Moment, node: int) -> bool:
    return moment.graph.own_name(node) == "Object"


def _position(moment: Moment, owner: int, step: Step) -> str:
    """Return the number by which an object holds the target; the slot of a backing store says nothing."""
    graph = moment.graph
    edges = slice(int(graph.first_edges[owner]), int(graph.first_edges[owner + 1]))
    wanted = graph.edge_targets[edges] == step.target
    wanted &= graph.edge_types[edges] == EdgeType.ELEMENT
    numbers = graph.edge_names[edges][wanted]
    return f"{int(numbers[0]):,}" if len(numbers) else "some"
