"""The evaluation judges by the truth alone; these are its rules on small inputs with known answers."""

from __future__ import annotations

from typing import Any

import pytest
from evaluation.cells import code
from evaluation.floor_rules import FLOOR_RULES
from evaluation.judging import judge
from evaluation.reliability import reliability
from evaluation.scores import Answer, detection
from evaluation.truth import Truth


def truth(**given: Any) -> Truth:
    document = {
        "category": "unbounded-cache",
        "growing_container": "Map rows (module variable)",
        "container_path_pattern": "ctx:rows -> Map",
        "source_file": "store/lib/index.js:20",
        "package": "store",
        "verdict": {"leaky": "leak", "fixed": "no-leak"},
        "node_versions": ["v20.1.0"],
    }
    return Truth.of(document | given, "case")


def finding(**given: Any) -> dict[str, Any]:
    document = {
        "category": "cache",
        "verdict": "leak",
        "confidence": 0.9,
        "title": "Map `x` gains 1 Object per unit of work",
        "holder": {"name": "x", "kind": "Map", "location": None},
        "members": {"class": "Object", "location": None},
        "path": [],
        "sites": [],
        "suppressed": None,
    }
    return document | given


def location(file: str, line: int) -> dict[str, Any]:
    return {"file": file, "line": line}


@pytest.mark.parametrize(
    ("pattern", "container", "expected"),
    [
        ("ctx:history -> Array", "Array history (module variable)", {"history"}),
        ("config -> Array", "Array bus._events.config (module-level EventEmitter)", {"config"}),
        ("table -> Map", "Map table (module variable), strings only", {"table"}),
        ("", "plain Object createSpanUrlMap, keyed by URL: it holds keyHolder", {"createSpanUrlMap"}),
        ("", "Array at createDebug.instances (in node_modules/debug/src/common.js)", {"instances"}),
        (r"WeakMap \(table.*-> Map", "Map held through the module WeakMap cacheStore", {"cacheStore"}),
        ("_idleNext", "timer list (linked list of Timeout)", {"_idleNext", "Timeout"}),
    ],
)  # fmt: skip
def test_the_names_of_a_container_are_its_identifiers_and_no_type(
    pattern: str, container: str, expected: set[str]
) -> None:
    assert truth(container_path_pattern=pattern, growing_container=container).names == expected


def test_a_name_counts_as_a_whole_word_in_the_path_only() -> None:
    step = {"edge": "variable rows", "node": "Map"}
    near = {"edge": "variable browsers", "node": "Rows"}
    report = {"verdict": "leak", "findings": [finding(path=[step]), finding(path=[near])]}

    named = judge("case", "leaky", truth(), 20, report, 1.0).named

    assert [one.holder for one in named] == [True, False]


@pytest.mark.parametrize(
    ("file", "line", "file_right", "line_right"),
    [
        ("/a/node_modules/store/lib/index.js", 25, True, True),
        ("/a/node_modules/store/lib/index.js", 26, True, False),
        ("/a/node_modules/other/lib/index.js", 20, False, False),
        ("/a/node_modules/store/src/index.ts", 20, False, False),
    ],
)
def test_a_place_is_right_in_the_same_file_of_the_package_within_five_lines(
    file: str, line: int, file_right: bool, line_right: bool
) -> None:
    report = {"verdict": "leak", "findings": [finding(sites=[{"location": location(file, line)}])]}

    named = judge("case", "leaky", truth(), 20, report, 1.0).named[0]

    assert (named.file, named.line) == (False, False)
    assert (named.file_in_sites, named.line_in_sites) == (file_right, line_right)


@pytest.mark.parametrize(("confidence", "alarm"), [(0.79, False), (0.8, True)])
def test_a_sure_finding_is_a_false_alarm_whatever_the_verdict_says(confidence: float, alarm: bool) -> None:
    report = {"verdict": "undecided", "findings": [finding(confidence=confidence)]}

    assert judge("case", "fixed", truth(), 20, report, 1.0).false_alarm is alarm


def test_a_leak_that_a_version_does_not_show_does_not_count() -> None:
    elsewhere = truth(node_versions_not_reproduced=["v24.2.0"])

    assert [elsewhere.expected("leaky", major) for major in (22, 24)] == ["leak", None]


def test_precision_and_recall_are_counted_over_what_counts() -> None:
    answers = [
        Answer("leak", says_leak=True, names_it=True),
        Answer("leak", says_leak=True, names_it=False),
        Answer("leak", says_leak=False, names_it=True),
        Answer("no-leak", says_leak=True, names_it=False),
        Answer("no-leak", says_leak=False, names_it=False),
        Answer(None, says_leak=True, names_it=True),
    ]

    found = detection(answers)

    assert (str(found.found), str(found.false_alarms)) == ("2 of 3 (67%)", "1 of 2 (50%)")
    assert (str(found.precision), str(found.named)) == ("2 of 3 (67%)", "1 of 3 (33%)")


def test_reliability_weighs_the_bins_by_their_counts() -> None:
    found = reliability([(0.95, True), (0.95, True), (0.95, False), (0.15, False), (1.0, True)])

    assert found is not None
    assert [(one.low, one.count, one.share_right) for one in found.bins] == [(0.1, 1, 0.0), (0.9, 4, 0.75)]
    assert found.ece == pytest.approx((4 * abs(0.9625 - 0.75) + 0.15) / 5)
    assert found.brier == pytest.approx((2 * 0.05**2 + 0.95**2 + 0.15**2) / 5)


MB = 1_000_000


@pytest.mark.parametrize(
    ("floors", "expected"),
    [
        ([10 * MB + 6 * MB * step for step in range(10)], [True, True, True]),
        ([10 * MB + step for step in range(10)], [False, True, True]),
        ([1, 2, 3, 4, 5, 6], [False, False, True]),
        ([1, 2, 3, 4, 5, 5, 6, 7, 8, 9], [False, False, False]),
    ],
)
def test_rules_on_floors_need_their_rises_in_a_row(floors: list[int], expected: list[bool]) -> None:
    assert [rule.says_leak(floors) for rule in FLOOR_RULES] == expected


def test_text_of_a_heap_cannot_end_its_cell() -> None:
    assert code("a`|b\n") == "`a??b?`"
