"""A small language that writes heap snapshots for tests, byte for byte as real programs write them.

    heap = SnapshotBuilder()
    cache = heap.add(heap.root, "property", "cache", "object", "Map", size=32)
    heap.edge(cache, "element", 7, heap.node("string", "text", size=24))
    heap.locate(cache, script=5, line=22, column=8)
    path = heap.write(tmp_path / "a.heapsnapshot", NODE26)

Nodes are numbered in the order in which they are made; the root is node 0 and has id 1.  Ids are the
next odd number unless given.  Edges are grouped by their node when the file is written, in the order
in which they were made.
"""

# ruff: noqa: A001, A002  # `type` and `id` are what the format calls them

from __future__ import annotations

import gzip
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

OLD_NODE_TYPES = (
    "hidden", "array", "string", "object", "code", "closure", "regexp", "number", "native", "synthetic",
    "concatenated string", "sliced string", "symbol", "bigint",
)  # fmt: skip
EDGE_TYPES = ("context", "element", "property", "internal", "hidden", "shortcut", "weak")
SEVEN_FIELDS = ("type", "name", "id", "self_size", "edge_count", "trace_node_id", "detachedness")
SIX_FIELDS = ("type", "name", "id", "self_size", "edge_count", "detachedness")
LOCATION_FIELDS = ("object_index", "script_id", "line", "column")


@dataclass(frozen=True)
class Style:
    """How one producer writes its files."""

    node_fields: tuple[str, ...] = SEVEN_FIELDS
    node_types: tuple[str, ...] = (*OLD_NODE_TYPES, "object shape")
    extra_type_entries: int = 0
    """Node 24 lists one more entry in `node_types` than there are fields."""
    edge_fields: tuple[str, ...] = ("type", "name_or_index", "to_node")
    edge_types: tuple[str, ...] = EDGE_TYPES
    location_fields: tuple[str, ...] = LOCATION_FIELDS
    line_per_record: bool = True
    """Records on lines of their own (`\\n,`), as up to Node 22."""
    raw_utf8: bool = False
    extra_native_bytes: int | None = None
    sections: dict[str, str] = field(default_factory=dict)
    """Further sections by name, as JSON text; they stand before `strings`."""
    colon: str = ":"
    trace_tree: str = "[]"
    ending: str = "}"
    bom: bool = False


NODE18 = Style(node_types=OLD_NODE_TYPES)
NODE20 = Style(node_types=(*OLD_NODE_TYPES, "object shape", "wasm object"))
NODE22 = Style()
NODE24 = Style(node_fields=SIX_FIELDS, extra_type_entries=1, line_per_record=False, extra_native_bytes=4096)
NODE26 = replace(NODE24, extra_type_entries=0)
DENO = replace(NODE26, location_fields=("object_index", "script_id", "script_object_index", "line", "column"))
CHROME = replace(
    DENO,
    raw_utf8=True,
    sections={"scopes": '[1,{"a":"]"},[2]]', "scope_context_vars": "[]", "scope_uses": "[3,4]"},
)
BUN = replace(NODE22, line_per_record=False, colon=": ", ending="\n}\n")
TIMELINE = replace(
    NODE22,
    trace_tree="[1,0,0,0,[\n2,1,5,120,[]]]",
    sections={"trace_function_infos": "[0,1,2,3,4,5]", "samples": "[1000,5\n,2000,9]"},
)  # fmt: skip
STYLES = {
    "node18": NODE18,
    "node20": NODE20,
    "node22": NODE22,
    "node24": NODE24,
    "node26": NODE26,
    "deno": DENO,
    "chrome": CHROME,
    "bun": BUN,
    "heaptimeline": TIMELINE,
}


