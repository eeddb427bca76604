"""Prometheus' Alertmanager, API v2 (`POST /api/v2/alerts`); v1 was removed in its version 0.27."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from heapsleuth.server.alerts.alert import rfc3339
from heapsleuth.server.alerts.failure import post

if TYPE_CHECKING:
    import httpx

    from heapsleuth.server.alerts.alert import Alert

__all__ = ["Alertmanager"]

_REPEAT_S = 60.0
_ALIVE_REPEATS = 5
"""An alert that is not repeated ends after 5 repeats were missed: the collector is gone."""
_MAX_REMEMBERED = 1000


class Alertmanager:
    """
    Sends alerts, and sends them again while they fire, as clients of Alertmanager must.

    To it an alert is its labels. When one of them changes (the severity), the old one is ended at once.
    """

    repeat_s: float | None = _REPEAT_S

    def __init__(self, url: str, name: str, client: httpx.AsyncClient) -> None:
        self.name = name
        self._url = url.rstrip("/") + "/api/v2/alerts"
        self._client = client
        self._sent: dict[str, Alert] = {}

    async def send(self, alert: Alert) -> None:
        """Tell it; see `Receiver.send`."""
        now_ms = time.time() * 1000
        alive_ms = now_ms + _REPEAT_S * _ALIVE_REPEATS * 1000
        bodies = [_body(alert, alive_ms if alert.ended_ms is None else alert.ended_ms)]
        before = self._sent.get(alert.key)
        if before and before.labels != alert.labels:
            bodies.append(_body(before, now_ms))
        await post(self._client, self._url, bodies)
        self._sent.pop(alert.key, None)
        if not alert.resolved:
            self._sent[alert.key] = alert
        while len(self._sent) > _MAX_REMEMBERED:
            self._sent.pop(next(iter(self._sent)))

    async def close(self) -> None:
        """Let go of nothing: the connections are shared."""


def _body(alert: Alert, ends_ms: float) -> dict[str, Any]:
    return {
        "labels": alert.labels,
        "annotations": alert.annotations,
        "startsAt": rfc3339(alert.started_ms),
        "endsAt": rfc3339(ends_ms),
        "generatorURL": alert.url,
    }
