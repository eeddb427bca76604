"""Runs a command of the user: keeps the end of its output, says how it ended, leaves nothing running.

A command is more than one process: `npm start` is a shell, npm and the program; a program has workers.
The command gets a session of its own, so that Ctrl-C at the terminal reaches heapsleuth alone, which
then ends the whole tree in order: first asked (SIGTERM), then killed.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import subprocess
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Self

import psutil

from heapsleuth.errors import ProgramFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import FrameType, TracebackType

__all__ = ["Ending", "Interruption", "OutputTail", "Program", "ending_on_signals"]

_TAIL_BYTES = 64 * 1024
_LINE_BYTES = 8 * 1024
"""Longest part of a line that is kept whole while looking for a heap error."""
_CHUNK_BYTES = 64 * 1024
_READERS_JOIN_S = 0.5
_GRACE_S = 5.0
_HEAP_ERROR = re.compile(rb"FATAL ERROR: [^\r\n]*(?:heap|memory|mark-compacts)[^\r\n]*", re.IGNORECASE)


class OutputTail:
    """The last bytes of an output, and the heap error if V8 printed one; safe to use from several threads."""

    def __init__(self, limit_bytes: int = _TAIL_BYTES) -> None:
        self._limit = limit_bytes
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._lock = threading.Lock()
        self._line: dict[str, bytes] = {}
        self.heap_error: str | None = None

    def add(self, data: bytes, stream: str = "stdout") -> None:
        """Append *data*; *stream* keeps the unfinished lines of two outputs apart."""
        with self._lock:
            self._chunks.append(data)
            self._size += len(data)
            while self._chunks and self._size - len(self._chunks[0]) >= self._limit:
                self._size -= len(self._chunks.popleft())
            text = self._line.get(stream, b"") + data
            found = _HEAP_ERROR.search(text)
            if found:
                self.heap_error = found[0].decode("utf-8", "replace")[:300]
            self._line[stream] = text[text.rfind(b"\n") + 1 :][-_LINE_BYTES:]

    def text(self, lines: int | None = None) -> str:
        """Return what is kept, decoded; only the last *lines* lines if given."""
        with self._lock:
            data = b"".join(self._chunks)[-self._limit :]
        text = data.decode("utf-8", "replace")
        return text if lines is None else "\n".join(text.rstrip().splitlines()[-lines:])


@dataclass(frozen=True)
class Ending:
    """
    How a program ended.

    Attributes:
        code: Its exit code; minus the signal's number if a signal ended it, as in `subprocess`.
        heap_error: V8's last words if it ran out of heap, None if it printed none.
        stopped: Whether heapsleuth ended it.
    """

    code: int
    heap_error: str | None = None
    stopped: bool = False

    @property
    def signal_name(self) -> str | None:
        """Name of the signal that ended it, also if a shell in between reported it as 128 + n."""
        number = -self.code if self.code < 0 else self.code - 128
        with contextlib.suppress(ValueError):
            return signal.Signals(number).name
        return None

    @property
    def shell_code(self) -> int:
        """The exit code a shell would report: 128 + n for a signal."""
        return self.code if self.code >= 0 else 128 - self.code

    @property
    def out_of_heap(self) -> bool:
        """Whether V8 aborted for want of heap."""
        return self.heap_error is not None and self.code != 0

    def describe(self) -> str:
        """Return one clause: `ended with exit code 3`, `was ended by SIGKILL (…)`."""
        if self.out_of_heap:
            return f"ran out of heap ({self.heap_error})"
        if self.stopped:
            return "was stopped"
        if self.signal_name == "SIGKILL":
            return "was ended by SIGKILL (the kernel does that when memory runs out)"
        if self.signal_name is not None:
            return f"was ended by {self.signal_name}"
        return f"ended with exit code {self.code}"


class Program:
    """
    A running command.

    Args:
        command: The program and its arguments; no shell is in between.
        environment: Its whole environment.
        folder: Where it runs; None is here.
        echo: Is given every piece of output as it comes, with `stdout` or `stderr`; called from two
            threads.
        tail_bytes: How much of the output is kept.
        pass_fds: File descriptors that it inherits under the same numbers.

    Raises:
        ProgramFailed: It cannot be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        folder: Path | str | None = None,
        echo: Callable[[bytes, str], None] | None = None,
        tail_bytes: int = _TAIL_BYTES,
        pass_fds: Sequence[int] = (),
    ) -> None:
        self.command = tuple(command)
        self.tail = OutputTail(tail_bytes)
        self._echo = echo
        self._known: set[psutil.Process] = set()
        self._stopped = False
        if folder is not None and not os.path.isdir(folder):  # noqa: PTH112 - a string or a path
            raise ProgramFailed(f"expected a folder to run in, found none: {folder}")
        try:
            self._popen = subprocess.Popen(  # noqa: S603 - the command that the user gave
                self.command,
                env=None if environment is None else dict(environment),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                pass_fds=tuple(pass_fds),
            )
        except (OSError, ValueError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
            raise ProgramFailed(f"cannot start {shlex.join(self.command)}: {reason}") from error
        with contextlib.suppress(psutil.Error):
            self._known.add(psutil.Process(self._popen.pid))
        self._readers = [
            threading.Thread(target=self._read, args=(pipe, name), name=f"heapsleuth-{name}", daemon=True)
            for pipe, name in ((self._popen.stdout, "stdout"), (self._popen.stderr, "stderr"))
        ]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Process id of the command itself."""
        return self._popen.pid

    @property
    def running(self) -> bool:
        """Whether the command itself has not ended."""
        return self._popen.poll() is None

    def tree(self) -> list[psutil.Process]:
        """Return the processes of the command that are running, itself first; those seen are remembered."""
        now: list[psutil.Process] = []
        with contextlib.suppress(psutil.Error):
            root = psutil.Process(self._popen.pid)
            now = [root, *root.children(recursive=True)]
        self._known.update(now)
        # A worker whose parent has ended is nobody's child any more, but still ours.
        others = sorted(self._known - set(now), key=lambda one: one.pid)
        return [one for one in (*now, *others) if _alive(one)]

    def wait(self, timeout_s: float | None = None) -> Ending | None:
        """Return how the command ended; None if it still runs after *timeout_s* seconds."""
        try:
            self._popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None
        return self._ending()

    def stop(self, grace_s: float = _GRACE_S) -> Ending:
        """
        End the command and everything it started, and return how it ended; may be called again.

        Args:
            grace_s: How long after SIGTERM those that still run are killed.
        """
        try:
            self._end_tree(grace_s)
        except BaseException:
            # A second Ctrl-C: no more waiting, but nothing is left behind.
            self._kill(self.tree())
            self._popen.wait()
            raise
        return self._ending()

    def send_signal(self, number: int) -> None:
        """Send a signal to the command's process group; nothing if it has ended."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._popen.pid, number)

    def _end_tree(self, grace_s: float) -> None:
        members = self.tree()
        if self._popen.poll() is None:
            self._stopped = True
        if members:
            # The group first: it also reaches what was started since the tree was listed.
            self.send_signal(signal.SIGTERM)
            for member in members:
                with contextlib.suppress(psutil.Error):
                    # Twice would make programs that handle it quit in haste.
                    if _group(member) != self._popen.pid:
                        member.terminate()
            self._wait_for_end(grace_s)
        self._kill(self.tree())
        self._popen.wait()

    def _wait_for_end(self, grace_s: float) -> None:
        deadline = time.monotonic() + grace_s
        while time.monotonic() < deadline:
            # Reaps it: an unreaped process would count as running.
            self._popen.poll()
            if not self.tree():
                return
            time.sleep(0.05)  # listing the tree reads all of /proc

    def _kill(self, members: list[psutil.Process]) -> None:
        for member in members:
            with contextlib.suppress(psutil.Error):
                member.kill()
        if members:
            self.send_signal(signal.SIGKILL)

    def _ending(self) -> Ending:
        # What is still in the pipes belongs to the story; a grandchild may hold them open for ever.
        for reader in self._readers:
            reader.join(_READERS_JOIN_S)
        return Ending(self._popen.returncode, self.tail.heap_error, self._stopped)

    def _read(self, pipe: IO[bytes] | None, name: str) -> None:
        if pipe is None:
            return
        with pipe:
            while True:
                data = os.read(pipe.fileno(), _CHUNK_BYTES)
                if not data:
                    return
                self.tail.add(data, name)
                if self._echo is not None:
                    # A closed terminal must not block the program's pipe.
                    with contextlib.suppress(OSError, ValueError):
                        self._echo(data, name)


@dataclass
class Interruption:
    """Which signal ends this process."""

    signal_number: int = signal.SIGINT


@contextlib.contextmanager
def ending_on_signals() -> Iterator[Interruption]:
    """
    Make SIGTERM and SIGHUP end this process in order, as Ctrl-C does, so that programs are stopped.

    Without it they would end heapsleuth at once and leave the user's program running.  To be used in
    the main thread.  Gives what tells, after a KeyboardInterrupt, which signal it was.
    """
    interruption = Interruption()

    def interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signature of handlers
        interruption.signal_number = number
        raise KeyboardInterrupt

    numbers = [signal.SIGTERM, signal.SIGHUP]
    before = [signal.signal(number, interrupt) for number in numbers]
    try:
        yield interruption
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _group(process: psutil.Process) -> int | None:
    try:
        return os.getpgid(process.pid)
    except OSError:
        return None
