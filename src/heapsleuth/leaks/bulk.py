"""What the bytes that one member retains are: functions with their scopes, native memory, live things."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from heapsleuth.heap.kinds import NodeType

if TYPE_CHECKING:
    from heapsleuth.heap.graph import HeapGraph

__all__ = ["HANDLES", "Bulk", "bulk_of"]

# More nodes than this are not needed to tell what something is made of.
_MOST_NODES = 20_000

HANDLES = frozenset(
    {
        "ChildProcess",
        "ClientHttp2Session",
        "ClientHttp2Stream",
        "ClientRequest",
        "FSWatcher",
        "FileHandle",
        "HTTPParser",
        "Http2Session",
        "MessagePort",
        "Pipe",
        "Process",
        "ReadStream",
        "ServerHttp2Session",
        "ServerHttp2Stream",
        "Socket",
        "TCP",
        "TLSSocket",
        "UDP",
        "Worker",
        "WriteStream",
    }
)
"""Constructors of Node's own objects that are backed by an operating-system handle."""

_LIVE = HANDLES | {"EventEmitter", "Timeout", "Immediate", "Promise", "AbortController"}


@dataclass(frozen=True, slots=True)
class Bulk:
    """Bytes of all that a member dominates, by what they are."""

    nodes: int
    total: int
    closures: int
    """Functions and all that hangs on them, the member itself left out if it is one."""
    scopes: int
    """Scopes of functions (`system / Context`) and all that hangs on them."""
    native: int
    """Outside the JavaScript heap: backing stores of buffers."""
    handles: int
    """Operating-system handles among the nodes."""
    is_live: bool
    """Whether it does something by itself: functions, timers, emitters, handles; no mere data."""

    def share(self, part: int) -> float:
        """Return *part* of the total, in [0, 1]."""
        return part / self.total if self.total else 0.0


def bulk_of(graph: HeapGraph, member: int) -> Bulk:
    """Return what the bytes retained by a node are."""
    nodes = graph.dominated(member)[:_MOST_NODES].tolist()
    dominators, types, sizes = graph.dominators, graph.node_types, graph.shallow_sizes
    behind_closure: set[int] = set()
    behind_scope: set[int] = set()
    total = closures = scopes = native = handles = 0
    is_live = False
    for node in nodes:
        kind, size, name = types[node], int(sizes[node]), graph.own_name(node)
        above = int(dominators[node])
        if node != member and (kind == NodeType.CLOSURE or above in behind_closure):
            behind_closure.add(node)
            closures += size
        if name == "system / Context" or above in behind_scope:
            behind_scope.add(node)
            scopes += size
        if kind == NodeType.NATIVE or name == "system / JSArrayBufferData":
            native += size
        if kind == NodeType.OBJECT and name in _LIVE:
            is_live = True
            handles += name in HANDLES
        is_live |= kind == NodeType.CLOSURE
        total += size
    return Bulk(len(nodes), total, closures, scopes, native, handles, is_live)
