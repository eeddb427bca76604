"""The HTTP side of the collector: authentication, sizes, status codes; the standard library's server."""

from __future__ import annotations

import contextlib
import hmac
import select
import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

import orjson

from heapsleuth.capture.reports import INSTANCE_NAME, MAX_BODY_BYTES, MalformedReport, parse_report

if TYPE_CHECKING:
    from heapsleuth.capture.collector import Collector

__all__ = ["CollectorServer"]

_MAX_CONNECTIONS = 512
_MAX_WAIT_S = 30.0
_SOCKET_TIMEOUT_S = 60.0
"""Of a connection that says nothing."""
_PATH_PARTS = 5


class CollectorServer:
    """Listens for one `Collector` in threads of its own, from `start` to `stop`."""

    def __init__(self, collector: Collector) -> None:
        self._server = _Server(collector)
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port on 127.0.0.1, chosen by the system."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Begin to accept."""
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="heapsleuth-collector", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop accepting; connections that are open end by themselves or with the process."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._thread = None
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, collector: Collector) -> None:
        self.collector = collector
        self.slots = threading.BoundedSemaphore(_MAX_CONNECTIONS)
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self.slots.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that goes away is its own affair, and stderr is the program's."""


class _Refusal(Exception):
    """An answer other than 200."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "heapsleuth"
    sys_version = ""
    timeout = _SOCKET_TIMEOUT_S

    def do_POST(self) -> None:
        self._answer(self._samples)

    def do_GET(self) -> None:
        self._answer(self._commands)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Say nothing: standard error belongs to the user's program."""

    @property
    def _collector(self) -> Collector:
        return cast("_Server", self.server).collector

    def _answer(self, handle: Any) -> None:
        try:
            self._check_token()
            handle()
        except _Refusal as refusal:
            # What is left of the body would be read as the next request.
            self.close_connection = True
            self._send(refusal.status, {"error": str(refusal)})

    def _check_token(self) -> None:
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        expected = self._collector.token.encode()
        given = token.strip().encode("utf-8", "replace")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given, expected):
            raise _Refusal(HTTPStatus.UNAUTHORIZED, "expected the run's token as Authorization: Bearer TOKEN")

    def _instance(self, resource: str) -> str:
        parts = urlsplit(self.path).path.split("/")
        if len(parts) != _PATH_PARTS or parts[:3] != ["", "v1", "agents"] or parts[4] != resource:
            raise _Refusal(HTTPStatus.NOT_FOUND, f"expected /v1/agents/INSTANCE/{resource}")
        name = unquote(parts[3])
        if not INSTANCE_NAME.fullmatch(name):
            raise _Refusal(HTTPStatus.BAD_REQUEST, "expected an instance name of letters, digits and ._:@-")
        return name

    def _body(self) -> bytes:
        text = self.headers.get("Content-Length", "")
        if not (text.isascii() and text.isdigit()):
            raise _Refusal(HTTPStatus.LENGTH_REQUIRED, "expected a Content-Length")
        if len(text) > 12 or int(text) > MAX_BODY_BYTES:  # noqa: PLR2004 - digits of a number worth parsing
            raise _Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"expected at most {MAX_BODY_BYTES} bytes")
        body = self.rfile.read(int(text))
        if len(body) != int(text):
            raise _Refusal(HTTPStatus.BAD_REQUEST, "the body is shorter than its Content-Length")
        return body

    def _samples(self) -> None:
        name = self._instance("samples")
        try:
            report = parse_report(self._body())
        except MalformedReport as error:
            raise _Refusal(HTTPStatus.BAD_REQUEST, str(error)) from error
        if not self._collector.receive(name, report):
            raise _Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "too many instances")
        self._send_commands(name, 0.0)

    def _commands(self) -> None:
        name = self._instance("commands")
        waits = parse_qs(urlsplit(self.path).query).get("wait", ["0"])
        try:
            wait_s = float(waits[0])
        except ValueError:
            raise _Refusal(HTTPStatus.BAD_REQUEST, "wait: expected seconds") from None
        # Also what NaN ends in.
        self._send_commands(name, wait_s if 0 <= wait_s <= _MAX_WAIT_S else _MAX_WAIT_S)

    def _send_commands(self, name: str, wait_s: float) -> None:
        commands = self._collector.take_commands(name, wait_s, self._still_there)
        answer: dict[str, Any] = {"commands": commands}
        if self._collector.interval_ms is not None:
            answer["interval_ms"] = self._collector.interval_ms
        try:
            self._send(HTTPStatus.OK, answer)
        except OSError:
            self._collector.put_back(name, commands)
            raise

    def _still_there(self) -> bool:
        with contextlib.suppress(OSError, ValueError):
            # Not `select`: it knows no file descriptors above 1,023.
            poll = select.poll()
            poll.register(self.connection, select.POLLIN)
            return not poll.poll(0) or self.connection.recv(1, socket.MSG_PEEK) != b""
        return False

    def _send(self, status: HTTPStatus, answer: dict[str, Any]) -> None:
        body = orjson.dumps(answer)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
