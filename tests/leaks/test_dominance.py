"""Growth of which no old object is the holder: found below the old object that dominates it."""

from __future__ import annotations

import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
from node_programs import node_binaries, version

from heapsleuth import AnalysisReport, Verdict, analyze

PROGRAM = Path(__file__).parents[1] / "programs" / "below.cjs"
WORK = (500.0, 1000.0, 1500.0, 2000.0)


@pytest.fixture(scope="module", params=node_binaries(), ids=version)
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AnalysisReport:
    folder = tmp_path_factory.mktemp("below")
    command = [request.param, "--expose-gc", "--no-warnings", str(PROGRAM), str(folder)]
    subprocess.run(command, check=True, timeout=120)
    return analyze([str(folder / f"{name}.heapsnapshot") for name in "ABCD"], work=WORK)


def test_a_list_that_hangs_on_a_new_object_every_time_is_found(report: AnalysisReport) -> None:
    first = report.findings[0]

    assert report.verdict is Verdict.LEAK
    assert first.members.class_name.startswith("Object {id, attributes, parent}")


def test_its_members_are_counted_at_any_depth(report: AnalysisReport) -> None:
    counts = report.findings[0].members.counts

    # A store, and perhaps its attributes, for each operation.
    rates = [(later - earlier) / 500 for earlier, later in pairwise(counts)]
    assert all(rate == pytest.approx(rates[0], rel=0.02) for rate in rates)
    assert rates[0] in (pytest.approx(1, rel=0.02), pytest.approx(2, rel=0.02))


def test_no_link_of_the_list_is_a_holder_of_its_own(report: AnalysisReport) -> None:
    assert len(report.findings) == 1
