"""Sockets, streams and other handles that stay open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapsleuth.heap.kinds import NodeType
from heapsleuth.leaks.detectors.base import Detection

if TYPE_CHECKING:
    from heapsleuth.leaks.case import Case

__all__ = ["SocketDetector"]

# Constructors of Node's own handle-backed objects.
_HANDLES = frozenset(
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


class SocketDetector:
    """Members are backed by an operating-system handle."""

    category = "socket"

    def detect(self, case: Case) -> Detection | None:
        """Fire when the members are handles."""
        member = case.member
        if member is None or case.member_class not in _HANDLES:
            return None
        # The object a program works with: a `TCP` is what `Socket` and `Server` have inside.
        owner = case.child(member, "<symbol owner_symbol>")
        shown = member if owner is None else owner
        by_runtime = case.type(case.holder) in (NodeType.SYNTHETIC, NodeType.NATIVE)
        return Detection(
            category=self.category,
            holder_name="open handles" if by_runtime else case.name.text,
            holder_kind="process" if by_runtime else case.holder_class,
            holder_node=case.holder,
            members=case.class_name(shown),
            member_node=shown,
            title="{kind} {holder} keeps {rate} {members} open {per}",
        )
