"""What stands beside growth, and where it is in the source: a real program with a dependency."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from node_programs import node_binaries, version

from heapsleuth import AnalysisReport, Finding, Verdict, analyze

PROGRAM = Path(__file__).parents[1] / "programs" / "circumstances.cjs"
LIBRARY = """'use strict';
class Registry {
  constructor() {
    this.entries = []; // @field
  }
  add(entry) {
    this.entries.push(entry); // @push
  }
}
function debounce(wrapped) {
  return function debounced() { return wrapped(); }; // @debounced
}
module.exports = { Registry, debounce };
"""
WORK = (300.0, 600.0, 900.0, 1200.0)


@pytest.fixture(scope="module", params=node_binaries(), ids=version)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("circumstances")
    package = folder / "node_modules" / "registry"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"name": "registry", "version": "2.1.0"}', encoding="utf-8")
    (package / "index.js").write_text(LIBRARY, encoding="utf-8")
    shutil.copy(PROGRAM, folder / "main.cjs")
    command = [request.param, "--expose-gc", "--no-warnings", "main.cjs", str(folder)]
    subprocess.run(command, check=True, timeout=120, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def report(folder: Path) -> AnalysisReport:
    return analyze([str(folder / f"{name}.heapsnapshot") for name in "ABCD"], work=WORK)


def finding(report: AnalysisReport, holder: str) -> Finding:
    return next(one for one in report.findings if one.holder.name == holder)


def codes(one: Finding) -> tuple[set[str], set[str]]:
    return {fact.code for fact in one.evidence_for}, {fact.code for fact in one.evidence_against}


def line_of(path: Path, marker: str) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.endswith(f"// {marker}"))


def test_a_cache_below_its_bound_is_bounded(report: AnalysisReport) -> None:
    one = next(one for one in report.bounded if one.holder.name == "filling")
    bound = next(fact for fact in one.evidence_against if fact.code == "bound-in-source")

    assert one.verdict is Verdict.BOUNDED
    assert bound.value == 50_000
    assert "main.cjs:15" in bound.text


def test_a_bound_that_was_passed_speaks_for_a_leak(report: AnalysisReport) -> None:
    one = finding(report, "overflowing")

    assert one.verdict is Verdict.LEAK
    assert "past-bound" in codes(one)[0]


def test_a_timer_for_each_member_leaves_it_undecided(report: AnalysisReport) -> None:
    one = finding(report, "seen")

    assert one.verdict is Verdict.UNDECIDED
    assert "expires-in-source" in codes(one)[1]
    assert one.settles == "an idle time longer than the members\u2019 time to live, then another snapshot"


def test_timers_that_have_fired_and_removed_nothing_speak_for_a_leak(report: AnalysisReport) -> None:
    one = finding(report, "sessions")
    # The hour-long timers of `seen` are pending: as many as there are sessions.
    assert one.verdict in (Verdict.LEAK, Verdict.UNDECIDED)


def test_an_accepted_growth_is_listed_with_its_reason(report: AnalysisReport) -> None:
    one = finding(report, "accepted")

    assert one.suppressed is not None
    assert one.suppressed.startswith("one entry per build, and a build has few (")


def test_the_field_of_a_dependency_comes_before_the_variable_that_leads_to_it(
    report: AnalysisReport, folder: Path
) -> None:
    one = finding(report, "hooks.entries")
    library = folder / "node_modules" / "registry" / "index.js"
    places = [(site.role, Path(site.location.file).name, site.location.line) for site in one.sites]

    assert one.holder.location is not None
    assert (one.holder.location.file, one.holder.location.line) == (str(library), line_of(library, "@field"))
    assert one.holder.package is not None
    assert (one.holder.package.name, one.holder.package.version) == ("registry", "2.1.0")
    assert ("added", "index.js", line_of(library, "@push")) in places
    assert next(site for site in one.sites if site.role == "added").code[2].marked


def test_a_function_made_by_a_helper_is_placed_where_the_one_it_wraps_is(
    report: AnalysisReport, folder: Path
) -> None:
    one = finding(report, "hooks.entries")

    assert one.members.location is not None
    assert one.members.location.file == str(folder / "main.cjs")
    assert one.members.location.line == line_of(folder / "main.cjs", "@onEnd")
