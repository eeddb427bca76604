"""From a leak incident to its cause: rounds of snapshots of one instance over real traffic, then an analysis.

One instance of a service at a time, the least loaded that passes its own checks; nothing at all unless an
operator turned it on or asks by hand.  Every step is in the audit log and noted on the incident, also the
ones that fail; none of them raises.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from heapsleuth.errors import HeapsleuthError
from heapsleuth.reports.wording import plural
from heapsleuth.server.analyzing import analyze_snapshots, summarize_profile
from heapsleuth.server.captures import Capture, candidates, record_of, set_incident, work_now
from heapsleuth.server.incidents import SYSTEM
from heapsleuth.units import format_bytes, format_count, format_duration

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from heapsleuth.server.auth import Actor
    from heapsleuth.server.context import Context
    from heapsleuth.server.incidents import Incidents
    from heapsleuth.store.model import Incident, Instance, SnapshotRecord

__all__ = ["Capturing", "start", "wanted"]

_log = logging.getLogger("heapsleuth.capturing")

LEAKS = frozenset(
    ("heap-leak", "external-leak", "listener-leak", "timer-leak", "handle-leak", "floor-regression")
)
"""Kinds whose cause a heap snapshot shows."""
COOLDOWN_MS = 6 * 3_600_000.0
"""Between automatic captures of one service: a leak nobody repairs shall not cost pauses every hour."""
_ROUNDS = 4
_ENOUGH = 2
_MOST_TRIED = 5
_MOST_FAILURES = 3
_SNAPSHOT_S = 900.0
_PROFILE_SECONDS = 60.0
_PROFILE_MOST_MS = 300_000
_COMMAND_S = 60.0
_LAST_KEY = "capture.last:"


def wanted(context: Context, incident: Incident) -> bool:
    """Tell whether an incident that has opened is to be captured without anybody asking. Blocks."""
    if incident.kind not in LEAKS or incident.signature.endswith(":growth-window"):
        return False
    setting = context.store.setting(f"snapshots.automatic:{incident.service}") or context.store.setting(
        "snapshots.automatic"
    )
    automatic = setting == "on" if setting else context.config.snapshots.automatic
    last = float(context.store.setting(_LAST_KEY + incident.service) or 0)
    return automatic and context.clock() - last >= COOLDOWN_MS / context.config.time_scale


def start(context: Context, incident_id: str, actor: Actor | None) -> bool:
    """Begin a capture for an incident; False: its service is being captured already."""
    return context.watching.capture(incident_id, actor)


class Capturing:
    """The captures that go on: at most one for each service; everything in one event loop."""

    def __init__(self, context: Context, incidents: Incidents) -> None:
        self._context = context
        self._incidents = incidents
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def begin(self, incident_id: str, actor: Actor | None) -> bool:
        """Begin one; False: its service is being captured already, or this incident is."""
        incident = self._context.store.incident(incident_id)
        if incident is None or incident.service in self._tasks:
            return False
        task = asyncio.create_task(self._run(incident, actor), name=f"capture {incident.service}")
        self._tasks[incident.service] = task
        task.add_done_callback(lambda _: self._tasks.pop(incident.service, None))
        return True

    async def stop(self) -> None:
        """Give up all of them."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, incident: Incident, actor: Actor | None) -> None:
        by = actor.name if actor else SYSTEM
        capture = Capture(self._context, incident, by, actor.role if actor else "")
        try:
            await asyncio.to_thread(
                self._context.store.set_setting, _LAST_KEY + incident.service, str(self._context.clock())
            )
            await self._rounds(capture)
        except asyncio.CancelledError:
            raise
        except HeapsleuthError as error:
            await self._note(capture, f"the capture failed: {error}")
        except Exception as error:  # noqa: BLE001 - told below
            # A bug of ours, or the store's disk: the incident must say that nothing more will come.
            _log.exception("the capture for incident %s failed", incident.id)
            await self._note(capture, f"the capture failed: {type(error).__name__}: {error}")

    async def _rounds(self, capture: Capture) -> None:
        found = await asyncio.to_thread(candidates, self._context, capture.incident)
        if not found:
            await self._note(
                capture, "no capture: no instance with an agent has reported in the last minutes"
            )
            return
        chosen = await self._first(capture, found[:_MOST_TRIED])
        if chosen is None:
            await self._profile(capture, found[0])
            return
        failures = 0
        while len(capture.records) < _ROUNDS and failures < _MOST_FAILURES:
            await capture.wait_for_work(chosen)
            try:
                await self._snapshot(capture, chosen)
            except HeapsleuthError as error:
                failures += 1
                await self._note(capture, f"a snapshot of {chosen.name} failed: {error}")
        if len(capture.records) < _ENOUGH:
            await self._note(
                capture, f"no analysis: {len(capture.records)} snapshot, expected at least {_ENOUGH}"
            )
            return
        await self._analyze(capture)

    async def _first(self, capture: Capture, found: list[Instance]) -> Instance | None:
        """Take the first snapshot of the first instance that can bear it."""
        for instance in found:
            try:
                await self._snapshot(capture, instance)
            except HeapsleuthError as error:
                await self._note(capture, f"no snapshot of {instance.name}: {error}")
            else:
                return instance
        return None

    async def _snapshot(self, capture: Capture, instance: Instance) -> None:
        # Before, because the snapshot holds what was done until it began.
        work = await asyncio.to_thread(work_now, self._context, instance.name)
        upload = capture.new_id()
        command = {"type": "snapshot", "upload": upload, "force": False}
        result = await self._ask(capture, "capture.snapshot", instance.name, command, _SNAPSHOT_S)
        record = await record_of(self._context, upload)
        record = await asyncio.to_thread(set_incident, self._context, record, capture.incident.id, work)
        capture.records.append(record)
        pause = result.get("pause_ms")
        cost = f", paused {format_duration(float(pause) / 1000)}" if isinstance(pause, (int, float)) else ""
        done = f", after {format_count(work)} requests" if work is not None else ""
        await self._note(
            capture,
            f"snapshot {len(capture.records)} of {_ROUNDS} of {instance.name}: "
            f"{format_bytes(float(result.get('bytes') or record.bytes))}{cost}{done}",
            record,
        )

    async def _profile(self, capture: Capture, instance: Instance) -> None:
        """Sample allocations instead: kilobytes and milliseconds where a snapshot does not fit."""
        seconds = _PROFILE_SECONDS / min(self._context.config.time_scale, 10.0)
        begin = {"type": "profile.start", "max_ms": _PROFILE_MOST_MS}
        upload = capture.new_id()
        try:
            await self._ask(capture, "capture.profile", instance.name, begin, _COMMAND_S)
            await asyncio.sleep(seconds)
            end = {"type": "profile.stop", "upload": upload}
            await self._ask(capture, "capture.profile", instance.name, end, _SNAPSHOT_S)
            record = await record_of(self._context, upload)
        except HeapsleuthError as error:
            await self._note(capture, f"no sampling profile of {instance.name} either: {error}")
            return
        record = await asyncio.to_thread(set_incident, self._context, record, capture.incident.id, None)
        lines = await summarize_profile(self._context, record)
        told = "; ".join(lines) or "it holds no allocations"
        await self._note(
            capture, f"a sampling heap profile of {instance.name}, since no snapshot fits: {told}", record
        )

    async def _analyze(self, capture: Capture) -> None:
        await self._note(capture, f"analysing {len(capture.records)} snapshots")
        report = await analyze_snapshots(self._context, capture.records)
        changed = await asyncio.to_thread(
            self._incidents.change, capture.incident.id, _summary(report), SYSTEM, report=report
        )
        if changed is not None:
            self._incidents.told(changed)

    async def _ask(
        self, capture: Capture, action: str, instance: str, command: Mapping[str, Any], timeout_s: float
    ) -> Mapping[str, Any]:
        try:
            result = await self._context.commands.ask(instance, command, timeout_s=timeout_s)
        except HeapsleuthError as error:
            await capture.audit(action, instance, str(error))
            raise
        await capture.audit(action, instance, "done")
        return result

    async def _note(self, capture: Capture, text: str, record: SnapshotRecord | None = None) -> None:
        def snapshots(incident: Incident) -> tuple[str, ...]:
            return (*incident.snapshots, record.id) if record else incident.snapshots

        await asyncio.to_thread(
            self._incidents.change, capture.incident.id, text, capture.by, snapshots=snapshots
        )


def _summary(report: Mapping[str, Any]) -> str:
    """Return a report in a sentence: the findings that are leaks with their places."""
    findings = [one for one in report.get("findings", ()) if one.get("verdict") == "leak"]
    lines = [_finding(one) for one in findings[:3]]
    more = f"; and {len(findings) - 3} more" if len(findings) > 3 else ""  # noqa: PLR2004 - told above
    if lines:
        return f"the snapshots show {plural(len(findings), 'leak')}: " + "; ".join(lines) + more
    suspects = [_finding(one) for one in report.get("findings", ())[:1]]
    if suspects:
        return f"the snapshots show no sure leak; the strongest suspect: {suspects[0]}"
    return "the snapshots show nothing that grows"


def _finding(finding: Mapping[str, Any]) -> str:
    location = (finding.get("holder") or {}).get("location") or {}
    place = f" ({location['file']}:{location.get('line')})" if location.get("file") else ""
    return f"{finding.get('title')}{place}"
