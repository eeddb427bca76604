"""PagerDuty, Events API v2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heapsleuth.server.alerts.alert import rfc3339
from heapsleuth.server.alerts.failure import post

if TYPE_CHECKING:
    import httpx

    from heapsleuth.server.alerts.alert import Alert

__all__ = ["PagerDuty"]

_MAX_SUMMARY = 1024


class PagerDuty:
    """Triggers and resolves one PagerDuty incident for each problem, told apart by `dedup_key`."""

    repeat_s: float | None = None

    def __init__(self, url: str, routing_key: str, name: str, client: httpx.AsyncClient) -> None:
        self.name = name
        self._url = url
        self._routing_key = routing_key
        self._client = client

    async def send(self, alert: Alert) -> None:
        """Tell it; see `Receiver.send`."""
        await post(self._client, self._url, self._event(alert))

    async def close(self) -> None:
        """Let go of nothing: the connections are shared."""

    def _event(self, alert: Alert) -> dict[str, Any]:
        event: dict[str, Any] = {
            "routing_key": self._routing_key,
            "event_action": "resolve" if alert.resolved else "trigger",
            "dedup_key": alert.key,
        }
        if alert.resolved:
            return event
        event["payload"] = {
            "summary": alert.title[:_MAX_SUMMARY],
            "source": alert.service,
            "severity": alert.severity,
            "timestamp": rfc3339(alert.started_ms),
            "component": alert.release,
            "class": alert.name,
            "custom_details": {"text": alert.text, "signature": alert.signature},
        }
        if alert.url:
            event["links"] = [{"href": alert.url, "text": "Incident"}]
        return event
