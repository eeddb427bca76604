"""The database's upkeep in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import orjson
import psutil
import pytest
from store_messages import HOUR, MINUTE, T, batch, every

from heapsleuth.errors import StoreError
from heapsleuth.server.config import ServerConfig
from heapsleuth.server.upkeep import keep_up
from heapsleuth.store.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from heapsleuth.store.sql_store import SqlStore

LONG_S = 60.0


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    opened = open_store(tmp_path / "collector.db")
    yield opened
    opened.close()


def workers() -> list[psutil.Process]:
    found = []
    for one in psutil.Process().children():
        # Of what other tests started, some may just be ending.
        with contextlib.suppress(psutil.Error):
            if any("upkeep_worker" in part for part in one.cmdline()):
                found.append(one)
    return found


def keep(tmp_path: Path, store: SqlStore, until: Callable[[], bool]) -> None:
    """Have upkeep done until something is true."""
    context: Any = SimpleNamespace(config=ServerConfig(data=tmp_path), store=store, clock=lambda: T + HOUR)

    async def work() -> None:
        task = asyncio.create_task(keep_up(context, every_s=0.1))
        async with asyncio.timeout(LONG_S):
            while not until() and not task.done():  # noqa: ASYNC110 - what it waits for is no event
                await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.gather(task, return_exceptions=not task.done())

    try:
        asyncio.run(work())
    finally:
        assert workers() == []


def test_what_is_complete_is_rolled_up_in_another_process(tmp_path: Path, store: SqlStore) -> None:
    store.append([batch(every(MINUTE, HOUR))])

    keep(tmp_path, store, lambda: bool(store.rollups("web-1", T, T + HOUR)))

    assert store.rollups("web-1", T, T + HOUR)


def test_the_end_of_the_process_is_told(tmp_path: Path, store: SqlStore) -> None:
    def killed() -> bool:
        for one in workers():
            one.send_signal(signal.SIGKILL)
        return False

    with pytest.raises(StoreError, match="its process ended"):
        keep(tmp_path, store, killed)


def test_a_failure_of_the_database_is_told(tmp_path: Path, store: SqlStore) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "collector.db").write_bytes(b"no database" * 1000)

    with pytest.raises(StoreError, match="it is no SQLite database"):
        keep(tmp_path / "other", store, lambda: False)


def test_it_ends_with_the_collector_whichever_way_that_ended(tmp_path: Path) -> None:
    open_store(tmp_path / "collector.db").close()
    command = [sys.executable, "-m", "heapsleuth.server.upkeep_worker"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdin.write(orjson.dumps({"where": str(tmp_path / "collector.db")}) + b"\n")
        worker.stdin.write(b"%.0f\n" % (T + HOUR))
        worker.stdin.flush()
        assert orjson.loads(worker.stdout.readline()) == {"gone": []}
        os.kill(worker.pid, signal.SIGINT)
        worker.stdin.close()
        assert worker.wait(LONG_S) == 0
