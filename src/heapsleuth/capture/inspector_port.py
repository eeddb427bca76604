"""Opens the inspector of a running Node.js process, and closes it again: SIGUSR1 and a local port."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil

from heapsleuth.capture.cdp import Inspector, InspectorGone, inspector_address
from heapsleuth.capture.targets import catches_sigusr1
from heapsleuth.errors import CaptureFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from heapsleuth.capture.targets import RunningNode

__all__ = ["DEFAULT_PORT", "attached"]

DEFAULT_PORT = 9229
"""Where Node.js opens its inspector unless told otherwise by `--inspect-port`."""

_OPENS_WITHIN_S = 10.0
_ANSWERS_WITHIN_S = 30.0
_CLOSES_WITHIN_S = 5.0
_POLL_S = 0.05


@contextmanager
def attached(target: RunningNode, *, port: int = DEFAULT_PORT) -> Iterator[Inspector]:
    """
    Give a session with the inspector of a process; leave the inspector as it was found, closed or open.

    Args:
        target: The process.
        port: Where its inspector is or will be.

    Raises:
        CaptureFailed: The port belongs to another process, or no inspector opened.
    """
    address = inspector_address(port)
    opened = address is None
    if address is None:
        address = _open(target, port)
    with Inspector(address) as inspector:
        _check_identity(inspector, target, port)
        try:
            yield inspector
        finally:
            if opened:
                # Its reply does not always come: the connection ends with the inspector.
                with contextlib.suppress(InspectorGone, TimeoutError, CaptureFailed):
                    inspector.evaluate("process._debugEnd()", timeout_s=_CLOSES_WITHIN_S)


def _open(target: RunningNode, port: int) -> str:
    """Ask for the inspector and return its address."""
    holder = _listener(port)
    if holder is not None:
        raise CaptureFailed(
            f"expected port {port} to be free for the inspector of process {target.pid}, "
            f"found {holder} on it; start the program with --inspect-port=N and name that port by --port"
        )
    if not hasattr(signal, "SIGUSR1"):
        raise CaptureFailed("this system has no SIGUSR1; start the program with --inspect instead")
    if catches_sigusr1(target.pid) is False:
        raise CaptureFailed(
            f"process {target.pid} does not handle SIGUSR1 (--disable-sigusr1?), so the signal "
            "that opens the inspector would kill it; start it with the heapsleuth agent or with --inspect"
        )
    try:
        os.kill(target.pid, signal.SIGUSR1)
    except ProcessLookupError as error:
        raise CaptureFailed(f"process {target.pid} has ended") from error
    except PermissionError as error:
        raise CaptureFailed(
            f"no permission to signal process {target.pid}; run heapsleuth as its user"
        ) from error
    end = time.monotonic() + _OPENS_WITHIN_S
    while time.monotonic() < end:
        address = inspector_address(port, timeout_s=1)
        if address is not None:
            return address
        if not psutil.pid_exists(target.pid):
            raise CaptureFailed(f"process {target.pid} ended when it was asked to open its inspector")
        time.sleep(_POLL_S)
    raise CaptureFailed(
        f"process {target.pid} opened no inspector on 127.0.0.1:{port} within {_OPENS_WITHIN_S:.0f} s: "
        "the program may have a SIGUSR1 listener of its own, another --inspect-port (then name it "
        "by --port), or run in another container"
    )


def _check_identity(inspector: Inspector, target: RunningNode, port: int) -> None:
    """Refuse an inspector that is some other process's."""
    try:
        pid = inspector.evaluate("process.pid", timeout_s=_ANSWERS_WITHIN_S)
    except InspectorGone as error:
        raise CaptureFailed(f"process {target.pid} closed its inspector or ended at once") from error
    except TimeoutError as error:
        raise CaptureFailed(
            f"process {target.pid} did not answer within {_ANSWERS_WITHIN_S:.0f} s: its event loop is blocked"
        ) from error
    if pid != _own_view(target.pid):
        raise CaptureFailed(
            f"expected the inspector of process {target.pid} on port {port}, found that of process {pid}; "
            "close it, or start the program with --inspect-port=N and name that port by --port"
        )


def _own_view(pid: int) -> int:
    """Return the id by which a process knows itself, which differs in a container."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as status:  # noqa: PTH123 - /proc
            numbers = next(line.split()[1:] for line in status if line.startswith("NSpid:"))
        return int(numbers[-1])
    except (OSError, StopIteration, ValueError, IndexError):
        return pid


def _listener(port: int) -> str | None:
    """Return who listens on a local port, in words; None if nobody does."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.Error:
        return None
    for one in connections:
        if one.status == psutil.CONN_LISTEN and one.laddr.port == port:
            return f"process {one.pid}" if one.pid else "another program"
    return None
