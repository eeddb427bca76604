"""Where a story begins, in words: `module src/app.js`, `globalThis`, `process`, `timers`, …"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heapsleuth.heap.kinds import EdgeType, NodeType
from heapsleuth.leaks.heap_view import cut
from heapsleuth.leaks.story.lasting import root_words

if TYPE_CHECKING:
    from heapsleuth.heap.graph import HeapGraph
    from heapsleuth.heap.sources import Sources
    from heapsleuth.leaks.naming import Step
    from heapsleuth.places import SourceLocation

__all__ = ["Root", "find_root", "module_name"]

_SCOPE = "system / Context"
_CELL = "system / Cell"

# Tables of Node.js that hold what runs later; their names are those of the variables in its sources.
_RUNTIME_TABLES = {
    "timerListMap": "timers",
    "timerListQueue": "timers",
    "immediateQueue": "immediates",
    "outstandingQueue": "immediates",
}
_INNERMOST_PACKAGE = re.compile(r".*[/\\]node_modules[/\\]")
_FOLDERS_SHOWN = 2


@dataclass(frozen=True, slots=True)
class Root:
    """What everything else hangs on."""

    words: str
    node: int
    """Node index."""
    first_edge: str | None = None
    """How the first step is said; None for as any other."""
    hides_first: bool = False
    """Whether the first step only leads to a table of the runtime that `words` says already."""
    function: int | None = None
    """Function whose property the first step is, to be shown between the root and it."""


def module_name(location: SourceLocation | None) -> str:
    """Return a file so that it is the same on every host: from its package, or by its last folder."""
    if location is None:
        return "module"
    file = location.file
    if file.startswith("node:"):
        return f"module {file}"
    inside = _INNERMOST_PACKAGE.sub("", file)
    if inside == file:
        inside = "/".join(re.split(r"[\\/]", file)[-_FOLDERS_SHOWN:]).lstrip("/")
    return f"module {inside}"


def find_root(graph: HeapGraph, sources: Sources, step: Step, *, lasts: bool) -> Root:
    """Return how to say what the first step of a way leaves; *lasts* is False for a mere function's scope."""
    source = step.source
    kind, name = graph.node_types[source], graph.own_name(source)
    if kind == NodeType.SYNTHETIC:
        return Root(root_words(graph, source) or cut(name), source)
    if name.startswith(_SCOPE):
        table = _RUNTIME_TABLES.get(step.label)
        if table is not None:
            return Root(table, source, hides_first=True)
        place = sources.context_location(source)
        if lasts:
            variable = sources.variable_name(source, step.label)
            return Root(module_name(place), source, first_edge=f"variable {cut(variable)}")
        function = (place.function if place else None) or "a function"
        return Root(f"closure in {cut(function)}", source)
    if name == _CELL and step.type == EdgeType.INTERNAL:
        exported = sources.variable_name(source, step.label)
        place = sources.declaration(source, step.label)
        return Root(module_name(place), source, first_edge=f"export {cut(exported)}")
    if kind == NodeType.CLOSURE:
        return Root(module_name(sources.location(source)), source, function=source)
    return Root("process" if name == "process" else "globalThis", source)
