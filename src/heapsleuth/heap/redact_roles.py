"""How each string of a heap is used: as a name, by whom, as data, and what speaks for a name being one.

One bit per use and string, found by walking the edges in blocks.  A property is called by its key
whatever it is, `cart.total` or `sessions["alice"]`; what tells them apart is that programmers write
the names of fields down: V8 then has them in compiled code, in the scopes of functions, in its own
start-up data, or on many objects of one hidden class.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import EdgeType, NodeType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from heapsleuth.heap.columns import Columns

    Block = tuple[slice, NDArray[np.int64]]

__all__ = [
    "BUILTIN",
    "CALLABLE",
    "CLASS",
    "CODE",
    "DATA",
    "ENGINE",
    "EVENT",
    "FUNCTION",
    "MAP_URL",
    "METHOD",
    "PROPERTY",
    "SCOPE",
    "SCRIPT",
    "SHARED",
    "VARIABLE",
    "roles_of",
]

# Uses.
DATA = 1
"""Content: a string, a number, the source of a regular expression."""
VARIABLE = 2
"""A variable in a scope."""
PROPERTY = 4
"""A key of an object."""
FUNCTION = 8
"""A function, as its source calls it."""
CLASS = 16
"""The constructor of an object."""
ENGINE = 32
"""A node or an edge of V8's or Node's own."""
SCRIPT = 64
"""The path or URL of a script."""
MAP_URL = 128
"""May be where a script's source map is."""
SCOPE = 256
"""In the list of a scope's variables or a module's exports."""
EVENT = 512
"""What listeners listen to."""
# What speaks for a key being a field's name.
CODE = 1024
"""Compiled code mentions it."""
BUILTIN = 2048
"""V8 and Node bring it along."""
METHOD = 4096
"""A function of this very name is behind it."""
SHARED = 8192
"""Many objects of one hidden class have it, most of whose fields are known from code."""
CALLABLE = 16384
"""A function is behind it."""

_BLOCK = 1 << 18
"""Edges looked at together; a dozen arrays of that length are alive at a time."""
_LEAST_SHARED = 20
_MOST_FIELDS = 8
"""A plain object with more is taken for a dictionary where nothing else tells."""
_MOST_PARTS = 64
_TEXT = (NodeType.STRING, NodeType.CONS_STRING, NodeType.SLICED_STRING)
_NUMBERED = (EdgeType.ELEMENT, EdgeType.HIDDEN)
_NODE_USES = {
    NodeType.STRING: DATA,
    NodeType.REGEXP: DATA,
    NodeType.NUMBER: DATA,
    NodeType.BIGINT: DATA,
    NodeType.SYMBOL: DATA,
    NodeType.CLOSURE: FUNCTION,
    NodeType.OBJECT: CLASS,
    NodeType.CODE: ENGINE | FUNCTION,
}
_CODE_NODES = (
    "(constant pool)",
    "(context local names)",
    "(function scope info)",
    "system / AccessorInfo",
    "system / ArrayList",
    "system / ClassBoilerplate",
    "system / FunctionTemplateInfo",
    "system / ObjectBoilerplateDescription",
    "system / ScopeInfo",
)
"""V8's nodes whose strings come from source code or from Node's native parts.  Not all compiled code
is among them: what was optimised for one key has that key in it."""
_BUILTIN_ROOTS = ("(Read-only roots)", "(Shareable object cache)", "(Startup object cache)")
_CREDENTIALS = re.compile(r"://[^/]*@")
_FIELD_EDGES = ("descriptors", "instance_descriptors")
_SCRIPT_EDGES = ("script", "script_or_debug_info")

# Nodes by which the uses of strings are told, one bit each.
_SCRIPT_NODE = 1
_LIST_NODE = 2
"""Names of a scope's variables or a module's exports."""
_REGISTRY_NODE = 4
"""Listeners of an emitter by event."""
_STORE_NODE = 8
"""The Map of an event target's listeners, and its table."""
_CODE_NODE = 16
_BUILTIN_NODE = 32
_MODULE_NODE = 64
_RECORD_NODE = 128
"""An ES module; a `Module` of CommonJS is the one above."""
_FIELDS_NODE = 256
"""Fields of a hidden class; of those with small integers for values, the only place that names them."""


