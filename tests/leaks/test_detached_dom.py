"""Removed elements that JavaScript keeps, in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from heapsleuth.leaks.analysis import analyze
from heapsleuth.leaks.model import AnalysisReport, Verdict
from tests.browser import browser_binary, open_browser

if TYPE_CHECKING:
    from tests.browser import Page

PAGE = Path(__file__).parent.parent / "programs" / "detached.html"
PER_ROUND = 100
EXPECTED = (
    ("removed", "Array", "Detached <div>"),
    ("byId", "Map", "Detached <li>"),
    ("panels", "Array", "Panel"),
    ("callbacks", "Array", "function"),
    ("event listeners", "page", "function onResize"),
)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> AnalysisReport:
    binary = browser_binary()
    if binary is None:
        pytest.skip("no Chromium")
    folder = tmp_path_factory.mktemp("detached")
    with open_browser(binary) as page:
        page.open(PAGE)
        page.send("HeapProfiler.enable")
        paths = [snapshot_after_work(page, folder / f"{name}.heapsnapshot") for name in "ABC"]
    return analyze(paths, work=[PER_ROUND, 2 * PER_ROUND, 3 * PER_ROUND], index=False)


def snapshot_after_work(page: Page, path: Path) -> str:
    page.run(f"work({PER_ROUND})")
    for _ in range(3):
        page.send("HeapProfiler.collectGarbage")
    page.events.clear()
    page.send("HeapProfiler.takeHeapSnapshot", reportProgress=False)
    chunks = [e["params"]["chunk"] for e in page.events if e["method"] == "HeapProfiler.addHeapSnapshotChunk"]
    path.write_text("".join(chunks), encoding="utf-8")
    return str(path)


@pytest.mark.slow
@pytest.mark.parametrize(("holder", "kind", "members"), EXPECTED)
def test_removed_elements_are_found_by_who_keeps_them(
    report: AnalysisReport, holder: str, kind: str, members: str
) -> None:
    found = {finding.holder.name: finding for finding in report.findings}
    assert holder in found, sorted(found)
    finding = found[holder]
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    declared = next(number for number, line in enumerate(lines, 1) if line.endswith(f"// @{holder}"))

    assert finding.verdict is Verdict.LEAK
    assert finding.category == "detached-dom"
    assert finding.holder.kind == kind
    assert finding.members.class_name.startswith(members)
    assert finding.members.counts == (PER_ROUND, 2 * PER_ROUND, 3 * PER_ROUND)
    assert finding.holder.location is not None
    assert finding.holder.location.line == declared


@pytest.mark.slow
def test_nothing_else_is_reported_of_the_page(report: AnalysisReport) -> None:
    assert {finding.holder.name for finding in report.findings} == {name for name, _, _ in EXPECTED}
