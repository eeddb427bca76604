# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Least squares under autocorrelated noise at irregular times: many models over one set of columns."""

from __future__ import annotations

try:
    import cython
except ImportError:
    from heapsleuth.kernels import _cython as cython

if cython.compiled:
    from cython.cimports.libc.math import exp, log, pow, sqrt  # type: ignore[import-untyped]
else:
    from math import exp, log, pow, sqrt

__all__ = ["fit_models", "lowest_in_bins", "smooth", "whitened_products"]


def smooth(
    values: cython.const[cython.double][::1],
    hours: cython.const[cython.double][::1],
    taus: cython.const[cython.double][::1],
    state: cython.double[::1],
    out: cython.double[:, ::1],
) -> None:
    """
    Write exponentially weighted means of a step function, one row per time constant, and its integral below.

    Args:
        values: (n,) float64, the function's value during each piece.
        hours: (n,) float64, length of each piece.
        taus: (k,) float64, time constants in hours.
        state: (k + 1,) float64 (input and output), means and integral before the first piece; at the end.
        out: (k + 1, n) float64 (output), means and integral at the end of each piece.

    Time complexity: O(k·n).
    """
    n: cython.Py_ssize_t = values.shape[0]
    count: cython.Py_ssize_t = taus.shape[0]
    i: cython.Py_ssize_t
    k: cython.Py_ssize_t
    mean: cython.double
    with cython.nogil:
        for k in range(count):
            mean = state[k]
            for i in range(n):
                mean = values[i] + (mean - values[i]) * exp(-hours[i] / taus[k])
                out[k, i] = mean
            state[k] = mean
        mean = state[count]
        for i in range(n):
            mean += values[i] * hours[i]
            out[count, i] = mean
        state[count] = mean


def lowest_in_bins(
    values: cython.const[cython.double][::1],
    bins: cython.const[cython.int][::1],
    lowest: cython.int[::1],
) -> None:
    """
    Find the place of the lowest value of each bin; NaN is no value.

    Args:
        values: (n,) float64.
        bins: (n,) int32, the bin of each value; negative: none.
        lowest: (m,) int32 (output), −1 for a bin without values; the first of equals.

    Time complexity: O(n + m).
    """
    i: cython.Py_ssize_t
    where: cython.int
    with cython.nogil:
        for i in range(lowest.shape[0]):
            lowest[i] = -1
        for i in range(values.shape[0]):
            where = bins[i]
            if where >= 0 and values[i] == values[i]:
                if lowest[where] < 0 or values[i] < values[lowest[where]]:
                    lowest[where] = cython.cast(cython.int, i)


def whitened_products(
    columns: cython.const[cython.double][:, ::1],
    gaps: cython.const[cython.double][::1],
    rhos: cython.const[cython.double][::1],
    row: cython.double[::1],
    products: cython.double[:, :, ::1],
    log_determinants: cython.double[::1],
) -> None:
    """
    Decorrelate the rows for each correlation, and write the products of all pairs of columns.

    Noise is an Ornstein–Uhlenbeck process: two rows `g` gaps apart have correlation `rho ** g`.

    Args:
        columns: (n, k) float64, one row per time; the response is a column too.
        gaps: (n,) float64, distance to the row before in units of which *rhos* speak; negative: the row
            begins a new series, independent of those before.
        rhos: (r,) float64 in [0, 1).
        row: (k,) float64 (scratch).
        products: (r, k, k) float64 (output), the lower triangles.
        log_determinants: (r,) float64 (output), log determinant of the noise's correlation matrix.

    Time complexity: O(r·n·k²).
    """
    n: cython.Py_ssize_t = columns.shape[0]
    k: cython.Py_ssize_t = columns.shape[1]
    r: cython.Py_ssize_t
    i: cython.Py_ssize_t
    a: cython.Py_ssize_t
    b: cython.Py_ssize_t
    phi: cython.double
    scale: cython.double
    value: cython.double
    total: cython.double
    with cython.nogil:
        for r in range(rhos.shape[0]):
            for a in range(k):
                for b in range(a + 1):
                    products[r, a, b] = 0.0
            total = 0.0
            for i in range(n):
                phi = 0.0
                if gaps[i] >= 0.0 and rhos[r] > 0.0:
                    phi = pow(rhos[r], gaps[i])
                    if phi > 0.999999:
                        phi = 0.999999
                scale = 1.0 / sqrt(1.0 - phi * phi)
                total -= 2.0 * log(scale)
                if phi > 0.0:
                    for a in range(k):
                        row[a] = (columns[i, a] - phi * columns[i - 1, a]) * scale
                else:
                    for a in range(k):
                        row[a] = columns[i, a]
                # Row by row, and the triangle's rows inside: the inner loop has no sum to carry, so that
                # compilers make vectors of it.
                for a in range(k):
                    value = row[a]
                    if value != 0.0:
                        for b in range(a + 1):
                            products[r, a, b] += value * row[b]
            log_determinants[r] = total


