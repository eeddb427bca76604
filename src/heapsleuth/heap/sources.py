"""Where things in a heap come from: file, line, column and function of closures, instances, scopes.

Positions are V8's own, moved through source maps where a script has one.  What V8 records no position
for (a Map, an Array) is placed where the variable or field that holds it is declared; that is read
from the source text, and only when the text is what V8 ran.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.contexts import Contexts
from heapsleuth.heap.declarations import (
    growth_offsets,
    module_variable,
    property_declaration,
    scope_of_context,
)
from heapsleuth.heap.edge_lookup import EdgeLookup
from heapsleuth.heap.js_outline import ScopeKind
from heapsleuth.heap.kinds import EdgeType, NodeType
from heapsleuth.heap.modules import Modules
from heapsleuth.heap.packages import Packages
from heapsleuth.heap.programs import Program, file_name
from heapsleuth.heap.scripts import Scripts
from heapsleuth.places import SourceLocation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from heapsleuth.heap.declarations import SourceText
    from heapsleuth.heap.graph import HeapGraph
    from heapsleuth.heap.js_outline import Declaration, Outline
    from heapsleuth.places import Package

__all__ = ["DeclaredIn", "Sources"]

_MAX_POSITIONS = 64  # closures whose places are compared with the file on disk
_GLOBAL_NAMES = ("globalThis", "global", "window", "self")
_GLOBAL_CHARS = 40
_MAX_SUPERCLASSES = 16
_MAX_BOUND = 16


@dataclass(frozen=True, slots=True)
class DeclaredIn:
    """A declaration and the text it is in."""

    program: Program
    text: SourceText
    declaration: Declaration

    @property
    def file(self) -> str:
        """The text's name."""
        return self.program.file

    @property
    def is_whole(self) -> bool:
        """Whether the text is all of the file, not the beginning that the snapshot keeps."""
        return self.text is not self.program.text or self.program.is_whole

    def place(self, offset: int) -> SourceLocation:
        """Return an offset of the text as a place in the source."""
        if self.text is self.program.text:
            return self.program.place_of_name(offset)[0]
        line, column = self.text.position(offset)
        return SourceLocation(self.program.file, line + 1, column)


