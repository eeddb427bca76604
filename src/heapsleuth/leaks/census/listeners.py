"""Listeners per emitter and event: of Node's EventEmitter, and of EventTarget and AbortSignal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import EdgeType, NodeType
from heapsleuth.leaks.census.tally import MOST_ROWS
from heapsleuth.leaks.edges import edges_of
from heapsleuth.leaks.heap_view import cut, look_up, mixed
from heapsleuth.leaks.model import CensusRow
from heapsleuth.units import format_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heapsleuth.leaks.heap_view import HeapView

__all__ = ["count_listeners"]

_MANY = 10
"""Emitters with more listeners of one event get their own row: Node warns from there on, too."""
_EVENT_LENGTH = 40
_MOST_DOUBLINGS = 64


@dataclass(frozen=True, slots=True, eq=False)
class _Listeners:
    """k listeners."""

    emitters: NDArray[np.int64]
    """(k,) node that listeners were added to."""
    events: NDArray[np.int64]
    """(k,) string index of the event's name."""
    functions: NDArray[np.int64]
    """(k,) function called, or the object that handles the event."""
    kept: NDArray[np.int64]
    """(k,) node that goes away with the listener."""
    lists: NDArray[np.int64]
    """(k,) node that holds all listeners of the event, -1 when there is only one."""


def count_listeners(view: HeapView) -> list[CensusRow]:
    """Return a row per emitter and event with many listeners, and one per class and event for the rest."""
    found = _joined([_of_emitters(view), _of_targets(view)])
    if not len(found.emitters):
        return []
    pairs, pair, counts = np.unique(
        mixed(found.emitters, found.events), return_inverse=True, return_counts=True
    )
    many = counts > _MANY
    classes = view.graph.node_names[found.emitters]
    groups = np.where(many[pair], pairs[pair], mixed(mixed(classes, found.events), np.array([1])))
    _, first, group, counts = np.unique(groups, return_index=True, return_inverse=True, return_counts=True)
    retained = view.together(found.kept, group, len(first))
    order = np.lexsort((first, -retained, -counts))[:MOST_ROWS]
    by_group = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[by_group], np.arange(len(first) + 1))
    rows = []
    for i in order.tolist():
        members, single = by_group[starts[i] : starts[i + 1]], bool(many[pair[first[i]]])
        rows.append(_row(view, found, members, int(retained[i]), single=single))
    return rows


def _row(
    view: HeapView, found: _Listeners, members: NDArray[np.int64], retained: int, *, single: bool
) -> CensusRow:
    first = int(members[0])
    emitter, event = int(found.emitters[first]), view.graph.strings[int(found.events[first])]
    if single:
        name = f'{view.named(emitter)} "{cut(event, _EVENT_LENGTH)}"'
        if found.lists[first] >= 0:
            # Listeners can share what they capture; the list of all of them dominates that, too.
            retained = max(retained, int(view.graph.retained_sizes[found.lists[first]]))
    else:
        emitters = len(np.unique(found.emitters[members]))
        on = f" on {format_count(emitters)} emitters" if emitters > 1 else ""
        name = f'{view.class_name(emitter)} "{cut(event, _EVENT_LENGTH)}"{on}'
    functions = found.functions[members]
    _, example, counts = np.unique(view.kinds.keys(functions), return_index=True, return_counts=True)
    leading = int(functions[example[np.lexsort((example, -counts))[0]]])
    return CensusRow("listeners", name, len(members), retained, view.place(leading))


