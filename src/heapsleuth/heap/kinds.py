"""Node and edge types under one numbering, whatever the file's own tables say.

Readers map the type tables of a file (`snapshot.meta.node_types`, `edge_types`) to these codes, so
everything above a reader can use constants.  Names are V8's.
"""

from __future__ import annotations

from enum import IntEnum

__all__ = ["EdgeType", "NodeType", "edge_type_name", "node_type_name"]


class NodeType(IntEnum):
    """V8's node types; `OTHER` stands for one this version does not know."""

    HIDDEN = 0
    ARRAY = 1
    STRING = 2
    OBJECT = 3
    CODE = 4
    CLOSURE = 5
    REGEXP = 6
    NUMBER = 7
    NATIVE = 8
    SYNTHETIC = 9
    CONS_STRING = 10
    SLICED_STRING = 11
    SYMBOL = 12
    BIGINT = 13
    OBJECT_SHAPE = 14
    WASM_OBJECT = 15
    OTHER = 16


class EdgeType(IntEnum):
    """V8's edge types; `OTHER` stands for one this version does not know (treated as internal)."""

    CONTEXT = 0
    ELEMENT = 1
    PROPERTY = 2
    INTERNAL = 3
    HIDDEN = 4
    SHORTCUT = 5
    WEAK = 6
    OTHER = 7


_NODE_NAMES = {
    "hidden": NodeType.HIDDEN,
    "array": NodeType.ARRAY,
    "string": NodeType.STRING,
    "object": NodeType.OBJECT,
    "code": NodeType.CODE,
    "closure": NodeType.CLOSURE,
    "regexp": NodeType.REGEXP,
    "number": NodeType.NUMBER,
    "native": NodeType.NATIVE,
    "synthetic": NodeType.SYNTHETIC,
    "concatenated string": NodeType.CONS_STRING,
    "sliced string": NodeType.SLICED_STRING,
    "symbol": NodeType.SYMBOL,
    "bigint": NodeType.BIGINT,
    "object shape": NodeType.OBJECT_SHAPE,
    "wasm object": NodeType.WASM_OBJECT,
}
_EDGE_NAMES = {member.name.lower(): member for member in EdgeType if member is not EdgeType.OTHER}
_NODE_LABELS = {int(code): name for name, code in _NODE_NAMES.items()} | {int(NodeType.OTHER): "other"}


def node_type_code(name: str) -> int:
    """Return the code of V8's node type *name*, `NodeType.OTHER` when unknown."""
    return int(_NODE_NAMES.get(name, NodeType.OTHER))


def edge_type_code(name: str) -> int:
    """Return the code of V8's edge type *name*, `EdgeType.OTHER` when unknown."""
    return int(_EDGE_NAMES.get(name, EdgeType.OTHER))


def node_type_name(code: int) -> str:
    """Return V8's name of a node type code."""
    return _NODE_LABELS[int(code)]


def edge_type_name(code: int) -> str:
    """Return V8's name of an edge type code."""
    return EdgeType(code).name.lower()
