"""Incidents: opened by alarms, kept up to date while they last, resolved when it has been quiet for a while.

One is open at a time for each service, release and signature.  An alarm that comes back soon opens the same
incident again, so that a verdict on the edge makes one incident and not twenty.
"""

from __future__ import annotations

import math
import secrets
import threading
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

from heapsleuth.store.model import Incident

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from heapsleuth.server.context import Hub
    from heapsleuth.store.base import Store
    from heapsleuth.trends.model import TrendVerdict

__all__ = ["Change", "Incidents", "Notifier", "verdict_json"]

Change = Literal["opened", "updated", "resolved"]
_Key = tuple[str, str, str]

_HOLD_MS: Mapping[str, float] = {
    "clear": 20 * 60_000.0,
    # Nothing refutes it, but nothing shows it any more: a restarted process is too young to say.
    "undecided": 6 * 3_600_000.0,
    "absent": 2 * 3_600_000.0,
}
_QUIET_TEXT = {
    "clear": "it has been clear for {:.0f} minutes",
    "undecided": "nothing has shown it for {:.0f} minutes",
    "absent": "nothing of this release has reported for {:.0f} minutes",
}
_REOPEN_MS = 2 * 3_600_000.0
_SAVE_MS = 600_000.0
_MOST_OPEN = 10_000
_MOST_NOTES = 200
_MOST_TEXT = 2000
SYSTEM = "heapsleuth"
"""Who a note is by when nobody did it."""


class Notifier(Protocol):
    """Tells people; `alerts.dispatch.Dispatcher`."""

    def notify(self, incident: Incident, change: Change) -> None:
        """Tell of a change; returns at once and never raises. Safe from any thread."""


@dataclass(slots=True)
class _Open:
    id: str
    severity: str
    title: str
    saved_ms: float
    quiet_ms: float | None = None


def verdict_json(verdict: TrendVerdict) -> dict[str, Any]:
    """Return a verdict as incidents keep it; null where a number is not finite."""
    body = _finite({**asdict(verdict), "signature": verdict.signature})
    return dict(body)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


