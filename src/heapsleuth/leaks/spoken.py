"""What findings call objects: more than the constructor's name where that says little.

Only how findings speak.  Detectors and signatures go by `Case.class_name`, which is the same in all
versions of Node.js and whatever fields an object happens to have; the class table is DevTools'.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from heapsleuth.heap.edge_lookup import EdgeLookup
from heapsleuth.heap.kinds import EdgeType, NodeType

if TYPE_CHECKING:
    from heapsleuth.heap.graph import HeapGraph
    from heapsleuth.heap.sources import Sources
    from heapsleuth.leaks.case import Case
    from heapsleuth.leaks.detectors.base import Detection
    from heapsleuth.places import SourceLocation

__all__ = ["Speech", "as_spoken"]

_TEXT = (NodeType.STRING, NodeType.CONS_STRING, NodeType.SLICED_STRING)
_VALUES = {
    NodeType.NUMBER: "number",
    NodeType.SYMBOL: "symbol",
    NodeType.BIGINT: "bigint",
    NodeType.REGEXP: "RegExp",
}
_GENERATORS = {"Generator": "generator", "AsyncGenerator": "async generator"}
_SCOPE = "system / Context"
_BOUND = "native_bind"  # what V8 calls all bound functions

_FIELDS_LENGTH = 36
_FUNCTION_LENGTH = 40
_FILE_LENGTH = 24
_FEW_RETAINERS = 20
_MOST_FIELDS = 20
_FEW_FIELDS = 8
# Longer names than a minifier's are what somebody wrote, or at least what a stack trace shows.
_MINIFIED_LENGTH = 2
_STEP_OF_DESCRIPTOR = 3
_DEEPEST = 3
_MOST_EDGES = 1000

# Fields that tell how the runtime keeps a function, not what it is for.
_KEPT_AS = frozenset(
    {"constructor", "callback", "listener", "handler", "value", "_onTimeout", "_onImmediate"}
)


class Speech:
    """
    Names kinds of objects of one snapshot for people.

    Args:
        graph: The heap.
        sources: Its source locations.
    """

    def __init__(self, graph: HeapGraph, sources: Sources) -> None:
        self._graph = graph
        self._sources = sources
        self._edges = EdgeLookup(graph)

    def kind(self, node: int) -> str:
        """Return what to call the class of a holder: as it was written, without its fields."""
        name = self._graph.own_name(node)
        if self._graph.node_types[node] != NodeType.OBJECT:
            return name
        if name.startswith(("global (", "globalThis (")):
            return name.partition(" ")[0]  # V8 14 adds where it found the name
        if name == "EventTarget" and self._prototype(node) == "AbortSignal":
            return "AbortSignal"  # Node.js 18 and 20 make them of an EventTarget
        return self._written_class(node, name)

    def say(self, node: int, depth: int = 0) -> str:
        """
        Return what to call one of the members.

        `User`, `Object {id, user, …}`, `function onChange`, `function in handler (app.js:12)`, `bound tick`,
        `generator rows`, `scope of handler`, `WeakRef of User`.
        """
        graph = self._graph
        kind, name = graph.node_types[node], graph.own_name(node)
        if kind == NodeType.CLOSURE:
            return self._function(node, depth)
        if kind in _TEXT:
            return "string"
        if kind in _VALUES:
            return _VALUES[NodeType(int(kind))]
        if name == "system / JSProxy":
            return self._with_target("Proxy", self._proxied(node), depth)
        if kind != NodeType.OBJECT:
            return name or "(unnamed)"
        if name.startswith(_SCOPE):
            place = self._sources.context_location(node)
            return f"scope of {_cut(place.function)}" if place and place.function else "scope"
        function = self._target(node, "function")
        if function is not None and self._target(node, "parameters_and_registers") is not None:
            called = self._name_of(function) or "(anonymous)"
            return f"{_GENERATORS.get(self._prototype(node), 'suspended')} {_cut(called)}"
        if name == "WeakRef":
            return self._with_target("WeakRef", self._edges.target(node, EdgeType.WEAK, "target"), depth)
        if name == "Object":
            return self._shape(node)
        if name == "Error":
            given = self._edges.target(node, EdgeType.PROPERTY, "name")
            return _cut(graph.name(given)) if given is not None and graph.node_types[given] in _TEXT else name
        return self.kind(node) or "(unnamed)"

    def _with_target(self, kind: str, target: int | None, depth: int) -> str:
        if target is None or depth == _DEEPEST:
            return kind
        return f"{kind} of {self.say(target, depth + 1)}"

    def _proxied(self, node: int) -> int | None:
        graph = self._graph
        for edge in self._of(node):
            target = int(graph.edge_targets[edge])
            visible = graph.node_types[target] in (NodeType.OBJECT, NodeType.CLOSURE)
            if graph.edge_types[edge] == EdgeType.HIDDEN and visible:
                return target
        return None

    def _of(self, node: int) -> range:
        edges = self._edges.of(node)
        return range(edges.start, min(edges.stop, edges.start + _MOST_EDGES))

    def _target(self, node: int, label: str) -> int | None:
        return self._edges.target(node, EdgeType.INTERNAL, label)

    def _prototype(self, node: int) -> str:
        shape = self._target(node, "map")
        prototype = None if shape is None else self._target(shape, "prototype")
        return "" if prototype is None else self._graph.own_name(prototype)

    def _written_class(self, node: int, name: str) -> str:
        """Return the class's name in its source where a minifier renamed it."""
        if len(name) > _MINIFIED_LENGTH:
            return name
        place = self._sources.class_location(node)
        return place.function if place is not None and place.function else name

    # Functions

    def _function(self, node: int, depth: int) -> str:
        bound = self._target(node, "bound_function")
        if bound is not None and depth < _DEEPEST:
            called = self._function(bound, depth + 1)
            # A function without a name stays one: `bound function (app.js:3)`.
            name = called.removeprefix("function ")
            return f"bound {called if name.startswith('(') or ' ' in name else name}"
        written = self._name_of(node) or self._given_to(node)
        if written:
            return f"function {_cut(written)}"
        place = self._sources.location(node)
        if place is not None:
            return self._placed(node, place)
        return "promise resolver" if self._settles(node) else "function (anonymous)"

    def _name_of(self, function: int) -> str | None:
        name = self._graph.own_name(function)
        if name == _BOUND:
            return None
        if len(name) > _MINIFIED_LENGTH:
            return name
        return self._sources.function_name(function) or name or None

    def _given_to(self, function: int) -> str | None:
        """Return the variable or property that a nameless function was given to."""
        graph = self._graph
        for edge, source in graph.retainers_of(function, _FEW_RETAINERS):
            if graph.edge_types[edge] not in (EdgeType.PROPERTY, EdgeType.CONTEXT):
                continue
            label = graph.edge_name(edge)
            plain = label.isidentifier() and label not in _KEPT_AS and not label.startswith("_")
            if plain and graph.node_types[source] in (NodeType.OBJECT, NodeType.CLOSURE):
                return label
        return None

    def _placed(self, node: int, place: SourceLocation) -> str:
        file = PurePosixPath(place.file.replace("\\", "/")).name[-_FILE_LENGTH:]
        where = f"({file}:{place.line})" if place.line is not None else f"({file})"
        context = self._target(node, "context")
        around = None if context is None else self._sources.context_location(context)
        inside = f"in {_cut(around.function)} " if around is not None and around.function else ""
        return f"function {inside}{where}"

    def _settles(self, node: int) -> bool:
        """Whether a function is the `resolve` or `reject` that a promise's executor got."""
        context = self._target(node, "context")
        if context is None:
            return False
        kept = self._graph.edge_targets[self._edges.of(context)].tolist()
        return any(self._graph.own_name(target) == "Promise" for target in kept)

    # Plain objects

    def _shape(self, node: int) -> str:
        fields = self._fields(node)
        shown: list[str] = []
        for name in fields:
            if len(", ".join([*shown, name])) > _FIELDS_LENGTH:
                return f"Object {{{', '.join([*shown, '…'])}}}" if shown else "Object"
            shown.append(name)
        return f"Object {{{', '.join(shown)}}}" if shown else "Object"

    def _fields(self, node: int) -> list[str]:
        """
        Return names of an object's fields, in the order in which they were made.

        A snapshot has no edge for a field with a small number in it; the list of all fields is in the
        hidden class.  Classes that others were derived from share that list with them, so no more of it is
        taken than the last field that is seen.
        """
        graph = self._graph
        edges = [edge for edge in self._of(node) if graph.edge_types[edge] == EdgeType.PROPERTY]
        names = [graph.edge_name(edge) for edge in edges[:_MOST_FIELDS]]
        seen = [name for name in names if _is_field(name)]
        shape = self._target(node, "map")
        descriptors = None if shape is None else self._target(shape, "descriptors")
        if shape is None or descriptors is None:
            # A dictionary, without any order; its keys are data when there are many.
            return sorted(seen) if len(edges) <= _FEW_FIELDS else []
        listed = self._listed(descriptors)
        if self._is_derived_from(shape):
            last = max((listed.index(name) for name in seen if name in listed), default=-1)
            listed = listed[: last + 1]
        return listed if set(seen) <= set(listed) else seen

    def _is_derived_from(self, shape: int) -> bool:
        one = self._edges.target(shape, EdgeType.WEAK, "transition")
        return one is not None or self._target(shape, "transitions") is not None

    def _listed(self, descriptors: int) -> list[str]:
        graph = self._graph
        found: dict[int, str] = {}
        for edge in self._of(descriptors):
            label = graph.edge_name(edge)
            if graph.edge_types[edge] != EdgeType.INTERNAL or not label.isdigit():
                continue
            target = int(graph.edge_targets[edge])
            # Name, details, value: every third entry is a name.
            if int(label) % _STEP_OF_DESCRIPTOR == 0 and graph.node_types[target] == NodeType.STRING:
                found[int(label)] = graph.name(target)
        return [found[place] for place in sorted(found)]


def as_spoken(speech: Speech, case: Case, detection: Detection) -> Detection:
    """Return a detection that calls holder and members as findings do."""
    kind = detection.holder_kind
    if kind == case.class_name(detection.holder_node):
        kind = speech.kind(detection.holder_node) or kind
    return replace(detection, members=_members(speech, case, detection), holder_kind=kind)


def _members(speech: Speech, case: Case, detection: Detection) -> str:
    for node in (case.member, detection.member_node):
        if node is None or case.class_name(node) != detection.members:
            continue
        return speech.say(node)
    return detection.members


def _is_field(name: str) -> bool:
    return name != "__proto__" and not name.startswith(("<symbol", "get ", "set "))


def _cut(text: str) -> str:
    return text if len(text) <= _FUNCTION_LENGTH else f"{text[: _FUNCTION_LENGTH - 1]}…"
