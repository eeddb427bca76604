"""Sockets, servers, streams and other objects behind which the operating system keeps something."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import EdgeType, NodeType
from heapsleuth.leaks.census.tally import MOST_ROWS, largest_groups
from heapsleuth.leaks.heap_view import cut, mixed
from heapsleuth.leaks.model import CensusRow

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heapsleuth.leaks.heap_view import HeapView

__all__ = ["count_handles"]

_SOCKETS = ("Socket", "TLSSocket")
_HANDLES = (
    "BroadcastChannel",
    "ChildProcess",
    "ClientHttp2Session",
    "ClientHttp2Stream",
    "ClientRequest",
    "FSWatcher",
    "FileHandle",
    "HTTPParser",
    "Http2Server",
    "IncomingMessage",
    "MessagePort",
    "ReadStream",
    "Server",
    "ServerHttp2Session",
    "ServerHttp2Stream",
    "ServerResponse",
    "StatWatcher",
    "TLSServer",
    "Worker",
    "WriteStream",
)
_HANDLE_FIELDS = ("<symbol kHandle>", "_handle")
_NATIVE = re.compile(r"(?:Detached )?Node / (\w*(?:Wrap|Callback|Port|Worker|Parser|Session|Handle))$")
_NOT_HANDLES = frozenset({"ModuleWrap"})
_STATES = ("", "open", "closed")


def count_handles(view: HeapView) -> list[CensusRow]:
    """Return rows per class and state as far as the heap shows it, and per native wrapper."""
    rows = [row for name in _SOCKETS for row in _by_state(view, "sockets", name)]
    rows += [row for name in _HANDLES for row in _by_state(view, "handles", name)]
    return [*rows, *_natives(view)]


def _by_state(view: HeapView, kind: str, class_name: str) -> list[CensusRow]:
    nodes = view.instances(class_name)
    states = _states(view, nodes)
    incoming = np.zeros(len(nodes), dtype=bool)
    if kind == "sockets":
        incoming = view.is_type(view.targets(nodes, EdgeType.PROPERTY, "server"), NodeType.OBJECT)
    rows = []
    for group in largest_groups(view, mixed(states, incoming), nodes):
        words = [class_name, _STATES[int(states[group.example])]]
        if kind == "sockets":
            words.append("incoming" if incoming[group.example] else "outgoing")
        name = ", ".join(word for word in words if word)
        rows.append(CensusRow(kind, name, group.count, group.retained_bytes, None))
    return rows


def _states(view: HeapView, nodes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (k,) index into `_STATES`: a closed socket's handle is null, which is a node as well."""
    handles = view.targets(nodes, EdgeType.PROPERTY, *_HANDLE_FIELDS)
    is_open = view.is_type(handles, NodeType.OBJECT) | view.is_type(handles, NodeType.NATIVE)
    return np.where(handles < 0, 0, np.where(is_open, 1, 2))


def _natives(view: HeapView) -> list[CensusRow]:
    graph = view.graph
    nodes = np.flatnonzero(graph.node_types == NodeType.NATIVE)
    names = np.unique(graph.node_names[nodes])
    wanted = []
    for index, text in zip(names.tolist(), graph.strings.decode_many(names), strict=True):
        match = _NATIVE.match(text)
        if match and match[1] not in _NOT_HANDLES:
            wanted.append(index)
    nodes = nodes[np.isin(graph.node_names[nodes], np.array(wanted, dtype=np.uint32))]
    groups = largest_groups(view, graph.node_names[nodes].astype(np.uint64), nodes, most=MOST_ROWS)
    return [
        CensusRow("handles", cut(graph.own_name(int(nodes[g.example]))), g.count, g.retained_bytes, None)
        for g in groups
    ]
