"""
What is kept of each metric when 10 minutes of samples become one row, and how a service's chart adds it up.

The table below is all there is to it: the first pattern that a name matches decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from functools import lru_cache

__all__ = ["Keep", "Metric", "metric"]


class Keep(Enum):
    """Which of the values within 10 minutes stands for them."""

    LEAST = "least"
    MOST = "most"
    LAST = "last"
    MEAN = "mean"
    """The mean; the least and the most are kept as the band of charts."""

    TOTAL = "total"
    """A count that only grows: the last value, and what was gained."""


@dataclass(frozen=True, slots=True)
class Metric:
    """
    How a metric is summarised.

    Attributes:
        summed: A service's chart shows the sum over its instances, not their mean.
        worst_is_least: The smallest value of several instances is the one to worry about.
    """

    keep: Keep
    summed: bool = False
    worst_is_least: bool = False


_TABLE = (
    # Floors: only the lowest is free of garbage that nobody had collected yet.
    ("floor_*", Metric(Keep.LEAST)),
    # Limits change only with a restart or by hand.
    ("*_limit", Metric(Keep.LAST, worst_is_least=True)),
    ("*_limit_bytes", Metric(Keep.LAST, worst_is_least=True)),
    ("uptime_ms", Metric(Keep.LAST, worst_is_least=True)),
    # Work and ends of a service: instances add up.
    ("requests_open", Metric(Keep.MEAN, summed=True)),
    ("requests_*total", Metric(Keep.TOTAL, summed=True)),
    ("container_oom*_total", Metric(Keep.TOTAL, summed=True)),
    # The rest of what only grows: per instance (milliseconds of pauses or of processor time per second).
    ("*_total", Metric(Keep.TOTAL)),
    ("gc_*count", Metric(Keep.TOTAL)),
    ("cpu_*_ms", Metric(Keep.TOTAL)),
    ("agent_cpu_ms", Metric(Keep.TOTAL)),
    # Longest of its kind.
    ("*_max", Metric(Keep.MOST)),
    ("*_max_ms", Metric(Keep.MOST)),
    ("peak_*", Metric(Keep.MOST)),
    ("at_ms", Metric(Keep.LAST)),
    ("*", Metric(Keep.MEAN)),
)


@lru_cache(maxsize=4096)
def metric(name: str) -> Metric:
    """Return how a metric is summarised, by its name in `agents/protocol`."""
    return next(kind for pattern, kind in _TABLE if fnmatchcase(name, pattern))
