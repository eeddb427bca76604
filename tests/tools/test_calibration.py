"""The confidence model that ships is the one the labelled rows give, and it keeps its promises."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from calibrate import MODEL, read_rows
from calibration.held_out import Judged, brier, error, fit_rows, held_out, reliability
from calibration.logistic import SIGNS, fit
from calibration.rows import Row
from hypothesis import given
from hypothesis import strategies as st

from heapsleuth.leaks.confidence import load_model

if TYPE_CHECKING:
    from collections.abc import Mapping

CHECKED = 4
"""Snapshots of a check."""
_unit = st.floats(0, 1)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return read_rows()


@pytest.fixture(scope="module")
def judged(rows: list[Row]) -> list[Judged]:
    return held_out(rows)


def test_the_weights_that_ship_are_those_of_the_rows(rows: list[Row]) -> None:
    shipped = json.loads(MODEL.read_text(encoding="utf-8"))
    fitted = fit_rows(rows)

    assert fitted.bias == pytest.approx(shipped["bias"], abs=0.01)
    assert fitted.weights == pytest.approx(shipped["weights"], abs=0.01)


@given(st.fixed_dictionaries(dict.fromkeys(SIGNS, _unit)), st.sampled_from(sorted(SIGNS)), _unit)
def test_more_of_what_speaks_for_a_leak_never_lowers_confidence(
    features: Mapping[str, float], name: str, more: float
) -> None:
    model = load_model()
    higher = {**features, name: min(1.0, features[name] + more)}
    before, after = model.confidence(features), model.confidence(higher)

    assert (after - before) * SIGNS[name] >= 0


def test_confidence_holds_on_packages_the_model_has_not_seen(judged: list[Judged]) -> None:
    some = [one for one in judged if one.row.window == CHECKED and one.confidence >= 0.2]

    assert error(some) <= 0.08
    assert brier(some) <= 0.1


def test_leaks_of_published_packages_are_found_by_models_that_have_not_seen_them(
    judged: list[Judged],
) -> None:
    leaks: dict[tuple[str, str], float] = {}
    for one in judged:
        if one.row.leaks and one.row.is_leak and one.row.window == CHECKED and one.row.group != one.row.case:
            key = (one.row.case, one.row.node)
            leaks[key] = max(leaks.get(key, 0.0), one.confidence)

    assert len(leaks) >= 50
    assert sum(value >= 0.8 for value in leaks.values()) >= 0.9 * len(leaks)


def test_no_program_is_both_learned_from_and_judged(rows: list[Row]) -> None:
    groups: dict[str, set[str]] = {}
    for row in rows:
        groups.setdefault(row.case, set()).add(row.group)

    assert all(len(found) == 1 for found in groups.values())


def test_a_fit_finds_what_separates_the_rows() -> None:
    rows = [{"retention": value / 10, "steady": 1.0} for value in range(11)]
    model = fit(rows, [value > 5 for value in range(11)], [1.0] * 11, ridge=1e-4)

    assert model.probability({"retention": 1.0, "steady": 1.0}) > 0.9
    assert model.probability({"retention": 0.0, "steady": 1.0}) < 0.1


def test_a_fit_never_gives_a_weight_the_wrong_sign() -> None:
    # Here what is bounded leaks, which must not be learned.
    rows = [{"bounded": float(value), "retention": 0.5} for value in (0, 0, 0, 1, 1, 1)]
    model = fit(rows, [False, False, False, True, True, True], [1.0] * 6)

    assert model.weights["bounded"] == 0


def judged_at(confidence: float, is_leak: bool) -> Judged:
    row = Row("case", "group", "leaky", "v20", CHECKED, leaks=is_leak, is_leak=is_leak, title="", features={})
    return Judged(row, confidence)


def test_reliability_compares_what_was_said_with_what_was_true() -> None:
    some = [judged_at(0.95, is_leak=True)] * 3 + [
        judged_at(0.95, is_leak=False),
        judged_at(0.25, is_leak=False),
    ]
    low, high = reliability(some)

    assert (low.lower, low.count, low.leaks) == (0.2, 1, 0)
    assert (high.lower, high.count, high.leaks) == (0.9, 4, 0.75)
    assert error(some) == pytest.approx((4 * 0.2 + 0.25) / 5)
    assert brier(some) == pytest.approx((3 * 0.05**2 + 0.95**2 + 0.25**2) / 5)
