"""From the URLs of the settings to receivers."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from heapsleuth.errors import UsageError
from heapsleuth.server.alerts.alertmanager import Alertmanager
from heapsleuth.server.alerts.chat import Chat
from heapsleuth.server.alerts.pagerduty import PagerDuty
from heapsleuth.server.alerts.sentry import Sentry
from heapsleuth.server.alerts.webhook import Webhook

if TYPE_CHECKING:
    import httpx

    from heapsleuth.server.alerts.alert import Receiver

__all__ = ["open_receiver"]

_PAGERDUTY = "events.pagerduty.com"


def open_receiver(url: str, client: httpx.AsyncClient) -> Receiver:
    """
    Return the receiver that a URL names; `server.config.AlertConfig` lists the kinds.

    Raises:
        UsageError: No kind of receiver has such a URL, or a part of it is missing. The URL itself is not
            repeated: it holds secrets.
    """
    parts = urlsplit(url)
    kind, _, transport = parts.scheme.partition("+")
    name = f"{kind}://{parts.hostname or ''}"
    if kind in ("alertmanager", "webhook", "sentry"):
        if transport not in ("http", "https") or not parts.hostname:
            raise UsageError(f"alert receiver {kind}: expected {kind}+https://HOST…")
        address = url.partition("+")[2]
        if kind == "sentry":
            return Sentry(address, name)
        return (Alertmanager if kind == "alertmanager" else Webhook)(address, name, client)
    if kind == "pagerduty":
        key = parts.username or parts.netloc
        if not key:
            raise UsageError("alert receiver pagerduty: expected pagerduty://ROUTING_KEY")
        host = parts.netloc.rpartition("@")[2] if parts.username else _PAGERDUTY
        address = f"{transport or 'https'}://{host}/v2/enqueue"
        return PagerDuty(address, key, f"pagerduty://{host}", client)
    return _apprise(url, kind)


def _apprise(url: str, kind: str) -> Chat:
    import apprise  # noqa: PLC0415 - loads 170 services

    service = apprise.Apprise()
    if not service.add(url):
        raise UsageError(
            f"alert receiver {kind or '(no scheme)'}: neither one of alertmanager+http(s), webhook+http(s), "
            "pagerduty and sentry+https, nor a URL that Apprise understands"
        )
    return Chat(service, f"{kind}://…")
