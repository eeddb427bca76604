# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""Decorrelating series whose noise is a sum of drifts and independent errors (a Kalman filter)."""

from __future__ import annotations

try:
    import cython
except ImportError:
    from heapsleuth.kernels import _cython as cython

__all__ = ["whiten"]


def whiten(
    columns: cython.const[cython.double][:, ::1],
    fades: cython.const[cython.double][:, ::1],
    errors: cython.const[cython.double][::1],
    variances: cython.const[cython.double][::1],
    means: cython.double[:, ::1],
    covariance: cython.double[:, ::1],
    gain: cython.double[::1],
    out: cython.double[:, ::1],
    surprises: cython.double[::1],
) -> None:
    """
    Write what each row adds to those before it, in units of its standard deviation.

    Each drift has its variance, and fades by a factor from row to row; with `exp(-gap / tau)` it is an
    Ornstein–Uhlenbeck process. A row is written by itself and the rows before it only, so the first rows of
    *out* are right for the first rows alone.

    Args:
        columns: (n, k) float64 (input), one row per time, in order.
        fades: (n, c) float64 (input) in [0, 1], correlation of each drift with its value a row before;
            the first row's are not read.
        errors: (n,) float64 (input), variance of each row's independent error; above 0.
        variances: (c,) float64 (input), of the drifts.
        means: (c, k) float64 (scratch).
        covariance: (c, c) float64 (scratch).
        gain: (c,) float64 (scratch).
        out: (n, k) float64 (output), columns whose noise is independent with variance 1.
        surprises: (n,) float64 (output), the variances by whose roots rows were divided; the sum of their
            logarithms is the log determinant of the noise's covariance.

    Time complexity: O(n·(c·k + c²)).
    """
    n: cython.Py_ssize_t = columns.shape[0]
    k: cython.Py_ssize_t = columns.shape[1]
    drifts: cython.Py_ssize_t = variances.shape[0]
    i: cython.Py_ssize_t
    a: cython.Py_ssize_t
    b: cython.Py_ssize_t
    j: cython.Py_ssize_t
    whole: cython.double
    scale: cython.double
    value: cython.double
    with cython.nogil:
        for a in range(drifts):
            for b in range(drifts):
                covariance[a, b] = 0.0
            covariance[a, a] = variances[a]
            for j in range(k):
                means[a, j] = 0.0
        for i in range(n):
            if i > 0:
                for a in range(drifts):
                    for b in range(drifts):
                        covariance[a, b] *= fades[i, a] * fades[i, b]
                    covariance[a, a] += variances[a] * (1.0 - fades[i, a] * fades[i, a])
                    for j in range(k):
                        means[a, j] *= fades[i, a]
            whole = errors[i]
            for a in range(drifts):
                gain[a] = 0.0
                for b in range(drifts):
                    gain[a] += covariance[a, b]
                whole += gain[a]
            surprises[i] = whole
            scale = 1.0 / whole**0.5
            for j in range(k):
                value = columns[i, j]
                for a in range(drifts):
                    value -= means[a, j]
                out[i, j] = value * scale
                for a in range(drifts):
                    means[a, j] += gain[a] * value / whole
            for a in range(drifts):
                for b in range(drifts):
                    covariance[a, b] -= gain[a] * gain[b] / whole
