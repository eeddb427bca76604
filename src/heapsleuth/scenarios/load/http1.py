"""
One HTTP/1.1 connection: sends a request, has its response parsed by llhttp, discards the body.

Nothing is allocated per request beyond what asyncio and the parser do: that is what makes 100,000 requests
per CPU second possible.  What happens next is the engine's business, which the connection tells of each
response and each failure.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Protocol, cast

from heapsleuth.errors import UsageError

if TYPE_CHECKING:
    from heapsleuth.scenarios.load.plan import LoadPlan, Origin, Target

__all__ = ["Connection", "Listener", "WireRequest", "is_this_machine", "tls_context"]

# Decided by the connection, not by whoever recorded the request.
_OWN_HEADERS = {"connection", "content-length", "expect", "keep-alive", "proxy-connection", "te", "trailer"}
_OWN_HEADERS |= {"transfer-encoding", "upgrade", "http2-settings"}
_FIRST_FINAL_STATUS = 200
# Of a response that comes in pieces, this much is kept to tell how its end is marked.
_HEAD_BYTES = 64 * 1024
_MARKS_ITS_END = re.compile(rb"^(?:content-length|transfer-encoding)[ \t]*:", re.IGNORECASE | re.MULTILINE)


class WireRequest:
    """A target as the bytes that are sent."""

    __slots__ = ("is_head", "label", "payload")

    def __init__(self, target: Target) -> None:
        own = [(name, value) for name, value in target.headers if name.lower() not in _OWN_HEADERS]
        given = {name.lower() for name, _ in own}
        if "host" not in given:
            own.insert(0, ("Host", target.origin.authority))
        if "accept" not in given:
            own.append(("Accept", "*/*"))
        if target.body or target.method in {"POST", "PUT", "PATCH"}:
            own.append(("Content-Length", str(len(target.body))))
        lines = [f"{target.method} {target.path} HTTP/1.1", *(f"{name}: {value}" for name, value in own)]
        self.payload = "\r\n".join([*lines, "", ""]).encode("latin-1") + target.body
        self.is_head = target.method == "HEAD"
        self.label = f"{target.method} {target.path}"


class Listener(Protocol):
    """Whom a connection tells how requests ended; each request ends in exactly one of these calls."""

    bytes_read: int

    def responded(self, connection: Connection, request: WireRequest, status: int, reusable: bool) -> None:
        """Hear of a complete response; `connection.started` is when its request was meant to start."""

    def failed(self, request: WireRequest, problem: str, *, timed_out: bool = False) -> None:
        """Hear that there will be no response."""

    def closed(self, connection: Connection) -> None:
        """Hear that the connection is gone; comes after the others, also for an idle connection."""


class _HeadHandler:
    """Ends a response to HEAD at its headers, which announce a body that never comes."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def on_headers_complete(self) -> None:
        self._connection.on_message_complete()


class Connection(asyncio.Protocol):
    """
    A keep-alive connection with at most one request under way.

    Args:
        listener: The engine.
        parser_type: `httptools.HttpResponseParser`; handed in, because httptools is an extra.
        errors: What the parser raises.
    """

    __slots__ = (
        "_errors", "_keep_alive", "_listener", "_parser", "_parser_type", "_partial", "_status", "_transport",
        "idle_since", "request", "sent_at", "started",
    )  # fmt: skip

    def __init__(self, listener: Listener, parser_type: Any, errors: tuple[type[Exception], ...]) -> None:
        self._listener = listener
        self._parser_type = parser_type
        self._parser = parser_type(self)
        self._errors = errors
        self._transport: asyncio.Transport | None = None
        self._partial = bytearray()
        self._status = 0
        self._keep_alive = True
        self.request: WireRequest | None = None
        self.started = 0.0
        self.sent_at = 0.0
        self.idle_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        # uvloop's transports are none of asyncio's classes.
        self._transport = cast("asyncio.Transport", transport)

    @property
    def is_open(self) -> bool:
        """Whether a request can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def send(self, request: WireRequest, started: float, now: float) -> None:
        """Send a request that was meant to start at *started*."""
        self.request = request
        self.started = started
        self.sent_at = now
        if request.is_head:
            self._parser = self._parser_type(_HeadHandler(self))
        if self._transport is not None:
            self._transport.write(request.payload)

    def on_message_complete(self) -> None:
        """Hear from the parser that a response is complete; 100 Continue and 103 Early Hints do not count."""
        status = self._parser.get_status_code()
        if status >= _FIRST_FINAL_STATUS:
            self._status = status
            self._keep_alive = self._parser.should_keep_alive()

    def data_received(self, data: bytes) -> None:
        """Parse; end the request when its response is complete."""
        self._listener.bytes_read += len(data)
        request = self.request
        if request is None:
            # An idle server has nothing to say, except what exceeds its Content-Length.
            self.abort()
            return
        try:
            self._parser.feed_data(data)
        except self._errors as error:
            if not (request.is_head and self._status):
                self._fail(f"malformed response: {error}")
                return
        status = self._status
        if not status:
            if len(self._partial) < _HEAD_BYTES:
                self._partial += data
            return
        self._status = 0
        if self._partial:
            self._partial = bytearray()
        if request.is_head:
            self._parser = self._parser_type(self)
        self._finish(status, reusable=self._keep_alive)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the request under way: the end of the connection may be the end of its response."""
        if self.request is not None:
            if exc is None and self._ends_with_connection():
                self._finish(int(self._parser.get_status_code()), reusable=False)
            elif exc is not None:
                self._fail(f"connection lost: {exc.strerror if isinstance(exc, OSError) else exc}")
            else:
                where = "in the middle of the response" if self._partial else "before a response"
                self._fail(f"connection closed {where}")
        self._transport = None
        self._listener.closed(self)

    def _ends_with_connection(self) -> bool:
        head, end, _ = bytes(self._partial).partition(b"\r\n\r\n")
        return bool(end) and not _MARKS_ITS_END.search(head)

    def _finish(self, status: int, *, reusable: bool) -> None:
        request, self.request = self.request, None
        if not reusable:
            self.abort()
        if request is not None:
            self._listener.responded(self, request, status, reusable)

    def _fail(self, problem: str, *, timed_out: bool = False) -> None:
        request, self.request = self.request, None
        self.abort()
        if request is not None:
            self._listener.failed(request, problem, timed_out=timed_out)

    def time_out(self, after_s: float) -> None:
        """Give the request under way up, and the connection with it."""
        self._fail(f"no complete response within {after_s:g} s", timed_out=True)

    def abort(self) -> None:
        """Close without waiting; `closed` is told later."""
        if self._transport is not None:
            self._transport.abort()


def is_this_machine(host: str) -> bool:
    """Return whether a host name or address is the loopback interface."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def tls_context(plan: LoadPlan, origin: Origin) -> ssl.SSLContext | None:
    """Return how certificates are checked, or None for plain http.

    Raises:
        UsageError: `ca_file` cannot be read.
    """
    if origin.scheme != "https":
        return None
    try:
        context = ssl.create_default_context()
        if plan.ca_file is not None:
            context.load_verify_locations(plan.ca_file)
    except OSError as error:
        raise UsageError(f"{plan.ca_file}: expected certificates in PEM, got {error}") from error
    # Test servers sign for themselves; a CA file says that there is something to verify.
    verify = plan.verify_tls
    if verify is None:
        verify = plan.ca_file is not None or not is_this_machine(origin.host)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
