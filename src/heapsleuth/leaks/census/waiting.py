"""Who waits for which promise, read from V8's reactions.

A pending promise holds a list of `PromiseReaction`s, newest first.  A reaction leads to the handlers
given to `then`, or, where an async function awaits, to nameless functions whose context's extension
is the suspended function.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import EdgeType, NodeType
from heapsleuth.leaks.edges import edges_of
from heapsleuth.leaks.heap_view import look_up

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heapsleuth.leaks.heap_view import HeapView

__all__ = ["Waiting", "find_waiting"]


@dataclass(frozen=True, slots=True, eq=False)
class Waiting:
    """k pending promises on which something waits; one row each."""

    promises: NDArray[np.int64]
    functions: NDArray[np.int64]
    """(k,) suspended function that awaits the promise, -1 when none does."""
    handlers: NDArray[np.int64]
    """(k,) function given to `then`, -1 when none was or an async function waits."""


def find_waiting(view: HeapView) -> Waiting:
    """Return every pending promise with its newest reaction's function or handler."""
    promises, reactions = view.lookup.named(EdgeType.INTERNAL, "reactions_or_result")
    pending = view.is_called(reactions, "system / PromiseReaction")
    promises, reactions = promises[pending], reactions[pending].astype(np.int64)
    edges = edges_of(view.graph, reactions)
    edges = edges.where(view.is_type(edges.targets, NodeType.CLOSURE))
    suspended = _suspended_behind(view, edges.targets)
    rows = look_up(reactions, np.arange(len(reactions)), edges.sources)
    # Later assignments win, so go backwards and let the first edge stay.
    functions, handlers = (np.full(len(reactions), -1, dtype=np.int64) for _ in range(2))
    functions[rows[::-1]] = suspended[::-1]
    awaited = suspended >= 0
    functions[rows[awaited][::-1]] = suspended[awaited][::-1]
    handlers[rows[::-1]] = edges.targets[::-1]
    handlers[functions >= 0] = -1
    return Waiting(promises, functions, handlers)


def _suspended_behind(view: HeapView, closures: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (k,) the suspended function each continuation resumes, -1 for other functions."""
    found = np.full(len(closures), -1, dtype=np.int64)
    nameless = np.flatnonzero(view.is_called(closures, ""))
    contexts = view.targets(closures[nameless], EdgeType.INTERNAL, "context")
    found[nameless] = view.targets(contexts, EdgeType.INTERNAL, "extension")
    found[~view.is_type(found, NodeType.OBJECT)] = -1
    return found
