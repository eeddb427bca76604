"""Heaps that must and must not fire, one file of cases per kind; `cases/README.md` has the words."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from heapsleuth.leaks.analysis import analyze
from heapsleuth.leaks.check_model import Round
from heapsleuth.leaks.detectors import DETECTORS
from heapsleuth.leaks.model import AnalysisReport, Finding, Verdict
from heapsleuth.scenarios.floor import judge_growth
from heapsleuth.scenarios.verdict import conclude
from tests.leaks.case_heap import ROUNDS, WORK, World

CASES = Path(__file__).parent / "cases"
FILES = sorted(CASES.glob("*.yml"))
LEAST_FIRING = 4
LEAST_QUIET = 3
_WORDS = {"name", "why", "heap", "memory", "fails", "rounds", "verdict", "finds", "bounded"}
_FIRING = ("leak", "undecided")


def cases(path: Path) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def marks(case: dict[str, Any]) -> list[pytest.MarkDecorator]:
    """A case that is known to fail must fail, so that it is noticed when it no longer does."""
    return [pytest.mark.xfail(reason=case["fails"], strict=True)] if "fails" in case else []


EVERY_CASE = [
    pytest.param(case, id=f"{path.stem}: {case['name']}", marks=marks(case))
    for path in FILES
    for case in cases(path)
]


def said(finding: Finding) -> dict[str, Any]:
    """Return what a case may expect of a finding."""
    return {
        "verdict": finding.verdict.value,
        "category": finding.category,
        "holder": finding.holder.name,
        "kind": finding.holder.kind,
        "members": finding.members.class_name,
        "counts": list(finding.members.counts),
    }


def agrees(finding: Finding, expected: dict[str, Any]) -> bool:
    known = said(finding)
    begins = finding.members.class_name.startswith(expected.get("members", ""))
    exact = all(known[key] == expected[key] for key in expected if key not in ("members", "title"))
    return exact and begins and expected.get("title", "") in finding.title


def fires(case: dict[str, Any], category: str) -> bool:
    """Whether a case expects a finding of its file's kind."""
    return any(
        found.get("category") == category and found.get("verdict", "leak") in _FIRING
        for found in case.get("finds", [])
    )


@pytest.mark.parametrize("case", EVERY_CASE)
def test_each_heap_gives_the_findings_its_case_expects(case: dict[str, Any], tmp_path: Path) -> None:
    assert set(case) <= _WORDS
    report = _analysed(case, tmp_path)
    expected = case.get("finds", [])
    told = [{**said(finding), "title": finding.title} for finding in report.findings]

    assert report.verdict.value in case["verdict"].split(" or "), told
    for one in expected:
        assert any(agrees(finding, one) for finding in report.findings), (one, told)
    assert len(report.findings) == len(expected), told
    assert set(case.get("bounded", [])) <= {finding.holder.name for finding in report.bounded}


def _analysed(case: dict[str, Any], folder: Path) -> AnalysisReport:
    if "memory" in case:
        return _concluded(case["memory"])
    rounds = case.get("rounds", ROUNDS)
    paths = World(case["heap"]).play(folder, rounds)
    return analyze(paths, work=[WORK * (number + 1.0) for number in range(rounds)], index=False)


def _concluded(memory: dict[str, list[int]]) -> AnalysisReport:
    """Return what a check says of megabytes after each round when no object on the heap grows."""
    rounds = [
        Round(
            WORK * number, *(1_000_000 * megabytes for megabytes in (heap, buffers + external, buffers, rss))
        )
        for number, (heap, external, buffers, rss) in enumerate(
            zip(*(memory[kind] for kind in ("heap", "external", "buffers", "rss")), strict=True)
        )
    ]
    nothing = AnalysisReport(mode="identity", verdict=Verdict.CLEAN, inputs=(), findings=())
    conclusion = conclude(judge_growth(rounds), nothing, rounds)
    assert conclusion.analysis is not None
    return replace(conclusion.analysis, verdict=conclusion.verdict)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_kind_has_enough_heaps_that_must_and_must_not_fire(path: Path) -> None:
    names = [case["name"] for case in cases(path)]
    firing = [case for case in cases(path) if fires(case, path.stem)]

    assert len(set(names)) == len(names)
    assert len(firing) >= LEAST_FIRING
    assert len(names) - len(firing) >= LEAST_QUIET


def test_each_kind_has_a_file_of_cases() -> None:
    # Unknown is what is left when no kind fires; native memory is found without a detector.
    kinds = {detector.category for detector in DETECTORS} - {"unknown"} | {"native"}

    assert {path.stem for path in FILES} == kinds