class Incidents:
    """
    The open incidents of all services; thread-safe.

    Args:
        pace: How much quicker than the clock the watched services live, for demonstrations.
    """

    def __init__(
        self,
        store: Store,
        hub: Hub,
        clock: Callable[[], float],
        notifier: Notifier | None = None,
        *,
        pace: float = 1.0,
    ) -> None:
        self._store = store
        self._hub = hub
        self._clock = clock
        self._notifier = notifier
        self._pace = pace
        self._lock = threading.RLock()
        self._open: dict[_Key, _Open] = {}
        self._ended: dict[_Key, tuple[str, float, bool]] = {}

    def load(self) -> None:
        """Take over what was open when the collector stopped."""
        with self._lock:
            for incident in self._store.incidents(state="open", limit=_MOST_OPEN):
                key = (incident.service, incident.release, incident.signature)
                self._open.setdefault(
                    key, _Open(incident.id, incident.severity, incident.title, incident.updated_ms)
                )

    def judge(self, service: str, verdicts: Iterable[TrendVerdict]) -> tuple[Incident, ...]:
        """Take a service's verdicts; return the incidents they opened."""
        now_ms = self._clock()
        states: dict[tuple[str, str], str] = {}
        alarms: dict[_Key, TrendVerdict] = {}
        for verdict in verdicts:
            release = verdict.subject.release
            if verdict.state == "alarm" and verdict.severity != "info":
                alarms[service, release, verdict.signature] = verdict
            states.setdefault((release, verdict.signature), verdict.state)
            # A detail's verdict is only there while it alarms; the kind's own tells that it is over.
            states.setdefault((release, verdict.kind), verdict.state)
        with self._lock:
            opened = [one for one in (self._alarm(key, alarms[key], now_ms) for key in alarms) if one]
            for key in [key for key in self._open if key[0] == service and key not in alarms]:
                self._quiet(key, _state_of(key, states), now_ms)
        return tuple(opened)

    def change(self, incident_id: str, text: str, by: str = SYSTEM, **changes: Any) -> Incident | None:
        """
        Note what happened to an incident, and change its fields.

        Args:
            incident_id: Which.
            text: The note; empty: none.
            by: Who did it.
            changes: New values of fields, or functions from the old incident to the value.

        Returns:
            The incident as it is now; None if there is none of that id.
        """
        with self._lock:
            incident = self._store.incident(incident_id)
            if incident is None:
                return None
            values = {name: value(incident) if callable(value) else value for name, value in changes.items()}
            return self._put(replace(incident, **values), text, by)

    def resolve(self, incident_id: str, by: str) -> bool:
        """Close an incident by hand; after 2 hours it opens again if it goes on. False: none is open."""
        with self._lock:
            incident = self._store.incident(incident_id)
            if incident is None or incident.state != "open":
                return False
            self._resolve(incident, f"resolved by {by}", by, by_hand=True)
            return True

    def _alarm(self, key: _Key, verdict: TrendVerdict, now_ms: float) -> Incident | None:
        entry = self._open.get(key)
        if entry is not None:
            self._update(key, entry, verdict, now_ms)
            return None
        last = self._ended.get(key)
        recent = last is not None and now_ms - last[1] < _REOPEN_MS / self._pace
        if last is not None and recent:
            incident = None if last[2] else self._store.incident(last[0])
            if incident is None:
                return None
            self._open[key] = _Open(incident.id, verdict.severity, verdict.title, now_ms)
            incident = replace(_with(incident, verdict), state="open", resolved_ms=None)
            self._tell(self._put(incident, "it came back", SYSTEM), "opened")
            return None
        return self._begin(key, verdict, now_ms)

    def _begin(self, key: _Key, verdict: TrendVerdict, now_ms: float) -> Incident:
        incident = Incident(
            id=secrets.token_urlsafe(9).replace("-", "a").replace("_", "b"),
            service=key[0],
            release=key[1],
            signature=key[2],
            kind=verdict.kind,
            severity=verdict.severity,
            state="open",
            title=verdict.title,
            opened_ms=now_ms,
            updated_ms=now_ms,
            instance=verdict.subject.instance,
            verdict=verdict_json(verdict),
        )
        self._open[key] = _Open(incident.id, verdict.severity, verdict.title, now_ms)
        self._ended.pop(key, None)
        incident = self._put(incident, f"opened: {verdict.title}", SYSTEM)
        self._tell(incident, "opened")
        return incident

    def _update(self, key: _Key, entry: _Open, verdict: TrendVerdict, now_ms: float) -> None:
        entry.quiet_ms = None
        incident = self._current(key, entry)
        worse = verdict.severity != entry.severity
        if incident is None or (not worse and now_ms - entry.saved_ms < _SAVE_MS / self._pace):
            return
        note = f"{verdict.severity} now: {verdict.title}" if worse else ""
        entry.saved_ms, entry.severity, entry.title = now_ms, verdict.severity, verdict.title
        incident = self._put(_with(incident, verdict), note, SYSTEM)
        if worse:
            self._tell(incident, "updated")

    def _current(self, key: _Key, entry: _Open) -> Incident | None:
        """Return an open incident as the store has it; None if somebody has closed it there."""
        incident = self._store.incident(entry.id)
        if incident is not None and incident.state == "open":
            return incident
        del self._open[key]
        if incident is not None:
            self._end(key, incident, by_hand=True)
            self._tell(incident, "resolved")
        return None

    def _quiet(self, key: _Key, state: str, now_ms: float) -> None:
        entry = self._open[key]
        entry.quiet_ms = now_ms if entry.quiet_ms is None else entry.quiet_ms
        quiet_ms = (now_ms - entry.quiet_ms) * self._pace
        if quiet_ms < _HOLD_MS[state]:
            return
        incident = self._current(key, entry)
        if incident is None:
            return
        self._resolve(incident, _QUIET_TEXT[state].format(quiet_ms / 60_000), SYSTEM, by_hand=False)

    def _resolve(self, incident: Incident, why: str, by: str, *, by_hand: bool) -> None:
        key = (incident.service, incident.release, incident.signature)
        self._open.pop(key, None)
        self._end(key, incident, by_hand=by_hand)
        resolved = self._put(replace(incident, state="resolved", resolved_ms=self._clock()), why, by)
        self._tell(resolved, "resolved")

    def _end(self, key: _Key, incident: Incident, *, by_hand: bool) -> None:
        self._ended[key] = (incident.id, self._clock(), by_hand)
        while len(self._ended) > _MOST_OPEN:
            del self._ended[next(iter(self._ended))]

    def told(self, incident: Incident) -> None:
        """Tell people that an open incident has more to say: a report, for instance."""
        if incident.state == "open":
            self._tell(incident, "updated")

    def _put(self, incident: Incident, text: str, by: str) -> Incident:
        now_ms = self._clock()
        note = ({"at_ms": now_ms, "text": text[:_MOST_TEXT], "by": by},) if text else ()
        notes = (*incident.notes, *note)
        incident = replace(incident, updated_ms=now_ms, notes=notes[:1] + notes[1:][-_MOST_NOTES:])
        self._store.put_incident(incident)
        body = {"type": "incident", "id": incident.id, "state": incident.state, "service": incident.service}
        for topic in (f"incident:{incident.id}", f"service:{incident.service}", "fleet"):
            self._hub.publish(topic, body)
        return incident

    def _tell(self, incident: Incident, change: Change) -> None:
        if self._notifier is not None:
            self._notifier.notify(incident, change)


def _with(incident: Incident, verdict: TrendVerdict) -> Incident:
    return replace(
        incident,
        title=verdict.title,
        severity=verdict.severity,
        instance=verdict.subject.instance or incident.instance,
        verdict=verdict_json(verdict),
    )


def _state_of(key: _Key, states: Mapping[tuple[str, str], str]) -> str:
    _, release, signature = key
    kind = signature.partition(":")[0]
    asked = ((release, signature), (release, kind), ("", kind))
    return next((states[one] for one in asked if one in states), "absent")
