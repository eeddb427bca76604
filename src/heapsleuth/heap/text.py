"""What nodes and edges are called, as Chrome DevTools shows them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from heapsleuth.heap.detached import DETACHED
from heapsleuth.heap.kinds import EdgeType, NodeType

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from heapsleuth.heap.columns import Columns

__all__ = ["NodeNames", "format_property", "js_length", "leading_number"]

_LONGEST_STRING = 1024
_LONGEST_OBJECT = 100
_SPECIAL = re.compile("[,'\"{}]")
_LEADING_NUMBER = re.compile("[+-]?[0-9]+")


def js_length(text: str) -> int:
    """Return the length of *text* in UTF-16 units, as JavaScript counts."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def format_property(name: str) -> str:
    """Return a property name as it stands in `{a, b}`: quoted when it would be misread."""
    return json.dumps(name, ensure_ascii=False) if _SPECIAL.search(name) else name


def leading_number(text: str) -> int | None:
    """Return the number that *text* begins with, as JavaScript's `parseInt` reads it."""
    match = _LEADING_NUMBER.match(text.lstrip())
    return int(match[0]) if match else None


class NodeNames:
    """
    Names of one heap's nodes and edges; safe to share between threads.

    Args:
        columns: The heap.
        states: (n,) what `detached_states` gives, empty if nothing is known.
    """

    def __init__(self, columns: Columns, states: NDArray[np.uint8]) -> None:
        self._columns = columns
        self._states = states
        find = columns.strings.find
        self._first, self._second = find("first"), find("second")
        self._object, self._proto = find("Object"), find("__proto__")

    def name(self, node: int) -> str:
        """
        Return the name of a node.

        Strings made by concatenation are put together up to some 1,024 characters, plain objects are
        shown by their properties (`{id, name, …}`), detached native nodes are called so.
        """
        kind = int(self._columns.node_types[node])
        if kind == NodeType.CONS_STRING:
            return self._joined(node)
        if kind == NodeType.OBJECT and int(self._columns.node_names[node]) == self._object:
            return self._outline(node)
        return self.own_name(node)

    def own_name(self, node: int) -> str:
        """Return the name as the file has it; of an object, its constructor's."""
        name = self._columns.strings[int(self._columns.node_names[node])]
        if (
            len(self._states)
            and self._states[node] == DETACHED
            and self._columns.node_types[node] == NodeType.NATIVE
        ):
            return f"Detached {name}"
        return name

    def edge_name(self, edge: int) -> str:
        """Return the name of an edge; the number of elements and hidden slots."""
        value = int(self._columns.edge_names[edge])
        kind = int(self._columns.edge_types[edge])
        if kind in {EdgeType.ELEMENT, EdgeType.HIDDEN}:
            return str(value)
        name = self._columns.strings[value]
        if kind == EdgeType.SHORTCUT:
            number = leading_number(name)
            return name if number is None else str(number)
        return name

    def _joined(self, node: int) -> str:
        columns, strings = self._columns, self._columns.strings
        pending, text, length = [node], "", 0
        while pending and length < _LONGEST_STRING:
            node = pending.pop()
            if columns.node_types[node] != NodeType.CONS_STRING:
                part = strings[int(columns.node_names[node])]
                text += part
                length += js_length(part)
                continue
            first = second = 0
            for edge in self._edges(node):
                if columns.edge_types[edge] != EdgeType.INTERNAL:
                    continue
                name = int(columns.edge_names[edge])
                if name == self._first:
                    first = int(columns.edge_targets[edge])
                elif name == self._second:
                    second = int(columns.edge_targets[edge])
                if first and second:
                    break
            pending += [second, first]
        return text

    def _edges(self, node: int) -> range:
        first = self._columns.first_edges
        return range(int(first[node]), int(first[node + 1]))

    def _outline(self, node: int) -> str:
        """Return `{first properties, …, last properties}`, taken in turn from both ends."""
        columns = self._columns
        edges = self._edges(node)
        front, back = 0, len(edges) - 1
        start, end = "{", "}"
        from_back = False
        while front <= back:
            edge = edges[back if from_back else front]
            name_index = int(columns.edge_names[edge])
            skipped = columns.edge_types[edge] != EdgeType.PROPERTY or name_index == self._proto
            if not skipped:
                name = format_property(columns.strings[name_index])
                if len(start) > 1 and js_length(start) + js_length(end) + js_length(name) > _LONGEST_OBJECT:
                    break
                if from_back:
                    end = name + (f", {end}" if len(end) > 1 else end)
                else:
                    start += f", {name}" if len(start) > 1 else name
            if from_back:
                back -= 1
            else:
                front += 1
            if not skipped:
                from_back = not from_back
        if front <= back:
            start += ", …"
        return start + (", " if len(end) > 1 else "") + end
