"""Findings as the HTML report shows them: numbered, linked to each other, with charts and a folded path."""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from heapsleuth.leaks.model import AnalysisReport, Finding, Verdict
from heapsleuth.reports import wording
from heapsleuth.reports.html_charts import Chart, Spark, bytes_chart, count_chart, spark
from heapsleuth.reports.untrusted import clean_block

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapsleuth.leaks.model import CodeLine, Fix, PathStep, Site

__all__ = ["Findings", "Shown", "Stretch", "findings_of"]

_MOST_STEPS = 9
"""Steps of a path shown unfolded; of longer ones, those near the suspect edges."""
_SHARE = 100


@dataclass(frozen=True, slots=True)
class Stretch:
    """Steps of a path in a row; folded away or not."""

    steps: tuple[PathStep, ...]
    folded: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A finding with what its part of the page needs beyond the finding itself."""

    number: int
    """1-based, over unsuppressed and then suppressed ones; its anchor is `finding-NUMBER`."""
    finding: Finding
    word: str
    """Its verdict; `suspect` when there was only one snapshot."""
    meaning: str
    """What its confidence says, in words."""
    cure: str
    """The first sentence of its fix; empty without one."""
    diff: tuple[tuple[str, str], ...]
    """Lines of the fix: `before`, `after` or `both`, and the text."""
    sites: tuple[Site, ...]
    """Those that say more than the places of holder and members."""
    charts: tuple[Chart, ...]
    spark: Spark | None
    path: tuple[Stretch, ...]
    related: tuple[tuple[str, int | None], ...]
    """Title, or signature, and number of each related finding; None for one that is not on the page."""


@dataclass(frozen=True, slots=True)
class Findings:
    """All findings of a report: those that count, and the suppressed ones."""

    counted: tuple[Shown, ...]
    suppressed: tuple[Shown, ...]


def findings_of(report: AnalysisReport) -> Findings:
    """Return the findings in the order of the report, the suppressed ones after the others."""
    counted = [one for one in report.findings if one.suppressed is None]
    suppressed = [one for one in report.findings if one.suppressed is not None]
    ordered = counted + suppressed
    numbers: dict[str, int] = {}
    for number, finding in enumerate(ordered, 1):
        numbers.setdefault(finding.signature, number)
    shown = [_shown(report, ordered, numbers, number) for number in range(1, len(ordered) + 1)]
    return Findings(tuple(shown[: len(counted)]), tuple(shown[len(counted) :]))


def _shown(report: AnalysisReport, ordered: Sequence[Finding], numbers: dict[str, int], number: int) -> Shown:
    finding = ordered[number - 1]
    works = [one.work for one in report.inputs]
    members = finding.members
    charts = (
        count_chart("Members held", members.counts, works, "work"),
        bytes_chart("Bytes retained by them", members.retained_bytes, works, "work"),
    )
    return Shown(
        number=number,
        finding=finding,
        word="suspect" if report.mode == "single" else finding.verdict.value,
        meaning=_meaning(report, finding),
        cure="" if finding.fix is None else _first_sentence(finding.fix.summary),
        diff=() if finding.fix is None else _diff(finding.fix),
        sites=tuple(
            replace(site, code=_without_blank_ends(site.code))
            for site in finding.sites
            if site.code or not _is_said(finding, site)
        ),
        charts=tuple(chart for chart in charts if chart is not None),
        spark=spark(members.retained_bytes),
        path=_stretches(finding.path),
        related=tuple(
            (ordered[numbers[one] - 1].title, numbers[one]) if one in numbers else (one, None)
            for one in finding.related
            if one != finding.signature
        ),
    )


def _meaning(report: AnalysisReport, finding: Finding) -> str:
    if report.mode == "single":
        return "One snapshot shows size, not growth: this says where to look first."
    if report.model.startswith("provisional"):
        return "A first estimate: the model behind it is not calibrated on measured cases yet."
    leaks = round(finding.confidence * _SHARE)
    if finding.verdict is Verdict.UNDECIDED:
        return f"About {leaks} of 100 findings with this evidence are leaks: too few to say so."
    if leaks >= _SHARE:
        return "Of 100 findings with this evidence, fewer than 1 is a false alarm."
    return f"Of 100 findings with this evidence, about {leaks} are leaks."


def _first_sentence(text: str) -> str:
    first, stop, _ = text.partition(". ")
    return first + stop.rstrip()


def _is_said(finding: Finding, site: Site) -> bool:
    """Whether the place stands beside the name of the holder or the members already."""
    return str(site.location) in {str(finding.holder.location), str(finding.members.location)}


def _without_blank_ends(code: Sequence[CodeLine]) -> tuple[CodeLine, ...]:
    said = [i for i, line in enumerate(code) if line.marked or line.text.strip()]
    return tuple(code[said[0] : said[-1] + 1]) if said else tuple(code)


def _diff(fix: Fix) -> tuple[tuple[str, str], ...]:
    before, after = clean_block(fix.before), clean_block(fix.after)
    lines: list[tuple[str, str]] = []
    for kind, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind == "equal":
            lines += [("both", text) for text in before[i:j]]
        else:
            lines += [("before", text) for text in before[i:j]] + [("after", text) for text in after[k:m]]
    return tuple(lines)


def _stretches(path: Sequence[PathStep]) -> tuple[Stretch, ...]:
    """Return the path with steps far from root, suspect edges and member folded, if it is long."""
    if len(path) <= _MOST_STEPS:
        return (Stretch(tuple(path), folded=False),) if path else ()
    suspects = [i for i, step in enumerate(path) if step.suspect]
    near = {i + d for i in suspects[:2] + suspects[-1:] for d in (-1, 0, 1)}
    open_ = near | {0, len(path) - 1}
    # Unfolding a single step would take as much room as the step.
    open_ |= {i for i in range(len(path)) if i - 1 in open_ and i + 1 in open_}
    stretches: list[Stretch] = []
    begin = 0
    for i in range(1, len(path) + 1):
        if i == len(path) or (i in open_) != (begin in open_):
            stretches.append(Stretch(tuple(path[begin:i]), folded=begin not in open_))
            begin = i
    return tuple(stretches)


def headline(report: AnalysisReport) -> str:
    """Return the sentence beside the verdict, with a capital letter."""
    text = wording.headline(report)
    return text[:1].upper() + text[1:]
