"""A check as SARIF 2.1.0: its findings, and a result for each success criterion that failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heapsleuth.errors import ExitCode
from heapsleuth.reports import sarif

if TYPE_CHECKING:
    from typing import TextIO

    from heapsleuth.leaks.check_model import CheckReport, CriterionResult

__all__ = ["render"]

_RULES = {
    "stable-floor": "The floor must not rise any more after the settling time of a soak.",
    "peak": "Memory must stay below a multiple of what it was after the first round.",
    "no-crash": "The program must neither end early nor run out of memory.",
    "responses": "Few enough requests may fail.",
    "budget": "A class must stay within its budget.",
}
_TOLD_BY_FINDINGS = "leak-findings"


def render(report: CheckReport, out: TextIO, *, base_dir: str = "") -> None:
    """Write the check as SARIF; files inside `base_dir`, an absolute path, are named relative to it."""
    failed = [one for one in report.criteria if one.passed is False and one.name != _TOLD_BY_FINDINGS]
    rules = sarif.rules_of(report.findings)
    rules += [_rule(name) for name in sorted({_kind(one) for one in failed})]
    results = [_result(report, one) for one in failed]
    place = _place_of_target(report, base_dir)
    warnings = report.warnings
    if report.analysis is not None:
        results = sarif.finding_results(report.analysis, base_dir, report.fail_on) + results
        warnings += report.analysis.warnings
    for location in (one["locations"][0] for one in results):
        # Code scanning shows no result without a place: the workload is the next best.
        if "physicalLocation" not in location and place is not None:
            location["physicalLocation"] = place
    notes = [sarif.notification(one) for one in warnings]
    ran = report.exit_code is not ExitCode.FAILED
    sarif.write(sarif.document(rules, results, notes, ran=ran), out)


def _place_of_target(report: CheckReport, base_dir: str) -> dict[str, Any] | None:
    if report.target.kind != "module" or not report.target.name:
        return None
    return {"artifactLocation": sarif.artifact(report.target.name, base_dir)}


def _kind(one: CriterionResult) -> str:
    return one.name.partition(":")[0]


def _rule(kind: str) -> sarif.Rule:
    text = _RULES.get(kind, "A success criterion of the check must hold.")
    return f"check/{kind}", f"Success criterion: {kind}", f"{text}\n\nSee docs/guides/ci.md."


def _result(report: CheckReport, one: CriterionResult) -> dict[str, Any]:
    return {
        "ruleId": f"check/{_kind(one)}",
        "level": "error",
        "message": sarif.message(f"{one.name}: {one.text}"),
        # Nowhere in particular in the code: the thing that was driven.
        "locations": [{"logicalLocations": [{"name": sarif.message(report.target.name)["text"]}]}],
        "partialFingerprints": {"heapsleuthCriterion/v1": sarif.message(one.name)["text"]},
    }
