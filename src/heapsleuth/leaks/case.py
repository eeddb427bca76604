"""All a detector may look at: one growing candidate, its holder, its members, and the heap."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import EdgeType, NodeType
from heapsleuth.leaks.bulk import bulk_of
from heapsleuth.leaks.edges import edges_of
from heapsleuth.leaks.groups import CONTENTS, STRONG
from heapsleuth.leaks.vocabulary import words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heapsleuth.heap.graph import HeapGraph
    from heapsleuth.leaks.bulk import Bulk
    from heapsleuth.leaks.history import Moment
    from heapsleuth.leaks.naming import Name
    from heapsleuth.leaks.series import Candidate, Series

__all__ = ["Case", "Reference"]


@dataclass(frozen=True, slots=True)
class Reference:
    """An edge as a programmer sees it."""

    label: str
    type: int
    """Code of `EdgeType`."""
    target: int
    """Node index."""


@dataclass(eq=False)
class Case:
    """One candidate in the last snapshot."""

    moment: Moment
    candidate: Candidate
    series: Series
    name: Name
    """Of the holder."""
    old: NDArray[np.bool_]
    """(n,) true for objects that existed from the first snapshot on."""

    @property
    def graph(self) -> HeapGraph:
        """The last snapshot's heap."""
        return self.moment.graph

    @property
    def holder(self) -> int:
        """Node index of the holder."""
        return self.candidate.holder

    @cached_property
    def holder_class(self) -> str:
        """Constructor name of the holder; `variable` where it is a variable of a scope."""
        name = self.class_name(self.holder)
        steps = self.name.steps
        variable = self.field is not None or (
            len(steps) == 1 and steps[0].type == EdgeType.CONTEXT and steps[0].source == self.holder
        )
        return "variable" if name == "system / Context" and variable else name

    @property
    def field(self) -> str | None:
        """Name of the holder's field that grows; None when its contents do."""
        if self.candidate.label == CONTENTS or self.candidate.example < 0:
            return None
        return self.graph.strings[int(self.graph.edge_names[self.candidate.example])]

    @cached_property
    def member(self) -> int | None:
        """Node index of the newest member, None when the holder has no visible one."""
        if self.candidate.example < 0:
            return None
        return int(self.graph.edge_targets[self.candidate.example])

    @cached_property
    def member_class(self) -> str:
        """Constructor name of the members; closures by their function's name."""
        return "reference" if self.member is None else self.class_name(self.member)

    @cached_property
    def bulk(self) -> Bulk | None:
        """What the newest member retains, None when the holder has no visible member."""
        return None if self.member is None else bulk_of(self.graph, self.member)

    @cached_property
    def holder_words(self) -> frozenset[str]:
        """Words of the last two names on the way to the holder, and of their owners' classes."""
        labels = [label for label in self.names_on_the_way if not label.isdigit()][-2:]
        return words([*labels, *self.classes_on_the_way[-2:], self.holder_class])

    def class_name(self, node: int) -> str:
        """Return what a programmer would call the kind of a node."""
        graph = self.graph
        kind = graph.node_types[node]
        if kind == NodeType.CLOSURE:
            return f"function {graph.own_name(node) or '(anonymous)'}"
        if kind in (NodeType.STRING, NodeType.CONS_STRING, NodeType.SLICED_STRING):
            return "string"
        if kind == NodeType.NUMBER:
            return "number"
        return graph.own_name(node) or "(unnamed)"

    def type(self, node: int) -> int:
        """Return the `NodeType` code of a node."""
        return int(self.graph.node_types[node])

    def references(self, node: int) -> list[Reference]:
        """Return the strong references of a node, at most the first 200."""
        graph = self.graph
        edges = edges_of(graph, np.array([node]))
        edges = edges.where(np.isin(graph.edge_types[edges.edges], STRONG))
        return [
            Reference(self.edge_label(int(edge)), int(graph.edge_types[edge]), int(graph.edge_targets[edge]))
            for edge in edges.edges[:200]
        ]

    def edge_label(self, edge: int) -> str:
        """Return the name or number of an edge."""
        return self.graph.edge_name(edge)

    def child(self, node: int, *labels: str) -> int | None:
        """Return the node behind the first of the named references that exists."""
        by_label = {reference.label: reference.target for reference in self.references(node)}
        return next((by_label[label] for label in labels if label in by_label), None)

    def has_code(self, closure: int) -> bool:
        """Whether a function was written in JavaScript; builtins have no script."""
        shared = self.child(closure, "shared")
        script = None if shared is None else self.child(shared, "script", "script_or_debug_info")
        return script is not None and self.type(script) == NodeType.CODE

    @cached_property
    def names_on_the_way(self) -> tuple[str, ...]:
        """Labels of the references from the anchor to the holder."""
        return tuple(step.label for step in self.name.steps)

    @cached_property
    def classes_on_the_way(self) -> tuple[str, ...]:
        """Class names of the objects from the anchor's to the holder."""
        return tuple(self.class_name(step.target) for step in self.name.steps)
