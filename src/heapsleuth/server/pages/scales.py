"""Units of the charts: how a value is printed, and how many digits of it are worth sending."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

from heapsleuth.units import format_bytes, format_count, format_duration, format_share

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

__all__ = ["Unit", "round_for", "text_for"]

Unit = Literal["bytes", "count", "ms", "per second", "share"]

_DECIMALS = {"bytes": -3, "count": 1, "ms": 2, "share": 4, "per second": 2}
"""Charts show three digits: kilobytes of megabytes would be noise on the wire."""


def text_for(unit: Unit, value: float) -> str:
    """Return a value as text; a dash where there is none."""
    return _FORMS[unit](value) if math.isfinite(value) else "–"


def round_for(unit: Unit, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values with the digits that a chart can show."""
    return np.ascontiguousarray(np.round(values, _DECIMALS[unit]))


def milliseconds(value: float) -> str:
    """Return milliseconds as text: `8.4 ms`, `230 ms`, `2.1 s`."""
    if value >= 1000:  # noqa: PLR2004 - a second
        return format_duration(value / 1000)
    return f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"  # noqa: PLR2004 - one digit is enough there


def _rate(value: float) -> str:
    return f"{format_count(round(value) if value >= 10 else round(value, 1))}/s"  # noqa: PLR2004 - as above


_FORMS: dict[str, Callable[[float], str]] = {
    "bytes": format_bytes,
    "count": lambda value: format_count(round(value)),
    "ms": milliseconds,
    "share": format_share,
    "per second": _rate,
}
