"""Puts a story together: root, steps, folds, suspects."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import NodeType
from heapsleuth.leaks.edges import source_of
from heapsleuth.leaks.heap_view import cut
from heapsleuth.leaks.model import PathStep
from heapsleuth.leaks.naming import Namer, Step
from heapsleuth.leaks.spoken import Speech
from heapsleuth.leaks.story.api import api_steps
from heapsleuth.leaks.story.folds import NODE, Stop, folded
from heapsleuth.leaks.story.lasting import LastingWays, root_words
from heapsleuth.leaks.story.liveness import Life, sign_of_death, suspect_steps
from heapsleuth.leaks.story.roots import find_root

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from heapsleuth.heap.sources import Sources
    from heapsleuth.leaks.case import Case
    from heapsleuth.leaks.history import Moment

__all__ = ["StoryTeller"]

_LABEL_LENGTH = 60
_LABELS = {"system / JSArrayBufferData": "bytes outside the heap"}
_TIMERS = {"Timeout": "timers", "Immediate": "immediates"}


class StoryTeller:
    """
    Tells how the members of a case are kept alive.

    Args:
        moment: The last snapshot.
        old: (n,) true for objects that existed from the first snapshot on.
        sources: File and line of the snapshot's objects.
    """

    def __init__(self, moment: Moment, old: NDArray[np.bool_], sources: Sources) -> None:
        self._moment = moment
        self._graph = moment.graph
        self._old = old
        self._sources = sources
        self._ways = LastingWays(moment, old)
        self._names = Namer(moment, old)
        self._speech = Speech(moment.graph, sources)

    def path(self, case: Case) -> tuple[PathStep, ...]:
        """Return the steps from the root to the newest member; the suspect ones are marked."""
        way = list(self._ways.way(case.name, case.holder))
        if case.member is not None and (not way or way[-1].target != case.member):
            edge = case.candidate.example
            source = int(source_of(self._graph, np.array([edge]))[0])
            way.append(Step(source, case.edge_label(edge), int(self._graph.edge_types[edge]), case.member))
        stops = self._stops(case, way)
        runtime = _TIMERS.get(case.member_class) if case.candidate.chain else None
        if runtime is not None and stops and stops[0].label != runtime:
            # Their list is a ring that can be entered anywhere, and belongs to the runtime.
            stops = [Stop("", case.holder, runtime, lasting=True), stops[-1]]
        suspects = suspect_steps([self._life(stop, i == len(stops) - 1) for i, stop in enumerate(stops)])
        stops = [replace(stop, suspect=i in suspects) for i, stop in enumerate(stops)]
        ids = self._graph.node_ids
        return tuple(
            PathStep(_cut(stop.edge), _cut(stop.label), int(ids[stop.node]), stop.suspect)
            for stop in folded(stops)
        )

    def called(self, node: int) -> str:
        """Return class and name of an object that keeps others: `Map byUser`, `timers`, `global handles`."""
        graph = self._graph
        kind = graph.own_name(node)
        if graph.node_types[node] == NodeType.SYNTHETIC:
            return root_words(graph, node) or cut(kind)
        if kind in _TIMERS or kind == "TimersList":
            return _TIMERS.get(kind, "timers")
        name = self._names.name(node).text
        if kind.startswith("system / Context"):
            place = self._sources.context_location(node)
            return f"closure in {place.function}" if place and place.function else "a closure"
        if graph.node_types[node] == NodeType.CLOSURE:
            kind = "function"
        return _cut(name if name.startswith(kind) or not kind else f"{kind} {name}")

    def _stops(self, case: Case, way: Sequence[Step]) -> list[Stop]:
        """Return root and objects of a way, members of lists counted."""
        if not way:
            return []
        graph, first = self._graph, way[0]
        told = api_steps(self._moment, way, one_of_many=case.field is None and not case.candidate.chain)
        root = find_root(graph, self._sources, first, lasts=self._ways.lasts(first))
        stops = [Stop("", root.node, root.words, lasting=self._ways.lasts(first))]
        if root.function is not None:
            stops.append(Stop("declares", root.function, self._label(case, root.function)))
        if root.hides_first and told and told[0].node == first.target:
            told = told[1:]
        for step in told:
            edge = step.edge
            if root.first_edge and step.node == first.target:
                edge = root.first_edge
            package = NODE if step.internal else self._package(step.node) or stops[-1].package
            stops.append(Stop(edge, step.node, self._label(case, step.node), package))
        if case.candidate.chain and len(stops) > 1:
            last = stops[-1]
            stops[-1] = replace(last, edge=f"{last.edge} ×{case.series.counts[-1]:,}")
        return stops

    def _label(self, case: Case, node: int) -> str:
        state = sign_of_death(self._graph, node)
        name = _LABELS.get(self._graph.own_name(node)) or _suspended(case, node)
        if name is None:
            spoken = node == case.member or case.type(node) == NodeType.CLOSURE
            name = self._speech.say(node) if spoken else case.class_name(node)
        return f"{name} ({state})" if state else name

    def _package(self, node: int) -> str:
        """Return whose class or function a node is."""
        place = self._sources.class_location(node) or self._sources.location(node)
        if place is None:
            return ""
        if place.file.startswith("node:"):
            return NODE
        package = self._sources.package(place)
        return package.name if package is not None else ""

    def _life(self, stop: Stop, is_member: bool) -> Life:
        if is_member or sign_of_death(self._graph, stop.node) is not None:
            return Life.DEAD
        if stop.lasting or (self._old[stop.node] and self._graph.node_types[stop.node] != NodeType.NATIVE):
            return Life.ALIVE
        return Life.UNKNOWN


def _cut(text: str) -> str:
    return cut(text, _LABEL_LENGTH)


def _suspended(case: Case, node: int) -> str | None:
    """Return what a nameless continuation resumes: `suspended loadUser`."""
    if case.type(node) != NodeType.CLOSURE or case.graph.own_name(node):
        return None
    context = case.child(node, "context")
    task = None if context is None else case.child(context, "extension")
    function = None if task is None or case.class_name(task) != "Generator" else case.child(task, "function")
    return None if function is None else f"suspended {case.graph.own_name(function) or 'function'}"
