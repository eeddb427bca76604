"""Judges what comes in: rows to trends, verdicts to incidents, in a thread of its own.

One thread is enough: a message costs some 100 µs and a look at an instance less than a millisecond each 10
minutes, so 10,000 instances take a tenth of a core; it pauses often, as ingest waits for the interpreter.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from heapsleuth.server.capturing import Capturing, wanted
from heapsleuth.server.context import now_ms
from heapsleuth.server.incidents import Incidents
from heapsleuth.server.rewinding import rewind
from heapsleuth.server.timescale import TimeScale
from heapsleuth.trends.settings import Thresholds
from heapsleuth.trends.watch import SILENT_MS, ServiceWatch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from heapsleuth.server.auth import Actor
    from heapsleuth.server.config import ServerConfig
    from heapsleuth.server.context import Context, Hub
    from heapsleuth.server.incidents import Notifier
    from heapsleuth.store.base import Store
    from heapsleuth.store.model import Batch, Incident
    from heapsleuth.trends.model import TrendVerdict

__all__ = ["Watcher"]

_log = logging.getLogger("heapsleuth.watching")

_LOOK_EVERY_S = 15.0
_LEAST_LOOK_S = 0.5
_MOST_WAITING = 50_000
"""Batches: a minute of 10,000 agents. Beyond, the oldest are left out; they are in the store."""
_WORK_S = 0.002
_PAUSE_S = 0.002
_REST, _MOST_REST_S = 3.0, 0.15
_INTERVAL_MS = 30_000.0
_LEAST_SILENT_MS = 20_000.0
_KNOWN_MS = 2 * 86_400_000.0
_FORGET_MS = 8 * 86_400_000.0


class Watcher:
    """The `Watching` of the collector."""

    def __init__(
        self,
        config: ServerConfig,
        store: Store,
        hub: Hub,
        clock: Callable[[], float] = now_ms,
        notifier: Notifier | None = None,
    ) -> None:
        self._store = store
        self._hub = hub
        self._clock = clock
        self._scale = TimeScale(config.time_scale)
        self.incidents = Incidents(store, hub, clock, notifier, pace=config.time_scale)
        self._thresholds = Thresholds(
            heap_share=config.heap_alert_share,
            gc_pause_ms=config.gc_pause_ms,
            loop_delay_p99_ms=config.loop_delay_p99_ms,
        )
        # Accelerated, the quarter of an hour would be over before the next sample comes.
        self._silent_ms = max(SILENT_MS, self._scale.at(_LEAST_SILENT_MS))
        self._look_s = max(_LEAST_LOOK_S, _LOOK_EVERY_S / config.time_scale)
        self._context: Context | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._waiting: deque[Batch] = deque(maxlen=_MOST_WAITING)
        self._services: dict[str, ServiceWatch] = {}
        self._heard_ms: dict[str, float] = {}
        self._unread: set[str] = set()
        self._verdicts: dict[str, tuple[TrendVerdict, ...]] = {}
        self._capturing: Capturing | None = None

    def start(self, context: Context) -> None:
        """Begin, with what the store has of before; called once, in the running event loop."""
        self._context = context
        self._capturing = Capturing(context, self.incidents)
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="heapsleuth-watching", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """End; returns when nothing of it runs any more."""
        self._stopping.set()
        self._wake.set()
        if self._capturing is not None:
            await self._capturing.stop()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    def take(self, batches: Sequence[Batch]) -> None:
        """Judge what the store has taken; returns at once, from any thread."""
        # What belongs to a service that is still to be read from the store will be read with it.
        self._waiting.extend(batch for batch in batches if batch.instance.service not in self._unread)
        self._wake.set()

    def verdicts(self, service: str) -> tuple[TrendVerdict, ...]:
        """Return the latest verdicts about a service, the worst first."""
        return self._verdicts.get(service, ())

    def note(self, incident_id: str, text: str, by: str) -> bool:
        """Note something on an incident; False if there is none of that id. Blocks on the store."""
        return self.incidents.change(incident_id, text, by) is not None

    def resolve(self, incident_id: str, by: str) -> bool:
        """Close an incident by hand; False if none of that id is open. Blocks on the store."""
        return self.incidents.resolve(incident_id, by)

    def capture(self, incident_id: str, actor: Actor | None) -> bool:
        """Begin rounds of snapshots for an incident; False: its service is being captured already."""
        return self._capturing is not None and self._capturing.begin(incident_id, actor)

    def _run(self) -> None:
        try:
            self._prepare()
        except Exception:  # noqa: BLE001 - the store's or ours: new samples can be judged anyway
            _log.exception("what the store has of before cannot be read; watching begins anew")
            self._unread.clear()
        due_s = time.monotonic() + self._look_s
        while not self._stopping.is_set():
            self._wake.wait(max(0.0, due_s - time.monotonic()))
            self._wake.clear()
            self._take_waiting()
            if time.monotonic() >= due_s:
                self._look()
                due_s = time.monotonic() + self._look_s

    def _prepare(self) -> None:
        self.incidents.load()
        names = [one.service for one in self._store.services(self._clock() - _KNOWN_MS)]
        self._unread = set(names)
        for name in names:
            # From here on its batches wait; those that were committed before are in the store.
            self._unread.discard(name)
            watch = self._watch_of(name)
            for _ in rewind(self._store, watch, self._scale, self._clock()):
                if self._stopping.wait(_PAUSE_S):
                    return

    def _watch_of(self, service: str) -> ServiceWatch:
        watch = self._services.get(service)
        if watch is None:
            watch = self._services[service] = ServiceWatch(
                service, self._thresholds, silent_ms=self._silent_ms
            )
        self._heard_ms[service] = self._clock()
        return watch

    def _take_waiting(self) -> None:
        until_s = time.perf_counter() + _WORK_S
        while self._waiting and not self._stopping.is_set():
            batch = self._waiting.popleft()
            try:
                self._feed(batch)
            except Exception:  # noqa: BLE001 - one message must not end the watch
                _log.exception("a message of %s could not be judged", batch.instance.name)
            if time.perf_counter() > until_s:
                time.sleep(_PAUSE_S)
                until_s = time.perf_counter() + _WORK_S

    def _feed(self, batch: Batch) -> None:
        watch = self._watch_of(batch.instance.service)
        life = self._scale.life(batch.instance)
        watch.add(life, [self._scale.row(row) for row in batch.samples])
        span_ms = _interval_ms(batch)
        for bucket in batch.http:
            watch.add_http(self._scale.bucket(bucket), route=bucket.route, span_ms=self._scale.at(span_ms))
        for event in batch.events:
            watch.add_event(event.type, self._scale.body(event), life)

    def _look(self) -> None:
        now = self._clock()
        for service in list(self._services):
            if self._stopping.is_set():
                return
            began_s = time.perf_counter()
            try:
                self._look_at(service)
            except Exception:  # noqa: BLE001 - one service must not end the others
                _log.exception("%s could not be judged", service)
            if now - self._heard_ms[service] > _FORGET_MS:
                del self._services[service], self._heard_ms[service]
            # Most of the time is for ingest, and for what came meanwhile.
            time.sleep(min(_REST * (time.perf_counter() - began_s), _MOST_REST_S))
            self._take_waiting()

    def _look_at(self, service: str) -> None:
        found = self._services[service].evaluate(self._scale.at(self._clock()))
        verdicts = tuple(self._real(verdict) for verdict in found)
        before = self._verdicts.get(service, ())
        self._verdicts[service] = verdicts
        for incident in self.incidents.judge(service, verdicts):
            self._opened(incident)
        if [(one.signature, one.state) for one in verdicts] != [(one.signature, one.state) for one in before]:
            self._hub.publish(f"service:{service}", {"type": "verdicts", "service": service})
            self._hub.publish("fleet", {"type": "verdicts", "service": service})

    def _real(self, verdict: TrendVerdict) -> TrendVerdict:
        """Return a verdict with the times of the clock instead of those it was judged by."""
        if self._scale.factor == 1:
            return verdict
        since = None if verdict.since_ms is None else self._scale.real(verdict.since_ms)
        return replace(verdict, at_ms=self._scale.real(verdict.at_ms), since_ms=since)

    def _opened(self, incident: Incident) -> None:
        context, loop = self._context, self._loop
        if context is not None and loop is not None and wanted(context, incident):
            loop.call_soon_threadsafe(self._capture, incident.id)

    def _capture(self, incident_id: str) -> None:
        if not self._stopping.is_set():
            self.capture(incident_id, None)


def _interval_ms(batch: Batch) -> float:
    """Return the time between a message's samples; of one alone, the usual half minute."""
    times = [row["at_ms"] for row in batch.samples]
    return (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else _INTERVAL_MS
