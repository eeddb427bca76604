"""Upkeep in small steps, between which ingest gets its turn at the interpreter and at the writer."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Pace", "Stopped"]

_REST = 3.0
_MOST_REST_S = 0.15


class Stopped(Exception):
    """The store is being closed; what is left will be done after the next start."""


class Pace:
    """The pace of upkeep."""

    def __init__(self) -> None:
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Let no further step begin."""
        self._stopping.set()

    @contextmanager
    def step(self) -> Iterator[None]:
        """
        Rest after a step three times as long as it took, at most 0.15 s.

        Raises:
            Stopped: Before the step.
        """
        if self._stopping.is_set():
            raise Stopped
        began_s = time.perf_counter()
        yield
        self._stopping.wait(min(_REST * (time.perf_counter() - began_s), _MOST_REST_S))
