"""Pending promises on which something waits, by what waits.

A promise on which nothing waits looks the same whether it is pending or was settled with a small
number or with nothing, so it is not counted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import EdgeType
from heapsleuth.leaks.census.tally import largest_groups
from heapsleuth.leaks.census.waiting import find_waiting
from heapsleuth.leaks.heap_view import mixed
from heapsleuth.leaks.model import CensusRow

if TYPE_CHECKING:
    from heapsleuth.leaks.heap_view import HeapView

__all__ = ["count_promises"]


def count_promises(view: HeapView) -> list[CensusRow]:
    """Return a row per async function that awaits, per handler given to `then`, and for chains."""
    waiting = find_waiting(view)
    awaiting = view.targets(waiting.functions, EdgeType.INTERNAL, "function")
    code = np.where(awaiting >= 0, awaiting, waiting.handlers)
    keys = np.zeros(len(code), dtype=np.uint64)
    known = code >= 0
    keys[known] = mixed(view.kinds.keys(code[known]), awaiting[known] >= 0)
    rows = []
    for group in largest_groups(view, keys, waiting.promises):
        node = int(code[group.example])
        if node < 0:
            name = "followed by another promise"
        elif awaiting[group.example] >= 0:
            name = f"awaited by {view.function_name(node)}"
        else:
            name = f"then({view.function_name(node)})"
        place = view.place(node) if node >= 0 else None
        rows.append(CensusRow("promises", name, group.count, group.retained_bytes, place))
    return rows
