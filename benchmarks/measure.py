"""Measures whole processes: wall and CPU time, peak resident memory of a process and its children."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Measurement", "Runs", "run_once"]


@dataclass(frozen=True)
class Measurement:
    """One run of one process; `peak_bytes` is the largest resident set of it or one of its children."""

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int
    exit_code: int


@dataclass
class Runs:
    """All runs of one program on one input."""

    program: str
    file: str
    measurements: list[Measurement] = field(default_factory=list)
    failure: str | None = None

    def median(self, name: str) -> float:
        """Return the median over the runs of one field of `Measurement`."""
        return float(statistics.median(getattr(run, name) for run in self.measurements))


def run_once(command: Sequence[str], log: Path, timeout_seconds: float = 1800) -> Measurement:
    """Run a command with its output in `log`; the kernel's own accounting (wait4) is what is reported."""
    with log.open("wb") as output:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        watchdog = threading.Timer(timeout_seconds, os.kill, (process.pid, signal.SIGKILL))
        watchdog.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        finally:
            watchdog.cancel()
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
    # ru_maxrss is in KiB on Linux.
    return Measurement(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, process.returncode)
