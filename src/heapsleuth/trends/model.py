"""What the trends layer says about a service: verdicts with evidence, and forecasts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Evidence", "Forecast", "Kind", "Life", "Range", "Severity", "State", "Subject", "TrendVerdict"]

Kind = Literal[
    "heap-leak",
    "external-leak",
    "native-growth",
    "memory-pressure",
    "oom-kills",
    "gc-pauses",
    "loop-blocked",
    "handle-leak",
    "listener-leak",
    "timer-leak",
    "latency-regression",
    "floor-regression",
    "slow-requests",
]
"""What a verdict is about.  `external-leak`: array buffers and other memory that heap objects hold outside
the heap.  `native-growth`: resident memory that neither explains."""

State = Literal["alarm", "clear", "undecided"]
"""`clear` is said only when the data could have shown the problem; otherwise it is `undecided`."""

Severity = Literal["critical", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A fact for or against a verdict; `code` is stable, `text` is for people."""

    code: str
    text: str
    value: float


@dataclass(frozen=True, slots=True)
class Range:
    """An interval of numbers, both ends included; `high` may be infinite."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """
    When memory meets a limit if it goes on as now.

    Attributes:
        limit: The limit met first.
        limit_bytes: Its size.
        hours: Hours from the verdict's `at_ms`; contains the end in at least 95 % of the cases tried.
    """

    limit: Literal["heap", "container"]
    limit_bytes: float
    hours: Range


@dataclass(frozen=True, slots=True)
class Life:
    """
    One process (or worker thread) from its start to its end.

    Attributes:
        instance: Its name, unique across restarts.
        slot: What a restart leaves the same: host, role and thread. Lives of one slot follow each other.
        started_ms: When it began; milliseconds since 1970.
        node: Version of Node.js, such as `20.20.2`; V8's limits differ.
    """

    instance: str
    service: str
    release: str = ""
    slot: str = ""
    started_ms: float = 0.0
    node: str = ""

    @property
    def subject(self) -> Subject:
        """What a verdict about this life is about."""
        return Subject(self.service, self.release, self.instance)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a verdict is about; an empty `release` or `instance` means all of them."""

    service: str
    release: str = ""
    instance: str = ""


@dataclass(frozen=True, slots=True)
class TrendVerdict:
    """
    One judgement about one subject.

    Attributes:
        at_ms: When it was made; milliseconds since 1970, as are all times here.
        since_ms: Since when what it says has been so; None when unknown or not so.
        title: One sentence for people.
        detail: What tells apart two verdicts of one kind about one subject (an emitter and event, a route);
            part of the signature.
        numbers: Figures by name, with the unit in the name (`slope_bytes_per_hour`, `smallest_visible_ms`).
        settles: What would decide it, sentences; for `undecided` at least one.
    """

    kind: Kind
    state: State
    subject: Subject
    at_ms: float
    title: str
    severity: Severity = "warning"
    since_ms: float | None = None
    detail: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)
    evidence_for: tuple[Evidence, ...] = ()
    evidence_against: tuple[Evidence, ...] = ()
    settles: tuple[str, ...] = ()
    forecast: Forecast | None = None

    @property
    def signature(self) -> str:
        """Equal for the same problem seen in other instances, and at other times."""
        return f"{self.kind}:{self.detail}" if self.detail else self.kind
