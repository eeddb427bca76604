"""How much slower instances of a new release are than those of the old one that serve at the same time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.trends.before_after import Change
from heapsleuth.trends.latency_histogram import log_quantiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MIN_SLOTS", "canary_change"]

MIN_SLOTS = 3
"""Times that both releases must have served at."""

# What is known before looking: instances of one release differ by 1.5 % (hosts, neighbours, what their users
# ask for). A handful of them cannot tell; it counts like the word of four more.
_INSTANCE_SPREAD, _INSTANCE_WORTH = 0.015, 4.0
_MIN_PRESENCE = 0.5
_UNEVEN_LOAD = 0.3


def canary_change(counts: NDArray[np.float64], new: NDArray[np.bool_], share: float) -> Change | None:
    """
    Estimate the difference of a quantile's logarithm between instances of two releases.

    What load and the hour do, they do to both; what is left are differences between instances and chance.
    The standard error is the larger of two: from how instances of one release differ (with what is known of
    instances at large), and from how the difference varies with time.

    Args:
        counts: (instances, slots, SIZE) float64, latencies by instance and time.
        new: bool[instances], whether the instance runs the new release.
        share: In (0, 1), which quantile.

    Returns:
        None when they did not serve at the same time for long enough.
    """
    served = counts.sum(axis=2)
    both = served[new].any(axis=0) & served[~new].any(axis=0)
    if both.sum() < MIN_SLOTS:
        return None
    stayed = (served[:, both] > 0).mean(axis=1) >= _MIN_PRESENCE
    kept = both & (served[stayed] > 0).all(axis=0)
    new, served, counts = new[stayed], served[stayed][:, kept], counts[stayed][:, kept]
    if kept.sum() < MIN_SLOTS or not new.any() or new.all():
        return None
    values, variances = log_quantiles(counts.sum(axis=1), share)
    means = np.array([values[~new].mean(), values[new].mean()])
    squares = float(((values - means[new.astype(int)]) ** 2).sum())
    freedom = len(values) - 2
    expected = _INSTANCE_SPREAD**2 + float(variances.mean())
    spread = (_INSTANCE_WORTH * expected + squares) / (_INSTANCE_WORTH + freedom)
    by_instance = spread * (1 / new.sum() + 1 / (~new).sum())
    correction, doubt = _uneven_load(counts, served, new, share)
    return Change(
        value=float(means[1] - means[0]) - correction,
        error=float(np.sqrt(max(by_instance, _variance_in_time(counts, new, share)) + doubt**2)),
        base=float(means[0]) + correction,
        rows_before=int((~new).sum()),
        rows_after=int(new.sum()),
    )


def _variance_in_time(counts: NDArray[np.float64], new: NDArray[np.bool_], share: float) -> float:
    """Return the variance of the mean of the differences at each time, which are taken for AR(1)."""
    differences = (
        log_quantiles(counts[new].sum(axis=0), share)[0] - log_quantiles(counts[~new].sum(axis=0), share)[0]
    )
    off = differences - differences.mean()
    whole = float(off @ off)
    if whole == 0.0:
        return 0.0
    alike = min(max(float(off[1:] @ off[:-1]) / whole, 0.0), 0.9)
    return whole / (len(off) - 1) / len(off) * (1 + alike) / (1 - alike)


def _uneven_load(
    counts: NDArray[np.float64], served: NDArray[np.float64], new: NDArray[np.bool_], share: float
) -> tuple[float, float]:
    """
    Return what unequal load per instance explains of the difference, and the doubt about it.

    How latency goes with load is seen over time in the old instances; half of the correction is doubted.
    """
    loads = served.mean(axis=1)
    apart = float(np.log(loads[new].mean() / loads[~new].mean()))
    if abs(apart) < _UNEVEN_LOAD:
        return 0.0, 0.0
    by_time = np.log(served[~new].sum(axis=0))
    values = log_quantiles(counts[~new].sum(axis=0), share)[0]
    off = by_time - by_time.mean()
    slope = float(off @ values) / max(float(off @ off), 1e-3 * len(off))
    return slope * apart, abs(slope * apart) / 2