class SnapshotBuilder:
    """A heap under construction."""

    def __init__(self) -> None:
        self.nodes: list[dict[str, int | str]] = []
        self.edges: list[tuple[int, str, str | int, int]] = []
        self.locations: list[tuple[int, int, int, int]] = []
        self._next_id = 1
        self.root = self.node("synthetic", "")

    def node(
        self, type: str, name: str, *, id: int | None = None, size: int = 0, detachedness: int = 0
    ) -> int:  # fmt: skip
        """Make a node without an edge to it; return its index."""
        if id is None:
            id = self._next_id
            self._next_id += 2
        elif id % 2:
            self._next_id = max(self._next_id, id + 2)
        self.nodes.append(
            {"type": type, "name": name, "id": id, "self_size": size, "detachedness": detachedness}
        )
        return len(self.nodes) - 1

    def edge(self, source: int, type: str, name_or_index: str | int, target: int) -> None:
        """Make an edge; element and hidden edges have an index, all others a name."""
        self.edges.append((source, type, name_or_index, target))

    def add(
        self,
        parent: int,
        edge_type: str,
        name_or_index: str | int,
        type: str,
        name: str,
        *,
        id: int | None = None,
        size: int = 0,
        detachedness: int = 0,
    ) -> int:
        """Make a node and an edge from *parent* to it; return the node's index."""
        node = self.node(type, name, id=id, size=size, detachedness=detachedness)
        self.edge(parent, edge_type, name_or_index, node)
        return node

    def locate(self, node: int, *, script: int, line: int, column: int) -> None:
        """Give a node a source location; line and column count from 0."""
        self.locations.append((node, script, line, column))

    def global_object(self, *, size: int = 0) -> int:
        """Make `global`, hung from the root as in Node up to 25, so that there is a user root."""
        return self.add(self.root, "shortcut", "global", "object", "global", size=size)

    def id_of(self, node: int) -> int:
        """Return the id of the node with this index."""
        return int(self.nodes[node]["id"])

    def strings(self) -> list[str]:
        """Return the string table: `<dummy>`, then every name in the order of its first use."""
        names = [str(node["name"]) for node in self.nodes]
        names += [name for _, _, name, _ in self._ordered() if isinstance(name, str)]
        return list(dict.fromkeys(["<dummy>", *names]))

    def _ordered(self) -> list[tuple[int, str, str | int, int]]:
        return sorted(self.edges, key=lambda edge: edge[0])

    def sections(self, style: Style = NODE22) -> dict[str, str]:
        """Return the sections of the file as JSON text, in file order."""
        strings = {text: index for index, text in enumerate(self.strings())}
        counts = [0] * len(self.nodes)
        for source, _, _, _ in self.edges:
            counts[source] += 1
        width = len(style.node_fields)
        nodes = []
        for node, count in zip(self.nodes, counts, strict=True):
            values = {
                **node,
                "type": style.node_types.index(str(node["type"])),
                "name": strings[str(node["name"])],
                "edge_count": count,
            }
            nodes.append([values.get(name, 0) for name in style.node_fields])
        edges = []
        for _, type, name, target in self._ordered():
            values = {
                "type": style.edge_types.index(type),
                "name_or_index": strings[name] if isinstance(name, str) else name,
                "to_node": target * width,
            }
            edges.append([values.get(name, 0) for name in style.edge_fields])
        locations = []
        for node_index, script, line, column in self.locations:
            values = {"object_index": node_index * width, "script_id": script, "line": line, "column": column}
            locations.append([values.get(name, 0) for name in style.location_fields])
        between = ",\n" if style.line_per_record else ","
        return {
            "snapshot": self._header(style),
            "nodes": _records(nodes, style),
            "edges": _records(edges, style),
            "trace_function_infos": "[]",
            "trace_tree": style.trace_tree,
            "samples": "[]",
            "locations": _records(locations, style),
            **style.sections,
            "strings": "[" + between.join(json_string(text, raw=style.raw_utf8) for text in strings) + "]",
        }

    def _header(self, style: Style) -> str:
        node_types = ["string" if name == "name" else "number" for name in style.node_fields]
        node_types += ["number"] * style.extra_type_entries
        node_table = ",".join(
            _names(style.node_types) if name == "type" else f'"{kind}"'
            for name, kind in zip(
                (*style.node_fields, *[""] * style.extra_type_entries), node_types, strict=True
            )
        )
        edge_kinds = {"name_or_index": "string_or_number", "to_node": "node"}
        edge_table = ",".join(
            _names(style.edge_types) if name == "type" else f'"{edge_kinds.get(name, "number")}"'
            for name in style.edge_fields
        )
        meta = (
            f'{{"node_fields":{_names(style.node_fields)},"node_types":[{node_table}],'
            f'"edge_fields":{_names(style.edge_fields)},'
            f'"edge_types":[{edge_table}],'
            '"trace_function_info_fields":["function_id","name","script_name","script_id","line","column"],'
            '"trace_node_fields":["id","function_info_index","count","size","children"],'
            '"sample_fields":["timestamp_us","last_assigned_id"],'
            f'"location_fields":{_names(style.location_fields)}}}'
        )
        extra = (
            "" if style.extra_native_bytes is None else f',"extra_native_bytes":{style.extra_native_bytes}'
        )
        return (
            f'{{"meta":{meta},"node_count":{len(self.nodes)},"edge_count":{len(self.edges)},'
            f'"trace_function_count":0{extra}}}'
        )

    def to_bytes(self, style: Style = NODE22) -> bytes:
        """Return the snapshot as *style* writes it."""
        return join_sections(self.sections(style), style)

    def write(self, path: Path, style: Style = NODE22) -> Path:
        """Write the snapshot, compressed if the name ends in `.gz`; return *path*."""
        data = self.to_bytes(style)
        path.write_bytes(gzip.compress(data, 1) if path.suffix == ".gz" else data)
        return path


