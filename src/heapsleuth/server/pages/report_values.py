"""The report JSON of an incident back into values, so that it is shown by what shows every report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heapsleuth.leaks.model import (
    AnalysisReport,
    AsyncStack,
    CodeLine,
    Evidence,
    Finding,
    Fix,
    Holder,
    Input,
    Members,
    PathStep,
    Site,
    Verdict,
    Warning_,
)
from heapsleuth.places import Package, SourceLocation
from heapsleuth.reports.json import FORMAT, FORMAT_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["report_from"]


def report_from(document: Mapping[str, Any]) -> AnalysisReport | None:
    """
    Return the report that a document of format `heapsleuth/report` holds; None when it cannot be read.

    Tables by class, which only the analysis of one snapshot or a comparison has, are left out.
    """
    if document.get("format") != FORMAT or document.get("version") != FORMAT_VERSION:
        return None
    try:
        return AnalysisReport(
            mode=document["mode"],
            verdict=Verdict(document["verdict"]),
            inputs=tuple(map(_input, document["inputs"])),
            findings=tuple(map(_finding, document["findings"])),
            bounded=tuple(map(_finding, document.get("bounded", ()))),
            warnings=tuple(Warning_(one["code"], one["text"]) for one in document.get("warnings", ())),
            model=document.get("tool", {}).get("confidence_model", ""),
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _input(one: Mapping[str, Any]) -> Input:
    return Input(
        one["path"],
        one["bytes"],
        one["nodes"],
        one["edges"],
        one["heap_bytes"],
        one["work"],
        one.get("runtime", ""),
    )


def _finding(one: Mapping[str, Any]) -> Finding:
    holder, members, evidence, fix = one["holder"], one["members"], one["evidence"], one["fix"]
    return Finding(
        signature=one["signature"],
        category=one["category"],
        verdict=Verdict(one["verdict"]),
        confidence=float(one["confidence"]),
        title=one["title"],
        holder=Holder(
            holder["name"],
            holder["kind"],
            holder["node_id"],
            _location(holder["location"]),
            _package(holder["package"]),
        ),
        members=Members(
            members["class"],
            _location(members["location"]),
            tuple(members["counts"]),
            tuple(members["retained_bytes"]),
            _number(members["count_per_work"]),
            _number(members["bytes_per_work"]),
        ),
        exclusive_bytes=one["exclusive_bytes"],
        path=tuple(
            PathStep(step["edge"], step["node"], step["id"], bool(step["suspect"])) for step in one["path"]
        ),
        evidence_for=_evidence(evidence["for"]),
        evidence_against=_evidence(evidence["against"]),
        also_retained=tuple(one.get("also_retained", ())),
        also_retained_by=tuple(one.get("also_retained_by", ())),
        related=tuple(one.get("related", ())),
        sites=tuple(map(_site, one.get("sites", ()))),
        stacks=tuple(
            AsyncStack(
                tuple(stack["functions"]),
                _location(stack["location"]),
                stack["count"],
                stack["retained_bytes"],
            )
            for stack in one.get("stacks", ())
        ),
        settles=one.get("settles"),
        fix=None if fix is None else Fix(fix["summary"], fix["before"], fix["after"], fix["doc"]),
        suppressed=one.get("suppressed"),
    )


def _site(one: Mapping[str, Any]) -> Site:
    location = _location(one["location"])
    if location is None:
        raise ValueError("a site without a place")
    code = tuple(CodeLine(line["number"], line["text"], bool(line["marked"])) for line in one["code"])
    return Site(one["role"], location, _package(one["package"]), code)


def _evidence(facts: Iterable[Mapping[str, Any]]) -> tuple[Evidence, ...]:
    return tuple(Evidence(one["code"], one["text"], _number(one["value"])) for one in facts)


def _location(one: Mapping[str, Any] | None) -> SourceLocation | None:
    if one is None:
        return None
    return SourceLocation(
        one["file"], one["line"], one["column"], one.get("function"), bool(one.get("generated"))
    )


def _package(one: Mapping[str, Any] | None) -> Package | None:
    return None if one is None else Package(one["name"], one["version"])


def _number(value: float | None) -> float:
    # The writer has no digits for what is not finite.
    return float("nan") if value is None else float(value)
