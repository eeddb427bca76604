"""The pages about kinds of leaks: complete, and their examples do what they are said to do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from leak_pages import leak_pages

from heapsleuth.capture.node import find_node
from heapsleuth.leaks.detectors import DETECTORS
from heapsleuth.leaks.model import Verdict
from heapsleuth.scenarios.check import CheckOptions, run_check
from heapsleuth.scenarios.criteria import Limits
from heapsleuth.scenarios.module import ModuleTarget
from tests.node_programs import node_binaries

if TYPE_CHECKING:
    from pathlib import Path

    from heapsleuth.leaks.check_model import CheckReport

PAGES = {name.removesuffix(".md"): text for name, text in leak_pages().items() if name != "README.md"}
HEADINGS = [
    "What leaks",
    "Leaking example",
    "Fixed example",
    "Evidence",
    "Known false alarms",
    "How to confirm it",
    "Further reading",
]
OPTIONS = CheckOptions(limits=Limits(stable_within_s=None, peak_factor=None))
# Quick, and still more than the runtime's own growth per round.
PARAMS = "\nexports.params = { warmup: 200, k: 1000, settleMs: 50 };\n"


def example(text: str, heading: str) -> str:
    section = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    found = re.search(r"```js\n(.*?)```", section, re.DOTALL)
    assert found, heading
    return found.group(1)


RUNNABLE = sorted(
    kind for kind, text in PAGES.items() if "exports.iterate" in example(text, "Leaking example")
)


@pytest.mark.parametrize("kind", sorted(PAGES))
def test_each_page_has_every_heading_in_order(kind: str) -> None:
    assert re.findall(r"^## (.*)$", PAGES[kind], re.MULTILINE) == HEADINGS


@pytest.mark.parametrize("kind", sorted(PAGES))
def test_each_page_says_what_speaks_for_and_against(kind: str) -> None:
    evidence = PAGES[kind].partition("## Evidence\n")[2].partition("\n## ")[0]
    assert re.search(r"^For: ", evidence, re.MULTILINE)
    assert re.search(r"^Against: ", evidence, re.MULTILINE)


def test_every_kind_that_a_detector_finds_has_a_page_and_most_have_examples_that_run() -> None:
    assert set(PAGES) == {detector.category for detector in DETECTORS} - {"unknown"} | {"native"}
    # A page needs a browser, and native memory an addon.
    assert set(PAGES) - set(RUNNABLE) == {"detached-dom", "native"}


@pytest.mark.slow
@pytest.mark.parametrize("kind", RUNNABLE)
def test_the_leaking_example_is_found_to_be_of_its_kind(kind: str, tmp_path: Path) -> None:
    report = _checked(example(PAGES[kind], "Leaking example"), tmp_path)
    assert report.verdict is Verdict.LEAK, report.reason
    assert report.analysis is not None
    told = [(finding.category, finding.title) for finding in report.analysis.findings]
    assert report.analysis.findings[0].category == kind, told


@pytest.mark.slow
@pytest.mark.parametrize("kind", RUNNABLE)
def test_the_fixed_example_is_clean(kind: str, tmp_path: Path) -> None:
    report = _checked(example(PAGES[kind], "Fixed example"), tmp_path)
    assert report.verdict is Verdict.CLEAN, report.reason


def _checked(source: str, folder: Path) -> CheckReport:
    if not node_binaries():
        pytest.skip("no Node.js")
    workload = folder / "workload.cjs"
    workload.write_text(source + PARAMS, encoding="utf-8")
    return run_check(ModuleTarget(workload, folder, find_node(node_binaries()[0])), OPTIONS)
