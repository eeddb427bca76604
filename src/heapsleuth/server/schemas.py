"""What the API answers and takes, as models: they check, and they are the OpenAPI document."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from heapsleuth.store.model import Role  # noqa: TC001 - pydantic reads annotations

__all__ = [
    "ActorOut",
    "AuditOut",
    "ChartOut",
    "CommandOut",
    "CommandsOut",
    "EventOut",
    "HealthOut",
    "HttpOut",
    "IncidentOut",
    "InstanceOut",
    "LineOut",
    "LoginIn",
    "LoginOut",
    "NoteIn",
    "Problem",
    "ServiceOut",
    "SettingIn",
    "SettingOut",
    "SnapshotIn",
    "SnapshotOut",
    "TokenIn",
    "TokenMade",
    "TokenOut",
    "VerdictOut",
]


def _finite(value: Any) -> Any:
    """JSON has neither NaN nor infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


Number = Annotated[float | None, BeforeValidator(_finite)]


class _Out(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Problem(BaseModel):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str


class ServiceOut(_Out):
    """A service; `latest` has the worst of its live instances' last samples."""

    service: str
    releases: list[str]
    instances: int
    first_seen_ms: float
    last_seen_ms: float
    latest: dict[str, Number]


class InstanceOut(_Out):
    """A process or worker thread that has reported, or an endpoint that is scraped."""

    name: str
    service: str
    release: str
    host: str
    pid: int
    thread: int
    role: str
    node: str
    agent: str
    source: str
    started_ms: float
    first_seen_ms: float
    last_seen_ms: float


class EventOut(_Out):
    """Something that happened in an instance."""

    instance: str
    at_ms: float
    type: str
    body: dict[str, Any]


class LineOut(BaseModel):
    """A line of a chart; null where there is nothing."""

    label: str
    values: list[Number]
    low: list[Number]
    high: list[Number]


class ChartOut(BaseModel):
    """A metric over time; `times` are the starts of buckets of `step_ms`."""

    metric: str
    step_ms: float
    times: list[float]
    lines: list[LineOut]


class HttpOut(_Out):
    """Latencies of ten minutes; bucket b covers 2^(b/16 − 10) to 2^((b+1)/16 − 10) ms."""

    at_ms: float
    route: str
    release: str
    count: int
    statuses: dict[str, int]
    buckets: dict[int, int]


class EvidenceOut(_Out):
    """A fact for or against a verdict."""

    code: str
    text: str
    value: Number


class RangeOut(_Out):
    """An interval; no `high`: no end in sight."""

    low: Number
    high: Number


class ForecastOut(_Out):
    """When memory meets a limit if it goes on as now."""

    limit: str
    limit_bytes: Number
    hours: RangeOut


class SubjectOut(_Out):
    """What a verdict is about; empty: all of them."""

    service: str
    release: str
    instance: str


class VerdictOut(_Out):
    """One judgement about one subject."""

    kind: str
    state: str
    signature: str
    subject: SubjectOut
    at_ms: float
    since_ms: Number
    title: str
    detail: str
    severity: str
    numbers: dict[str, Number]
    evidence_for: list[EvidenceOut]
    evidence_against: list[EvidenceOut]
    settles: list[str]
    forecast: ForecastOut | None


class IncidentOut(_Out):
    """A problem from its first alarm to its end; `report` is left out of lists."""

    id: str
    service: str
    release: str
    signature: str
    kind: str
    severity: str
    state: str
    title: str
    opened_ms: float
    updated_ms: float
    resolved_ms: float | None
    instance: str
    verdict: dict[str, Any]
    report: dict[str, Any] | None
    snapshots: list[str]
    notes: list[dict[str, Any]]


class NoteIn(_In):
    """What to add to an incident's notes."""

    text: str = Field(default="", max_length=2000)


class SnapshotIn(_In):
    """A request for a snapshot; `force` takes it although the checks before it say no."""

    force: bool = False


class SnapshotOut(_Out):
    """A snapshot, or a sampling profile, in the vault; `bytes` and `sha256` are of the packed file."""

    id: str
    service: str
    release: str
    instance: str
    kind: str
    taken_ms: float
    bytes: int
    sha256: str
    work: float | None
    redacted: bool
    incident: str


class CommandOut(BaseModel):
    """What an agent answered."""

    result: dict[str, Any]


class TokenIn(_In):
    """A token to make; `service` for agents only; without `expires_days` it never expires."""

    name: str = Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")
    role: Role
    service: str = Field(default="", max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")
    expires_days: float | None = Field(default=None, gt=0, le=3650)


class TokenOut(_Out):
    """A token, without its secret."""

    id: str
    name: str
    role: Role
    service: str
    created_ms: float
    expires_ms: float | None
    last_used_ms: float | None = None


class TokenMade(TokenOut):
    """A new token with its secret, which is told this once."""

    token: str


class AuditOut(_Out):
    """Who did what to what, and how it ended."""

    at_ms: float
    actor: str
    role: str
    action: str
    target: str
    outcome: str
    remote: str


class SettingIn(_In):
    """A setting's new value."""

    value: str = Field(max_length=1000, pattern=r"^[^\x00]*$")


class SettingOut(BaseModel):
    """A setting that operators change while the collector runs; null: as configured."""

    key: str
    value: str | None
    meaning: str


class LoginIn(_In):
    """A token to log in with."""

    token: str = Field(max_length=200)


class LoginOut(BaseModel):
    """Who is logged in; `token` only when the one-time token of the first start was exchanged: keep it."""

    name: str
    role: Role
    csrf: str
    token: str | None = None


class ActorOut(_Out):
    """Who asks."""

    name: str
    role: Role
    csrf: str


class HealthOut(BaseModel):
    """`ok`, or what is wrong."""

    status: str


class CommandsOut(BaseModel):
    """Commands for an agent, see `agents/protocol`."""

    commands: list[dict[str, Any]]
