"""V8 contexts: which functions live in the scope a `system / Context` object stands for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import EdgeType, NodeType

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heapsleuth.heap.edge_lookup import EdgeLookup
    from heapsleuth.heap.graph import HeapGraph

__all__ = ["Contexts"]

CONTEXT_NAME = "system / Context"  # V8 15 appends ` / scope @ID`
_MAX_WITNESSES = 32
_MAX_CONTEXTS = 256  # inner contexts looked through for witnesses


class Contexts:
    """The contexts of one heap and the closures that lead to them."""

    def __init__(self, graph: HeapGraph, edges: EdgeLookup) -> None:
        self._graph = graph
        self._edges = edges

    def is_context(self, node: int) -> bool:
        """Whether *node* is a context of a function, block or module (not the native one)."""
        is_object = self._graph.node_types[node] == NodeType.OBJECT
        return bool(is_object) and self._edges.raw_name(node).startswith(CONTEXT_NAME)

    def witnesses(self, context: int) -> tuple[NDArray[np.int64], bool]:
        """
        Return closures (and suspended functions) created inside this context's scope.

        Those that have the context as their own come first; without any, those of contexts whose
        chain of `previous` leads here.  At most 32; the flag says whether they are its own.
        """
        own = _owners_of(self._closures, context)
        if len(own):
            return own[:_MAX_WITNESSES], True
        seen, queue = {context}, [context]
        found: list[int] = []
        while queue and len(seen) < _MAX_CONTEXTS and len(found) < _MAX_WITNESSES:
            for inner in _owners_of(self._inner, queue.pop(0)).tolist():
                if inner not in seen:
                    seen.add(inner)
                    queue.append(inner)
                    found += _owners_of(self._closures, inner)[:_MAX_WITNESSES].tolist()
        return np.array(found[:_MAX_WITNESSES], np.int64), False

    def variables(self, context: int) -> frozenset[str]:
        """Return the names of all variables of this context, also of those that hold small integers."""
        graph = self._graph
        edges = self._edges.of(context)
        names = graph.edge_names[edges][graph.edge_types[edges] == EdgeType.CONTEXT]
        found = {graph.strings[int(name)] for name in names}
        info = self.scope_info(context)
        if info is not None:
            found |= self._strings_of(info, depth=1)
        return frozenset(name for name in found if name and not name.startswith(".") and name != "this")

    def scope_info(self, context: int) -> int | None:
        """Return the ScopeInfo node of a context."""
        return self._edges.target(context, EdgeType.INTERNAL, "scope_info")

    def functions_of_scope(self, scope_info: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """
        Return SharedFunctionInfos by a ScopeInfo.

        Returns:
            Those whose own scope it is (the function itself), and those of functions inside it
            that were never compiled.
        """
        return _owners_of(self._scopes, scope_info), _owners_of(self._outer_scopes, scope_info)

    def closures_of(self, info: int) -> NDArray[np.int64]:
        """Return the closures made from a SharedFunctionInfo."""
        return _owners_of(self._shared, info)

    def _strings_of(self, node: int, depth: int) -> set[str]:
        """Names in a ScopeInfo; from 75 variables on they are in a hash table of its own."""
        graph = self._graph
        edges = self._edges.of(node)
        found: set[str] = set()
        for target in graph.edge_targets[edges].tolist():
            if graph.node_types[target] == NodeType.STRING:
                found.add(graph.name(target))
            elif depth and graph.node_types[target] == NodeType.ARRAY:
                found |= self._strings_of(target, depth - 1)
        return found

    @cached_property
    def _closures(self) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        return self._named("context")

    @cached_property
    def _inner(self) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        return self._named("previous")

    @cached_property
    def _scopes(self) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        return self._named("name_or_scope_info")

    @cached_property
    def _outer_scopes(self) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        return self._named("raw_outer_scope_info_or_feedback_metadata")

    @cached_property
    def _shared(self) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        return self._named("shared")

    def _named(self, name: str) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        """Return owners and targets of the edges of that name, sorted by target, then owner."""
        owners, targets = self._edges.named(EdgeType.INTERNAL, name)
        order = np.argsort(targets, kind="stable")
        return owners[order], targets[order]


def _owners_of(edges: tuple[NDArray[np.int64], NDArray[np.uint32]], target: int) -> NDArray[np.int64]:
    owners, targets = edges
    key = targets.dtype.type(target)  # another type would copy the array
    return owners[np.searchsorted(targets, key) : np.searchsorted(targets, key, side="right")]
