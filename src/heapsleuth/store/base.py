"""The seams of this layer: what the server may ask of a store and of a snapshot vault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

    from heapsleuth.store.model import (
        AuditEntry,
        Batch,
        Chart,
        Event,
        HttpBucket,
        Incident,
        Instance,
        Row,
        ServiceSummary,
        SnapshotRecord,
        Token,
    )

__all__ = ["Store", "Vault"]


class Store(Protocol):
    """Thread-safe and blocking, so called from threads.  What a writer took is durable when it returns."""

    def append(self, batches: Sequence[Batch]) -> tuple[bool, ...]:
        """Keep what agents sent, in one transaction; False for each batch that was a repeat."""

    def counts(self) -> Mapping[str, int]:
        """Return what was taken since the start: `samples`, `samples_refused`, `messages_repeated`, …"""

    def services(self, since_ms: float) -> tuple[ServiceSummary, ...]:
        """Return the services heard of since then."""

    def instances(self, service: str, since_ms: float) -> tuple[Instance, ...]:
        """Return the instances of a service heard of since then, the earliest first."""

    def instance(self, name: str) -> Instance | None:
        """Return one instance."""

    def rows(self, instance: str, since_ms: float, until_ms: float) -> list[Row]:
        """Return an instance's samples as they came, while they are kept raw."""

    def rollups(self, instance: str, since_ms: float, until_ms: float) -> list[Row]:
        """Return an instance's history as rows of 10 minutes (floors: the least; totals: the last)."""

    def chart(
        self, service: str, metric: str, since_ms: float, until_ms: float, *, by: str = "", points: int = 500
    ) -> Chart:
        """Return a metric over time for the service, or `by` "release" or "instance" (the 20 highest)."""

    def http(
        self, service: str, since_ms: float, until_ms: float, *, route: str = "", by: str = ""
    ) -> list[HttpBucket]:
        """Return latencies by 10 minutes and release; `by` "instance" of all routes, while kept raw."""

    def routes(self, service: str, since_ms: float) -> tuple[str, ...]:
        """Return the routes of a service, the busiest first."""

    def events(
        self,
        *,
        service: str = "",
        instance: str = "",
        types: Sequence[str] = (),
        since_ms: float = 0.0,
        limit: int = 200,
    ) -> tuple[Event, ...]:
        """Return events, the latest first."""

    def put_incident(self, incident: Incident) -> None:
        """Keep an incident, in place of the one with its id."""

    def incident(self, incident_id: str) -> Incident | None:
        """Return one incident."""

    def incidents(
        self, *, service: str = "", state: str = "", since_ms: float = 0.0, limit: int = 200
    ) -> tuple[Incident, ...]:
        """Return incidents, the latest first."""

    def put_snapshot(self, record: SnapshotRecord) -> None:
        """Keep the record of a snapshot, in place of the one with its id."""

    def snapshots(self, *, service: str = "", incident: str = "") -> tuple[SnapshotRecord, ...]:
        """Return the records of snapshots, the latest first."""

    def snapshot(self, snapshot_id: str) -> SnapshotRecord | None:
        """Return one record."""

    def delete_snapshot(self, snapshot_id: str) -> bool:
        """Forget a snapshot's record; False if there was none."""

    def put_token(self, token: Token) -> None:
        """Keep a token, in place of the one with its id."""

    def tokens(self) -> tuple[Token, ...]:
        """Return all tokens."""

    def delete_token(self, token_id: str) -> bool:
        """Withdraw a token; False if there was none."""

    def record(self, entries: Iterable[AuditEntry]) -> None:
        """Add to the audit log."""

    def audit(self, *, limit: int = 200, before_ms: float | None = None) -> tuple[AuditEntry, ...]:
        """Return the audit log, the latest first."""

    def setting(self, key: str) -> str | None:
        """Return a setting that operators change while the collector runs."""

    def set_setting(self, key: str, value: str) -> None:
        """Change a setting."""

    def maintained(self, gone: set[int]) -> None:
        """Take note of a round of upkeep in another process, and of the instances (numbers) it dropped."""

    def close(self) -> None:
        """Let go of the database."""


class Vault(Protocol):
    """Where snapshots are kept; everything is streamed, nothing is held whole."""

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> tuple[int, str]:
        """
        Keep an object; it is there whole or not at all.

        Returns:
            Its length in bytes and its SHA-256.
        """

    def get(self, key: str) -> AsyncIterator[bytes]:
        """Return an object's bytes in chunks."""

    async def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""

    async def keys(self) -> tuple[str, ...]:
        """Return the keys of all objects."""
