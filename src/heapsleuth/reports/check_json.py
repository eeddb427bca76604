"""A check as JSON: the report document, format `heapsleuth/report`, with a top-level object `check` more.

What reads `verdict` and `findings` of an analysis reads them of a check the same way.
`report.schema.json` describes both.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from heapsleuth.leaks.model import AnalysisReport
from heapsleuth.reports.json import document, dump, number, text, whole

if TYPE_CHECKING:
    from typing import TextIO

    from heapsleuth.leaks.check_model import CheckReport, CriterionResult, LoadSummary, Round

__all__ = ["render", "render_text"]


def render(report: CheckReport, out: TextIO) -> None:
    """Write the check as JSON."""
    out.write(render_text(report))


def render_text(report: CheckReport) -> str:
    """Return the check as JSON with a line break at its end."""
    return dump({**document(_as_analysis(report)), "check": _check(report)})


def _as_analysis(report: CheckReport) -> AnalysisReport:
    """Return the analysis with the verdict and the warnings of the check; without one, mode `rounds`."""
    analysis = report.analysis
    if analysis is None:
        analysis = AnalysisReport(mode="rounds", verdict=report.verdict, inputs=(), findings=())
    return replace(analysis, verdict=report.verdict, warnings=analysis.warnings + report.warnings)


def _check(report: CheckReport) -> dict[str, Any]:
    return {
        "target": {
            "kind": text(report.target.kind),
            "name": text(report.target.name),
            "runtime": text(report.target.runtime),
            "reproduce": text(report.target.reproduce),
        },
        "exit_code": int(report.exit_code),
        "reason": text(report.reason),
        "fail_on": number(report.fail_on),
        "duration_s": number(report.duration_s),
        "rounds": [_round(one) for one in report.rounds],
        "growth": [
            {
                "kind": text(one.kind),
                "verdict": one.verdict.value,
                "bytes_per_work": number(one.bytes_per_work),
                "text": text(one.text),
            }
            for one in report.growth
        ],
        "criteria": [_criterion(one) for one in report.criteria],
        "load": None if report.load is None else _load(report.load),
        "output_tail": text(report.output_tail),
    }


def _round(one: Round) -> dict[str, Any]:
    return {
        "work": whole(one.work),
        "heap_used_bytes": one.heap_used_bytes,
        "external_bytes": one.external_bytes,
        "array_buffers_bytes": one.array_buffers_bytes,
        "rss_bytes": one.rss_bytes,
        "at_s": number(one.at_s),
        "snapshot": None if one.snapshot is None else text(one.snapshot),
    }


def _criterion(one: CriterionResult) -> dict[str, Any]:
    return {
        "name": text(one.name),
        "passed": one.passed,
        "text": text(one.text),
        "figures": {text(name): number(value) for name, value in one.figures},
    }


def _load(load: LoadSummary) -> dict[str, Any]:
    return {
        "requests": load.requests,
        "errors": load.errors,
        "timeouts": load.timeouts,
        "non_2xx": load.non_2xx,
        "duration_s": number(load.duration_s),
        "requests_per_s": number(load.requests_per_s),
        "latency_p50_ms": None if load.latency_p50_ms is None else number(load.latency_p50_ms),
        "latency_p99_ms": None if load.latency_p99_ms is None else number(load.latency_p99_ms),
        "statuses": {str(status): count for status, count in load.statuses},
    }
