"""The page of an incident: what is wrong, what is known about it, what was done, what can be done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from heapsleuth.reports import wording
from heapsleuth.reports.html_finding import Findings, findings_of, headline
from heapsleuth.reports.html_kinds import Kind, about
from heapsleuth.server.capturing import LEAKS as CAPTURABLE
from heapsleuth.server.pages.forecast import with_cone
from heapsleuth.server.pages.markers import Marker, markers, releases_by_age
from heapsleuth.server.pages.panels import PANELS, Panel, chart_data, panels
from heapsleuth.server.pages.report_values import report_from
from heapsleuth.server.pages.verdicts import ShownVerdict, shown_verdict, verdict_from
from heapsleuth.server.pages.words import Chip, kind_words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from heapsleuth.leaks.model import AnalysisReport
    from heapsleuth.store.model import Chart, Incident, Instance, SnapshotRecord

__all__ = ["IncidentPage", "Note", "Past", "incident_page", "shown_since"]

_CHARTS = {
    "heap-leak": ("heap",),
    "external-leak": ("outside", "memory"),
    "native-growth": ("memory",),
    "memory-pressure": ("heap", "memory"),
    "oom-kills": ("memory",),
    "gc-pauses": ("gc-pause", "gc-share"),
    "loop-blocked": ("loop", "utilization"),
    "handle-leak": ("counts",),
    "listener-leak": ("counts",),
    "timer-leak": ("counts",),
    "latency-regression": ("latency-p50", "latency-p99"),
    "floor-regression": ("heap",),
    "slow-requests": ("latency-p99", "loop"),
}
"""Which charts show a kind of problem."""
_HOUR_MS = 3_600_000.0
_LEAST_HOURS, _MOST_HOURS = 6.0, 24.0 * 30
_LEAD = 1.5
"""The charts begin half as long before the problem as it has lasted."""


@dataclass(frozen=True, slots=True)
class Note:
    """A line of the history."""

    at_ms: float
    text: str
    by: str


@dataclass(frozen=True)
class Past:
    """
    What the store has about the time of the incident.

    Attributes:
        chart: Gives a metric (first), by release or for the whole service (second), since `shown_since`.
        instances: Those of that time.
    """

    chart: Callable[[str, str], Chart]
    instances: Sequence[Instance]


@dataclass(frozen=True)
class IncidentPage:
    """
    The page.

    Attributes:
        report: What the snapshots say; None before there is an analysis, or when it cannot be read.
        unreadable: There is a report, but of a format this version does not know.
        automatic: Whether snapshots of this service are taken without asking.
        instance: Whom actions on one process go to; empty when nobody reports.
    """

    incident: Incident
    chip: Chip
    noun: str
    verdict: ShownVerdict | None
    report: AnalysisReport | None
    unreadable: bool
    findings: Findings
    report_headline: str
    unit: str
    grows: bool
    about: tuple[Kind, ...]
    notes: tuple[Note, ...]
    snapshots: tuple[SnapshotRecord, ...]
    automatic: bool
    instance: str
    panels: tuple[Panel, ...]
    markers: tuple[Marker, ...]
    now_ms: float

    @property
    def can_capture(self) -> bool:
        """Whether a heap snapshot would show its cause."""
        return self.is_open and self.incident.kind in CAPTURABLE

    def chart_data(self) -> Mapping[str, object]:
        """Return what the script reads."""
        return chart_data(self.panels, self.markers, self.now_ms)

    @property
    def is_open(self) -> bool:
        """Whether it goes on."""
        return self.incident.state == "open"


def shown_since(incident: Incident, now_ms: float) -> float:
    """Return since when its charts show the service."""
    verdict = verdict_from(incident.verdict)
    begin_ms = incident.opened_ms
    if verdict is not None and verdict.since_ms is not None:
        begin_ms = min(begin_ms, verdict.since_ms)
    hours = (now_ms - begin_ms) / _HOUR_MS * _LEAD
    return now_ms - min(max(hours, _LEAST_HOURS), _MOST_HOURS) * _HOUR_MS


def incident_page(
    incident: Incident,
    snapshots: Sequence[SnapshotRecord],
    past: Past,
    *,
    automatic: bool,
    instance: str,
    now_ms: float,
) -> IncidentPage:
    """Return the page."""
    verdict = verdict_from(incident.verdict)
    report = None if incident.report is None else report_from(incident.report)
    words = kind_words(incident.kind)
    specs = [one for one in PANELS if one.id in _CHARTS.get(incident.kind, ())]
    made = panels(past.chart, list(releases_by_age(past.instances)), specs)
    if verdict is not None and incident.state == "open":
        made = tuple(with_cone(one, verdict.forecast, verdict.at_ms) for one in made)
    kinds = [] if report is None else about(one.category for one in report.findings)
    return IncidentPage(
        incident=incident,
        chip=Chip(words.alarm, "leak") if incident.state == "open" else Chip("Resolved", "clean"),
        noun=words.noun,
        verdict=None if verdict is None else shown_verdict(verdict),
        report=report,
        unreadable=incident.report is not None and report is None,
        findings=Findings((), ()) if report is None else findings_of(report),
        report_headline="" if report is None else headline(report),
        unit="" if report is None else wording.work_unit(report),
        grows=report is not None and len(report.inputs) > 1,
        about=tuple(kinds),
        notes=tuple(map(_note, reversed(incident.notes))),
        snapshots=tuple(snapshots),
        automatic=automatic,
        instance=instance,
        panels=made,
        markers=markers(past.instances, [incident], shown_since(incident, now_ms), now_ms),
        now_ms=now_ms,
    )


def _note(body: Mapping[str, Any]) -> Note:
    return Note(float(body.get("at_ms", 0.0)), str(body.get("text", "")), str(body.get("by", "")))
