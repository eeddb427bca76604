"""From what agents send to what is committed, many messages at a time.

Messages wait a few milliseconds for company; one thread commits the whole group, and only then are they
acknowledged. So a message that was answered with 200 survives whatever happens to this process.
"""

from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from heapsleuth.store.model import Batch, Event, HttpBucket, Instance

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from heapsleuth.capture.reports import AgentReport
    from heapsleuth.server.counts import Counts
    from heapsleuth.store.base import Store

__all__ = ["Ingest", "Overloaded", "batch_of"]

_log = logging.getLogger("heapsleuth.ingest")

_GROUP_S = 0.01
"""How long the first message of a group waits for others: the price is latency, the gain a commit for all."""
_MAX_GROUP = 1000
_MAX_MESSAGES = 20_000
_MAX_BYTES = 128 * 1024 * 1024
"""Of what waits for the database."""
_MAX_AHEAD_MS = 60_000.0
_MAX_TYPE = 100


class Overloaded(Exception):
    """The database does not keep up; agents keep their samples and come again."""


def batch_of(name: str, report: AgentReport, received_ms: float) -> Batch:
    """
    Return a report as the store takes it.

    Times of an agent whose clock is more than a minute ahead are set back, so that the last is now: what lies
    in the future would hide everything that comes until then.
    """
    release = report.release
    rows = report.rows
    ahead_ms = rows[-1]["at_ms"] - received_ms if rows else 0.0
    if ahead_ms <= _MAX_AHEAD_MS:
        ahead_ms = 0.0
    else:
        rows = tuple({**row, "at_ms": row["at_ms"] - ahead_ms} for row in rows)
    return Batch(
        Instance(
            name=name,
            service=report.service or "unnamed",
            release=release,
            host=report.host,
            pid=report.pid,
            thread=report.thread,
            role=report.role,
            node=report.node,
            agent=report.agent,
            started_ms=report.started_ms,
            first_seen_ms=received_ms,
            last_seen_ms=received_ms,
        ),
        report.sequence,
        received_ms,
        rows,
        _events(name, report, received_ms),
        tuple(
            [
                HttpBucket(at_ms - ahead_ms, route, requests, statuses, buckets, release, name)
                for at_ms, route, requests, statuses, buckets in report.http
            ]
        ),
    )


def _events(name: str, report: AgentReport, received_ms: float) -> tuple[Event, ...]:
    """Return the events; one without a type is none, one without a time is of now."""
    events = []
    for body in report.events:
        kind = body.get("type")
        at_ms = body.get("at_ms")
        if not isinstance(kind, str) or not 0 < len(kind) <= _MAX_TYPE or not kind.isprintable():
            continue
        in_time = isinstance(at_ms, int | float) and 0 <= at_ms <= received_ms + _MAX_AHEAD_MS
        events.append(Event(name, float(at_ms) if in_time and at_ms else received_ms, kind, body))
    return tuple(events)


class Ingest:
    """
    Commits what it is given in groups.  Everything happens in one event loop but the commits themselves.

    Args:
        committed: Called in the event loop with what was taken, repeats left out.
    """

    def __init__(self, store: Store, counts: Counts, committed: Callable[[Sequence[Batch]], None]) -> None:
        self._store = store
        self._counts = counts
        self._committed = committed
        self._writer = ThreadPoolExecutor(1, "heapsleuth-ingest")
        self._waiting: list[tuple[Batch, asyncio.Future[bool], int]] = []
        self._waiting_bytes = 0
        self._committing: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.healthy = True
        """Whether the last commit worked."""

    @property
    def waiting(self) -> int:
        """How many messages wait."""
        return len(self._waiting)

    def submit(self, batch: Batch, size: int = 0) -> asyncio.Future[bool]:
        """
        Return a future: True once the batch is committed, False for a repeat.

        Args:
            batch: What to commit.
            size: Length of the message in bytes, for the bound on what waits.

        Raises:
            Overloaded: Too much waits already, now or as the future's exception if it cannot be committed.
        """
        if len(self._waiting) >= _MAX_MESSAGES or self._waiting_bytes + size > _MAX_BYTES:
            raise Overloaded("the database does not keep up")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bool] = loop.create_future()
        self._waiting.append((batch, future, size))
        self._waiting_bytes += size
        if self._timer is None and self._committing is None:
            self._timer = loop.call_later(_GROUP_S, self._begin)
        return future

    async def stop(self) -> None:
        """Commit what waits, and end."""
        while self._waiting or self._committing is not None:
            if self._committing is None:
                self._begin()
            if self._committing is not None:
                await asyncio.wait([self._committing])
                await asyncio.sleep(0)
        self._writer.shutdown()

    def _begin(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._committing is None and self._waiting:
            group, self._waiting = self._waiting[:_MAX_GROUP], self._waiting[_MAX_GROUP:]
            self._waiting_bytes -= sum(size for _, _, size in group)
            self._committing = asyncio.ensure_future(self._commit(group))

    async def _commit(self, group: list[tuple[Batch, asyncio.Future[bool], int]]) -> None:
        loop = asyncio.get_running_loop()
        batches = [batch for batch, _, _ in group]
        began_s = time.perf_counter()
        outcomes = await loop.run_in_executor(self._writer, self._write, batches)
        took_s = time.perf_counter() - began_s
        self._counts.commits.add(took_s)
        self.healthy = any(outcome is not None for outcome in outcomes)
        fresh = [batch for batch, outcome in zip(batches, outcomes, strict=True) if outcome]
        self._counts.repeats += sum(outcome is False for outcome in outcomes)
        for (_, future, _), outcome in zip(group, outcomes, strict=True):
            if future.done():  # its client has gone
                continue
            if outcome is None:
                future.set_exception(Overloaded("the database failed"))
            else:
                future.set_result(outcome)
        self._committing = None
        if self._waiting:
            # After a slow commit the next begins at once: a group is waiting.
            self._timer = loop.call_later(max(_GROUP_S - took_s, 0.0), self._begin)
        if fresh:
            try:
                self._committed(fresh)
            except Exception:  # noqa: BLE001 - what was committed stays so
                _log.exception("what watches failed to take %d messages", len(fresh))

    def _write(self, batches: list[Batch]) -> Sequence[bool | None]:
        """Commit in the writer's thread; None for each batch that failed."""
        try:
            return self._store.append(batches)
        except Exception:  # noqa: BLE001 - told in the log, and to whoever sent it
            self._counts.commit_failures += 1
            _log.exception("%d messages could not be committed", len(batches))
        if len(batches) == 1:
            return [None]
        # One that cannot be stored must not keep out the others; all fail fast when the database is away.
        half = len(batches) // 2
        first = self._write(batches[:half])
        if all(outcome is None for outcome in first) and not self._alive():
            return [*first, *([None] * (len(batches) - half))]
        return [*first, *self._write(batches[half:])]

    def _alive(self) -> bool:
        try:
            self._store.setting("ingest.alive")
        except Exception:  # noqa: BLE001 - whatever it is, the database is not there
            return False
        return True
