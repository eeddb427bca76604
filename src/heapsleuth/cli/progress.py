"""A progress line on standard error, for work that takes over a second and somebody who watches."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

    from rich.progress import Progress, TaskID

__all__ = ["ProgressLine"]

_PATIENCE_SECONDS = 1.0
_STALE_SECONDS = 0.7
"""A phase that says nothing for so long is over; what follows does not count its steps."""
_UNCOUNTED = "analysing"
_REFRESHES_PER_SECOND = 8


class ProgressLine:
    """
    Shows phases of work as they are reported; shows nothing when standard error is no terminal.

    A context manager; `report` may be called from any thread.
    """

    def __init__(self, *, quiet: bool = False, patience_seconds: float = _PATIENCE_SECONDS) -> None:
        self._wanted = not quiet and sys.stderr.isatty() and os.environ.get("TERM", "") != "dumb"
        self._patience_seconds = patience_seconds
        self._begun = self._reported = time.monotonic()
        self._phase: tuple[str, int, int | None] = ("reading", 0, None)
        self._lock = threading.Lock()
        self._ended = threading.Event()
        # A line that nobody waits for must not keep the process alive.
        self._painter = threading.Thread(target=self._paint, name="progress", daemon=True)

    def __enter__(self) -> Self:
        if self._wanted:
            self._painter.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._wanted:
            self._painter.join()

    def report(self, phase: str, done: int, total: int | None) -> None:
        """Say how far the work is: `done` of `total` units of a phase, None when nobody knows the total."""
        with self._lock:
            self._phase = (phase, done, total)
            self._reported = time.monotonic()

    def _paint(self) -> None:
        if self._ended.wait(self._patience_seconds):
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn

        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[seconds]:.0f} s", markup=False),
        )
        # Refreshed here, not by a second thread of the library.
        with Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False) as line:
            task: TaskID | None = None
            while not self._ended.wait(1 / _REFRESHES_PER_SECOND):
                task = self._show(line, task)

    def _show(self, line: Progress, task: TaskID | None) -> TaskID:
        with self._lock:
            phase, done, total = self._phase
            now = time.monotonic()
            if now - self._reported > _STALE_SECONDS:
                phase, done, total = _UNCOUNTED, 0, None
        seconds = now - self._begun
        if task is None or line.tasks[0].description != phase:
            # A new task, because a total once known cannot be made unknown again.
            if task is not None:
                line.remove_task(task)
            task = line.add_task(phase, total=total, completed=done, seconds=seconds)
        line.update(task, completed=done, total=total, seconds=seconds)
        line.refresh()
        return task
