"""When memory that grows as now meets a limit: V8's own, or the container's."""

from __future__ import annotations

import math
from dataclasses import dataclass

from heapsleuth.trends.model import Forecast, Range

__all__ = ["Growth", "container_forecast", "earliest", "heap_forecast", "old_generation_bytes"]

_MIB = 2.0**20
_YOUNG_MIB_BY_MAJOR = {16: 48, 18: 48, 20: 48, 22: 48, 24: 192, 26: 96}
"""Part of V8's heap limit that the young generation takes, with default settings; read off `heap_size_limit`
with several `--max-old-space-size`. It differs between versions of Node.js, not between sizes."""

_DIES_FROM, _DIES_UNTIL = 0.78, 1.03
"""Share of the old generation's limit at which V8 gives up: at 0.80 when four collections in a row freed
little and took most of the time, at the limit itself when they did not. The floor that was seen last is a
little below what ends it, and part of the floor is not of the old generation."""

_CONTAINER_FROM = 0.97
"""Share of a container's limit; the kernel kills when it can reclaim no more."""

_SURE = 2.0


@dataclass(frozen=True, slots=True)
class Growth:
    """
    A level and how fast it rises.

    Attributes:
        level_bytes: What is there now: the floor for the heap, the working set for a container.
        bytes_per_hour: How fast it rises.
        error: Standard error of that, bytes per hour.
        level_error: Standard error of the level, bytes.
    """

    level_bytes: float
    bytes_per_hour: float
    error: float
    level_error: float = 0.0


def old_generation_bytes(heap_limit_bytes: float, node: str = "") -> Range:
    """
    Return between which sizes the old generation's limit is, given V8's heap limit.

    Args:
        heap_limit_bytes: `heap_size_limit` of `v8.getHeapStatistics()`.
        node: Version of Node.js, such as `20.20.2`; unknown ones get all that is known.
    """
    major = int(head) if (head := node.lstrip("v").partition(".")[0]).isdecimal() else 0
    young = [_YOUNG_MIB_BY_MAJOR[major]] if major in _YOUNG_MIB_BY_MAJOR else _YOUNG_MIB_BY_MAJOR.values()
    # Where little would be left, somebody has made the young generation smaller, too.
    least, most = (
        max(heap_limit_bytes - size * _MIB, 0.15 * heap_limit_bytes) for size in (max(young), min(young))
    )
    return Range(least, most)


def heap_forecast(growth: Growth, heap_limit_bytes: float, *, node: str = "") -> Forecast | None:
    """
    Return when V8 gives up, if the floor goes on rising; None when it does not rise.

    Args:
        growth: Of the floor after major collections.
        heap_limit_bytes: `heap_size_limit`.
        node: Version of Node.js, if it is known.
    """
    old = old_generation_bytes(heap_limit_bytes, node)
    hours = _hours(growth, _DIES_FROM * old.low, _DIES_UNTIL * old.high)
    return Forecast("heap", heap_limit_bytes, hours) if hours else None


def container_forecast(growth: Growth, limit_bytes: float) -> Forecast | None:
    """
    Return when the kernel kills the process, if it goes on growing; None when it does not grow.

    Args:
        growth: Of the container's working set, or of resident memory where that is unknown.
        limit_bytes: The container's limit.
    """
    hours = _hours(growth, _CONTAINER_FROM * limit_bytes, limit_bytes)
    return Forecast("container", limit_bytes, hours) if hours else None


def earliest(*forecasts: Forecast | None) -> Forecast | None:
    """Return the forecast of whichever limit is met first, from its earliest time to the first latest one."""
    known = [forecast for forecast in forecasts if forecast is not None]
    if not known:
        return None
    first = min(known, key=lambda one: (one.hours.low, one.hours.high))
    high = min(one.hours.high for one in known)
    return Forecast(first.limit, first.limit_bytes, Range(first.hours.low, high))


def _hours(growth: Growth, nearest_bytes: float, farthest_bytes: float) -> Range | None:
    """Return the hours until a level between the two is met; `high` is infinite when growth is not sure."""
    fastest = growth.bytes_per_hour + _SURE * growth.error
    slowest = growth.bytes_per_hour - _SURE * growth.error
    if growth.bytes_per_hour <= 0 or not math.isfinite(fastest):
        return None
    level_error = _SURE * growth.level_error
    low = max(0.0, nearest_bytes - growth.level_bytes - level_error) / fastest
    high = max(0.0, farthest_bytes - growth.level_bytes + level_error) / slowest if slowest > 0 else math.inf
    return Range(low, high)
