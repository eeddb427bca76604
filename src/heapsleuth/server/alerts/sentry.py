"""Sentry, by its own SDK (extra `sentry`)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Literal

from heapsleuth.errors import UsageError
from heapsleuth.server.alerts.failure import AlertFailed

if TYPE_CHECKING:
    from sentry_sdk.types import Event

    from heapsleuth.server.alerts.alert import Alert

__all__ = ["Sentry"]

_FLUSH_S = 10.0
_LEVELS: dict[str, Literal["fatal", "warning", "info"]] = {
    "critical": "fatal",
    "warning": "warning",
    "info": "info",
}


class Sentry:
    """Makes one issue for each problem, by a fingerprint of our own; nothing is sent when it ends."""

    repeat_s: float | None = None

    def __init__(self, dsn: str, name: str) -> None:
        try:
            import sentry_sdk  # noqa: PLC0415 - an extra
            from sentry_sdk.utils import BadDsn  # noqa: PLC0415
        except ImportError:
            raise UsageError("alerts to Sentry need its SDK: pip install 'heapsleuth[sentry]'") from None
        self.name = name
        try:
            # Nothing about this process or machine: the event is about somebody else's.
            self._client = sentry_sdk.Client(
                dsn=dsn,
                default_integrations=False,
                auto_enabling_integrations=False,
                server_name="",
                shutdown_timeout=2,
            )
        except BadDsn:
            raise UsageError("expected a Sentry DSN, sentry+https://KEY@HOST/PROJECT") from None

    async def send(self, alert: Alert) -> None:
        """Tell it; see `Receiver.send`."""
        if alert.resolved:
            return
        event: Event = {
            "message": alert.title,
            "level": _LEVELS[alert.severity],
            "fingerprint": ["heapsleuth", alert.service, alert.release, alert.signature],
            "tags": {"service": alert.service, "signature": alert.signature},
            "extra": {"description": alert.text, "incident": alert.url},
        }
        if alert.release:
            event["release"] = alert.release
        taken = self._client.capture_event(event)
        if not taken:
            raise AlertFailed("was not taken", again=True)
        await asyncio.to_thread(self._client.flush, _FLUSH_S)

    async def close(self) -> None:
        """Send what is left."""
        await asyncio.to_thread(self._client.close, 2.0)
