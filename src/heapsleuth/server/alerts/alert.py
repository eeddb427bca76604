"""An incident as the world outside is told of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from heapsleuth.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from heapsleuth.store.model import Incident

__all__ = ["Alert", "Receiver", "alert_of", "rfc3339"]

_MAX_TEXT = 2000
_MAX_EVIDENCE = 4


@dataclass(frozen=True, slots=True)
class Alert:
    """
    What every receiver is given.

    Attributes:
        key: Equal for the same problem, whenever it is told of: from service, release and signature.
        name: CamelCase, as alert rules are called.
        started_ms, ended_ms: Milliseconds since 1970; `ended_ms` None while it fires.
        url: The incident's page; empty when nobody said how the dashboard is reached.
    """

    key: str
    incident: str
    name: str
    service: str
    release: str
    signature: str
    severity: str
    title: str
    text: str
    started_ms: float
    ended_ms: float | None
    url: str

    @property
    def resolved(self) -> bool:
        """Whether it is over."""
        return self.ended_ms is not None

    @property
    def labels(self) -> dict[str, str]:
        """What identifies it to Alertmanager; without empty values, which it drops anyway."""
        labels = {
            "alertname": self.name,
            "service": self.service,
            "release": self.release,
            "signature": self.signature,
            "severity": self.severity,
        }
        return {name: value for name, value in labels.items() if value}

    @property
    def annotations(self) -> dict[str, str]:
        """What people read."""
        return {"summary": self.title, "description": self.text, "incident": self.incident}


class Receiver(Protocol):
    """Where alerts go."""

    name: str
    """What logs call it, without secrets."""

    repeat_s: float | None
    """It wants to hear of a firing alert again after this time; None: when the settings say so."""

    async def send(self, alert: Alert) -> None:
        """
        Tell it.

        Raises:
            AlertFailed: It could not be told; trying again may help if `again` is set.
        """

    async def close(self) -> None:
        """Let go of connections."""


def alert_of(incident: Incident, external_url: str = "") -> Alert:
    """Return what to tell about an incident."""
    identity = f"{incident.service}\0{incident.release}\0{incident.signature}"
    base = external_url.rstrip("/")
    return Alert(
        key=hashlib.sha256(identity.encode()).hexdigest()[:32],
        incident=incident.id,
        name="".join(word.capitalize() for word in incident.kind.split("-")),
        service=incident.service,
        release=incident.release,
        signature=incident.signature,
        severity=incident.severity,
        title=_clean(f"{incident.service} {incident.release}".strip() + f": {incident.title}"),
        text=_text(incident),
        started_ms=incident.opened_ms,
        ended_ms=incident.resolved_ms if incident.state == "resolved" else None,
        url=f"{base}/incidents/{incident.id}" if base else "",
    )


def rfc3339(at_ms: float) -> str:
    """Return a time as the receivers' APIs write it."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _text(incident: Incident) -> str:
    verdict = incident.verdict
    lines = [_forecast(verdict.get("forecast"))]
    lines += [str(each.get("text", "")) for each in verdict.get("evidence_for") or ()][:_MAX_EVIDENCE]
    lines += [_finding(each) for each in (incident.report or {}).get("findings", ())[:3]]
    return _clean("\n".join(line for line in lines if line))[:_MAX_TEXT]


def _forecast(forecast: Mapping[str, Any] | None) -> str:
    if not forecast:
        return ""
    limit = f"the {forecast['limit']} limit of {format_bytes(forecast['limit_bytes'])}"
    low, high = forecast["hours"]["low"], forecast["hours"]["high"]
    if high is None or high == float("inf"):
        return f"Meets {limit} in {low:.0f} hours at the earliest."
    return f"Meets {limit} in {low:.0f} to {high:.0f} hours."


def _finding(finding: Mapping[str, Any]) -> str:
    location = (finding.get("holder") or {}).get("location") or {}
    place = f" ({location['file']}:{location.get('line')})" if location.get("file") else ""
    return f"{finding.get('title', '')}{place}"


def _clean(text: str) -> str:
    """Names come from other programs: no control characters in what mailers and chats are given."""
    return "".join(letter if letter == "\n" or letter.isprintable() else " " for letter in text)
