"""Sends alerts to every receiver, each at its own pace."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from typing import TYPE_CHECKING, Literal

import httpx
import orjson

from heapsleuth.server.alerts.alert import alert_of
from heapsleuth.server.alerts.failure import AlertFailed
from heapsleuth.server.alerts.receivers import open_receiver

if TYPE_CHECKING:
    from collections.abc import Callable

    from heapsleuth.server.alerts.alert import Alert, Receiver
    from heapsleuth.server.config import AlertConfig
    from heapsleuth.store.base import Store
    from heapsleuth.store.model import Incident

__all__ = ["Change", "Dispatcher"]

Change = Literal["opened", "updated", "resolved"]

_log = logging.getLogger("heapsleuth.alerts")
_TICK_S = 1.0
_FIRST_RETRY_S = 2.0
_LONGEST_RETRY_S = 300.0
_MOST_TRIES = 12
"""With the pauses above about 40 minutes; a receiver that repeats is tried again anyway."""
_MOST_WAITING = 1000


class Dispatcher:
    """
    Tells the log and every receiver what happens to incidents.

    What each receiver was told last is kept in the store, so a restart neither loses an alert nor tells of it
    twice. A receiver that fails is tried again with growing pauses and holds up no other.

    Raises:
        UsageError: A receiver's URL is not understood.
    """

    def __init__(self, config: AlertConfig, store: Store, clock: Callable[[], float]) -> None:
        self._config = config
        self._store = store
        self._clock = clock
        self._client = httpx.AsyncClient(follow_redirects=False)
        self._outboxes = [
            _Outbox(open_receiver(url, self._client), number, config, store, clock)
            for number, url in enumerate(config.receivers)
        ]

    def notify(self, incident: Incident, change: Change) -> None:
        """Tell of a change; returns at once and never raises. Safe from any thread."""
        alert = alert_of(incident, self._config.external_url)
        _log.warning("%s: %s [%s] %s", change, alert.title, alert.severity, alert.url or incident.id)
        for outbox in self._outboxes:
            outbox.put(alert)

    async def run(self) -> None:
        """Send until cancelled; begins with what receivers were not told before the last stop."""
        loop = asyncio.get_running_loop()
        for alert in await loop.run_in_executor(None, self._latest):
            for outbox in self._outboxes:
                outbox.put(alert)
        try:
            async with asyncio.TaskGroup() as group:
                for outbox in self._outboxes:
                    group.create_task(outbox.run())
        except asyncio.CancelledError:
            # Only at the end: after a failure this is run again, with the same connections.
            with contextlib.suppress(Exception):
                await self._client.aclose()
            for outbox in self._outboxes:
                with contextlib.suppress(Exception):
                    await outbox.receiver.close()
            raise

    def _latest(self) -> list[Alert]:
        """Return the latest state of every problem that was told of lately, or should have been."""
        latest: dict[str, Alert] = {}
        for state in ("open", "resolved"):
            for incident in self._store.incidents(state=state, limit=_MOST_WAITING):
                alert = alert_of(incident, self._config.external_url)
                latest.setdefault(alert.key, alert)
        return list(latest.values())


class _Outbox:
    """What one receiver still has to be told: the latest state of each problem."""

    def __init__(
        self, receiver: Receiver, number: int, config: AlertConfig, store: Store, clock: Callable[[], float]
    ) -> None:
        self.receiver = receiver
        self._repeat_ms = (receiver.repeat_s or config.resend_s) * 1000
        self._updates = receiver.repeat_s is not None
        self._store = store
        self._clock = clock
        self._key = f"alerts.told:{number}:{receiver.name}"
        self._told: dict[str, str] = orjson.loads(store.setting(self._key) or "{}")
        self._firing: dict[str, Alert] = {}
        self._sent_ms: dict[str, float] = {}
        self._waiting: dict[str, Alert] = {}

    def put(self, alert: Alert) -> None:
        told = self._told.get(alert.key)
        if alert.resolved and told is None:
            # Over before anybody heard of it.
            self._waiting.pop(alert.key, None)
            return
        if told == _state(alert) and not self._updates:
            self._firing[alert.key] = alert
            self._sent_ms.setdefault(alert.key, self._clock())
            return
        if len(self._waiting) >= _MOST_WAITING and alert.key not in self._waiting:
            dropped = self._waiting.pop(next(iter(self._waiting)))
            _log.error("%s: too many alerts waiting; dropped %s", self.receiver.name, dropped.title)
        self._waiting[alert.key] = alert

    async def run(self) -> None:
        failures = 0
        while True:
            self._repeat()
            if not self._waiting:
                await asyncio.sleep(_TICK_S)
                continue
            key, alert = next(iter(self._waiting.items()))
            try:
                await self.receiver.send(alert)
                await asyncio.to_thread(self._remember, alert)
            except AlertFailed as error:
                failures += 1
                if error.again and failures < _MOST_TRIES:
                    pause = min(_FIRST_RETRY_S * 2 ** (failures - 1), _LONGEST_RETRY_S)
                    _log.warning("%s: %s; again in %.0f s", self.receiver.name, error, pause)
                    await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - jitter
                    continue
                _log.error("%s: %s; gave up on %s", self.receiver.name, error, alert.title)
                self._told.pop(key, None)
            except Exception:  # noqa: BLE001 - libraries of others; one receiver must not end the rest
                _log.exception("%s: failed; gave up on %s", self.receiver.name, alert.title)
                self._told.pop(key, None)
            failures = 0
            self._done(key, alert)

    def _done(self, key: str, alert: Alert) -> None:
        # Meanwhile there may be a newer state of the same problem.
        if self._waiting.get(key) is alert:
            del self._waiting[key]

    def _repeat(self) -> None:
        now = self._clock()
        for key, alert in self._firing.items():
            if key not in self._waiting and now - self._sent_ms[key] >= self._repeat_ms:
                self._waiting[key] = alert

    def _remember(self, alert: Alert) -> None:
        if alert.resolved:
            self._firing.pop(alert.key, None)
            self._sent_ms.pop(alert.key, None)
            self._told.pop(alert.key, None)
        else:
            self._firing[alert.key] = alert
            self._sent_ms[alert.key] = self._clock()
            self._told[alert.key] = _state(alert)
        self._store.set_setting(self._key, orjson.dumps(self._told).decode())


def _state(alert: Alert) -> str:
    """What has to change before people are told again."""
    return "resolved" if alert.resolved else alert.severity
