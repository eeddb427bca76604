"""The values an analysis ends in: `AnalysisReport` and everything inside it.

All immutable; reports only format them.  The JSON of `reports/json.py` mirrors them name by name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from heapsleuth.places import Package, SourceLocation

__all__ = [
    "SITE_ROLES",
    "AnalysisReport",
    "AsyncStack",
    "CensusRow",
    "ClassDelta",
    "ClassRow",
    "CodeLine",
    "Comparison",
    "Evidence",
    "Finding",
    "Fix",
    "Holder",
    "Input",
    "Members",
    "PathStep",
    "Site",
    "SnapshotSummary",
    "Verdict",
    "Warning_",
    "WasteRow",
]


class Verdict(StrEnum):
    """What the tool concludes; a candidate can also be `bounded`."""

    LEAK = "leak"
    CLEAN = "clean"
    UNDECIDED = "undecided"
    BOUNDED = "bounded"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A fact for or against "this is a leak"; `code` is stable, `text` is for people."""

    code: str
    text: str
    value: float


@dataclass(frozen=True, slots=True)
class PathStep:
    """One step of a retaining path: the edge taken and the node reached."""

    edge: str
    node: str
    id: int
    suspect: bool = False


@dataclass(frozen=True, slots=True)
class Holder:
    """The long-lived object whose references keep the members alive."""

    name: str
    """As a programmer would say it: `reportCache`, `bus "invalidate" listeners`."""
    kind: str
    """Its constructor: `Map`, `Array`, `EventEmitter`."""
    node_id: int
    location: SourceLocation | None
    package: Package | None


@dataclass(frozen=True, slots=True)
class Members:
    """What piles up under a holder; series have one value per snapshot."""

    class_name: str
    location: SourceLocation | None
    counts: tuple[int, ...]
    retained_bytes: tuple[int, ...]
    count_per_work: float
    bytes_per_work: float


@dataclass(frozen=True, slots=True)
class Fix:
    """What to change, and the page that explains it."""

    summary: str
    before: str
    after: str
    doc: str


@dataclass(frozen=True, slots=True)
class CodeLine:
    """One line of source text, as it is in the file."""

    number: int
    """1-based."""
    text: str
    marked: bool
    """Whether this is the line that is meant."""


@dataclass(frozen=True, slots=True)
class Site:
    """A place in code that a finding is about; `SITE_ROLES` has the roles."""

    role: str
    location: SourceLocation
    package: Package | None
    code: tuple[CodeLine, ...] = ()
    """The line and its neighbours; empty when the text is not at hand or was changed since."""


SITE_ROLES: Mapping[str, str] = {
    "holder": "declares the holder",
    "added": "adds the members",
    "removed": "takes members out",
    "member": "is what the members are made of",
    "captured": "is kept alive by the members",
}
"""What a site does, to follow its place: `src/report.js:23 adds the members`; in order of printing."""


@dataclass(frozen=True, slots=True)
class AsyncStack:
    """Async functions suspended on one another, in equal chains counted together."""

    functions: tuple[str, ...]
    """Innermost first: it awaits what never settles; each further one awaits the one before."""
    location: SourceLocation | None
    """Of the innermost."""
    count: int
    retained_bytes: int


@dataclass(frozen=True, slots=True)
class Finding:
    """A cause: holder and members that grew (or, from one snapshot, a suspect)."""

    signature: str
    category: str
    verdict: Verdict
    confidence: float
    title: str
    holder: Holder
    members: Members
    exclusive_bytes: int
    path: tuple[PathStep, ...]
    evidence_for: tuple[Evidence, ...]
    evidence_against: tuple[Evidence, ...]
    also_retained: tuple[str, ...] = ()
    """Titles of growth only reachable through this finding or shared with it."""
    also_retained_by: tuple[str, ...] = ()
    """Names of other holders without which the members would not go away either."""
    related: tuple[str, ...] = ()
    """Signatures of findings that share a beginning of the path, members or a place in code."""
    sites: tuple[Site, ...] = ()
    """Places in code to look at, in the order of `SITE_ROLES`."""
    stacks: tuple[AsyncStack, ...] = ()
    """Who waits, for promises that never settle; most frequent first."""
    settles: str | None = None
    """What would decide an undecided finding, in words."""
    fix: Fix | None = None
    suppressed: str | None = None
    """Why it is accepted: the reason of a `heapsleuth: ignore` comment, an intent comment, a baseline."""


@dataclass(frozen=True, slots=True)
class Input:
    """One snapshot file as analysed."""

    path: str
    bytes: int
    nodes: int
    edges: int
    heap_bytes: int
    work: float | None
    runtime: str


@dataclass(frozen=True, slots=True)
class Warning_:  # noqa: N801 - the glossary says warning, and `Warning` is a builtin
    """Something the reader must know about how far the result goes."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class ClassRow:
    """A row of the summary by class, as in DevTools."""

    class_name: str
    location: SourceLocation | None
    count: int
    shallow_bytes: int
    retained_bytes: int
    distance: int


@dataclass(frozen=True, slots=True)
class ClassDelta:
    """A row of DevTools' comparison of two snapshots."""

    class_name: str
    location: SourceLocation | None
    new: int
    deleted: int
    delta: int
    allocated_bytes: int
    freed_bytes: int
    delta_bytes: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """DevTools' comparison between two of the inputs (indexes into `AnalysisReport.inputs`)."""

    before: int
    after: int
    rows: tuple[ClassDelta, ...]


@dataclass(frozen=True, slots=True)
class CensusRow:
    """A count of one kind of live resource: listeners of an emitter, timers, pending promises."""

    kind: str
    """`listeners`, `timers`, `promises`, `suspended-functions`, `sockets`, `handles`, `contexts`, …"""
    name: str
    count: int
    retained_bytes: int
    location: SourceLocation | None


@dataclass(frozen=True, slots=True)
class WasteRow:
    """Memory spent without need or worth a look: duplicate strings, huge strings and buffers."""

    kind: str
    """`duplicate-string`, `big-string`, `big-buffer`, `sparse-array`, `empty-collection`, …"""
    name: str
    count: int
    bytes: int


@dataclass(frozen=True, slots=True)
class SnapshotSummary:
    """What one snapshot says by itself."""

    classes: tuple[ClassRow, ...]
    census: tuple[CensusRow, ...]
    waste: tuple[WasteRow, ...]
    off_heap_bytes: int
    """Bytes behind ArrayBuffers and other native nodes."""
    statistics: tuple[tuple[str, int], ...]
    """Bytes by group as in DevTools' Statistics view: code, strings, arrays, typed arrays, system, …"""


@dataclass(frozen=True, slots=True)
class AnalysisReport:
    """The whole result; a pure function of the files, deterministic."""

    mode: str
    """`identity`, `structural` or `single`; in the JSON of a check without snapshots `rounds`."""
    verdict: Verdict
    inputs: tuple[Input, ...]
    findings: tuple[Finding, ...]
    bounded: tuple[Finding, ...] = ()
    warnings: tuple[Warning_, ...] = ()
    snapshot: SnapshotSummary | None = None
    comparison: Comparison | None = None
    model: str = field(default="")
    """Version of the confidence model, `provisional-…` until calibrated."""

    def to_json(self) -> str:
        """Return the report as JSON, format `heapsleuth/report` version 1."""
        from heapsleuth.reports.json import render_text  # noqa: PLC0415 - leaks may not need reports

        return render_text(self)
