"""A progress line on standard error, for work that takes over a second and somebody who watches."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

    from rich.progress import Progress, TaskID

__all__ = ["ProgressLine"]

_PATIENCE_SECONDS = 1.0


class ProgressLine:
    """
    Shows phases of work as they are reported; shows nothing when standard error is no terminal.

    A context manager; `report` may be called from any thread.
    """

    def __init__(self, *, quiet: bool = False, patience_seconds: float = _PATIENCE_SECONDS) -> None:
        self._wanted = not quiet and sys.stderr.isatty() and os.environ.get("TERM", "") != "dumb"
        self._timer = threading.Timer(patience_seconds, self._start)
        # A timer that nobody waits for must not keep the process alive.
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._ended = False
        self._phase: tuple[str, int, int | None] = ("reading", 0, None)
        self._shown: tuple[Progress, TaskID] | None = None

    def __enter__(self) -> Self:
        if self._wanted:
            self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            self._ended = True
            if self._shown is not None:
                self._shown[0].stop()

    def report(self, phase: str, done: int, total: int | None) -> None:
        """Say how far the work is: `done` of `total` units of a phase, None when nobody knows the total."""
        with self._lock:
            fresh = phase != self._phase[0]
            self._phase = (phase, done, total)
            self._show(fresh=fresh)

    def _start(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
        )
        with self._lock:
            if self._ended:
                return
            progress = Progress(*columns, console=Console(stderr=True), transient=True)
            self._shown = (progress, progress.add_task("", total=None))
            self._show(fresh=True)
            progress.start()

    def _show(self, *, fresh: bool) -> None:
        if self._shown is None:
            return
        progress, task = self._shown
        phase, done, total = self._phase
        if fresh:
            # Without it a phase of unknown length would keep the total of the one before.
            progress.reset(task, total=total)
        progress.update(task, description=phase, completed=done, total=total)
