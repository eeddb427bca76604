"""The report as SARIF 2.1.0, for code scanning: one result per finding, at the place of its holder.

A leak is an error, one below `fail_on` a warning, what is undecided a note; suppressed findings are
there with their suppression.  Messages are plain text: brackets and braces, which SARIF reads as
links and placeholders, are escaped.  Files below the base folder are named relative to it.
"""

from __future__ import annotations

import json
import math
import posixpath
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from heapsleuth._version import __version__
from heapsleuth.leaks.fixes import general_fix
from heapsleuth.leaks.model import AnalysisReport, Finding, Verdict
from heapsleuth.reports import wording
from heapsleuth.reports.untrusted import clean
from heapsleuth.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import TextIO

    from heapsleuth.leaks.model import Warning_
    from heapsleuth.places import SourceLocation

__all__ = [
    "Rule",
    "artifact",
    "document",
    "finding_results",
    "message",
    "notification",
    "render",
    "rules_of",
    "write",
]

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
"""Name of the schema; GitHub refuses files without it."""
_ROOT = "%SRCROOT%"
_FINGERPRINT = "heapsleuthSignature/v1"
_SPECIAL = re.compile(r"[\\\[\]{}]")
_DRIVE = re.compile(r"[A-Za-z]:[\\/]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_Json = dict[str, Any]
Rule = tuple[str, str, str]
"""Id, short description and help text of a rule."""


def render(report: AnalysisReport, out: TextIO, *, base_dir: str = "", fail_on: float = 0.0) -> None:
    """
    Write the report as SARIF.

    Args:
        report: What to write.
        out: Where to.
        base_dir: Absolute path of the repository; files inside are named relative to it. Empty: none are.
        fail_on: Confidence from which a leak is an error; 0 makes every leak one, as `analyze` does.
    """
    results = finding_results(report, base_dir, fail_on)
    notes = [notification(one) for one in report.warnings]
    write(document(rules_of(report.findings), results, notes), out)


def document(
    rules: Sequence[Rule], results: Sequence[_Json], notes: Sequence[_Json], *, ran: bool = True
) -> _Json:
    """Return a log of one run; results name their rule by `ruleId`, `ran` is False when it broke off."""
    index = {name: i for i, (name, _, _) in enumerate(rules)}
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "heapsleuth",
                        "semanticVersion": __version__,
                        "rules": [_rule(*one) for one in rules],
                    }
                },
                "invocations": [{"executionSuccessful": ran, "toolExecutionNotifications": list(notes)}],
                "originalUriBaseIds": {_ROOT: {"description": {"text": "The root of the repository."}}},
                "columnKind": "utf16CodeUnits",
                "results": [{**one, "ruleIndex": index[one["ruleId"]]} for one in results],
            }
        ],
    }


def write(log: Mapping[str, Any], out: TextIO) -> None:
    """Write a log as ASCII JSON."""
    out.write(json.dumps(log, indent=2, ensure_ascii=True, allow_nan=False) + "\n")


def rules_of(findings: Iterable[Finding]) -> list[Rule]:
    """Return a rule for each category of the findings, sorted."""
    rules = [_category_rule(name) for name in sorted({one.category for one in findings})]
    return list({rule[0]: rule for rule in rules}.values())


def finding_results(report: AnalysisReport, base_dir: str, fail_on: float) -> list[_Json]:
    """Return a result for each finding, without its rule's index."""
    return [_result(report, one, base_dir, fail_on) for one in report.findings]


def message(text: str, limit: int = 1000) -> _Json:
    """Return a text as a SARIF message in which nothing is a link or a placeholder."""
    return {"text": _SPECIAL.sub(_escaped, clean(text, limit)) or "-"}


def notification(warning: Warning_) -> _Json:
    """Return a warning about the run."""
    return {
        "level": "warning",
        "descriptor": {"id": clean(warning.code) or "warning"},
        "message": message(warning.text),
    }


def _escaped(match: re.Match[str]) -> str:
    char = match[0]
    return char * 2 if char in "{}" else f"\\{char}"


def _category_rule(category: str) -> Rule:
    advice = general_fix(category)
    rule = f"leak/{clean(category, 40)}"
    if advice is None:
        return rule, f"Memory leak: {clean(category, 40)}", "Something keeps growing with the work."
    text = f"{advice.summary}\n\nBefore: {advice.before}\nAfter: {advice.after}\n\nSee {advice.doc}."
    return rule, f"Memory leak: {category}", text


