"""What must be done to a database now and then: latencies folded, samples rolled up, old rows dropped."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from heapsleuth.store.latencies import Latencies
from heapsleuth.store.layouts import Layouts
from heapsleuth.store.pacing import Stopped
from heapsleuth.store.retention import Retention
from heapsleuth.store.rolling import Rolling

if TYPE_CHECKING:
    from heapsleuth.store.database import Database
    from heapsleuth.store.retention import Keep

__all__ = ["Upkeep"]


class Upkeep:
    """
    The upkeep of a database; one round at a time.

    Args:
        database: Closed with this.
        keep: How long things are kept.
        layouts: Those of the same process.
    """

    def __init__(self, database: Database, keep: Keep, layouts: Layouts | None = None) -> None:
        self._database = database
        self._latencies = Latencies(database)
        self._rolling = Rolling(database, layouts or Layouts(database))
        self._retention = Retention(database, keep)
        self._running = threading.Lock()

    def run(self, now_ms: float) -> set[int]:
        """
        Roll up what is complete, and drop what is older than it is kept.

        Does nothing while another collector is at it, and ends early once `stop` is called.

        Returns:
            Numbers of the instances that were dropped.

        Raises:
            StoreError: The database failed.
        """
        try:
            with self._running, self._database.alone() as alone:
                if not alone:
                    return set()
                self._latencies.fold()
                self._rolling.roll_up(now_ms)
                return self._retention.drop_old(now_ms)
        except Stopped:
            return set()

    def stop(self) -> None:
        """Let a round end after its present step, and no other begin."""
        self._database.pace.stop()

    def close(self) -> None:
        """End, and let go of the database."""
        self.stop()
        with self._running:
            self._database.close()
