"""Name an object as a programmer would: by the variable and fields through which code reaches it.

From the object, retainers are searched outwards for the cheapest way to an *anchor*: a variable in
a scope, a property of the global object, a static of a function, a module's exports.  Costs prefer
names people wrote over positions and engine internals; ties are broken by node id, so the result
is the same on every run.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import EdgeType, NodeType
from heapsleuth.leaks.edges import source_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heapsleuth.heap.graph import HeapGraph
    from heapsleuth.leaks.history import Moment

__all__ = ["Name", "Namer", "Step"]

_COST = {
    EdgeType.CONTEXT: 1,
    EdgeType.PROPERTY: 2,
    EdgeType.ELEMENT: 3,
    EdgeType.INTERNAL: 4,
    EdgeType.HIDDEN: 5,
}
_RANK = np.full(256, 9, dtype=np.uint8)
_RANK[list(_COST)] = list(_COST.values())
_PLUMBING_COST = 1
_PASSING_COST = 3
_SELF_COST = 8
_MOST_VISITED = 3000
_MOST_RETAINERS = 400
_MOST_STEPS = 14
_UNREACHED = 1 << 30
# What V8 keeps the value of a single variable in.
_CELLS = ("system / Cell", "system / ContextCell")
_SHOWN_KEY = 40

# Variables and fields that only say "the object itself", and edges that every object or function has.
_SELF_NAMES = frozenset({"this", "self", "_this", "that", "__proto__", "constructor", "prototype"})
_SKIPPED_EDGES = frozenset(
    {
        "map",
        "feedback_cell",
        "feedback_vector",
        "initial_map",
        "transition_info",
        "native_context",
        "scope_info",
        "weak_refs_keep_during_job",
    }
)


@dataclass(frozen=True, slots=True)
class Step:
    """One reference on the way to an object, outermost first in a `Name`."""

    source: int
    """Node index that holds the reference."""
    label: str
    type: int
    """Code of `EdgeType`."""
    target: int
    """Node index."""


@dataclass(frozen=True, slots=True)
class Name:
    """How code reaches an object."""

    text: str
    """`reportCache`, `pool.waiting`, `routes["/"].handlers`; the class name when nothing names it."""
    steps: tuple[Step, ...]
    """From the anchor to the object; empty when no anchor was found."""
    anchored: bool
    """Whether `text` begins with a name found in code."""
    written: str | None = None
    """The first name as the source has it, where that is known to differ from the heap's."""

    @property
    def scope(self) -> int | None:
        """Node index of the scope, function or object that holds the first name."""
        return self.steps[0].source if self.steps else None

    @property
    def first(self) -> str:
        """The name declared in the scope, before any field or key."""
        return self.steps[0].label if self.steps else self.text


