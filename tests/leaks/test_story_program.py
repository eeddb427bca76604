"""Stories of leaks in a real process: one cause told once, who else keeps it, who waits, no data."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from heapsleuth.leaks.analysis import analyze
from tests.node_programs import node_binaries, version

if TYPE_CHECKING:
    from heapsleuth.leaks.model import AnalysisReport, Finding, PathStep

PROGRAM = Path(__file__).parent.parent / "programs" / "story.cjs"
WORK = (200.0, 400.0, 600.0)
MODULE = "module programs/story.cjs"


@pytest.fixture(scope="module", params=node_binaries(), ids=version)
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AnalysisReport:
    folder = tmp_path_factory.mktemp("story")
    command = [request.param, "--expose-gc", "--no-warnings", str(PROGRAM), str(folder)]
    subprocess.run(command, check=True, timeout=120)
    return analyze([str(folder / f"{name}.heapsnapshot") for name in "ABC"], work=WORK)


def titled(report: AnalysisReport, *names: str) -> Finding:
    """Return the one finding whose title has one of the names."""
    found = [f for f in report.findings if any(name in f.title for name in names)]
    assert len(found) == 1, [finding.title for finding in found]
    return found[0]


def edges(path: tuple[PathStep, ...]) -> list[str]:
    return [step.edge or step.node for step in path]


def test_a_table_and_its_reverse_are_one_cause(report: AnalysisReport) -> None:
    finding = titled(report, "`byMail`", "`byAccount`")
    other = "byAccount" if "`byMail`" in finding.title else "byMail"

    assert len(finding.also_retained) == 1
    assert f"`{other}`" in finding.also_retained[0]
    assert finding.also_retained_by == (f"Map {other}",)


def test_two_listeners_of_one_call_are_one_cause(report: AnalysisReport) -> None:
    finding = titled(report, 'feed "item"', 'feed "error"')

    assert len(finding.also_retained) == 1
    assert finding.also_retained[0].startswith("feed ")


def test_an_instance_and_the_listener_that_refers_to_it_are_one_cause(report: AnalysisReport) -> None:
    finding = titled(report, "`views`", 'model "change"')

    assert len(finding.also_retained) == 1


def test_what_only_happens_in_the_same_call_stays_two_causes(report: AnalysisReport) -> None:
    left, right = titled(report, "`left`"), titled(report, "`right`")

    assert left.also_retained == right.also_retained == ()
    assert left.also_retained_by == right.also_retained_by == ()


def test_a_second_holder_of_the_members_is_named(report: AnalysisReport) -> None:
    assert titled(report, "`queries`", "`recent`").also_retained_by in (("Array recent",), ("Array queries",))


def test_a_path_begins_at_the_module_and_suspects_the_last_reference(report: AnalysisReport) -> None:
    path = titled(report, "`left`").path

    assert edges(path) == [MODULE, "variable left", "array[…]"]
    assert [step.suspect for step in path] == [False, False, True]


def test_listeners_are_told_by_their_event(report: AnalysisReport) -> None:
    path = titled(report, "`views`", 'model "change"').path

    assert edges(path)[:2] in ([MODULE, "variable model"], [MODULE, "variable views"])
    if edges(path)[1] == "variable model":
        assert edges(path)[2] == '"change" listeners'


def test_no_key_that_is_data_is_shown(report: AnalysisReport) -> None:
    text = report.to_json()

    # The program's own text is shown: there the numbers are not filled in.
    assert not re.search(r"sk_live_51HxQ\d", text)
    assert not re.search(r"user\d+@mail", text)


def test_the_whole_chain_of_waiting_functions_is_counted(report: AnalysisReport) -> None:
    (stack,) = titled(report, "`locks`").stacks

    assert stack.functions == ("acquire", "loadUser", "handler")
    assert stack.count == 300
    assert stack.retained_bytes > 300 * 100
    assert stack.location is not None
    lines = PROGRAM.read_text(encoding="utf-8").splitlines()
    assert stack.location.line == next(n for n, line in enumerate(lines, 1) if line.endswith("// @acquire"))


def test_relations_are_symmetric_and_lead_to_findings(report: AnalysisReport) -> None:
    by_signature = {finding.signature: finding for finding in report.findings}

    for finding in report.findings:
        for other in finding.related:
            assert finding.signature in by_signature[other].related
