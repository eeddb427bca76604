"""The forecast in a chart: a cone from the latest value to where a limit is met, soonest and latest."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.server.pages.panels import Panel, Series

if TYPE_CHECKING:
    from collections.abc import Iterable

    from heapsleuth.trends.model import Forecast, TrendVerdict

__all__ = ["soonest", "with_cone"]

_SECONDS_AN_HOUR = 3600.0
_POINTS = 48
_LONGEST_SHARE = 0.6
_SHORTEST_SHARE = 0.15
"""How far the cone reaches past now, in shares of the time shown."""


def soonest(verdicts: Iterable[TrendVerdict], limit: str = "") -> TrendVerdict | None:
    """Return the verdict that meets a limit (or that one) first; only alarms forecast anything."""
    found = [
        one
        for one in verdicts
        if one.forecast is not None and one.state == "alarm" and limit in {"", one.forecast.limit}
    ]
    return min(found, key=lambda one: one.forecast.hours.low if one.forecast else math.inf, default=None)


def with_cone(panel: Panel, forecast: Forecast | None, at_ms: float) -> Panel:
    """Return the chart with the forecast drawn from its first line on; unchanged without one."""
    base = next((one for one in panel.series if one.role == "line"), None)
    if forecast is None or base is None or panel.spec.limit != forecast.limit or len(panel.times) < 2:  # noqa: PLR2004 - a span has two ends
        return panel
    known = np.flatnonzero(np.isfinite(base.values))
    if not len(known):
        return panel
    # A worst instance is what the forecast is about: the band's top where there is one.
    top = base.values if base.high is None else base.high
    start = float(top[known[-1]]) if math.isfinite(top[known[-1]]) else float(base.values[known[-1]])
    begin = max(at_ms / 1000, float(panel.times[known[-1]]))
    span = float(panel.times[-1] - panel.times[0])
    high_s = forecast.hours.high * _SECONDS_AN_HOUR
    low_s = max(forecast.hours.low * _SECONDS_AN_HOUR, 1.0)
    reach = min(max(high_s * 1.05, _SHORTEST_SHARE * span), _LONGEST_SHARE * span)
    ahead = np.linspace(0.0, reach, _POINTS)
    room = max(forecast.limit_bytes - start, 0.0)
    extra = begin + ahead
    soon = start + room * np.minimum(ahead / low_s, 1.0)
    late = start + room * (np.minimum(ahead / high_s, 1.0) if math.isfinite(high_s) else 0.0 * ahead)
    before = panel.times < begin
    empty = np.full(int(before.sum()), np.nan)

    def longer(one: Series) -> Series:
        if one.role == "limit":
            last = one.values[np.isfinite(one.values)][-1]
            return replace(one, values=np.concatenate([one.values[before], np.full(_POINTS, last)]))
        nothing = np.full(_POINTS, np.nan)
        return replace(
            one,
            values=np.concatenate([one.values[before], nothing]),
            low=None if one.low is None else np.concatenate([one.low[before], nothing]),
            high=None if one.high is None else np.concatenate([one.high[before], nothing]),
        )

    cone = (
        Series("Forecast, latest", "cone-low", "cone", np.concatenate([empty, late])),
        Series("Forecast, soonest", "cone-high", "cone", np.concatenate([empty, soon])),
    )
    return replace(
        panel,
        times=np.concatenate([panel.times[before], extra]),
        series=tuple(longer(one) for one in panel.series) + cone,
    )
