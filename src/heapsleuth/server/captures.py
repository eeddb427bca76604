"""What a capture is made of: whom to ask, how long to wait between snapshots, and what is kept of it."""

from __future__ import annotations

import asyncio
import secrets
import statistics
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from heapsleuth.errors import AgentFailed
from heapsleuth.store.model import AuditEntry

if TYPE_CHECKING:
    from heapsleuth.server.context import Context
    from heapsleuth.store.model import Incident, Instance, SnapshotRecord

__all__ = ["Capture", "candidates", "record_of", "set_incident", "work_now"]

_ALIVE_MS = 180_000.0
_RATE_MS = 600_000.0
_IDLE_SHARE = 0.1
"""An instance with less than a tenth of the median's traffic would show nothing."""
_GROWTH_BYTES = 1e6
"""What should have leaked between two snapshots; a finding needs tens of new members in each round."""
_LEAST_S, _MOST_S = 60.0, 1800.0
_LEAST_ACCELERATED_S = 1.0
_LEAST_REQUESTS = 100.0
_MOST_WAITS = 3
_ASK_AGAIN_S = 5.0
_MAX_TEXT = 500


@dataclass
class Capture:
    """
    One capture under way.

    Attributes:
        by: Who asked for it.
        records: Its snapshots so far.
    """

    context: Context
    incident: Incident
    by: str
    role: str
    records: list[SnapshotRecord] = field(default_factory=list)

    @staticmethod
    def new_id() -> str:
        """Return a new id of a snapshot."""
        return secrets.token_hex(8)

    @property
    def spacing_s(self) -> float:
        """Seconds between snapshots: the leak should have gained a megabyte, within reason."""
        scale = self.context.config.time_scale
        slope = self.incident.verdict.get("numbers", {}).get("slope_bytes_per_hour")
        hours = _GROWTH_BYTES / slope if isinstance(slope, (int, float)) and slope > 0 else 0.0
        least = _LEAST_S if scale == 1 else _LEAST_ACCELERATED_S
        return max(least, min(hours * 3600, _MOST_S) / scale)

    async def wait_for_work(self, instance: Instance) -> None:
        """Wait until enough has been done since the last snapshot: time, and requests where they count."""
        spacing = self.spacing_s
        await asyncio.sleep(spacing)
        before = self.records[-1].work
        left = _MOST_WAITS * spacing
        while before is not None and left > 0:
            work = await asyncio.to_thread(work_now, self.context, instance.name)
            if work is None or work - before >= _LEAST_REQUESTS:
                return
            await asyncio.sleep(min(_ASK_AGAIN_S, spacing))
            left -= min(_ASK_AGAIN_S, spacing)

    async def audit(self, action: str, target: str, outcome: str) -> None:
        """Add to the audit log."""
        entry = AuditEntry(
            self.context.clock(), self.by, self.role, action, target[:_MAX_TEXT], outcome[:_MAX_TEXT]
        )
        await asyncio.to_thread(self.context.store.record, [entry])


def candidates(context: Context, incident: Incident) -> list[Instance]:
    """Return the instances that may be asked, the least loaded first, those without traffic last. Blocks."""
    now_ms = context.clock()
    alive = [
        one
        for one in context.store.instances(incident.service, now_ms - _ALIVE_MS)
        if one.source == "agent" and (not incident.release or one.release == incident.release)
    ]
    worst = next((one for one in alive if one.name == incident.instance), None)
    if worst is not None:
        # A scheduler of the service need not leak as its web workers do.
        alive = [one for one in alive if one.role == worst.role]
    rates = {one.name: _rate(context, one.name, now_ms) for one in alive}
    least = _IDLE_SHARE * statistics.median(rates.values()) if rates else 0.0
    return sorted(alive, key=lambda one: (rates[one.name] < least, rates[one.name], one.name))


def _rate(context: Context, instance: str, now_ms: float) -> float:
    """Return requests in the last ten minutes."""
    totals = [
        row["requests_total"]
        for row in context.store.rows(instance, now_ms - _RATE_MS, now_ms)
        if "requests_total" in row
    ]
    return max(0.0, totals[-1] - totals[0]) if totals else 0.0


def work_now(context: Context, instance: str) -> float | None:
    """Return the requests that an instance has done; None if nobody counts them. Blocks."""
    now_ms = context.clock()
    rows = context.store.rows(instance, now_ms - _RATE_MS, now_ms)
    return rows[-1].get("requests_total") if rows else None


async def record_of(context: Context, snapshot_id: str) -> SnapshotRecord:
    """
    Return the record of a snapshot that an agent says it has sent.

    Raises:
        AgentFailed: It has not arrived.
    """
    record = await asyncio.to_thread(context.store.snapshot, snapshot_id)
    if record is None:
        raise AgentFailed(
            f"expected the snapshot {snapshot_id} to arrive, it did not; the agent may be too old to send it"
        )
    return record


def set_incident(
    context: Context, record: SnapshotRecord, incident_id: str, work: float | None
) -> SnapshotRecord:
    """Keep what a snapshot was taken for, and after how much work if its agent did not tell. Blocks."""
    record = replace(record, incident=incident_id, work=work if record.work is None else record.work)
    context.store.put_snapshot(record)
    return record
