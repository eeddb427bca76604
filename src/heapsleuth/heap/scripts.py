"""Which script each source location is in: V8's script ids joined to the heap's Script nodes.

A Script node does not carry its id.  But a closure has a location (with the id) and leads to its
SharedFunctionInfo and from there to the Script.  V8 15 writes the Script's node into the location.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import EdgeType, NodeType
from heapsleuth.heap.redact_heads import RemovedHead
from heapsleuth.heap.redact_placeholders import CUT_BYTES, MARK, is_placeholder

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heapsleuth.heap.edge_lookup import EdgeLookup
    from heapsleuth.heap.graph import HeapGraph

__all__ = ["Scripts"]

SCRIPT_EDGES = ("script", "script_or_debug_info")  # from V8 12, and before
_URL_PREFIX = "system / Script"  # V8 15 writes `system / Script / URL`, without URL for eval
_MAX_SCATTER = 1 << 22  # ids count up from 1; a table by id is for sane ones
_NOT_A_NAME = ("", "(concatenated string)", "(sliced string)")
_MAP_URL_ENDS = (".map", ".json")


class Scripts:
    """The scripts of one heap; everything is computed when first asked for."""

    def __init__(self, graph: HeapGraph, edges: EdgeLookup) -> None:
        self._graph = graph
        self._edges = edges

    @cached_property
    def nodes_by_id(self) -> dict[int, int]:
        """Script node by script id, for every id that a location mentions and that resolves."""
        columns = self._graph.columns
        ids, nodes = columns.location_scripts, columns.location_nodes
        found: dict[int, int] = {}
        # Columns of V8 15 files carry the Script node of each location.
        script_nodes = getattr(columns, "location_script_nodes", None)
        if script_nodes is not None:
            is_script = self._graph.node_types[script_nodes] == NodeType.CODE
            some_ids, scripts = _one_per_id(ids[is_script], script_nodes[is_script])
            found.update(zip(some_ids.tolist(), scripts.tolist(), strict=True))
        closures = self._graph.node_types[nodes] == NodeType.CLOSURE
        if not found:
            found = self._join(ids[closures], nodes[closures])
        missing = np.setdiff1d(_one_per_id(ids, nodes)[0], np.array(list(found), np.uint32))
        if len(missing):
            # No closure of it is alive: an instance's map still leads to its constructor.
            rest = np.isin(ids, missing) & ~closures
            makers = self.constructors(nodes[rest])
            found |= self._join(ids[rest][makers >= 0], makers[makers >= 0])
        return found

    def _join(self, ids: NDArray[np.uint32], closures: NDArray[np.integer]) -> dict[int, int]:
        """Resolve each id through one of its closures; through others while that fails."""
        found: dict[int, int] = {}
        while len(ids):
            some_ids, some_closures = _one_per_id(ids, closures)
            scripts = self.of_functions(some_closures)
            known = scripts >= 0
            found.update(zip(some_ids[known].tolist(), scripts[known].tolist(), strict=True))
            if known.all():
                break
            left = np.isin(ids, some_ids[~known]) & ~np.isin(closures, some_closures)
            ids, closures = ids[left], closures[left]
        return found

    def of_functions(self, closures: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return the Script node of each closure, -1 for builtins and API functions."""
        return self.of_infos(self._edges.targets(closures, EdgeType.INTERNAL, ("shared",)))

    def of_infos(self, infos: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return the Script node of each SharedFunctionInfo, -1 where there is none."""
        scripts = self._edges.targets(infos, EdgeType.INTERNAL, SCRIPT_EDGES)
        # While a debugger is attached the edge leads to a DebugInfo, which names no script.
        is_code = self._graph.node_types[np.maximum(scripts, 0)] == NodeType.CODE
        return np.where(is_code, scripts, -1)

    def constructors(self, objects: NDArray[np.integer]) -> NDArray[np.int64]:
        """Return the constructor closure of each object, by its map's prototype, -1 if unknown."""
        maps = self._edges.targets(objects, EdgeType.INTERNAL, ("map",))
        prototypes = self._edges.targets(maps, EdgeType.INTERNAL, ("prototype",))
        makers = self._edges.targets(prototypes, EdgeType.PROPERTY, ("constructor",))
        is_closure = self._graph.node_types[np.maximum(makers, 0)] == NodeType.CLOSURE
        return np.where(is_closure, makers, -1)

    def url(self, script_node: int) -> str:
        """Return the name of a Script node, empty for eval and `new Function`."""
        name = self._edges.raw_name(script_node).removeprefix(_URL_PREFIX).removeprefix(" / ")
        if name in _NOT_A_NAME:
            named = self._text_edge(script_node, "name")
            return "" if named is None or named in _NOT_A_NAME else named
        return name

    def head(self, script_node: int) -> str:
        """Return the beginning of the script's text as V8 ran it: at most 1,024 UTF-16 units."""
        text = self._text_edge(script_node, "source")
        if text is None or text in _NOT_A_NAME or self._is_removed(text):
            return ""
        return text

    def removed_head(self, script_node: int) -> RemovedHead | None:
        """Return what a redaction left of the script's text; None where the text was not taken out."""
        source = self._edges.target(script_node, EdgeType.INTERNAL, "source")
        if source is None or not self._is_redacted:
            return None
        is_flat = self._graph.node_types[source] == NodeType.STRING
        if is_flat and not self._is_removed(self._edges.raw_name(source)):
            return None
        return RemovedHead(int(self._graph.self_sizes[source]) if is_flat else None)

    @property
    def _is_redacted(self) -> bool:
        return MARK in self._graph.columns.meta

    def _is_removed(self, text: str) -> bool:
        return self._is_redacted and is_placeholder(text[:CUT_BYTES])

    def map_url(self, script_node: int) -> str | None:
        """
        Return the script's `sourceMappingURL`, cut to 1,024 characters, None without one.

        It hangs on the Script node by a hidden edge whose number differs between V8 versions, so it
        is recognised by what it says.
        """
        graph = self._graph
        edges = self._edges.of(script_node)
        hidden = graph.edge_types[edges] == EdgeType.HIDDEN
        for target in graph.edge_targets[edges][hidden].tolist():
            if graph.node_types[target] in (NodeType.STRING, NodeType.CONS_STRING, NodeType.SLICED_STRING):
                text = graph.name(target)
                if text.startswith("data:") or text.split("?")[0].endswith(_MAP_URL_ENDS):
                    return text
        return None

    def _text_edge(self, script_node: int, name: str) -> str | None:
        target = self._edges.target(script_node, EdgeType.INTERNAL, name)
        return None if target is None else self._graph.name(target)


def _one_per_id(
    ids: NDArray[np.uint32], nodes: NDArray[np.integer]
) -> tuple[NDArray[np.uint32], NDArray[np.integer]]:
    """Return each id once, with one of its nodes."""
    if len(ids) and int(ids.max()) < _MAX_SCATTER:
        # A million locations have a few hundred scripts: scattering beats sorting.
        table = np.full(int(ids.max()) + 1, -1, np.int64)
        table[ids] = nodes
        used = np.flatnonzero(table >= 0)
        return used.astype(np.uint32), table[used]
    some_ids, at = np.unique(ids, return_index=True)
    return some_ids, nodes[at]
