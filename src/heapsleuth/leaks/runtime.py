"""Which program made a snapshot, from what only it has in its heap."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heapsleuth.heap.graph import HeapGraph

__all__ = ["runtime_of"]

# Names of nodes near the root, first match wins.
_MARKS = (
    ("Node / Environment", "node"),
    ("Deno", "deno"),
    ("GlobalObject", "bun"),
    ("Window", "chrome"),
)


def runtime_of(graph: HeapGraph) -> str:
    """Return `node`, `deno`, `bun`, `chrome`, or `v8` when nothing tells."""
    for mark, runtime in _MARKS:
        if graph.strings.find(mark) is not None:
            return runtime
    return "v8"
