"""Which snapshots have been kept long enough, and the sweep that removes them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heapsleuth.errors import VaultError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from heapsleuth.store.base import Store, Vault
    from heapsleuth.store.model import SnapshotRecord

__all__ = ["Retention", "expired", "sweep"]

_DAY_MS = 86_400_000.0


@dataclass(frozen=True, slots=True)
class Retention:
    """What is kept at most: a `count` of snapshots, for `days`, of `size` bytes together."""

    count: int = 100
    days: float = 30.0
    size: int = 50 * 1024**3


def expired(
    records: Sequence[SnapshotRecord], rules: Retention, now_ms: float, needed: Collection[str] = ()
) -> tuple[SnapshotRecord, ...]:
    """
    Return the records to remove, the oldest first.

    What is `needed` (ids; the snapshots of open incidents) stays whatever the rules say, but counts towards
    them. Among the others an older one never outlives a younger one.
    """
    count = sum(record.id in needed for record in records)
    size = sum(record.bytes for record in records if record.id in needed)
    others = [record for record in records if record.id not in needed]
    gone: list[SnapshotRecord] = []
    for record in sorted(others, key=lambda record: record.taken_ms, reverse=True):
        count += 1
        size += record.bytes
        old = now_ms - record.taken_ms > rules.days * _DAY_MS
        if gone or old or count > rules.count or size > rules.size:
            gone.append(record)
    return tuple(reversed(gone))


async def sweep(store: Store, vault: Vault, rules: Retention, now_ms: float) -> tuple[SnapshotRecord, ...]:
    """
    Remove what has expired, record and object; returns what was removed.

    The object goes first: what is left after a failure is a record whose removal is tried again, never an
    object that nobody knows of.
    """
    incidents = await asyncio.to_thread(store.incidents, state="open", limit=10_000)
    needed = {key for incident in incidents for key in incident.snapshots}
    removed = []
    for record in expired(await asyncio.to_thread(store.snapshots), rules, now_ms, needed):
        try:
            await vault.delete(record.key)
        except VaultError:
            continue
        await asyncio.to_thread(store.delete_snapshot, record.id)
        removed.append(record)
    return tuple(removed)
