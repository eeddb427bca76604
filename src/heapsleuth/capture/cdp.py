"""Talks to the inspector of a Node.js process: the Chrome DevTools Protocol over a websocket."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any, Self

from heapsleuth.errors import CaptureFailed

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from websockets.sync.client import ClientConnection

__all__ = ["Inspector", "InspectorGone", "inspector_address"]

_HOST = "127.0.0.1"
_HTTP_TIMEOUT_S = 3.0
_OPEN_TIMEOUT_S = 10.0


class InspectorGone(Exception):
    """The connection ended: the process died, or somebody closed its inspector."""


def inspector_address(port: int, *, timeout_s: float = _HTTP_TIMEOUT_S) -> str | None:
    """
    Return the websocket address of the Node.js inspector on a local port, None if none answers there.

    Args:
        port: TCP port on 127.0.0.1.
        timeout_s: How long to wait for its answer, seconds.
    """
    # Past any proxy of the environment: it is this machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{_HOST}:{port}/json/list", timeout=timeout_s) as reply:
            targets = json.loads(reply.read(1 << 20))
        return str(targets[0]["webSocketDebuggerUrl"])
    except (OSError, ValueError, LookupError, TypeError, urllib.error.URLError):
        return None


class Inspector:
    """
    One session with an inspector; a context manager, for one thread.

    Args:
        address: As returned by `inspector_address`.

    Raises:
        CaptureFailed: On entering, when the inspector refuses the connection.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._socket: ClientConnection | None = None
        self._sent = 0

    def __enter__(self) -> Self:
        from websockets.exceptions import WebSocketException  # noqa: PLC0415 - only this command needs it
        from websockets.sync.client import connect  # noqa: PLC0415

        try:
            # No bound on messages: a chunk is 1 MB of heap text, escaped. No pings: the process stands still.
            self._socket = connect(
                self._address,
                max_size=None,
                compression=None,
                proxy=None,
                ping_interval=None,
                open_timeout=_OPEN_TIMEOUT_S,
                close_timeout=1,
            ).__enter__()
        except (OSError, WebSocketException) as error:
            raise CaptureFailed(
                f"the inspector at {self._address} refused the connection: {error}"
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._socket is not None:
            self._socket.__exit__(kind, error, trace)

    def call(
        self,
        method: str,
        parameters: dict[str, Any] | None = None,
        *,
        timeout_s: float | None,
        on_event: Callable[[str, dict[str, Any]], None] | None = None,
    ) -> dict[str, Any]:
        """
        Call a method and return its result; events that arrive meanwhile go to `on_event`.

        Args:
            method: For instance `Runtime.evaluate`.
            parameters: Its parameters.
            timeout_s: Longest wait for the result, seconds; None waits for ever.
            on_event: Called with the name and parameters of each event.

        Raises:
            InspectorGone: The connection ended before the result.
            TimeoutError: No result in time.
            CaptureFailed: The inspector answered with an error.
        """
        from websockets.exceptions import ConnectionClosed  # noqa: PLC0415

        assert self._socket is not None, "use it as a context manager"  # noqa: S101 - a mistake of ours
        self._sent += 1
        request = {"id": self._sent, "method": method, "params": parameters or {}}
        end = None if timeout_s is None else time.monotonic() + timeout_s
        try:
            self._socket.send(json.dumps(request))
            while True:
                left = None if end is None else max(0.0, end - time.monotonic())
                message = json.loads(self._socket.recv(left))
                if message.get("id") == self._sent:
                    break
                if on_event is not None and "method" in message:
                    on_event(message["method"], message.get("params", {}))
        except (ConnectionClosed, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise InspectorGone(str(error)) from error
        if "error" in message:
            raise CaptureFailed(f"{method}: the inspector answered {message['error'].get('message')}")
        result: dict[str, Any] = message.get("result", {})
        return result

    def evaluate(self, expression: str, *, timeout_s: float) -> Any:
        """
        Evaluate JavaScript in the process and return its value (JSON types).

        Args:
            expression: May use `require`, also in programs made of ES modules.
            timeout_s: Longest wait, seconds; the process answers only between two turns of its work.

        Raises:
            InspectorGone: The connection ended before the result.
            TimeoutError: No result in time.
            CaptureFailed: The expression threw.
        """
        result = self.call(
            "Runtime.evaluate",
            {
                "expression": expression,
                "includeCommandLineAPI": True,
                "returnByValue": True,
                "awaitPromise": True,
                "silent": True,
            },
            timeout_s=timeout_s,
        )
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            text = details.get("exception", {}).get("description") or details.get("text")
            raise CaptureFailed(f"the process could not evaluate what heapsleuth asked: {text}")
        return result.get("result", {}).get("value")
