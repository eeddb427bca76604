"""Slack, e-mail and everything else that Apprise knows."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from heapsleuth.server.alerts.failure import AlertFailed

if TYPE_CHECKING:
    import apprise

    from heapsleuth.server.alerts.alert import Alert

__all__ = ["Chat"]


class Chat:
    """Sends a message for each change; there is nothing to take back on the other side."""

    repeat_s: float | None = None

    def __init__(self, service: apprise.Apprise, name: str) -> None:
        self.name = name
        self._service = service

    async def send(self, alert: Alert) -> None:
        """Tell it; see `Receiver.send`."""
        state = "Resolved" if alert.resolved else alert.severity.capitalize()
        kind = "success" if alert.resolved else "failure" if alert.severity == "critical" else "warning"
        body = "\n\n".join(part for part in (alert.text, alert.url) if part) or alert.title
        sent = await asyncio.to_thread(
            self._service.notify, body=body, title=f"[{state}] {alert.title}", notify_type=kind
        )
        # Since version 2 the result is an object; it is true when everybody was told.
        if not sent:
            raise AlertFailed("was not taken", again=True)

    async def close(self) -> None:
        """Let go of nothing."""
