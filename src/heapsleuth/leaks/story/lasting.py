"""The way from something that surely lives as long as the process to an object.

Names begin at the nearest variable, which is often one of a function that a leaked closure keeps alive:
the object's own victim.  A story begins where life comes from: a variable of a file, the global object,
a handle the runtime keeps open.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import EdgeType, NodeType
from heapsleuth.leaks.edges import source_of
from heapsleuth.leaks.naming import Name, Namer, Step

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heapsleuth.heap.graph import HeapGraph
    from heapsleuth.leaks.history import Moment

__all__ = ["LastingWays", "root_words"]

_ROOTS = {
    "(Global handles)": "global handles",
    "(Eternal handles)": "eternal handles",
    "(Traced handles)": "global handles",
    "(Micro tasks)": "microtasks",
    "C++ roots": "open handles",
    "C++ Persistent roots": "open handles",
    "C++ CrossThreadPersistent roots": "open handles",
}
"""Roots by which embedders keep objects alive, and how to say them."""

_NODE_HANDLE = "Node / "  # what Node.js keeps open (sockets, timers, workers) are roots of their own

_CONTEXT = "system / Context"
_NAMELESS = frozenset({"", "native_bind"})


def root_words(graph: HeapGraph, node: int) -> str | None:
    """Return how to say a root that keeps things alive for long, None for other nodes."""
    if graph.node_types[node] != NodeType.SYNTHETIC:
        return None
    name = graph.own_name(node)
    return "open handles" if name.startswith(_NODE_HANDLE) else _ROOTS.get(name)


class LastingWays(Namer):
    """
    Finds the way to an object from a variable of a file, a global or a root.

    Args:
        moment: The snapshot.
        old: (n,) true for objects that existed from the first snapshot; preferred as way points.
    """

    def __init__(self, moment: Moment, old: NDArray[np.bool_]) -> None:
        super().__init__(moment, old)
        self._moment = moment

    def way(self, name: Name, holder: int) -> tuple[Step, ...]:
        """Return the steps of *name* if they begin at something lasting, else the best way that does."""
        if name.steps and self.lasts(name.steps[0]):
            return name.steps
        return self._beyond(name.steps, holder)

    def lasts(self, step: Step) -> bool:
        """Whether what the first step of a way leaves lives as long as the process."""
        graph = self._graph
        if graph.node_types[step.source] == NodeType.SYNTHETIC:
            return root_words(graph, step.source) is not None
        if step.type == EdgeType.CONTEXT:
            return self.is_of_file(step.source)
        if graph.node_types[step.source] == NodeType.CLOSURE:
            # A listener that `once` or `bind` wrapped is a property of its wrapper, which proves nothing.
            wrapped = step.label == "listener" or graph.own_name(step.source) in _NAMELESS
            return bool(self._old[step.source]) and not wrapped
        return True

    def is_of_file(self, context: int) -> bool:
        """Whether a context holds the variables of a whole file: only the engine's own is around it."""
        graph = self._graph
        for edge in range(int(graph.first_edges[context]), int(graph.first_edges[context + 1])):
            if graph.edge_types[edge] == EdgeType.INTERNAL and graph.edge_name(edge) == "previous":
                outer = int(graph.edge_targets[edge])
                return not graph.own_name(outer).startswith(_CONTEXT) or not self._has_scope(outer)
        return True

    def _has_scope(self, context: int) -> bool:
        # The table of a realm's scripts is a context, too; what it holds is global.
        graph = self._graph
        own = range(int(graph.first_edges[context]), int(graph.first_edges[context + 1]))
        return any(graph.edge_types[e] == EdgeType.INTERNAL and graph.edge_name(e) == "previous" for e in own)

    def _beyond(self, steps: tuple[Step, ...], holder: int) -> tuple[Step, ...]:
        """Return a lasting way to the holder; else one to where its name begins, and on by the name."""
        found = self.name(holder).steps or self._along_path(holder)
        if not found and steps:
            begin = steps[0].source
            found = (*(self.name(begin).steps or self._along_path(begin)), *steps)
        return found or steps

    def _along_path(self, node: int) -> tuple[Step, ...]:
        """Return the end of the graph's own path to a node, from its last lasting object on."""
        graph = self._graph
        edges = np.array(graph.path_edges(node), dtype=np.int64)
        sources = source_of(graph, edges)
        steps = tuple(
            Step(source, graph.edge_name(edge), int(graph.edge_types[edge]), int(graph.edge_targets[edge]))
            for edge, source in zip(edges.tolist(), sources.tolist(), strict=True)
        )
        starts = [i for i, step in enumerate(steps) if self._is_anchor(step)]
        return steps[starts[-1] :] if starts else ()

    def _is_anchor(self, step: Step) -> bool:
        if self._graph.node_types[step.source] == NodeType.SYNTHETIC:
            return self.lasts(step)
        return super()._is_anchor(step) and self.lasts(step)
