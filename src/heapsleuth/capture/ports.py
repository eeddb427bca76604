"""Where a program listens: the TCP ports of its process tree, without the debugger's."""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Listener", "answers", "base_url", "listeners"]

_PROBE_S = 3.0
_DEBUGGER = b"Protocol-Version"
"""In what Node's inspector answers to `/json/version`."""


@dataclass(frozen=True, order=True)
class Listener:
    """A listening TCP socket."""

    port: int
    address: str
    pid: int

    @property
    def host(self) -> str:
        """The address to connect to, as a URL has it: a wildcard is this machine."""
        address = ipaddress.ip_address(self.address.split("%")[0])
        if address.is_unspecified:
            # Node's default is `::`, which takes IPv4 as well.
            return "127.0.0.1"
        return f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004 - IPv6


def listeners(processes: Iterable[psutil.Process]) -> list[Listener]:
    """Return the listening TCP sockets of these processes by port; one of several on a port."""
    by_port: dict[int, Listener] = {}
    for process in processes:
        with contextlib.suppress(psutil.Error):
            connections = getattr(process, "net_connections", process.connections)(kind="tcp")
            for one in connections:
                if one.status == psutil.CONN_LISTEN:
                    by_port.setdefault(one.laddr.port, Listener(one.laddr.port, one.laddr.ip, process.pid))
    return sorted(by_port.values())


def base_url(listener: Listener) -> str | None:
    """Return `http://HOST:PORT`, or with https, by what answers there; None for neither or a debugger."""
    for scheme in ("http", "https"):
        body = _get(f"{scheme}://{listener.host}:{listener.port}", "/json/version")
        if body is not None:
            return None if _DEBUGGER in body else f"{scheme}://{listener.host}:{listener.port}"
    return None


def answers(origin: str, path: str = "/", timeout_s: float = _PROBE_S) -> bool:
    """Return whether a server at `scheme://host:port` answers a GET, with whatever status."""
    return _get(origin, path, timeout_s) is not None


def _get(origin: str, path: str, timeout_s: float = _PROBE_S) -> bytes | None:
    scheme, _, authority = origin.partition("://")
    connection: http.client.HTTPConnection
    if scheme == "https":
        # A service under test has a certificate of its own making.
        context = ssl._create_unverified_context()  # noqa: S323, SLF001 - asks whether it answers, sends nothing
        connection = http.client.HTTPSConnection(authority, timeout=timeout_s, context=context)
    else:
        connection = http.client.HTTPConnection(authority, timeout=timeout_s)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        response = connection.getresponse()
        body = response.read(4096)
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
    # What a TLS server says to plain HTTP.
    return None if b"plain HTTP request was sent to HTTPS" in body else body
