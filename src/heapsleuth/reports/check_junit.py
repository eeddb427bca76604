"""A check as JUnit XML: a suite of success criteria, and one of findings when snapshots were analysed.

A criterion that failed fails its case, one that was not judged is skipped.  A program that did not
run is an error, not a failure: nothing was learnt about leaks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapsleuth.errors import ExitCode
from heapsleuth.reports.junit import Case, Suite, finding_suite, number, write
from heapsleuth.units import format_bytes, format_count

if TYPE_CHECKING:
    from typing import TextIO

    from heapsleuth.leaks.check_model import CheckReport, CriterionResult

__all__ = ["render"]


def render(report: CheckReport, out: TextIO, *, base_dir: str = "") -> None:
    """Write the check as JUnit XML; places inside `base_dir`, an absolute path, are relative to it."""
    suites = [_criteria_suite(report)]
    if report.analysis is not None:
        suites.append(finding_suite("heapsleuth findings", report.analysis, report.fail_on, base_dir))
    write(suites, out, report.duration_s)


def _criteria_suite(report: CheckReport) -> Suite:
    cases = [_case(one) for one in report.criteria]
    if report.exit_code is ExitCode.FAILED:
        details = f"{report.reason}\n{report.output_tail}".strip()
        cases.insert(
            0, Case("heapsleuth.check", "the check could be run", error=report.reason, details=details)
        )
    elif not cases:
        failure = report.reason if report.exit_code is ExitCode.LEAK else None
        skipped = report.reason if report.exit_code is ExitCode.UNDECIDED else None
        cases = [Case("heapsleuth.check", "nothing grows with the work", failure=failure, skipped=skipped)]
    properties = [
        ("target", report.target.name),
        ("runtime", report.target.runtime),
        ("verdict", report.verdict.value),
        ("exit_code", str(int(report.exit_code))),
        ("reproduce", report.target.reproduce),
    ]
    for grown in report.growth:
        properties.append((f"growth.{grown.kind}.verdict", grown.verdict.value))
        properties.append((f"growth.{grown.kind}.bytes_per_work", number(grown.bytes_per_work)))
    for one in report.criteria:
        properties += [(f"{one.name}.{name}", number(value)) for name, value in one.figures]
    properties += [(f"warning.{one.code}", one.text) for one in report.warnings]
    return Suite("heapsleuth check", tuple(cases), tuple(properties), _rounds(report))


def _case(one: CriterionResult) -> Case:
    return Case(
        "heapsleuth.check",
        one.name,
        failure=one.text if one.passed is False else None,
        skipped=one.text if one.passed is None else None,
        details=one.text,
        kind="criterion",
    )


def _rounds(report: CheckReport) -> str:
    lines = [
        f"after {format_count(one.work)}: heap {format_bytes(one.heap_used_bytes)}, "
        f"external {format_bytes(one.external_bytes)}, "
        f"array buffers {format_bytes(one.array_buffers_bytes)}, rss {format_bytes(one.rss_bytes)}"
        for one in report.rounds
    ]
    return "\n".join(lines)
