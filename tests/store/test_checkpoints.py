"""Checkpoints beside the writer."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from heapsleuth.store import checkpoints
from heapsleuth.store.checkpoints import Checkpoints

if TYPE_CHECKING:
    from pathlib import Path

LONG_S = 30.0
ROW = b"x" * 4_000


def written(path: Path, rows: int) -> sqlite3.Connection:
    """Return a connection that leaves checkpoints to others, after so many rows of a page each."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA wal_autocheckpoint=0")
    connection.execute("CREATE TABLE IF NOT EXISTS rows (body BLOB)")
    connection.executemany("INSERT INTO rows VALUES (?)", [(ROW,)] * rows)
    return connection


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoints, "_EVERY_S", 0.02)
    monkeypatch.setattr(checkpoints, "_LEAST_BYTES", 100_000)


def test_the_log_is_written_over_again_and_again(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(written(path, 100)) as writer:
        kept = Checkpoints(str(path))
        deadline = time.monotonic() + LONG_S
        # The log is begun anew by the first commit after a checkpoint; it never becomes shorter.
        while time.monotonic() < deadline:
            before = (tmp_path / "a.db-wal").stat().st_size
            for _ in range(20):
                writer.execute("INSERT INTO rows VALUES (?)", (ROW,))
            if (tmp_path / "a.db-wal").stat().st_size == before:
                break
        else:
            pytest.fail("the log only ever became longer")
        kept.close()
        assert writer.execute("SELECT count(*) FROM rows").fetchone()[0] >= 100
        assert writer.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_database_that_went_away_ends_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    kept = Checkpoints(str(path))
    time.sleep(0.1)
    path.write_bytes(b"no database" * 100)
    (tmp_path / "a.db-wal").write_bytes(b"\0" * 200_000)
    time.sleep(0.1)

    assert kept._thread.is_alive()
    kept.close()
    assert not kept._thread.is_alive()
