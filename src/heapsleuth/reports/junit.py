"""The report as JUnit XML, for the test view of a CI server: one test case per finding.

A leak fails its case; what is undecided, suppressed or not sure enough is skipped with the reason;
what stopped growing passes.  Cases are named by holder, members and signature, which stay the same
from build to build.  The text is ASCII with character references, so that no encoding breaks it,
and holds no character that XML forbids.

Rates stand among the suite's properties, `SIGNATURE.bytes_per_work`: the schema that Jenkins and
Surefire share knows no properties of a case.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heapsleuth.leaks.model import AnalysisReport, Finding, Verdict
from heapsleuth.reports import wording
from heapsleuth.reports.untrusted import clean, clean_block
from heapsleuth.units import format_bytes, format_count

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

__all__ = ["Case", "Suite", "finding_suite", "number", "render", "write"]

_SIGNATURE_SHOWN = 12
_MOST_STEPS = 30


@dataclass(frozen=True, slots=True)
class Case:
    """A test case; at most one of `failure`, `error` and `skipped` is not None."""

    group: str
    name: str
    failure: str | None = None
    error: str | None = None
    skipped: str | None = None
    details: str = ""
    kind: str = "leak"
    """What a failure is of: a leak or a criterion."""


@dataclass(frozen=True, slots=True)
class Suite:
    """Cases with what holds for all of them."""

    name: str
    cases: tuple[Case, ...]
    properties: tuple[tuple[str, str], ...] = ()
    output: str = ""


def render(report: AnalysisReport, out: TextIO, *, fail_on: float = 0.0, base_dir: str = "") -> None:
    """
    Write the report as JUnit XML.

    Args:
        report: What to write.
        out: Where to.
        fail_on: Confidence from which a leak fails its case; 0 fails on every leak, as `analyze` does.
        base_dir: Absolute path of the repository; places inside are shown relative to it.
    """
    write([finding_suite("heapsleuth analyze", report, fail_on, base_dir)], out)


def finding_suite(name: str, report: AnalysisReport, fail_on: float, base_dir: str = "") -> Suite:
    """Return a suite with a case per finding, or with one about the verdict when there is none."""
    cases = [_finding_case(report, one, fail_on, base_dir) for one in report.findings]
    cases += [Case(f"heapsleuth.{one.category}", _case_name(one)) for one in report.bounded]
    if not cases:
        skipped = None if report.verdict is Verdict.CLEAN else wording.headline(report)
        cases = [Case("heapsleuth", "nothing grows with the work", skipped=skipped)]
    properties = [
        ("verdict", report.verdict.value),
        ("mode", report.mode),
        ("confidence_model", report.model),
        *((f"input.{i}", one.path) for i, one in enumerate(report.inputs, 1)),
        *((f"warning.{one.code}", one.text) for one in report.warnings),
    ]
    for one in (*report.findings, *report.bounded):
        properties += _rates(one)
    return Suite(name, tuple(cases), tuple(properties))


def write(suites: Sequence[Suite], out: TextIO, seconds: float | None = None) -> None:
    """Write suites as one document; `seconds` is how long everything took, None when nobody knows."""
    root = ET.Element("testsuites", {"name": "heapsleuth"})
    cases = [case for suite in suites for case in suite.cases]
    _count(root, cases)
    root.attrib.pop("skipped")
    if seconds is not None:
        root.set("time", f"{max(seconds, 0.0):.3f}")
    for suite in suites:
        element = ET.SubElement(root, "testsuite", {"name": _line(suite.name)})
        _count(element, suite.cases)
        if suite.properties:
            properties = ET.SubElement(element, "properties")
            for name, value in suite.properties:
                ET.SubElement(properties, "property", {"name": _line(name), "value": _line(value, 600)})
        for case in suite.cases:
            _add_case(element, case)
        if suite.output:
            ET.SubElement(element, "system-out").text = _block(suite.output)
    ET.indent(root)
    out.write('<?xml version="1.0" encoding="UTF-8"?>\n')
    out.write(ET.tostring(root, encoding="us-ascii", xml_declaration=False).decode("ascii") + "\n")


def _finding_case(report: AnalysisReport, finding: Finding, fail_on: float, base_dir: str) -> Case:
    failure = skipped = None
    if finding.suppressed is not None:
        skipped = f"suppressed: {finding.suppressed or 'no reason given'}"
    elif report.mode == "single":
        skipped = f"suspect, one snapshot does not show growth: {finding.title}"
    elif finding.verdict is not Verdict.LEAK:
        skipped = f"{finding.verdict}: {finding.title}"
    elif finding.confidence < fail_on:
        skipped = f"leak with confidence {finding.confidence:.2f}, below {fail_on:g}: {finding.title}"
    else:
        failure = finding.title
    return Case(
        f"heapsleuth.{finding.category}",
        _case_name(finding),
        failure=failure,
        skipped=skipped,
        details=_details(report, finding, base_dir),
    )


def _case_name(finding: Finding) -> str:
    # Neither title nor line: they change from build to build, and servers follow cases by name.
    what = f"{wording.holder(finding)} keeps {finding.members.class_name}"
    return f"{what} [{finding.signature[:_SIGNATURE_SHOWN]}]"


def _details(report: AnalysisReport, finding: Finding, base_dir: str) -> str:
    members = finding.members
    unit = wording.work_unit(report)
    lines = [
        finding.title,
        f"held by: {wording.holder(finding)} {_at(wording.place(finding.holder.location, base_dir))}",
    ]
    lines.append(f"members: {members.class_name} {_at(wording.place(members.location, base_dir))}")
    counts = " -> ".join(format_count(count) for count in members.counts)
    sizes = " -> ".join(format_bytes(size) for size in members.retained_bytes)
    if len(report.inputs) > 1:
        counts += f", {wording.count_rate(members.count_per_work)} per {unit}"
        sizes += f", {wording.byte_rate(members.bytes_per_work)} per {unit}"
    lines += [f"count: {counts}", f"retained: {sizes}"]
    lines.append(f"confidence: {wording.confidence(report, finding)}")
    lines += [f"+ {fact.text}" for fact in finding.evidence_for]
    lines += [f"- {fact.text}" for fact in finding.evidence_against]
    if finding.path:
        steps = [f"{step.edge} {step.node}".strip() for step in finding.path[-_MOST_STEPS:]]
        lines.append(f"path: {' -> '.join(steps)}")
    if finding.fix is not None:
        lines += [f"fix: {finding.fix.summary}", f"see: {finding.fix.doc}"]
    lines.append(f"signature: {finding.signature}")
    return "\n".join(_line(line, 1000).rstrip() for line in lines)


def _at(place: str) -> str:
    return f"at {place}" if place else ""


def _rates(finding: Finding) -> list[tuple[str, str]]:
    prefix = finding.signature[:_SIGNATURE_SHOWN]
    return [
        (f"{prefix}.confidence", f"{finding.confidence:.4f}"),
        (f"{prefix}.count_per_work", number(finding.members.count_per_work)),
        (f"{prefix}.bytes_per_work", number(finding.members.bytes_per_work)),
    ]


def number(value: float) -> str:
    """Return the value of a property, `unknown` when it is not finite."""
    if not math.isfinite(value):
        return "unknown"
    return str(int(value)) if value.is_integer() else f"{value:.6g}"


def _add_case(parent: ET.Element, case: Case) -> None:
    element = ET.SubElement(
        parent, "testcase", {"classname": _line(case.group), "name": _line(case.name, 300)}
    )
    for kind, message in (("failure", case.failure), ("error", case.error), ("skipped", case.skipped)):
        if message is not None:
            told = ET.SubElement(element, kind, {"message": _line(message, 400)})
            if kind != "skipped":
                told.set("type", case.kind if kind == "failure" else "error")
                told.text = _block(case.details) or _line(message, 400)
    if case.details and case.failure is None and case.error is None:
        ET.SubElement(element, "system-out").text = _block(case.details)


def _count(element: ET.Element, cases: Sequence[Case]) -> None:
    element.set("tests", str(len(cases)))
    element.set("failures", str(sum(case.failure is not None for case in cases)))
    element.set("errors", str(sum(case.error is not None for case in cases)))
    element.set("skipped", str(sum(case.skipped is not None for case in cases)))


def _line(text: str, limit: int = 200) -> str:
    return clean(text, limit)


def _block(text: str) -> str:
    return "\n".join(clean_block(text, 1000))
