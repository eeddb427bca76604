"""The page of a service: how it does now, charts of its past, verdicts, instances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from heapsleuth.server.pages.fleet import Bar, memory_bars
from heapsleuth.server.pages.forecast import soonest, with_cone
from heapsleuth.server.pages.markers import Marker, markers, releases_by_age
from heapsleuth.server.pages.panels import Panel, chart_data, panels
from heapsleuth.server.pages.verdicts import ShownVerdict, ordered
from heapsleuth.server.pages.words import Chip, hours_text, state_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from heapsleuth.store.model import Chart, Incident, Instance, ServiceSummary
    from heapsleuth.trends.model import TrendVerdict

__all__ = ["DEFAULT_RANGE", "RANGES", "ServicePage", "service_page"]

RANGES: dict[str, tuple[str, float]] = {
    "6h": ("6 hours", 6.0),
    "24h": ("24 hours", 24.0),
    "7d": ("7 days", 24.0 * 7),
    "30d": ("30 days", 24.0 * 30),
}
"""By the word in the address: what it is called, and hours."""
_REFRESH_SHARE = 1 / 2000
"""New samples are shown when they move a chart by half a pixel or so."""
_FASTEST_S, _SLOWEST_S = 10, 120
DEFAULT_RANGE = "24h"
_MOST_INSTANCES = 50
_SILENT_MS = 5 * 60_000.0


@dataclass(frozen=True)
class ServicePage:
    """
    The page.

    Attributes:
        instances: Those that report, the oldest life first, then those that ended; at most 50.
        markers: Within the time shown, the latest first.
    """

    service: str
    range: str
    chip: Chip
    headline: str
    hours: str
    limit: str
    bars: tuple[Bar, ...]
    panels: tuple[Panel, ...]
    markers: tuple[Marker, ...]
    verdicts: tuple[ShownVerdict, ...]
    instances: tuple[Instance, ...]
    more_instances: int
    alive: int
    releases: tuple[tuple[str, float], ...]
    incidents: tuple[Incident, ...]
    now_ms: float
    last_seen_ms: float

    @property
    def latest_release(self) -> str:
        """The release first seen last."""
        return self.releases[0][0] if self.releases else ""

    @property
    def refresh_s(self) -> int:
        """How long new samples may wait to be shown."""
        return round(min(max(RANGES[self.range][1] * 3600 * _REFRESH_SHARE, _FASTEST_S), _SLOWEST_S))

    def chart_data(self) -> Mapping[str, object]:
        """Return what the script reads."""
        return chart_data(self.panels, self.markers, self.now_ms)

    def is_alive(self, instance: Instance) -> bool:
        """Return whether an instance was heard of lately."""
        return self.now_ms - instance.last_seen_ms <= _SILENT_MS


def service_page(
    summary: ServiceSummary,
    range_: str,
    chart: Callable[[str, str], Chart],
    instances: Sequence[Instance],
    verdicts: Sequence[TrendVerdict],
    incidents: Sequence[Incident],
    now_ms: float,
) -> ServicePage:
    """
    Return the page.

    Args:
        summary: The service.
        range_: A key of `RANGES`.
        chart: Gives a metric (first), by release or for the whole service (second), over the time shown.
        instances: All that were heard of in that time.
        verdicts: The latest.
        incidents: Of that time, and the open ones.
        now_ms: When it is shown.
    """
    since_ms = now_ms - RANGES[range_][1] * 3_600_000
    ages = releases_by_age(instances)
    alarm = soonest(verdicts)
    forecast = None if alarm is None else alarm.forecast
    made = panels(chart, list(ages))
    if alarm is not None:
        made = tuple(with_cone(panel, forecast, alarm.at_ms) for panel in made)
    shown = ordered(verdicts)
    alive = [one for one in instances if now_ms - one.last_seen_ms <= _SILENT_MS]
    ended = [one for one in instances if now_ms - one.last_seen_ms > _SILENT_MS]
    ended.sort(key=lambda one: -one.last_seen_ms)
    listed = [*sorted(alive, key=lambda one: one.started_ms or one.first_seen_ms), *ended]
    return ServicePage(
        service=summary.service,
        range=range_,
        chip=state_of(verdicts),
        headline=_headline(shown),
        hours="" if forecast is None else hours_text(forecast.hours),
        limit="" if forecast is None else forecast.limit,
        bars=memory_bars(summary.latest),
        panels=made,
        markers=markers(instances, incidents, since_ms, now_ms)[::-1],
        verdicts=shown,
        instances=tuple(listed[:_MOST_INSTANCES]),
        more_instances=max(len(listed) - _MOST_INSTANCES, 0),
        alive=len(alive),
        releases=tuple(ages.items()),
        incidents=tuple(incidents),
        now_ms=now_ms,
        last_seen_ms=summary.last_seen_ms,
    )


def _headline(verdicts: Sequence[ShownVerdict]) -> str:
    if not verdicts:
        return "Not enough data for a verdict yet."
    first = verdicts[0]
    if first.verdict.state == "alarm":
        return first.verdict.title
    if first.verdict.state == "undecided":
        return "No alarm; not everything can be judged yet."
    return "No problem in what was measured."
