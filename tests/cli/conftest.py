"""Snapshots of a service made by hand, in three rounds of work, and the command line run on them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from snapshot_builder import SnapshotBuilder

if TYPE_CHECKING:
    from collections.abc import Callable

SRC = Path(__file__).parents[2] / "src"
ROUNDS = (200, 400, 600)
_FIRST_ENTRY_ID = 100_001


def service(entries: int, *, done: int) -> SnapshotBuilder:
    """A heap whose `orders` Map has so many entries, after `done` requests of which each made one object."""
    heap = SnapshotBuilder()
    window = heap.global_object(size=16)
    cache = heap.add(window, "property", "orders", "object", "Map", size=32)
    table = heap.add(cache, "internal", "table", "array", "", size=64 + 16 * entries)
    for number in range(300):
        heap.add(window, "property", f"setting{number}", "object", "Setting", size=24)
    for number in range(done - entries, done):
        entry = heap.add(
            table, "internal", "value", "object", "Order", id=_FIRST_ENTRY_ID + 4 * number, size=480
        )
        heap.locate(entry, script=7, line=22, column=13)
    return heap


@pytest.fixture
def leaking(tmp_path: Path) -> list[str]:
    """Three snapshots in which `orders` gains one Order per request."""
    return [str(service(n, done=n).write(tmp_path / f"leak{n}.heapsnapshot")) for n in ROUNDS]


@pytest.fixture
def steady(tmp_path: Path) -> list[str]:
    """Three snapshots in which `orders` keeps its size and changes its contents."""
    return [str(service(200, done=n).write(tmp_path / f"steady{n}.heapsnapshot")) for n in ROUNDS]


@pytest.fixture
def heapsleuth(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Run the command as a user would, in a process of its own; returns output as bytes."""

    def run(*arguments: str, **options: object) -> subprocess.CompletedProcess[bytes]:
        environment = {**os.environ, "PYTHONPATH": str(SRC), "HEAPSLEUTH_CACHE": str(tmp_path / "cache")}
        return subprocess.run(  # type: ignore[call-overload, no-any-return]  # noqa: PLW1510 - in the options
            [sys.executable, "-m", "heapsleuth", *arguments],
            env={**environment, **options.pop("variables", {})},  # type: ignore[dict-item]
            **{"capture_output": True, "timeout": 120, "check": False, **options},
        )

    return run