class Namer:
    """
    Names objects of one snapshot.

    Args:
        moment: The snapshot.
        old: (n,) true for objects that existed from the first snapshot; preferred as way points.
    """

    def __init__(self, moment: Moment, old: NDArray[np.bool_]) -> None:
        self._graph: HeapGraph = moment.graph
        self._lifted = moment.lifted
        self._old = old
        self._cache: dict[int, Name] = {}

    def name(self, node: int) -> Name:
        """Return the name of a node; never fails."""
        if node not in self._cache:
            is_global = self._is_global(node)
            self._cache[node] = Name("globalThis", (), anchored=True) if is_global else self._search(node)
        return self._cache[node]

    def _search(self, node: int) -> Name:
        ids = self._graph.node_ids
        queue: list[tuple[int, int, int]] = [(0, 0, node)]
        costs = {node: 0}
        way: dict[int, Step] = {}
        depth = {node: 0}
        settled: set[int] = set()
        best: tuple[int, Step] | None = None
        while queue and len(settled) < _MOST_VISITED:
            cost, _, current = heapq.heappop(queue)
            if best is not None and cost >= best[0]:
                break
            if current in settled or depth[current] >= _MOST_STEPS:
                continue
            settled.add(current)
            for step in self._references(current):
                total = cost + self._cost(step)
                if self._is_anchor(step):
                    if best is None or total < best[0]:
                        best = (total, step)
                elif total < costs.get(step.source, _UNREACHED) and self._passable(step.source):
                    costs[step.source], way[step.source] = total, step
                    depth[step.source] = depth[current] + 1
                    heapq.heappush(queue, (total, int(ids[step.source]), step.source))
        if best is None:
            return Name(self._class_name(node), (), anchored=False)
        steps = [best[1]]
        while steps[-1].target != node:
            steps.append(way[steps[-1].target])
        return Name(self._text(steps), tuple(steps), anchored=True)

    def _references(self, node: int) -> list[Step]:
        """Return who refers to *node* by a reference that keeps it alive and has a name."""
        graph = self._graph
        steps = []
        begin, end = int(graph.first_retainers[node]), int(graph.first_retainers[node + 1])
        edges = graph.retainer_edges[begin:end]
        if len(edges) > _MOST_RETAINERS:
            edges = self._varied(edges)
        for edge, source in zip(edges.tolist(), source_of(graph, edges).tolist(), strict=True):
            kind = int(graph.edge_types[edge])
            if kind not in _COST or source == node:
                continue
            name = int(graph.edge_names[edge])
            numbered = kind in (EdgeType.ELEMENT, EdgeType.HIDDEN)
            label = str(name) if numbered else graph.strings[name]
            if kind == EdgeType.INTERNAL and (label in _SKIPPED_EDGES or "part of key" in label):
                continue
            steps.append(Step(source, label, kind, node))
        return steps

    def _varied(self, edges: NDArray[np.unsignedinteger]) -> NDArray[np.unsignedinteger]:
        """
        Return some of very many references, of each label some, names before positions.

        Each of the entries of a registry, and each request that waits for a lock, refers back to it in the
        same way; the one reference that is different names it.
        """
        graph = self._graph
        labels = graph.edge_names[edges].astype(np.uint64) << np.uint64(8) | graph.edge_types[edges]
        order = np.argsort(labels, kind="stable")
        starts = np.flatnonzero(np.diff(labels[order], prepend=labels[order[0]] + np.uint64(1)))
        turn = np.empty(len(edges), dtype=np.int64)
        turn[order] = np.arange(len(edges)) - np.repeat(starts, np.diff(starts, append=len(edges)))
        chosen = np.lexsort((_RANK[graph.edge_types[edges]], turn))[:_MOST_RETAINERS]
        return edges[chosen]

    def _cost(self, step: Step) -> int:
        # What is new is one of many that pass: requests that wait, timers, members of something else.
        passing = 0 if self._old[step.source] else _PASSING_COST
        if self._lifted[step.source] == self._lifted[step.target] or self._lifted[step.source] != step.source:
            return _PLUMBING_COST + passing
        cost = _COST[EdgeType(step.type)] + passing
        return cost + _SELF_COST if step.label in _SELF_NAMES else cost

    def _is_anchor(self, step: Step) -> bool:
        graph = self._graph
        if step.label in _SELF_NAMES:
            return False
        if step.type == EdgeType.CONTEXT:
            return True
        if step.type == EdgeType.INTERNAL:
            # What an ES module exports lives in a cell; the source has its name.
            return step.label == "value" and graph.own_name(step.source) == "system / Cell"
        if step.type != EdgeType.PROPERTY:
            return False
        kind = graph.node_types[step.source]
        if kind == NodeType.CLOSURE:
            return True
        return self._is_global(step.source) or (
            kind == NodeType.OBJECT and graph.own_name(step.source) == "process"
        )

    def _is_global(self, node: int) -> bool:
        name = self._graph.own_name(node)
        is_object = self._graph.node_types[node] == NodeType.OBJECT
        return is_object and (name == "global" or name.startswith(("global (", "globalThis", "Window")))

    def _passable(self, node: int) -> bool:
        graph = self._graph
        kind = graph.node_types[node]
        if kind in (NodeType.CODE, NodeType.OBJECT_SHAPE, NodeType.SYNTHETIC):
            return False
        return not (
            kind == NodeType.HIDDEN
            and graph.own_name(node) in ("system / PropertyCell", "system / FeedbackCell")
        )

    def _class_name(self, node: int) -> str:
        graph = self._graph
        name = graph.own_name(node)
        if graph.node_types[node] == NodeType.CLOSURE:
            return name or "(anonymous function)"
        return name or "(unnamed)"

    def _text(self, steps: list[Step]) -> str:
        first = steps[0]
        text = first.label
        kind = self._graph.node_types[first.source]
        if first.type == EdgeType.PROPERTY and kind == NodeType.CLOSURE:
            text = f"{self._class_name(first.source)}.{text}"
        elif first.type == EdgeType.PROPERTY and self._graph.own_name(first.source) == "process":
            text = f"process.{text}"
        for step in steps[1:]:
            text += self._suffix(step)
        return text

    def _suffix(self, step: Step) -> str:
        if self._lifted[step.source] == step.target or self._lifted[step.target] != step.target:
            return ""
        if self._graph.own_name(step.source) in _CELLS:
            return ""
        if step.type == EdgeType.PROPERTY:
            return _property(step.label)
        if step.type == EdgeType.ELEMENT:
            return f"[{step.label}]"
        if step.type == EdgeType.CONTEXT:
            return f" → {step.label}"
        if self._lifted[step.source] != step.source:
            return "[…]"
        return f".{step.label}" if step.label.isidentifier() else "[…]"


def _property(label: str) -> str:
    if label.removeprefix("#").isidentifier():
        return f".{label}"
    if label.startswith("<symbol ") and label.endswith(">"):
        return f"[Symbol({label[8:-1][:_SHOWN_KEY]})]"
    return f'["{label[:_SHOWN_KEY]}"]'
