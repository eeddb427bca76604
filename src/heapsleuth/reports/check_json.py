"""A check as JSON, format `heapsleuth/check`; the analysis inside is a whole `heapsleuth/report`.

`check.schema.json` describes it.  As for reports: ASCII, keys in a fixed order, numbers rounded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heapsleuth._version import __version__
from heapsleuth.reports.json import document, dump, number, text, whole

if TYPE_CHECKING:
    from typing import TextIO

    from heapsleuth.leaks.check_model import CheckReport, CriterionResult, LoadSummary, Round

__all__ = ["FORMAT", "FORMAT_VERSION", "render", "render_text"]

FORMAT = "heapsleuth/check"
FORMAT_VERSION = 1
"""Raised when a reader of the version before would misread the report; new keys do not raise it.

- 1: the first.
"""


def render(report: CheckReport, out: TextIO) -> None:
    """Write the check as JSON."""
    out.write(render_text(report))


def render_text(report: CheckReport) -> str:
    """Return the check as JSON with a line break at its end."""
    return dump(
        {
            "format": FORMAT,
            "version": FORMAT_VERSION,
            "tool": {"name": "heapsleuth", "version": __version__},
            "target": {
                "kind": text(report.target.kind),
                "name": text(report.target.name),
                "runtime": text(report.target.runtime),
                "reproduce": text(report.target.reproduce),
            },
            "verdict": report.verdict.value,
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
            "warnings": [{"code": text(one.code), "text": text(one.text)} for one in report.warnings],
            "output_tail": text(report.output_tail),
            "analysis": None if report.analysis is None else document(report.analysis),
        }
    )


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
