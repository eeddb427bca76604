"""Kept async contexts and code compiled at run time, in real processes: found, named and told apart."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest

from heapsleuth.leaks.analysis import analyze
from heapsleuth.leaks.model import AnalysisReport, Finding, Verdict
from tests.node_programs import node_binaries, version

PROGRAMS = Path(__file__).parent.parent / "programs"


class Expected(NamedTuple):
    """What the report must say of one leak."""

    holder: str
    kind: str
    category: str
    members: str
    per_round: float
    marker: str


ASYNC = (
    Expected("traces", "Map", "async-context", "Trace", 200, "traces"),
    Expected("jobs", "Array", "async-context", "Job", 200, "jobs"),
    Expected("bound", "Array", "async-context", "function", 200, "bound"),
    Expected("session store.spans", "Array", "async-context", "Span", 200, "session"),
    Expected("byName", "Map", "cache", "Trace", 200, "byName"),
)
CODE = (
    Expected("filters", "Array", "code", "compiled function", 60, "filters"),
    Expected("rules", "Set", "code", "compiled function", 60, "rules"),
    Expected("scripts", "Array", "code", "vm.Script", 60, "scripts"),
    Expected("contexts", "Array", "code", "vm context", 15, "contexts"),
    Expected("templateCache", "Map", "cache", "function", 60, "templateCache"),
    Expected("hooks", "Array", "collection", "function", 60, "hooks"),
)
CASES = [("async_contexts.cjs", expected) for expected in ASYNC] + [
    ("code.cjs", expected) for expected in CODE
]


@cache
def report_of(node: str, program: str) -> AnalysisReport:
    with TemporaryDirectory() as folder:
        command = [node, "--expose-gc", "--no-warnings", str(PROGRAMS / program), folder]
        subprocess.run(command, check=True, timeout=120, capture_output=True)
        return analyze([f"{folder}/{name}.heapsnapshot" for name in "ABC"], index=False)


def named(report: AnalysisReport, holder: str) -> Finding:
    found = {finding.holder.name: finding for finding in report.findings}
    assert holder in found, sorted(found)
    return found[holder]


def line_of(program: str, marker: str) -> int:
    lines = (PROGRAMS / program).read_text(encoding="utf-8").splitlines()
    wanted = (f"// @{marker}", f"const {marker} = new Map();")
    found = [number for number, line in enumerate(lines, 1) if line.endswith(wanted)]
    assert len(found) == 1, marker
    return found[0]


@pytest.mark.node
@pytest.mark.parametrize("node", node_binaries(), ids=version)
@pytest.mark.parametrize(("program", "expected"), CASES, ids=lambda value: getattr(value, "holder", ""))
def test_each_leak_is_named_counted_and_of_its_kind(node: str, program: str, expected: Expected) -> None:
    finding = named(report_of(node, program), expected.holder)
    slack = 0.05 * expected.per_round

    assert finding.verdict is Verdict.LEAK
    assert finding.category == expected.category
    assert finding.holder.kind == expected.kind
    assert finding.members.class_name.startswith(expected.members)
    assert finding.members.count_per_work == pytest.approx(expected.per_round, abs=slack)
    assert finding.holder.location is not None
    assert finding.holder.location.line == line_of(program, expected.marker)


@pytest.mark.node
@pytest.mark.parametrize("node", node_binaries(), ids=version)
def test_enabled_hooks_and_modules_loaded_again_are_found_in_lists_of_the_runtime(node: str) -> None:
    hooks = [f for f in report_of(node, "async_contexts.cjs").findings if f.members.class_name == "AsyncHook"]
    assert [finding.category for finding in hooks] == ["async-context"]
    assert hooks[0].members.count_per_work == pytest.approx(100, abs=5)

    children = named(report_of(node, "code.cjs"), "module.children")
    assert children.category == "code"
    assert children.members.count_per_work == pytest.approx(60, abs=3)


@pytest.mark.node
@pytest.mark.parametrize("node", node_binaries(), ids=version)
@pytest.mark.parametrize("program", ["async_contexts.cjs", "code.cjs"])
def test_what_is_bounded_is_not_reported(node: str, program: str) -> None:
    told = {finding.holder.name for finding in report_of(node, program).findings}
    assert not told & {"recent", "open", "validators"}