def fit_models(
    products: cython.const[cython.double][:, :, ::1],
    log_determinants: cython.const[cython.double][::1],
    rows: cython.Py_ssize_t,
    models: cython.const[cython.int][:, ::1],
    factor: cython.double[:, ::1],
    best: cython.double[::1],
    fits: cython.double[:, ::1],
) -> None:
    """
    Fit each model for each correlation, and keep the correlation of the highest restricted likelihood.

    A column that those before it explain is left out; where that is the slope, its error is infinite.
    Models that begin with the same columns as the one before are cheaper.

    Args:
        products: (r, k, k) float64, from `whitened_products`; the last column is the response.
        log_determinants: (r,) float64.
        rows: How many rows there were.
        models: (m, p) int32, columns of each model, the slope last; negative: no column.
        factor: (p + 1, p + 1) float64 (scratch).
        best: (m,) float64 (scratch).
        fits: (m, 6) float64 (output): log likelihood (profiled over the noise's variance, at the correlation
            chosen), slope, its standard error, number of the correlation, residual standard deviation,
            coefficient of the column before the slope.
            A model with fewer than 3 degrees of freedom has log likelihood −1e300.

    Time complexity: O(m·r·p³).
    """
    k: cython.Py_ssize_t = products.shape[1]
    width: cython.Py_ssize_t = models.shape[1]
    m: cython.Py_ssize_t
    r: cython.Py_ssize_t
    used: cython.Py_ssize_t
    same: cython.Py_ssize_t
    i: cython.Py_ssize_t
    j: cython.Py_ssize_t
    l: cython.Py_ssize_t
    a: cython.Py_ssize_t
    b: cython.Py_ssize_t
    value: cython.double
    whole: cython.double
    logs: cython.double
    residual: cython.double
    freedom: cython.double
    restricted: cython.double
    with cython.nogil:
        for m in range(models.shape[0]):
            best[m] = -1e300
            fits[m, 0] = -1e300
            fits[m, 1] = 0.0
            fits[m, 2] = 1e300
            fits[m, 3] = 0.0
            fits[m, 4] = 0.0
            fits[m, 5] = 0.0
        for r in range(products.shape[0]):
            same = 0
            for m in range(models.shape[0]):
                # Cholesky's factor of the products, the response last: its last rows are the answer.
                if m > 0:
                    same = 0
                    while same < width and models[m, same] == models[m - 1, same]:
                        same += 1
                for i in range(same, width + 1):
                    a = k - 1 if i == width else models[m, i]
                    if a < 0:
                        for j in range(i + 1):
                            factor[i, j] = 0.0
                        continue
                    whole = products[r, a, a]
                    for j in range(i):
                        # No column, or one that adds nothing.
                        if factor[j, j] == 0.0:
                            factor[i, j] = 0.0
                            continue
                        b = models[m, j]
                        value = products[r, a, b] if a >= b else products[r, b, a]
                        for l in range(j):
                            value -= factor[i, l] * factor[j, l]
                        factor[i, j] = value / factor[j, j]
                    value = whole
                    for l in range(i):
                        value -= factor[i, l] * factor[i, l]
                    factor[i, i] = 0.0 if value <= 1e-9 * whole else sqrt(value)
                logs = 1.0
                used = 0
                for i in range(width):
                    if factor[i, i] > 0.0:
                        logs *= factor[i, i] * factor[i, i]
                        used += 1
                if rows - used < 3 or models[m, width - 1] < 0:
                    continue
                freedom = cython.cast(cython.double, rows - used)
                whole = 1e-12 * products[r, k - 1, k - 1] + 1e-300
                residual = factor[width, width] * factor[width, width]
                if residual < whole:
                    residual = whole
                restricted = -0.5 * (freedom * log(residual) + log_determinants[r] + log(logs))
                if restricted > best[m]:
                    best[m] = restricted
                    fits[m, 0] = -0.5 * (rows * log(residual / rows) + log_determinants[r])
                    fits[m, 3] = cython.cast(cython.double, r)
                    fits[m, 4] = sqrt(residual / freedom)
                    fits[m, 1] = 0.0
                    fits[m, 2] = 1e300
                    if factor[width - 1, width - 1] > 0.0:
                        fits[m, 1] = factor[width, width - 1] / factor[width - 1, width - 1]
                        fits[m, 2] = fits[m, 4] / factor[width - 1, width - 1]
                    if width > 1 and factor[width - 2, width - 2] > 0.0:
                        value = factor[width, width - 2] - fits[m, 1] * factor[width - 1, width - 2]
                        fits[m, 5] = value / factor[width - 2, width - 2]
