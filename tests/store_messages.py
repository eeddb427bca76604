"""Messages as agents send them, for tests of the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapsleuth.store.model import Batch, Event, HttpBucket, Instance

if TYPE_CHECKING:
    from collections.abc import Iterable

    from heapsleuth.store.model import Row

# A full hour, and a full 10 minutes.
T = 1_767_225_600_000.0
SECOND, MINUTE, HOUR, DAY = 1_000.0, 60_000.0, 3_600_000.0, 86_400_000.0


def instance(name: str = "web-1", service: str = "shop", release: str = "1.0") -> Instance:
    return Instance(
        name, service, release, host=f"host of {name}", pid=7, thread=1, role="worker", node="20.20.2",
        agent="0.1.0", started_ms=T,
    )  # fmt: skip


def batch(
    rows: Iterable[Row] = (),
    *,
    who: Instance | None = None,
    sequence: int = 0,
    received_ms: float | None = None,
    events: Iterable[Event] = (),
    http: Iterable[HttpBucket] = (),
) -> Batch:
    samples = tuple(rows)
    at = received_ms if received_ms is not None else max((row["at_ms"] for row in samples), default=T)
    return Batch(who or instance(), sequence, at, samples, tuple(events), tuple(http))


def every(step_ms: float, until_ms: float, **metrics: float) -> list[Row]:
    """Return samples of metrics that do not change, from T on."""
    return [{"at_ms": T + at * step_ms, **metrics} for at in range(int(until_ms / step_ms))]