def _rule(name: str, title: str, text: str) -> _Json:
    return {
        "id": name,
        "shortDescription": message(title),
        # Ours, not from a heap: line breaks are kept.
        "help": {"text": _SPECIAL.sub(_escaped, text)},
        "defaultConfiguration": {"level": "error"},
        "properties": {"tags": ["memory-leak", "reliability"]},
    }


def _result(report: AnalysisReport, finding: Finding, base_dir: str, fail_on: float) -> _Json:
    holder, members = finding.holder, finding.members
    # Code scanning shows no result without a place: the members' is the next best.
    primary = holder.location or members.location
    result: _Json = {
        "ruleId": f"leak/{clean(finding.category, 40)}",
        "level": _level(report, finding, fail_on),
        "message": message(_sentence(report, finding)),
        "locations": [
            {
                **({} if primary is None else {"physicalLocation": _physical(primary, base_dir)}),
                "logicalLocations": [{"name": clean(wording.holder(finding)) or "-", "kind": "variable"}],
            }
        ],
        "partialFingerprints": {_FINGERPRINT: clean(finding.signature)},
        "rank": round(min(max(finding.confidence, 0.0), 1.0) * 100, 2),
        "properties": {
            "verdict": finding.verdict.value,
            "confidence": round(finding.confidence, 4),
            "countPerWork": _number(members.count_per_work),
            "bytesPerWork": _number(members.bytes_per_work),
            "exclusiveBytes": finding.exclusive_bytes,
        },
    }
    if members.location is not None:
        result["relatedLocations"] = [
            {
                "id": 1,
                "physicalLocation": _physical(members.location, base_dir),
                "message": message(f"what piles up: {members.class_name}"),
            }
        ]
    if finding.suppressed is not None:
        in_source = finding.suppressed.startswith("comment in")
        result["suppressions"] = [
            {
                "kind": "inSource" if in_source else "external",
                "status": "accepted",
                "justification": clean(finding.suppressed, 600) or "no reason given",
            }
        ]
    return result


def _level(report: AnalysisReport, finding: Finding, fail_on: float) -> str:
    if finding.verdict is not Verdict.LEAK or report.mode == "single":
        return "note"
    return "error" if finding.confidence >= fail_on else "warning"


def _sentence(report: AnalysisReport, finding: Finding) -> str:
    parts = [f"{finding.title.rstrip('.')}."]
    if finding.members.retained_bytes:
        retained = format_bytes(finding.members.retained_bytes[-1])
        rate = wording.byte_rate(finding.members.bytes_per_work)
        grows = f", {rate} per {wording.work_unit(report)}" if len(report.inputs) > 1 else ""
        parts.append(f"Retains {retained}{grows}; confidence {wording.confidence(report, finding)}.")
    if finding.fix is not None:
        parts.append(f"Fix: {finding.fix.summary}")
    return " ".join(parts)


def _physical(location: SourceLocation, base_dir: str) -> _Json:
    physical: _Json = {"artifactLocation": artifact(location.file, base_dir)}
    if location.line is not None and location.line >= 1:
        region = {"startLine": location.line}
        if location.column is not None and location.column >= 0:
            region["startColumn"] = location.column + 1
        physical["region"] = region
    return physical


def artifact(file: str, base_dir: str) -> _Json:
    """Return where a file is: below the base folder, a `file:` URI, or the URI it already is."""
    path = unquote(file[7:]) if file.startswith("file:///") else file
    if _DRIVE.match(path):
        path = f"/{path}"
    if not path.startswith("/"):
        if _SCHEME.match(path):  # node:internal/timers, webpack://…
            return {"uri": _quoted(path)}
        inside = posixpath.normpath(path.replace("\\", "/"))
        return {"uri": _quoted(inside, relative=True), "uriBaseId": _ROOT}
    path = posixpath.normpath(path.replace("\\", "/") if _DRIVE.match(path[1:]) else path)
    root = posixpath.normpath(base_dir.replace("\\", "/")) if base_dir else ""
    if _DRIVE.match(root):
        root = f"/{root}"
    if root and path.startswith(root.rstrip("/") + "/"):
        return {"uri": _quoted(path[len(root.rstrip("/")) + 1 :], relative=True), "uriBaseId": _ROOT}
    return {"uri": f"file:///{_quoted(path.lstrip('/'))}"}


def _quoted(text: str, *, relative: bool = False) -> str:
    # A colon in the first part of a relative reference would make a scheme of it.
    return quote(text, safe="/" if relative else "/:", errors="replace")


def _number(value: float) -> float | None:
    return float(f"{value:.6g}") if math.isfinite(value) else None
