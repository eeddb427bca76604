"""The labelled programs under calibration/ are well-formed, and each label was seen to hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

CASES = sorted((Path(__file__).resolve().parent.parent / "calibration" / "cases").iterdir())
VARIANTS = {"leaky", "fixed", "clean"}
CATEGORIES = {
    "async-context", "buffer", "closure", "code", "global-collection",
    "listener", "promise", "socket", "timer", "unbounded-cache",
}  # fmt: skip


def truth(case: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((case / "truth.json").read_text(encoding="utf-8"))
    return document


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_variant_of_a_case_has_a_label_and_each_label_a_variant(case: Path) -> None:
    labels = truth(case)["verdict"]

    assert labels in ({"leaky": "leak", "fixed": "no-leak"}, {"clean": "no-leak"})
    assert {path.name for path in case.iterdir()} & VARIANTS == set(labels)
    assert (case / "workload.js").is_file()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_truth_of_a_case_names_its_kind_and_a_line_that_exists(case: Path) -> None:
    known = truth(case)

    assert known["id"] == case.name
    if "leaky" not in known["verdict"]:
        assert known["category"] is None
        assert known["long"]["rounds"] >= 18
        return
    file, _, line = known["source_file"].rpartition(":")
    assert known["category"] in CATEGORIES
    assert 1 <= int(line) <= len((case / file).read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_label_of_a_case_was_verified_by_measurement(case: Path) -> None:
    known = truth(case)

    assert known["verified"]
    if "leaky" in known["verdict"]:
        assert known["bytes_per_iteration"] >= 4 * max(0.0, known["fixed_bytes_per_iteration"])


def test_there_are_programs_of_both_kinds_in_number() -> None:
    leaks = [case for case in CASES if "leaky" in truth(case)["verdict"]]

    assert len(leaks) >= 25
    assert len(CASES) - len(leaks) >= 30
