"""Chains in which each object keeps the one before it in a function's scope: found, counted, explained."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from heapsleuth.leaks.analysis import analyze
from heapsleuth.leaks.model import Verdict
from tests.leaks.conftest import PROGRAMS, marked_line
from tests.node_programs import node_binaries, version

if TYPE_CHECKING:
    from pathlib import Path

    from heapsleuth.leaks.model import AnalysisReport

WORK = (300.0, 600.0, 900.0)
SLACK = 2


def report_of(node: str, folder: Path, form: str) -> AnalysisReport:
    program = str(PROGRAMS / "chain.cjs")
    command = [node, "--expose-gc", "--no-warnings", program, str(folder), form]
    subprocess.run(command, check=True, timeout=120)
    return analyze([str(folder / f"{name}.heapsnapshot") for name in "ABC"], work=WORK)


@pytest.mark.parametrize("node", node_binaries(), ids=version)
@pytest.mark.parametrize(
    ("form", "holder", "members", "captured", "marker"),
    [
        ("shared", "theThing", "Object {text, someMethod}", "originalThing", "theThing"),
        ("undo", "editor", "Snapshot", "previous", "editor"),
        ("steps", "step", "function step", "before", "step"),
    ],
)
def test_links_are_counted_and_the_variable_that_links_them_is_named(
    node: str, form: str, holder: str, members: str, captured: str, marker: str, tmp_path: Path
) -> None:
    report = report_of(node, tmp_path, form)
    (finding,) = report.findings

    assert report.verdict is Verdict.LEAK
    assert (finding.category, finding.holder.name, finding.members.class_name) == ("closure", holder, members)
    assert finding.members.counts == pytest.approx(WORK, abs=SLACK)
    assert finding.members.count_per_work == pytest.approx(1, rel=0.02)
    assert finding.title.endswith(", each kept by the scope of the next")
    assert finding.holder.location is not None
    assert finding.holder.location.line == marked_line("chain.cjs", marker)
    assert finding.fix is not None
    assert f"`{captured}`" in finding.fix.summary


@pytest.mark.parametrize("node", node_binaries(), ids=version)
def test_what_is_replaced_without_keeping_the_older_one_is_no_chain(node: str, tmp_path: Path) -> None:
    assert report_of(node, tmp_path, "innocent").findings == ()
