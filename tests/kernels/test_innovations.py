"""The filter that decorrelates drifting series, against dense covariance matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernel_choice import interpreted

from heapsleuth.kernels import innovations as compiled

if TYPE_CHECKING:
    from types import ModuleType

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

TAUS = np.array([0.5, 24.0, 3.0])
VARIANCES = np.array([1.0, 0.3, 2.0])


@pytest.fixture(params=["built", "interpreted"])
def innovations(request: pytest.FixtureRequest) -> ModuleType:
    return compiled if request.param == "built" else interpreted("innovations")


def whitened(
    module: ModuleType, columns: Floats, hours: Floats, errors: Floats, drifts: int
) -> tuple[Floats, Floats]:
    rows, width = columns.shape
    fades = np.exp(-np.diff(hours, prepend=hours[:1])[:, None] / TAUS[:drifts])
    out, surprises = np.empty((rows, width)), np.empty(rows)
    scratch = np.empty((drifts, width)), np.empty((drifts, drifts)), np.empty(drifts)
    module.whiten(columns, fades, errors, VARIANCES[:drifts].copy(), *scratch, out, surprises)
    return out, surprises


def covariance(hours: Floats, errors: Floats, drifts: int) -> Floats:
    apart = np.abs(hours[:, None] - hours)
    return sum(
        (size * np.exp(-apart / tau) for size, tau in zip(VARIANCES[:drifts], TAUS, strict=False)),
        np.diag(errors),
    )


@pytest.mark.parametrize("drifts", [0, 1, 2, 3])
def test_rows_are_what_the_cholesky_factor_of_the_covariance_makes_of_them(
    innovations: ModuleType, drifts: int
) -> None:
    random = np.random.default_rng(drifts)
    hours = np.sort(random.uniform(0, 60, 40))
    errors = random.uniform(0.05, 1.0, 40)
    columns = random.normal(size=(40, 3))

    out, surprises = whitened(innovations, columns, hours, errors, drifts)

    dense = covariance(hours, errors, drifts)
    np.testing.assert_allclose(out, np.linalg.solve(np.linalg.cholesky(dense), columns), atol=1e-9)
    assert np.log(surprises).sum() == pytest.approx(np.linalg.slogdet(dense)[1])


def test_the_first_rows_do_not_depend_on_later_ones() -> None:
    random = np.random.default_rng(1)
    hours, errors, columns = np.arange(20.0), np.full(20, 0.1), random.normal(size=(20, 2))

    whole, _ = whitened(compiled, columns, hours, errors, 2)
    part, _ = whitened(compiled, columns[:7].copy(), hours[:7].copy(), errors[:7].copy(), 2)

    np.testing.assert_allclose(whole[:7], part)


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1e4), min_size=1, max_size=30), st.floats(1e-4, 10))
def test_any_times_and_errors_give_finite_rows(gaps: list[float], error: float) -> None:
    hours = np.cumsum(gaps)
    columns = np.ones((len(gaps), 1))

    out, surprises = whitened(compiled, columns, hours, np.full(len(gaps), error), 2)

    assert np.isfinite(out).all()
    assert (surprises > 0).all()


def test_an_empty_series_is_left_alone(innovations: ModuleType) -> None:
    out, _ = whitened(innovations, np.empty((0, 2)), np.empty(0), np.empty(0), 2)

    assert out.shape == (0, 2)
