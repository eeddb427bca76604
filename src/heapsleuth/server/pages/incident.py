"""The page of an incident: what is wrong, what is known about it, what was done, what can be done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from heapsleuth.reports import wording
from heapsleuth.reports.html_finding import Findings, findings_of, headline
from heapsleuth.reports.html_kinds import Kind, about
from heapsleuth.server.pages.report_values import report_from
from heapsleuth.server.pages.verdicts import ShownVerdict, shown_verdict, verdict_from
from heapsleuth.server.pages.words import Chip, kind_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from heapsleuth.leaks.model import AnalysisReport
    from heapsleuth.store.model import Incident, SnapshotRecord

__all__ = ["IncidentPage", "Note", "incident_page"]


@dataclass(frozen=True, slots=True)
class Note:
    """A line of the history."""

    at_ms: float
    text: str
    by: str


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
    now_ms: float

    @property
    def is_open(self) -> bool:
        """Whether it goes on."""
        return self.incident.state == "open"


def incident_page(
    incident: Incident, snapshots: Sequence[SnapshotRecord], *, automatic: bool, instance: str, now_ms: float
) -> IncidentPage:
    """Return the page."""
    verdict = verdict_from(incident.verdict)
    report = None if incident.report is None else report_from(incident.report)
    words = kind_words(incident.kind)
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
        instance=incident.instance or instance,
        now_ms=now_ms,
    )


def _note(body: Mapping[str, Any]) -> Note:
    return Note(float(body.get("at_ms", 0.0)), str(body.get("text", "")), str(body.get("by", "")))