class Sources:
    """
    Source locations in one heap.

    Everything is found when first asked for and remembered.  Reads source files, source maps and
    package manifests that scripts of the heap name, and nothing else.  Not safe to share between
    threads.

    Args:
        graph: The heap.
    """

    def __init__(self, graph: HeapGraph) -> None:
        self._graph = graph
        self._edges = EdgeLookup(graph)
        self._scripts = Scripts(graph, self._edges)
        self._contexts = Contexts(graph, self._edges)
        self._modules = Modules(graph, self._edges)
        self._packages = Packages()
        self._programs: dict[int, Program] = {}

    # Scripts

    def script_url(self, script_id: int) -> str | None:
        """Return the name V8 has for a script: a path, a URL, empty for eval; None if unknown."""
        node = self._scripts.nodes_by_id.get(script_id)
        return None if node is None else self._scripts.url(node)

    def package(self, location: SourceLocation | None) -> Package | None:
        """Return the npm package a location is in, None for the application's own files."""
        return None if location is None else self._packages.of(location.file)

    @property
    def stale_files(self) -> tuple[str, ...]:
        """Files met so far that were changed since V8 read them; no line was taken from those."""
        return tuple(sorted({one.file for one in self._programs.values() if one.is_stale}))

    def _program(self, script_node: int) -> Program:
        if script_node not in self._programs:
            self._programs[script_node] = Program(
                self._scripts.url(script_node),
                self._scripts.head(script_node),
                self._scripts.map_url(script_node),
                self._positions(script_node),
                self._scripts.removed_head(script_node),
            )
        return self._programs[script_node]

    def _positions(self, script_node: int) -> tuple[tuple[int, int], ...]:
        columns = self._graph.columns
        ids = [one for one, node in self._scripts.nodes_by_id.items() if node == script_node]
        rows = np.flatnonzero(np.isin(columns.location_scripts, np.array(ids, np.uint32)))
        # A module's own function begins at 0:0 whatever the text.
        rows = rows[(columns.location_lines[rows] | columns.location_columns[rows]) > 0]
        # One number per place: sorting rows of two is ten times slower.
        lines = columns.location_lines[rows].astype(np.uint64)
        places = np.unique(lines << np.uint64(32) | columns.location_columns[rows])
        sample = places[:: len(places) // _MAX_POSITIONS + 1].tolist()
        return tuple((place >> 32, place & 0xFFFFFFFF) for place in sample)

    # Locations

    @cached_property
    def _rows(self) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        nodes = self._graph.columns.location_nodes
        order = np.argsort(nodes, kind="stable")
        return nodes[order], order

    def _spot(self, node: int) -> tuple[int, int, int] | None:
        """Return script node, 0-based line and column of a node's own location."""
        nodes, order = self._rows
        at = int(np.searchsorted(nodes, nodes.dtype.type(node)))  # another type would copy the array
        if at == len(nodes) or nodes[at] != node:
            return None
        columns, row = self._graph.columns, int(order[at])
        script = self._scripts.nodes_by_id.get(int(columns.location_scripts[row]))
        if script is None:
            return None
        return script, int(columns.location_lines[row]), int(columns.location_columns[row])

    def location(self, node_index: int) -> SourceLocation | None:
        """
        Return where a closure, a suspended function or an instance's class begins.

        A bound function is where the function it binds is.  None for what V8 records no place for.
        """
        node: int | None = node_index
        for _ in range(_MAX_BOUND):  # a damaged heap can have functions bound in a circle
            if node is None:
                return None
            spot = self._spot(node)
            if spot is not None:
                script, line, column = spot
                return self._program(script).place(line, column, self._name_of(node))
            node = self._edges.target(node, EdgeType.INTERNAL, "bound_function")
        return None

    def class_location(self, node_index: int) -> SourceLocation | None:
        """Return where an object's class or constructor function begins; None for built-in ones."""
        own = self.location(node_index)
        if own is not None:
            return own
        maker = int(self._scripts.constructors(np.array([node_index]))[0])
        return None if maker < 0 else self.location(maker)

    def function_name(self, closure: int) -> str | None:
        """Return a closure's name as its source has it (also where it was minified), None if it has none."""
        where = self.location(closure)
        if where is not None:
            return where.function
        return self._edges.raw_name(closure) or None

    def _name_of(self, node: int) -> str | None:
        # A generator or a suspended async function leads to its function.
        function = self._edges.target(node, EdgeType.INTERNAL, "function")
        return self._edges.raw_name(node if function is None else function) or None

    # Contexts

    def context_location(self, context_node: int) -> SourceLocation | None:
        """
        Return the function or module whose variables a `system / Context` holds.

        At least its file, where any function of that scope or its ScopeInfo leads to a script; only
        its file for a module.  The context of a pending `await` is the function that waits.  None for
        the runtime's own contexts, such as those of a promise's resolving functions.
        """
        waiting = self._edges.target(context_node, EdgeType.INTERNAL, "extension")
        if waiting is not None and self._edges.raw_name(waiting) == "Generator":
            return self.location(waiting)
        info = self._contexts.scope_info(context_node)
        if info is not None:
            for function in self._contexts.functions_of_scope(info)[0].tolist():
                for closure in self._contexts.closures_of(function)[:1].tolist():
                    spot = self._spot(closure)
                    if spot is not None and spot[1:] != (0, 0):
                        return self.location(closure)
        script = self._script_of_context(context_node)
        if script is None:
            return None
        program = self._program(script)
        return self._scope_place(program, context_node) or SourceLocation(program.file, None)

    def _scope_place(self, program: Program, context: int) -> SourceLocation | None:
        """Place a context by the scope in the text that declares its variables."""
        names = self._contexts.variables(context)
        text = program.text
        if text is None:
            return None
        offsets = self._witness_offsets(program, context)
        found = scope_of_context(text.outline, names, offsets) if offsets else None
        for index in [] if found is None else text.outline.enclosing(found):
            scope = text.outline.scopes[index]
            if scope.kind is ScopeKind.FUNCTION:
                return program.place(*text.position(scope.start), scope.name)
        return None

    def _script_of_context(self, context: int) -> int | None:
        witnesses, _ = self._contexts.witnesses(context)
        for witness in witnesses.tolist():
            spot = self._spot(witness)
            if spot is not None:
                return spot[0]
        info = self._contexts.scope_info(context)
        if info is not None:
            for functions in self._contexts.functions_of_scope(info):
                scripts = self._scripts.of_infos(functions[:1])
                if len(scripts) and scripts[0] >= 0:
                    return int(scripts[0])
        return None

    def _witness_offsets(self, program: Program, context: int) -> list[int]:
        """Return the offsets in the text of functions created inside a context's scope."""
        if program.text is None:
            return []
        offsets = []
        for witness in self._contexts.witnesses(context)[0].tolist():
            spot = self._spot(witness)
            if spot is None or self._program(spot[0]) is not program:
                continue
            offset = program.text.offset(spot[1], spot[2])
            if offset is not None:
                offsets.append(_outside(program.text.outline, offset))
        return offsets

    # Declarations

    def declaration(self, owner: int, name: str) -> SourceLocation | None:
        """
        Return where a variable or property is declared.

        Args:
            owner: Node that holds it: a `system / Context`; a closure or class; an instance; a
                CommonJS `Module` or its `exports`; a `system / SourceTextModule` or a
                `system / Cell` of one (whose variable it names itself); the global object.
            name: The variable, or the property (`#private` with its sign).

        Returns:
            Its place, the function around it in `function`; None when the text is not at hand, was
            changed since, or does not say.
        """
        found = self._declared(owner, name)
        return None if found is None else found[0]

    def variable_name(self, owner: int, name: str) -> str:
        """
        Return a variable's name as its source has it.

        For minified code the name in the source map, for a `system / Cell` the name of the export;
        *name* itself where nothing better is known.
        """
        found = self._declared(owner, name)
        if found is not None and found[1]:
            return found[1]
        cell = self._modules.of_cell(owner)
        return name if cell is None else cell[1]

    def growth_sites(self, owner: int, name: str) -> tuple[SourceLocation, ...]:
        """Return the places where a variable or property is filled, in the file that declares it."""
        for script, _ in self._places(owner):
            program = self._program(script)
            found = () if program.text is None else growth_offsets(program.text, name)
            if found:
                return tuple(program.place_of_name(offset)[0] for offset in found)
        return ()

    def declared_in(self, owner: int, name: str) -> DeclaredIn | None:
        """Return the text that declares a variable or property, to look closer; see `declaration`."""
        cell = self._modules.of_cell(owner)
        name = name if cell is None else cell[1]
        for script, near in self._places(owner):
            program = self._program(script)
            for text in (program.text, program.original):
                if text is None or name not in text.text:
                    continue
                made = self._find(program, text, owner, name, near)
                if made is not None:
                    return DeclaredIn(program, text, made)
        return None

    def text_of(self, location: SourceLocation) -> SourceText | None:
        """Return the text that a location's line counts in, None when it is not at hand or was changed."""
        for url, script in self._by_url.items():
            if file_name(url) == location.file:
                self._program(script)
        # A place in an original file came from a script that has been looked at.
        texts = (program.text_named(location.file) for program in self._programs.values())
        return next((text for text in texts if text is not None), None)

    def _declared(self, owner: int, name: str) -> tuple[SourceLocation, str | None] | None:
        found = self.declared_in(owner, name)
        return None if found is None else _place(found.program, found.text, found.declaration)

    def _find(
        self, program: Program, text: SourceText, owner: int, name: str, near: tuple[int, int] | None
    ) -> Declaration | None:
        is_running = text is program.text
        if self._contexts.is_context(owner):
            offsets = self._witness_offsets(program, owner) if is_running else []
            scope = scope_of_context(text.outline, self._contexts.variables(owner) | {name}, offsets, name)
            return None if scope is None else text.outline.scopes[scope].names[name]
        if self._modules.of_cell(owner) is not None or self._modules.is_module(owner):
            return module_variable(text.outline, name)
        if self._is_global(owner):
            made = [
                one
                for one in text.outline.declarations.get(name, [])
                if _is_on_global(text.text[max(one.offset - _GLOBAL_CHARS, 0) : one.offset])
            ]
            return made[0] if made else None
        offset = text.offset(*near) if is_running and near is not None else None
        of_class = bool(self._graph.node_types[owner] == NodeType.CLOSURE)
        return property_declaration(text.outline, name, offset, of_class_itself=of_class)

    def _places(self, owner: int) -> Iterator[tuple[int, tuple[int, int] | None]]:
        """Give the scripts a holder's declaration can be in, with the position of its class if it has one."""
        script: int | None = None
        if self._contexts.is_context(owner):
            script = self._script_of_context(owner)
        elif (cell := self._modules.of_cell(owner)) is not None:
            script = self._script_of_module(cell[0])
        elif self._modules.is_module(owner):
            script = self._script_of_module(owner)
        elif self._is_global(owner):
            yield from ((script_, None) for script_ in self._written_scripts)
        elif (path := self._modules.file_of(owner)) is not None:
            script = self._by_url.get(path)
        if script is not None:
            yield script, None
        # A class or function has fields of its own where it is written, whichever module exports it.
        is_plain = script is None and not self._is_global(owner)
        if self._graph.node_types[owner] == NodeType.CLOSURE or is_plain:
            yield from ((spot[0], spot[1:]) for spot in self._class_spots(owner))

    def _class_spots(self, node: int) -> Iterator[tuple[int, int, int]]:
        """Give the places of an object's class and of the classes that one extends."""
        if self._graph.node_types[node] == NodeType.CLOSURE:
            maker = node
        else:
            maker = int(self._scripts.constructors(np.array([node]))[0])
        spot = self._spot(node) or (self._spot(maker) if maker >= 0 else None)
        for _ in range(_MAX_SUPERCLASSES):
            if spot is None:
                return
            yield spot
            parent = self._edges.target(maker, EdgeType.PROPERTY, "__proto__") if maker >= 0 else None
            maker = -1 if parent is None else parent
            spot = None if parent is None else self._spot(parent)

    def _script_of_module(self, module: int) -> int | None:
        body = self._modules.body(module)
        spot = None if body is None else self._spot(body)
        return None if spot is None else spot[0]

    @cached_property
    def _by_url(self) -> dict[str, int]:
        return {self._scripts.url(node): node for node in self._scripts.nodes_by_id.values()}

    @cached_property
    def _written_scripts(self) -> list[int]:
        """Scripts that are not the runtime's: the application's, then those of packages."""
        found = [
            (self._packages.of(url) is not None, url, node)
            for url, node in self._by_url.items()
            if url and not url.startswith("node:")
        ]
        return [node for _, _, node in sorted(found)]

    def _is_global(self, node: int) -> bool:
        is_object = self._graph.node_types[node] == NodeType.OBJECT
        return bool(is_object) and self._edges.raw_name(node).split(" ")[0] == "global"


def _outside(outline: Outline, offset: int) -> int:
    """Return an offset just outside the function that begins at *offset*: where it is created."""
    index = outline.scope_at(offset)
    while index and outline.scopes[index].kind is not ScopeKind.FUNCTION:
        index = outline.scopes[index].parent
    return max(outline.scopes[index].start - 1, 0) if index else offset


def _place(program: Program, text: SourceText, made: Declaration) -> tuple[SourceLocation, str | None]:
    """Return the place of a declaration and, if a source map knows it, the original name."""
    function = _function_around(text.outline, made)
    if text is not program.text:
        line, column = text.position(made.offset)
        return SourceLocation(program.file, line + 1, column, function), None
    where, original = program.place_of_name(made.offset)
    if program.source_map is not None:
        function = None  # its name is a minifier's
    return SourceLocation(where.file, where.line, where.column, function, where.generated), original


def _function_around(outline: Outline, made: Declaration) -> str | None:
    for index in outline.enclosing(made.scope):
        scope = outline.scopes[index]
        if scope.kind in (ScopeKind.FUNCTION, ScopeKind.CLASS) and scope.name and scope.name != made.name:
            return scope.name
    return None


def _is_on_global(before: str) -> bool:
    return before.rstrip().removesuffix(".").rstrip().endswith(_GLOBAL_NAMES)
