"""Timers by callback, kind and duration, and immediates.

Node keeps timers of one duration in a ring that begins and ends at a `TimersList`; the table
`timerListMap` holds the lists by their duration in milliseconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import EdgeType, NodeType
from heapsleuth.leaks.census.tally import largest_groups
from heapsleuth.leaks.heap_view import look_up, mixed
from heapsleuth.leaks.model import CensusRow
from heapsleuth.units import format_count

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heapsleuth.leaks.heap_view import HeapView

__all__ = ["count_timers"]

_UNKNOWN = -1
_MOST_DOUBLINGS = 64


def count_timers(view: HeapView) -> list[CensusRow]:
    """Return a row per callback, kind and duration; cleared timers are not counted."""
    return [*_timeouts(view), *_immediates(view)]


def _timeouts(view: HeapView) -> list[CensusRow]:
    timers, callbacks = view.lookup.named(EdgeType.PROPERTY, "_onTimeout")
    alive = view.is_called(timers, "Timeout") & view.is_type(callbacks, NodeType.CLOSURE)
    timers, callbacks = timers[alive], callbacks[alive]
    # `_repeat` is a number, which has no node, for intervals and null for timeouts.
    repeats = view.targets(timers, EdgeType.PROPERTY, "_repeat") < 0
    durations = _durations(view, timers)
    keys = mixed(mixed(view.kinds.keys(callbacks), repeats), durations)
    rows = []
    for group in largest_groups(view, keys, timers):
        callback = int(callbacks[group.example])
        name = view.function_name(callback)
        duration = int(durations[group.example])
        if duration != _UNKNOWN:
            name += f" {'every' if repeats[group.example] else 'after'} {format_count(duration)} ms"
        elif repeats[group.example]:
            name += " repeatedly"
        rows.append(CensusRow("timers", name, group.count, group.retained_bytes, view.place(callback)))
    return rows


def _durations(view: HeapView, timers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (k,) milliseconds of each timer, `_UNKNOWN` for one that is in no list."""
    graph = view.graph
    following = np.arange(graph.node_count, dtype=np.uint32)
    owners, targets = view.lookup.named(EdgeType.PROPERTY, "_idleNext")
    in_ring = view.is_called(owners, "Timeout")
    following[owners[in_ring]] = targets[in_ring]
    # Jump twice as far each time; lists are where the way ends, as they follow themselves.
    for _ in range(_MOST_DOUBLINGS):
        further = following[following[timers]]
        if np.array_equal(further, following[timers]):
            break
        following[timers] = further
    ends = following[timers]
    table = view.edges_to(np.unique(ends[view.is_called(ends, "TimersList")]))
    # The queue of lists, an Array, holds them by position; only the table has durations.
    by_number = graph.edge_types[table.edges] == EdgeType.ELEMENT
    table = table.where(by_number & view.is_called(table.sources, "Object"))
    return look_up(table.targets, graph.edge_names[table.edges], ends)


def _immediates(view: HeapView) -> list[CensusRow]:
    owners, callbacks = view.lookup.named(EdgeType.PROPERTY, "_onImmediate")
    alive = view.is_type(callbacks, NodeType.CLOSURE)
    owners, callbacks = owners[alive], callbacks[alive]
    groups = largest_groups(view, view.kinds.keys(callbacks), owners)
    return [
        CensusRow(
            "timers",
            f"{view.function_name(int(callbacks[group.example]))}, immediate",
            group.count,
            group.retained_bytes,
            view.place(int(callbacks[group.example])),
        )
        for group in groups
    ]
