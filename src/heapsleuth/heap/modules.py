"""ES and CommonJS modules in a heap: which file, and the names of exported variables.

V8 keeps an exported variable of an ES module in a nameless `system / Cell`; its name is the key of
the cell in the module's table of exports.
"""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import EdgeType, NodeType

if TYPE_CHECKING:
    from heapsleuth.heap.edge_lookup import EdgeLookup
    from heapsleuth.heap.graph import HeapGraph

__all__ = ["Modules"]

_MODULE_NAME = "system / SourceTextModule"
_CELL_NAME = "system / Cell"


class Modules:
    """The modules of one heap."""

    def __init__(self, graph: HeapGraph, edges: EdgeLookup) -> None:
        self._graph = graph
        self._edges = edges

    def is_module(self, node: int) -> bool:
        """Whether *node* is an ES module record."""
        return int(self._graph.node_names[node]) == self._module_name

    def body(self, module: int) -> int | None:
        """Return the suspended or finished body of an ES module: a generator or its function."""
        graph = self._graph
        for target in graph.edge_targets[self._edges.of(module)].tolist():
            if graph.node_types[target] == NodeType.CLOSURE or self._edges.raw_name(target) == "Generator":
                return int(target)
        return None

    def of_cell(self, node: int) -> tuple[int, str] | None:
        """Return the module and the exported name of a `system / Cell`, None for other nodes."""
        is_cell = self._graph.node_types[node] == NodeType.HIDDEN and self._edges.raw_name(node) == _CELL_NAME
        return self._cells.get(node) if is_cell else None

    def file_of(self, node: int) -> str | None:
        """Return the file of a CommonJS `Module` object, or of the module whose `exports` *node* is."""
        graph = self._graph
        owner = node if self._edges.raw_name(node) == "Module" else self._module_by_exports.get(node)
        if owner is None:
            return None
        file = self._edges.target(owner, EdgeType.PROPERTY, "filename")
        return None if file is None else graph.name(file)

    @property
    def _module_name(self) -> int:
        return self._edges.name_id(_MODULE_NAME)

    @cached_property
    def _cells(self) -> dict[int, tuple[int, str]]:
        graph = self._graph
        found: dict[int, tuple[int, str]] = {}
        for module in np.flatnonzero(graph.node_names == self._module_name).tolist():
            for table in graph.edge_targets[self._edges.of(module)].tolist():
                if graph.node_types[table] == NodeType.ARRAY:
                    found.update((cell, (module, name)) for cell, name in self._exports(table))
        return found

    def _exports(self, table: int) -> list[tuple[int, str]]:
        """Read a hash table of exports: a name, then its cell."""
        graph = self._graph
        targets = graph.edge_targets[self._edges.of(table)].tolist()
        return [
            (cell, graph.name(name))
            for name, cell in pairwise(targets)
            if graph.node_types[name] == NodeType.STRING and self._edges.raw_name(cell) == _CELL_NAME
        ]

    @cached_property
    def _module_by_exports(self) -> dict[int, int]:
        owners, targets = self._edges.named(EdgeType.PROPERTY, "exports")
        pairs = zip(owners.tolist(), targets.tolist(), strict=True)
        return {target: owner for owner, target in pairs if self._edges.raw_name(owner) == "Module"}
