"""The page of the fleet: services, the one that runs out of memory first on top."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.reports.html_charts import Spark, spark
from heapsleuth.reports.wording import plural
from heapsleuth.server.pages.forecast import soonest
from heapsleuth.server.pages.words import LEAKS, SEVERITIES, Chip, hours_text, severity_rank, state_of
from heapsleuth.units import format_bytes, format_share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from heapsleuth.store.model import Chart, Incident, ServiceSummary
    from heapsleuth.trends.model import TrendVerdict

__all__ = ["Bar", "Fleet", "FleetRow", "fleet", "memory_bars"]

_MOST_RELEASES = 2
_SPARK_POINTS = 40
_NEAR_LIMIT = 0.85
_SILENT_MS = 5 * 60_000.0
"""A service that was not heard of for so long is said to be silent."""


@dataclass(frozen=True, slots=True)
class Bar:
    """How full a limit is."""

    label: str
    used: str
    limit: str
    share: float
    """In [0, 1]."""
    tone: str

    @property
    def percent(self) -> str:
        """The share as text."""
        return format_share(self.share)


@dataclass(frozen=True, slots=True)
class FleetRow:
    """A service in the list."""

    service: str
    chip: Chip
    why: str
    """The title of the verdict that its state comes from; empty when all is well."""
    hours: str
    """Time to out of memory; empty when none is forecast."""
    low_hours: float
    """For sorting; infinite without a forecast."""
    limit: str
    bars: tuple[Bar, ...]
    spark: Spark | None
    rises: bool
    """Whether the floor is what is wrong."""
    releases: tuple[str, ...]
    more_releases: int
    instances: int
    incidents: int
    severity: str
    """Of its worst open incident; empty without one."""
    last_seen_ms: float
    silent: bool


@dataclass(frozen=True, slots=True)
class Fleet:
    """The page."""

    tone: str
    headline: str
    meta: str
    rows: tuple[FleetRow, ...]


def fleet(
    summaries: Sequence[ServiceSummary],
    verdicts: Mapping[str, tuple[TrendVerdict, ...]],
    incidents: Sequence[Incident],
    floors: Mapping[str, Chart],
    now_ms: float,
) -> Fleet:
    """
    Return the page.

    Args:
        summaries: The services.
        verdicts: By service.
        incidents: The open ones.
        floors: `floor_bytes` of the last day, by service.
        now_ms: When it is shown.
    """
    rows = [
        _row(
            one,
            verdicts.get(one.service, ()),
            [incident for incident in incidents if incident.service == one.service],
            floors.get(one.service),
            now_ms,
        )
        for one in summaries
    ]
    rows.sort(
        key=lambda row: (
            row.low_hours,
            -row.incidents,
            severity_rank(row.severity),
            row.chip.tone != "leak",
            row.chip.tone == "clean",
            row.service,
        )
    )
    troubled = [row for row in rows if row.chip.tone == "leak"]
    meta = [
        plural(len(rows), "service"),
        plural(sum(row.instances for row in rows), "instance"),
        plural(len(incidents), "open incident"),
    ]
    tone = "leak" if troubled else "clean" if rows else "plain"
    return Fleet(tone, _headline(rows, troubled), " · ".join(meta), tuple(rows))


def memory_bars(latest: Mapping[str, float]) -> tuple[Bar, ...]:
    """Return heap and container use against their limits, as far as they are known."""
    container = latest.get("container_working_set_bytes", latest.get("container_used_bytes"))
    pairs = (
        ("Heap", latest.get("heap_used_bytes"), latest.get("heap_limit_bytes")),
        ("Container", container, latest.get("container_limit_bytes")),
    )
    return tuple(
        Bar(
            label,
            format_bytes(used),
            format_bytes(limit),
            min(max(used / limit, 0.0), 1.0),
            "leak" if used / limit >= _NEAR_LIMIT else "plain",
        )
        for label, used, limit in pairs
        if used is not None and limit and math.isfinite(used) and math.isfinite(limit)
    )


def _headline(rows: Sequence[FleetRow], troubled: Sequence[FleetRow]) -> str:
    if not rows:
        return "No service has reported yet."
    if not troubled:
        undecided = sum(row.chip.tone == "undecided" for row in rows)
        if undecided:
            return f"No alarm; {plural(undecided, 'service')} cannot be judged yet."
        return "No service shows a problem."
    first = troubled[0]
    text = f"{plural(len(troubled), 'service needs', 'services need')} attention"
    return f"{text}: `{first.service}` runs out of memory in {first.hours}." if first.hours else f"{text}."


def _row(
    summary: ServiceSummary,
    verdicts: tuple[TrendVerdict, ...],
    incidents: Sequence[Incident],
    floor: Chart | None,
    now_ms: float,
) -> FleetRow:
    first = soonest(verdicts)
    forecast = None if first is None else first.forecast
    alarms = [one for one in verdicts if one.state == "alarm"]
    severities = [one.severity for one in incidents]
    return FleetRow(
        service=summary.service,
        chip=state_of(verdicts),
        why=(first or alarms[0]).title if first or alarms else "",
        hours="" if forecast is None else hours_text(forecast.hours),
        low_hours=math.inf if forecast is None else forecast.hours.low,
        limit="" if forecast is None else f"{forecast.limit} limit",
        bars=memory_bars(summary.latest),
        spark=_spark(floor),
        rises=any(one.kind in LEAKS or one.kind == "floor-regression" for one in alarms),
        releases=summary.releases[:_MOST_RELEASES],
        more_releases=max(len(summary.releases) - _MOST_RELEASES, 0),
        instances=summary.instances,
        incidents=len(incidents),
        severity=next((one for one in SEVERITIES if one in severities), ""),
        last_seen_ms=summary.last_seen_ms,
        silent=now_ms - summary.last_seen_ms > _SILENT_MS,
    )


def _spark(floor: Chart | None) -> Spark | None:
    if floor is None or not floor.lines:
        return None
    values = floor.lines[0].values
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    picked = known[np.unique(np.linspace(0, len(known) - 1, _SPARK_POINTS).astype(int))]
    return spark([int(value) for value in picked])
