"""The least-squares kernels against textbook formulas: dense covariance matrices, one model at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from kernel_choice import interpreted

from heapsleuth.kernels import gls as compiled

if TYPE_CHECKING:
    from types import ModuleType

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RHOS = np.array([0.0, 0.4, 0.9])


@pytest.fixture(params=["built", "interpreted"])
def gls(request: pytest.FixtureRequest) -> ModuleType:
    return compiled if request.param == "built" else interpreted("gls")


def correlation(gaps: Floats, rho: float) -> Floats:
    """Correlation matrix of the noise, from the distances of all pairs of rows."""
    n = len(gaps)
    series = np.cumsum(gaps < 0)
    place = np.cumsum(np.where(gaps < 0, 0.0, gaps))
    distance = np.abs(place[:, None] - place[None, :])
    same = series[:, None] == series[None, :]
    return np.where(same, rho**distance if rho > 0 else np.eye(n), 0.0)


def naive_fit(design: Floats, response: Floats, gaps: Floats) -> tuple[float, float, float, int, float]:
    """Log likelihood, slope, error, correlation and last coefficient but one, with matrix inverses."""
    n, p = design.shape
    best = (-np.inf, 0.0, 0.0, 0.0, 0, 0.0)
    for number, rho in enumerate(RHOS):
        covariance = correlation(gaps, rho)
        inverse = np.linalg.inv(covariance)
        normal = design.T @ inverse @ design
        coefficients = np.linalg.solve(normal, design.T @ inverse @ response)
        left = response - design @ coefficients
        squares = left @ inverse @ left
        log_det = np.linalg.slogdet(covariance)[1]
        restricted = -0.5 * ((n - p) * np.log(squares) + log_det + np.linalg.slogdet(normal)[1])
        error = np.sqrt(squares / (n - p) * np.linalg.inv(normal)[-1, -1])
        likelihood = -0.5 * (n * np.log(squares / n) + log_det)
        if restricted > best[0]:
            best = (restricted, likelihood, coefficients[-1], error, number, coefficients[-2])
    return best[1:]


def fit(gls: ModuleType, columns: Floats, gaps: Floats, models: list[list[int]]) -> Floats:
    k = columns.shape[1]
    products = np.zeros((len(RHOS), k, k))
    log_determinants = np.zeros(len(RHOS))
    gls.whitened_products(columns, gaps, RHOS, np.empty(k), products, log_determinants)
    width = max(map(len, models))
    table = np.array([[-1] * (width - len(model)) + model for model in models], np.int32)
    fits = np.empty((len(models), 6))
    gls.fit_models(
        products,
        log_determinants,
        len(columns),
        table,
        np.empty((width + 1, width + 1)),
        np.empty(len(models)),
        fits,
    )
    return fits


def random_case(seed: int, rows: int = 25) -> tuple[Floats, Floats]:
    random = np.random.default_rng(seed)
    columns = random.normal(size=(rows, 6))
    columns[:, 0] = 1.0
    columns[:, 5] = np.cumsum(random.normal(size=rows))
    gaps = random.uniform(0.3, 3.0, rows)
    gaps[[0, 10]] = -1.0
    return columns, gaps


@pytest.mark.parametrize("seed", range(6))
def test_every_model_is_what_matrix_inverses_give(gls: ModuleType, seed: int) -> None:
    columns, gaps = random_case(seed)
    models = [[0, 1], [0, 2, 3, 1], [0, 4], [0, 1, 2, 3, 4]]
    found = fit(gls, columns, gaps, models)
    for row, model in zip(found, models, strict=True):
        expected = naive_fit(columns[:, model], columns[:, 5], gaps)
        assert row[[0, 1, 2, 3, 5]] == pytest.approx(expected, rel=1e-9)


def test_places_without_a_column_change_nothing_wherever_they_are(gls: ModuleType) -> None:
    columns, gaps = random_case(4)
    first, second = fit(gls, columns, gaps, [[0, 2, -1, -1, 1], [0, -1, 2, -1, 1]])
    assert first.tolist() == second.tolist()
    expected = naive_fit(columns[:, [0, 2, 1]], columns[:, 5], gaps)
    assert first[:4] == pytest.approx(expected[:4], rel=1e-9)


def test_a_strongly_correlated_walk_is_recognised_as_one(gls: ModuleType) -> None:
    random = np.random.default_rng(5)
    walk = np.zeros(200)
    for i in range(1, 200):
        walk[i] = 0.9 * walk[i - 1] + random.normal()
    columns = np.stack([np.ones(200), np.arange(200.0), walk], axis=1)
    gaps = np.ones(200)
    gaps[0] = -1.0
    (found,) = fit(gls, columns, gaps, [[0, 1]])
    assert RHOS[int(found[3])] == 0.9


def test_a_slope_that_other_columns_explain_has_an_infinite_error(gls: ModuleType) -> None:
    columns, gaps = random_case(1)
    columns[:, 2] = 3.0 * columns[:, 1] - 1.0
    (found,) = fit(gls, columns, gaps, [[0, 1, 2]])
    assert found[2] > 1e200


def test_a_column_given_twice_counts_once(gls: ModuleType) -> None:
    columns, gaps = random_case(2)
    columns[:, 3] = columns[:, 2]
    once, twice = fit(gls, columns, gaps, [[0, 2, 1], [0, 2, 3, 1]])
    assert twice[:3] == pytest.approx(once[:3], rel=1e-9)


def test_a_model_with_as_many_columns_as_rows_is_refused(gls: ModuleType) -> None:
    columns, gaps = random_case(3, rows=12)
    (found,) = fit(gls, columns[:6], gaps[:6], [[0, 1, 2, 3]])
    assert found[0] == -1e300


def test_smoothed_values_follow_a_step_exponentially_and_the_integral_counts_on(gls: ModuleType) -> None:
    values, hours = np.full(4, 10.0), np.full(4, 0.5)
    state, out = np.array([0.0, 100.0]), np.empty((2, 4))
    gls.smooth(values, hours, np.array([2.0]), state, out)
    ends = np.cumsum(hours)
    assert out[0] == pytest.approx(10.0 * (1 - np.exp(-ends / 2.0)))
    assert out[1] == pytest.approx(100.0 + 10.0 * ends)
    assert state == pytest.approx(out[:, -1])


def test_the_lowest_of_a_bin_is_found_among_missing_values(gls: ModuleType) -> None:
    values = np.array([np.nan, 3.0, 1.0, 1.0, 0.0, np.nan, 7.0])
    bins: NDArray[Any] = np.array([0, 0, 0, 0, -1, 1, 2], np.int32)
    lowest = np.empty(4, np.int32)
    gls.lowest_in_bins(values, bins, lowest)
    assert lowest.tolist() == [2, -1, 6, -1]
