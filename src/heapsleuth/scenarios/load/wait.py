"""Waits until somebody listens on the port of a URL."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

from heapsleuth.scenarios.load.plan import Target

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["wait_until_listening"]

_POLL_S = 0.03
_CONNECT_S = 1.0


def wait_until_listening(url: str, timeout_s: float, *, alive: Callable[[], bool] | None = None) -> bool:
    """
    Wait until a connection to the URL's host and port is accepted; nothing is sent.

    Args:
        url: Any URL of the server.
        timeout_s: How long to wait, in seconds.
        alive: Asked between attempts; the wait ends when it says no, for instance because the server's
            process has ended.

    Returns:
        Whether somebody listens.

    Raises:
        UsageError: Not an http or https URL.
    """
    origin = Target(url).origin
    deadline = time.monotonic() + timeout_s
    while True:
        left = deadline - time.monotonic()
        try:
            socket.create_connection((origin.host, origin.port), max(0.01, min(_CONNECT_S, left))).close()
        except OSError:
            pass
        else:
            return True
        if left <= _POLL_S or (alive is not None and not alive()):
            return False
        time.sleep(_POLL_S)
