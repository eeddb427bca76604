"""
Checkpoints of SQLite's write-ahead log, beside the writer.

By itself SQLite copies the log into the database within the commit that made it too long: 0.1 s in which
nothing is acknowledged.  Here a thread copies most of it while commits go on (`PASSIVE`), and keeps them out
only for what came meanwhile (`RESTART`).  https://www.sqlite.org/pragma.html#pragma_wal_checkpoint
"""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path

__all__ = ["Checkpoints"]

_EVERY_S = 1.0
_LEAST_BYTES = 8 * 1024 * 1024
_TRIES, _AGAIN_S = 20, 0.02
"""A `RESTART` that waits for readers has commits wait with it: so it is tried until there are none."""


class Checkpoints:
    """
    Keeps the log of a database file short, until closed.

    Args:
        database: The file.
    """

    def __init__(self, database: str) -> None:
        self._database = database
        self._log = Path(f"{database}-wal")
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heapsleuth-checkpoints", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End; returns when nothing of it runs any more."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.wait(_EVERY_S):
            try:
                if self._log.stat().st_size >= _LEAST_BYTES:
                    self._checkpoint()
            except (OSError, sqlite3.Error):
                # SQLite does it itself when the log has become much longer, and says what is wrong.
                continue

    def _checkpoint(self) -> None:
        with closing(sqlite3.connect(self._database, timeout=0, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
            for _ in range(_TRIES):
                (is_busy, _, _) = connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
                if not is_busy or self._closing.wait(_AGAIN_S):
                    return
