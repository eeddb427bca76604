"""Any HTTP service, with the body that Alertmanager's webhook receiver sends (version 4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heapsleuth.server.alerts.alert import rfc3339
from heapsleuth.server.alerts.failure import post

if TYPE_CHECKING:
    import httpx

    from heapsleuth.server.alerts.alert import Alert

__all__ = ["Webhook", "webhook_body"]

_FIRING_ENDS = "0001-01-01T00:00:00Z"
"""What Alertmanager writes for an alert that has not ended."""


class Webhook:
    """Posts each alert by itself, so that nobody has to take groups apart."""

    repeat_s: float | None = None

    def __init__(self, url: str, name: str, client: httpx.AsyncClient) -> None:
        self.name = name
        self._url = url
        self._client = client

    async def send(self, alert: Alert) -> None:
        """Tell it; see `Receiver.send`."""
        await post(self._client, self._url, webhook_body(alert))

    async def close(self) -> None:
        """Let go of nothing: the connections are shared."""


def webhook_body(alert: Alert) -> dict[str, Any]:
    """Return the body; the fields are those of Alertmanager's documentation."""
    status = "resolved" if alert.resolved else "firing"
    return {
        "version": "4",
        "groupKey": f"heapsleuth:{alert.key}",
        "truncatedAlerts": 0,
        "status": status,
        "receiver": "heapsleuth",
        "groupLabels": {"alertname": alert.name, "service": alert.service},
        "commonLabels": alert.labels,
        "commonAnnotations": alert.annotations,
        "externalURL": alert.url,
        "alerts": [
            {
                "status": status,
                "labels": alert.labels,
                "annotations": alert.annotations,
                "startsAt": rfc3339(alert.started_ms),
                "endsAt": _FIRING_ENDS if alert.ended_ms is None else rfc3339(alert.ended_ms),
                "generatorURL": alert.url,
                "fingerprint": alert.key[:16],
            }
        ],
    }
