"""The report as JSON, format `heapsleuth/report`: what machines read and every other form mirrors.

The same report gives the same bytes: keys in a fixed order, numbers rounded, no time, no host.
Pure ASCII, so that no terminal, pipe or log changes it.  `report.schema.json` describes it.
`check_json.py` adds what a check saw.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

from heapsleuth._version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TextIO

    from heapsleuth.leaks.model import (
        AnalysisReport,
        ClassDelta,
        ClassRow,
        Comparison,
        Evidence,
        Finding,
        Input,
        Site,
        SnapshotSummary,
    )
    from heapsleuth.places import Package, SourceLocation

__all__ = ["FORMAT", "FORMAT_VERSION", "document", "dump", "number", "render", "render_text", "text", "whole"]

FORMAT = "heapsleuth/report"
FORMAT_VERSION = 1
"""Raised when a reader of the version before would misread the report; new keys do not raise it.

- 1: the first.
"""

_LONE_SURROGATES = re.compile("[\ud800-\udfff]")
_SIGNIFICANT_DIGITS = 6
_FEWEST_DECIMALS = 3
_Json = dict[str, Any]


def render(report: AnalysisReport, out: TextIO) -> None:
    """Write the report as JSON."""
    out.write(render_text(report))


def render_text(report: AnalysisReport) -> str:
    """
    Return the report as JSON with a line break at its end.

    Raises:
        ValueError: A confidence or an amount of work is not a finite number.
    """
    return dump(document(report))


def dump(value: _Json) -> str:
    """Return a document of ours as text."""
    return json.dumps(value, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def document(report: AnalysisReport) -> _Json:
    """Return the report as what JSON is made of."""
    return {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "tool": {"name": "heapsleuth", "version": __version__, "confidence_model": text(report.model)},
        "mode": report.mode,
        "verdict": report.verdict.value,
        "inputs": [_input(one) for one in report.inputs],
        "findings": [_finding(one) for one in report.findings],
        "bounded": [_finding(one) for one in report.bounded],
        "warnings": [{"code": text(one.code), "text": text(one.text)} for one in report.warnings],
        "comparison": None if report.comparison is None else _comparison(report.comparison),
        "snapshot": None if report.snapshot is None else _snapshot(report.snapshot),
    }


def _input(one: Input) -> _Json:
    return {
        "path": text(one.path),
        "bytes": one.bytes,
        "nodes": one.nodes,
        "edges": one.edges,
        "heap_bytes": one.heap_bytes,
        "work": None if one.work is None else whole(one.work),
        "runtime": text(one.runtime),
    }


def _finding(one: Finding) -> _Json:
    return {
        "signature": text(one.signature),
        "category": text(one.category),
        "verdict": one.verdict.value,
        "confidence": round(one.confidence, 4),
        "title": text(one.title),
        "holder": {
            "name": text(one.holder.name),
            "kind": text(one.holder.kind),
            "node_id": one.holder.node_id,
            "location": _location(one.holder.location),
            "package": _package(one.holder.package),
        },
        "members": {
            "class": text(one.members.class_name),
            "location": _location(one.members.location),
            "counts": list(one.members.counts),
            "retained_bytes": list(one.members.retained_bytes),
            "count_per_work": number(one.members.count_per_work),
            "bytes_per_work": number(one.members.bytes_per_work),
        },
        "exclusive_bytes": one.exclusive_bytes,
        "path": [
            {"edge": text(step.edge), "node": text(step.node), "id": step.id, "suspect": step.suspect}
            for step in one.path
        ],
        "evidence": {"for": _evidence(one.evidence_for), "against": _evidence(one.evidence_against)},
        "also_retained": [text(title) for title in one.also_retained],
        "also_retained_by": [text(name) for name in one.also_retained_by],
        "related": [text(other) for other in one.related],
        "sites": [_site(site) for site in one.sites],
        "stacks": [
            {
                "functions": [text(name) for name in stack.functions],
                "location": _location(stack.location),
                "count": stack.count,
                "retained_bytes": stack.retained_bytes,
            }
            for stack in one.stacks
        ],
        "settles": None if one.settles is None else text(one.settles),
        "fix": None
        if one.fix is None
        else {
            "summary": text(one.fix.summary),
            "before": text(one.fix.before),
            "after": text(one.fix.after),
            "doc": text(one.fix.doc),
        },
        "suppressed": None if one.suppressed is None else text(one.suppressed),
    }


def _site(site: Site) -> _Json:
    return {
        "role": text(site.role),
        "location": _location(site.location),
        "package": _package(site.package),
        "code": [
            {"number": line.number, "text": text(line.text), "marked": line.marked} for line in site.code
        ],
    }


def _evidence(facts: Iterable[Evidence]) -> list[_Json]:
    return [{"code": text(fact.code), "text": text(fact.text), "value": number(fact.value)} for fact in facts]


def _location(location: SourceLocation | None) -> _Json | None:
    if location is None:
        return None
    return {
        "file": text(location.file),
        "line": location.line,
        "column": location.column,
        "function": None if location.function is None else text(location.function),
        "generated": location.generated,
    }


def _package(package: Package | None) -> _Json | None:
    if package is None:
        return None
    version = None if package.version is None else text(package.version)
    return {"name": text(package.name), "version": version}


def _comparison(comparison: Comparison) -> _Json:
    return {
        "before": comparison.before,
        "after": comparison.after,
        "rows": [_class_delta(row) for row in comparison.rows],
    }


def _class_delta(row: ClassDelta) -> _Json:
    return {
        "class": text(row.class_name),
        "location": _location(row.location),
        "new": row.new,
        "deleted": row.deleted,
        "delta": row.delta,
        "allocated_bytes": row.allocated_bytes,
        "freed_bytes": row.freed_bytes,
        "delta_bytes": row.delta_bytes,
    }


def _snapshot(snapshot: SnapshotSummary) -> _Json:
    return {
        "classes": [_class_row(row) for row in snapshot.classes],
        "census": [
            {
                "kind": text(row.kind),
                "name": text(row.name),
                "count": row.count,
                "retained_bytes": row.retained_bytes,
                "location": _location(row.location),
            }
            for row in snapshot.census
        ],
        "waste": [
            {"kind": text(row.kind), "name": text(row.name), "count": row.count, "bytes": row.bytes}
            for row in snapshot.waste
        ],
        "off_heap_bytes": snapshot.off_heap_bytes,
        "statistics": [{"kind": text(name), "bytes": size} for name, size in snapshot.statistics],
    }


def _class_row(row: ClassRow) -> _Json:
    return {
        "class": text(row.class_name),
        "location": _location(row.location),
        "count": row.count,
        "shallow_bytes": row.shallow_bytes,
        "retained_bytes": row.retained_bytes,
        "distance": row.distance,
    }


def text(value: str) -> str:
    """Return a string that every JSON reader takes."""
    # JavaScript strings may hold half a character; strict JSON readers refuse them.
    return value if value.isascii() else _LONE_SURROGATES.sub("\ufffd", value)


def number(value: float) -> float | None:
    """Return a number to six significant digits, at least three decimals; None when it is not finite."""
    if not math.isfinite(value):
        return None
    if value == 0:
        return 0.0
    decimals = _SIGNIFICANT_DIGITS - 1 - math.floor(math.log10(abs(value)))
    return round(float(value), max(_FEWEST_DECIMALS, decimals))


def whole(value: float) -> float:
    """Return work as it was given: `6000`, not `6000.0`."""
    return int(value) if float(value).is_integer() else value
