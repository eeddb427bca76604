"""Time as the watch sees it: the clock's, or for demonstrations many times as long."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from heapsleuth.trends.model import Life

if TYPE_CHECKING:
    from collections.abc import Mapping

    from heapsleuth.store.model import Event, HttpBucket, Instance, Row

__all__ = ["TimeScale"]


@dataclass(frozen=True, slots=True)
class TimeScale:
    """
    Multiplies every time; from 1970 on, so that a restart of the collector changes nothing.

    Rates that the agent measured itself stay as they were: shares of time in collections are of real time.
    """

    factor: float = 1.0

    def at(self, at_ms: float) -> float:
        """Return a time of the clock as the watch sees it."""
        return at_ms * self.factor

    def real(self, at_ms: float) -> float:
        """Return a time of the watch as the clock had it."""
        return at_ms / self.factor

    def row(self, row: Row) -> Row:
        """Return a sample; the same one when time is real."""
        return row if self.factor == 1 else {**row, "at_ms": row["at_ms"] * self.factor}

    def bucket(self, bucket: HttpBucket) -> HttpBucket:
        """Return latencies."""
        return bucket if self.factor == 1 else replace(bucket, at_ms=bucket.at_ms * self.factor)

    def body(self, event: Event) -> Mapping[str, Any]:
        """Return an event's body; times within it are compared with each other only, and stay."""
        return {**event.body, "at_ms": event.at_ms * self.factor}

    def life(self, instance: Instance) -> Life:
        """Return an instance's life; a slot is what a restart leaves the same."""
        return Life(
            instance=instance.name,
            service=instance.service,
            release=instance.release,
            slot=f"{instance.host}/{instance.role}/{instance.thread}",
            started_ms=(instance.started_ms or instance.first_seen_ms) * self.factor,
            node=instance.node,
        )