def _of_emitters(view: HeapView) -> _Listeners:
    """Return the listeners in `_events` of emitters: by event a function, or an array of them."""
    graph = view.graph
    emitters, registries = view.lookup.named(EdgeType.PROPERTY, "_events")
    real = view.is_type(registries, NodeType.OBJECT)
    emitters, registries = emitters[real], registries[real]
    edges = edges_of(graph, np.unique(registries))
    keep = graph.edge_types[edges.edges] == EdgeType.PROPERTY
    keep &= graph.edge_names[edges.edges] != view.lookup.name_id("__proto__")
    edges = edges.where(keep)
    events = graph.edge_names[edges.edges].astype(np.int64)
    alone = view.is_type(edges.targets, NodeType.CLOSURE)
    listed = view.is_called(edges.targets, "Array") & view.is_type(edges.targets, NodeType.OBJECT)
    owners = look_up(registries, emitters, edges.sources)
    members = edges_of(graph, edges.targets[listed])
    element = graph.edge_types[members.edges] == EdgeType.ELEMENT
    members = members.where(element & view.is_type(members.targets, NodeType.CLOSURE))
    listing = look_up(edges.targets[listed], np.flatnonzero(listed), members.sources)
    kept = np.concatenate([edges.targets[alone], members.targets])
    return _Listeners(
        emitters=np.concatenate([owners[alone], owners[listing]]),
        events=np.concatenate([events[alone], events[listing]]),
        functions=_unwrapped(view, kept),
        kept=kept,
        lists=np.concatenate([np.full(int(alone.sum()), -1), members.sources]),
    )


def _unwrapped(view: HeapView, functions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (k,) the functions that `once` wrapped in place of the wrappers."""
    inner = view.targets(functions, EdgeType.PROPERTY, "listener")
    return np.where(view.is_type(inner, NodeType.CLOSURE), inner, functions)


def _of_targets(view: HeapView) -> _Listeners:
    """
    Return the listeners of EventTargets.

    A target has a Map by event of chains: a head object, then `Listener`s, each linked to the one
    before it.
    """
    graph = view.graph
    nobody = np.empty(0, dtype=np.int64)
    listeners = view.instances("Listener")
    heads = listeners.copy()
    if len(listeners):
        before = np.arange(graph.node_count, dtype=np.uint32)
        previous = view.targets(listeners, EdgeType.PROPERTY, "previous")
        before[listeners[previous >= 0]] = previous[previous >= 0]
        for _ in range(_MOST_DOUBLINGS):
            further = before[before[listeners]]
            if np.array_equal(further, before[listeners]):
                break
            before[listeners] = further
        heads = before[listeners].astype(np.int64)
    chains, targets, events = _chains(view)
    chain = look_up(chains, np.arange(len(chains)), heads)
    known = chain >= 0
    listeners, heads, chain = listeners[known], heads[known], chain[known]
    if not len(listeners):
        return _Listeners(nobody, nobody, nobody, nobody, nobody)
    functions = view.targets(listeners, EdgeType.PROPERTY, "listener", "callback")
    return _Listeners(
        emitters=targets[chain],
        events=events[chain],
        functions=np.where(functions >= 0, functions, listeners),
        kept=listeners,
        lists=heads,
    )


def _chains(view: HeapView) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return (k,) heads of chains, and the target and the event's name of each."""
    graph = view.graph
    targets, maps = view.lookup.named(EdgeType.PROPERTY, "<symbol kEvents>")
    tables = view.targets(maps, EdgeType.INTERNAL, "table")
    targets, tables = targets[tables >= 0], tables[tables >= 0]
    edges = edges_of(graph, np.unique(tables))
    edges = edges.where(graph.edge_types[edges.edges] == EdgeType.INTERNAL)
    slots = _slots(view, graph.edge_names[edges.edges])
    # In a Map's table each value stands right behind its key.
    here, before = mixed(edges.sources, slots), mixed(edges.sources, slots - 1)
    key = look_up(here, np.arange(len(edges)), before)
    heads = (slots > 0) & (key >= 0) & view.is_type(edges.targets, NodeType.OBJECT)
    events = graph.node_names[edges.targets[key[heads]]].astype(np.int64)
    return edges.targets[heads], look_up(tables, targets, edges.sources[heads]), events


def _slots(view: HeapView, names: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Return (k,) the slot numbers that edge names stand for, -1 for other names."""
    unique, back = np.unique(names, return_inverse=True)
    texts = view.graph.strings.decode_many(unique)
    numbers = [int(text) if text.isascii() and text.isdigit() else -1 for text in texts]
    return np.array(numbers, dtype=np.int64)[back] if numbers else np.empty(0, dtype=np.int64)


def _joined(parts: list[_Listeners]) -> _Listeners:
    names = ("emitters", "events", "functions", "kept", "lists")
    return _Listeners(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