def join_sections(sections: dict[str, str], style: Style = NODE22) -> bytes:
    """Return a file of these sections, so that tests can leave out, repeat or change one."""
    members = ",\n".join(f'"{name}"{style.colon}{text}' for name, text in sections.items())
    return (b"\xef\xbb\xbf" if style.bom else b"") + ("{" + members + style.ending).encode("utf-8")


def json_string(text: str, *, raw: bool = False) -> str:
    """Return *text* as a JSON string, escaped as V8 does it: ASCII only, unless *raw* (Chrome)."""
    short = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
    units = (
        short.get(c) or (c if " " <= c < "\x7f" or (raw and c >= "\x80") else f"\\u{ord(c) & 0xFFFF:04X}")
        for c in text
    )
    return '"' + "".join(units) + '"'


def _names(names: tuple[str, ...]) -> str:
    return "[" + ",".join(f'"{name}"' for name in names) + "]"


def _records(records: list[list[int | str]], style: Style) -> str:
    rows = [",".join(str(value) for value in record) for record in records]
    return (
        "[" + ("\n," if style.line_per_record else ",").join(rows) + ("\n]" if style.line_per_record else "]")
    )


def leaky_heap(requests: int = 5) -> SnapshotBuilder:
    """Return a heap every test knows: a Map with one entry per request, a closure, text, a Buffer."""
    heap = SnapshotBuilder()
    window = heap.global_object(size=16)
    cache = heap.add(window, "property", "reportCache", "object", "Map", size=32)
    table = heap.add(cache, "internal", "table", "array", "", size=64 + 16 * requests)
    for number in range(requests):
        entry = heap.add(table, "internal", "value", "object", "ReportEntry", size=48)
        heap.locate(entry, script=7, line=22, column=13)
        heap.add(
            entry, "property", "body", "string", f"body of request {number} with “quotes” and \\", size=100
        )
    handler = heap.add(window, "property", "handler", "closure", "onRequest", size=64)
    heap.locate(handler, script=7, line=40, column=20)
    scope = heap.add(handler, "internal", "context", "object", "system / Context", size=32)
    heap.edge(scope, "context", "reportCache", cache)
    heap.edge(window, "weak", "weakly", handler)
    roots = heap.add(heap.root, "element", 1, "synthetic", "(GC roots)")
    heap.add(roots, "hidden", 3, "native", "Node / Environment", id=1004, size=200, detachedness=1)
    return heap
