"""Native contexts besides the main one: of `vm`, of frames in a browser; and those left detached."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import NodeType
from heapsleuth.leaks.model import CensusRow

if TYPE_CHECKING:
    from heapsleuth.leaks.heap_view import HeapView

__all__ = ["count_contexts"]

_NAME = "system / NativeContext"
_LABELS = {"": "native contexts besides the main one", "Detached ": "detached native contexts"}


def count_contexts(view: HeapView) -> list[CensusRow]:
    """Return a row for further native contexts and one for detached ones, as far as there are any."""
    graph = view.graph
    hidden = np.flatnonzero(graph.node_types == NodeType.HIDDEN)
    used = np.zeros(len(graph.strings), dtype=bool)
    used[graph.node_names[hidden]] = True
    names = np.flatnonzero(used)
    texts = graph.strings.decode_many(names)
    rows = []
    for prefix, label in _LABELS.items():
        # V8 15 appends the address of the page.
        wanted = [
            i for i, text in zip(names.tolist(), texts, strict=True) if _is_called(text, prefix + _NAME)
        ]
        nodes = hidden[np.isin(graph.node_names[hidden], np.array(wanted, dtype=np.uint32))]
        if not prefix and len(nodes):
            # The main context is made first.
            nodes = np.delete(nodes, int(graph.node_ids[nodes].argmin()))
        if len(nodes):
            rows.append(CensusRow("contexts", label, len(nodes), view.retained(nodes), None))
    return rows


def _is_called(text: str, name: str) -> bool:
    return text == name or text.startswith(f"{name} / ")