def roles_of(columns: Columns) -> NDArray[np.uint16]:
    """
    Return (number of strings,) the bits above.

    Memory: 6 bytes per node and 2 per string, beside the columns.
    """
    return _Roles(columns).find()


class _Roles:
    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._bits = np.zeros(len(columns.strings), np.uint16)
        self._nodes = np.zeros(columns.node_count, np.uint16)
        self._is_text = np.isin(np.arange(256), _TEXT)
        self._ids: dict[str, int] = {}

    def find(self) -> NDArray[np.uint16]:
        self._of_nodes()
        self._mark_nodes()
        self._of_edges()
        if (self._bits & np.uint16(CODE)).any():
            self._of_shapes(self._maps())
        else:
            self._without_code()
        return self._bits

    def _id(self, name: str) -> int:
        if name not in self._ids:
            found = self._columns.strings.find(name)
            self._ids[name] = -1 if found is None else found
        return self._ids[name]

    def _mark(self, strings: NDArray[np.uint32], bit: int) -> None:
        self._bits[strings] |= np.uint16(bit)

    def _blocks(self) -> Iterator[Block]:
        """Give slices of whole nodes' edges with the node each leaves, some hundred thousand at a time."""
        first = self._columns.first_edges
        begin, nodes = 0, self._columns.node_count
        while begin < nodes:
            goal = first.dtype.type(min(int(first[begin]) + _BLOCK, int(first[-1])))
            stop = int(np.searchsorted(first, goal, side="right")) - 1
            stop = min(max(stop, begin + 1), begin + _BLOCK, nodes)
            bounds = first[begin : stop + 1].astype(np.int64)
            counts = bounds[1:] - bounds[:-1]
            yield slice(int(first[begin]), int(first[stop])), np.repeat(np.arange(begin, stop), counts)
            begin = stop

    def _of_nodes(self) -> None:
        columns = self._columns
        uses = np.array([_NODE_USES.get(kind, ENGINE) for kind in NodeType], np.uint16)
        for first in range(0, columns.node_count, _BLOCK):
            part = slice(first, first + _BLOCK)
            kinds, names = columns.node_types[part], columns.node_names[part]
            for kind in np.unique(kinds).tolist():
                self._mark(names[kinds == kind], int(uses[kind]))

    def _mark_nodes(self) -> None:
        """Find the nodes by which the uses of strings are told."""
        columns, nodes = self._columns, self._nodes
        by_name = np.zeros(len(self._bits), np.uint16)
        boilerplate = self._id("")
        kinds = {
            _CODE_NODE: _CODE_NODES,
            _BUILTIN_NODE: _BUILTIN_ROOTS,
            _MODULE_NODE: ("Module",),
            _RECORD_NODE: ("system / SourceTextModule",),
        }
        for bit, names in kinds.items():
            by_name[[index for name in names if (index := self._id(name)) >= 0]] |= np.uint16(bit)
        for first in range(0, columns.node_count, _BLOCK):
            part = slice(first, first + _BLOCK)
            types, named = columns.node_types[part], columns.node_names[part]
            bits = by_name[named]
            bits[types != NodeType.SYNTHETIC] &= np.uint16(0xFFFF ^ _BUILTIN_NODE)
            bits[types != NodeType.OBJECT] &= np.uint16(0xFFFF ^ _MODULE_NODE)
            # Boilerplates of object literals have no name up to Node 20.
            bits[(types == NodeType.CODE) & (named == boilerplate)] |= np.uint16(_CODE_NODE)
            nodes[part] = bits
        self._mark_by_edges()

    def _mark_by_edges(self) -> None:
        columns, nodes = self._columns, self._nodes
        of_scripts = np.array([self._id(name) for name in _SCRIPT_EDGES])
        fields = np.array([self._id(name) for name in _FIELD_EDGES])
        scope_info, events, stores = (
            self._id(name) for name in ("scope_info", "_events", "<symbol kEvents>")
        )
        for edges, sources in self._blocks():
            kinds, names = columns.edge_types[edges], columns.edge_names[edges]
            targets = columns.edge_targets[edges]
            types = columns.node_types[targets]
            internal, named = kinds == EdgeType.INTERNAL, kinds == EdgeType.PROPERTY
            scripts = internal & np.isin(names, of_scripts) & (types == NodeType.CODE)
            lists = internal & (names == scope_info)
            lists |= ((nodes[sources] & _RECORD_NODE) > 0) & (types == NodeType.ARRAY)
            registries = named & (names == events) & (types == NodeType.OBJECT)
            nodes[targets[scripts]] |= np.uint16(_SCRIPT_NODE)
            nodes[targets[lists]] |= np.uint16(_LIST_NODE)
            nodes[targets[internal & np.isin(names, fields)]] |= np.uint16(_FIELDS_NODE)
            nodes[targets[registries]] |= np.uint16(_REGISTRY_NODE)
            nodes[targets[named & (names == stores)]] |= np.uint16(_STORE_NODE)
        table = self._id("table")
        inner, tables = [], []
        for edges, sources in self._blocks():
            targets, above = columns.edge_targets[edges], nodes[sources]
            # From 75 variables on, a scope has them in a table of its own.
            arrays = columns.node_types[targets] == NodeType.ARRAY
            inner.append(targets[arrays & ((above & _LIST_NODE) > 0)])
            is_table = (columns.edge_types[edges] == EdgeType.INTERNAL) & (columns.edge_names[edges] == table)
            tables.append(targets[is_table & ((above & _STORE_NODE) > 0)])
        nodes[np.concatenate(inner)] |= np.uint16(_LIST_NODE)
        nodes[np.concatenate(tables)] |= np.uint16(_STORE_NODE)

    def _of_edges(self) -> None:
        columns, nodes = self._columns, self._nodes
        scripts = np.flatnonzero(nodes & _SCRIPT_NODE)
        # Not a name of V8's.  One that is a function's, too, has that use from the function's closure.
        self._bits[columns.node_names[scripts]] &= np.uint16(0xFFFF ^ (ENGINE | FUNCTION))
        self._mark(columns.node_names[scripts], SCRIPT)
        naming, filename = self._id("name"), self._id("filename")
        paths = []
        for edges, sources in self._blocks():
            kinds, names = columns.edge_types[edges], columns.edge_names[edges]
            targets, above = columns.edge_targets[edges], nodes[sources]
            types = columns.node_types[targets]
            said = columns.node_names[targets]
            named = kinds == EdgeType.PROPERTY
            self._mark(names[kinds == EdgeType.CONTEXT], VARIABLE)
            self._mark(names[named], PROPERTY)
            own = ~named & (kinds != EdgeType.CONTEXT) & ~np.isin(kinds, _NUMBERED)
            self._mark(names[own], ENGINE)
            self._mark(names[named & ((above & _REGISTRY_NODE) > 0)], EVENT)
            functions = named & (types == NodeType.CLOSURE)
            self._mark(names[functions], CALLABLE)
            self._mark(names[functions & (said == names)], METHOD)
            texts = self._is_text[types]
            of_script = texts & ((above & _SCRIPT_NODE) > 0)
            self._mark(said[texts & ~of_script & ((above & _CODE_NODE) > 0)], CODE)
            self._mark(said[texts & ((above & _BUILTIN_NODE) > 0)], BUILTIN)
            self._mark(said[texts & ((above & _FIELDS_NODE) > 0)], PROPERTY)
            self._mark(said[texts & ((above & _LIST_NODE) > 0)], SCOPE)
            self._mark(said[texts & ((above & _STORE_NODE) > 0)], EVENT)
            self._mark(said[of_script & (kinds == EdgeType.HIDDEN)], MAP_URL)
            path = of_script & (kinds == EdgeType.INTERNAL) & (names == naming)
            path |= texts & named & (names == filename) & ((above & _MODULE_NODE) > 0)
            paths.append(targets[path])
        self._mark_paths(np.unique(np.concatenate(paths)))

    def _mark_paths(self, texts: NDArray[np.uint32]) -> None:
        """Mark the texts that scripts' names are made of, up to the query."""
        columns = self._columns
        for node in texts.tolist():
            named, parts = "", []
            for part in self._parts(node):
                index = int(columns.node_names[part])
                named += columns.strings[index]
                parts.append(index)
                if "?" in named or "#" in named:
                    break
            # Of a name that is put together, user and password can be parts of their own.
            if len(parts) == 1 or _CREDENTIALS.search(named) is None:
                self._bits[parts] |= np.uint16(SCRIPT)

    def _parts(self, node: int) -> Iterator[int]:
        """Give the flat strings that a string is put together from, in order."""
        columns = self._columns
        pending, left = [node], _MOST_PARTS
        while pending and left:
            left -= 1
            node = pending.pop()
            if columns.node_types[node] == NodeType.STRING:
                yield node
                continue
            edges = slice(int(columns.first_edges[node]), int(columns.first_edges[node + 1]))
            parts = columns.edge_targets[edges][columns.edge_types[edges] == EdgeType.INTERNAL].tolist()
            pending += [part for part in reversed(parts) if self._is_text[columns.node_types[part]]]

    def _maps(self) -> NDArray[np.int32]:
        """Return (n,) node index of each object's hidden class, -1 where there is none."""
        columns = self._columns
        maps = np.full(columns.node_count, -1, np.int32)
        name = self._id("map")
        for edges, sources in self._blocks():
            chosen = (columns.edge_names[edges] == name) & (columns.edge_types[edges] == EdgeType.INTERNAL)
            chosen &= columns.node_types[sources] == NodeType.OBJECT
            maps[sources[chosen]] = columns.edge_targets[edges][chosen]
        return maps

    def _of_shapes(self, maps: NDArray[np.int32]) -> None:
        """Mark the fields of hidden classes that many objects have and code mostly knows."""
        columns, bits = self._columns, self._bits
        instances = np.zeros(columns.node_count, np.uint32)
        for first in range(0, len(maps), _BLOCK):
            part = maps[first : first + _BLOCK]
            np.add.at(instances, part[part >= 0], np.uint32(1))
        known = (bits & (CODE | BUILTIN | METHOD | VARIABLE | SCOPE)) > 0
        shared = np.zeros(len(bits), bool)
        proto = self._id("__proto__")
        for edges, sources in self._blocks():
            names, shapes = columns.edge_names[edges], maps[sources]
            chosen = (columns.edge_types[edges] == EdgeType.PROPERTY) & (names != proto)
            chosen &= (shapes >= 0) & (instances[shapes] >= _LEAST_SHARED)
            if not chosen.any():
                continue
            names, owners = names[chosen], sources[chosen] - sources[0]
            fields = np.bincount(owners)
            familiar = np.bincount(owners, weights=known[names], minlength=len(fields))
            shared[names[2 * familiar[owners] >= fields[owners]]] = True
        bits[shared] |= np.uint16(SHARED)

    def _without_code(self) -> None:
        """Mark the keys of all objects but plain ones with many: the heap shows no compiled code (Bun)."""
        columns = self._columns
        plain, proto = self._id("Object"), self._id("__proto__")
        shared = np.zeros(len(self._bits), bool)
        for edges, sources in self._blocks():
            names = columns.edge_names[edges]
            chosen = (columns.edge_types[edges] == EdgeType.PROPERTY) & (names != proto)
            if not chosen.any():
                continue
            names, owners = names[chosen], sources[chosen]
            counts = np.bincount(owners - sources[0])[owners - sources[0]]
            is_record = (columns.node_names[owners] != plain) | (counts <= _MOST_FIELDS)
            is_record &= columns.node_types[owners] != NodeType.ARRAY
            shared[names[is_record]] = True
        self._bits[shared] |= np.uint16(SHARED)
