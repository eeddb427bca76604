"""Values that go into the store and come out of it.  Times are milliseconds since 1970."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "AuditEntry",
    "Batch",
    "Chart",
    "Event",
    "HttpBucket",
    "Incident",
    "Instance",
    "Line",
    "Role",
    "Row",
    "ServiceSummary",
    "SnapshotRecord",
    "Token",
]

Row = dict[str, float]
"""One sample: numbers by the metric names of `agents/protocol`, with `at_ms` among them."""

Role = Literal["agent", "viewer", "operator", "admin"]
"""`agent` may only push and fetch its commands; each of the others may do what the one before it may."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A process or worker thread that has reported, or an endpoint that is scraped; one process life."""

    name: str
    service: str
    release: str = ""
    host: str = ""
    pid: int = 0
    thread: int = 0
    role: str = "main"
    node: str = ""
    agent: str = ""
    source: Literal["agent", "scrape"] = "agent"
    started_ms: float = 0.0
    first_seen_ms: float = 0.0
    last_seen_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in an instance; `body` is the event as the protocol has it."""

    instance: str
    at_ms: float
    type: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """
    One message of an agent (or one scrape), checked.

    Attributes:
        sequence: Number of the message, counted by the agent from 1; repeats are dropped. 0: never a repeat.
        http: Latencies by route of the samples that had them, see `HttpBucket`.
    """

    instance: Instance
    sequence: int
    received_ms: float
    samples: tuple[Row, ...] = ()
    events: tuple[Event, ...] = ()
    http: tuple[HttpBucket, ...] = ()


@dataclass(frozen=True, slots=True)
class HttpBucket:
    """
    Latencies of one route over a time: how many requests fell into each bucket.

    Attributes:
        at_ms: End of the time.
        route: `GET /users/:id`; empty for all routes together.
        release: Which release served them.
        statuses: Requests by class of status, `2xx` and so on.
        buckets: Requests by bucket number; bucket b covers [2**(b / 16 - 10), 2**((b + 1) / 16 - 10)) ms.
    """

    at_ms: float
    route: str
    count: int
    statuses: Mapping[str, int] = field(default_factory=dict)
    buckets: Mapping[int, int] = field(default_factory=dict)
    release: str = ""
    instance: str = ""


@dataclass(frozen=True, slots=True)
class ServiceSummary:
    """A service as the fleet page lists it; `latest` has the worst of its live instances' last samples."""

    service: str
    releases: tuple[str, ...]
    instances: int
    first_seen_ms: float
    last_seen_ms: float
    latest: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Line:
    """
    One line of a chart with its band.

    Attributes:
        label: Release, instance, or empty for the whole service.
        values: float64[n]; NaN where there is nothing.
        low, high: float64[n], smallest and largest value behind each point.
    """

    label: str
    values: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True)
class Chart:
    """Lines of one metric over common times; `times` is float64[n], the starts of `step_ms` long buckets."""

    metric: str
    step_ms: float
    times: NDArray[np.float64]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Incident:
    """
    A problem from its first alarm to its end; one is open at a time for each (service, release, signature).

    Attributes:
        verdict: The latest verdict as JSON (`trends.model.TrendVerdict`).
        report: The report JSON of the snapshots' analysis, when there is one.
        snapshots: Ids of its snapshots.
        notes: What happened, oldest first: `{"at_ms", "text", "by"}`.
    """

    id: str
    service: str
    release: str
    signature: str
    kind: str
    severity: str
    state: Literal["open", "resolved"]
    title: str
    opened_ms: float
    updated_ms: float
    resolved_ms: float | None = None
    instance: str = ""
    verdict: Mapping[str, Any] = field(default_factory=dict)
    report: Mapping[str, Any] | None = None
    snapshots: tuple[str, ...] = ()
    notes: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Token:
    """
    A bearer token; only its SHA-256 is kept.

    Attributes:
        expires_ms: None: never.
        service: The only service that an agent with it may report for; empty: any.
    """

    id: str
    sha256: str
    role: Role
    name: str
    created_ms: float
    expires_ms: float | None = None
    last_used_ms: float | None = None
    service: str = ""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to what, and whether it was allowed and worked."""

    at_ms: float
    actor: str
    role: str
    action: str
    target: str
    outcome: str
    remote: str = ""


@dataclass(frozen=True, slots=True)
class SnapshotRecord:
    """A snapshot (or sampling profile) in the vault."""

    id: str
    service: str
    release: str
    instance: str
    kind: Literal["snapshot", "profile"]
    taken_ms: float
    bytes: int
    sha256: str
    work: float | None = None
    redacted: bool = False
    incident: str = ""
    key: str = ""
