"""The charts of a service's page: which metrics each has, and the store's charts as what the script draws."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from heapsleuth.reports.untrusted import clean
from heapsleuth.server.pages.scales import Unit, round_for, text_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from heapsleuth.server.pages.markers import Marker
    from heapsleuth.store.model import Chart, Line

__all__ = ["PANELS", "Panel", "PanelSpec", "Series", "Source", "chart_data", "panels"]

_TABLE_ROWS = 16
_LONGEST_LABEL = 60
_MOST_LINES = 6
"""Releases drawn in one chart; more lines cannot be told apart."""


@dataclass(frozen=True, slots=True)
class Source:
    """One metric of a chart; `band` draws the range over instances behind the line."""

    metric: str
    label: str
    role: Literal["line", "limit"] = "line"
    band: bool = False
    factor: float = 1.0
    """The store gives totals per second: milliseconds of pauses are then thousandths of the time."""


@dataclass(frozen=True, slots=True)
class PanelSpec:
    """
    A chart.

    Attributes:
        about: How to read it, one sentence.
        by: `release` draws a line for each.
        limit: Which forecast is drawn into it, along its first source that has values.
    """

    id: str
    title: str
    unit: Unit
    sources: tuple[Source, ...]
    about: str
    by: str = ""
    limit: str = ""
    wide: bool = False


PANELS = (
    PanelSpec(
        "heap",
        "Heap",
        "bytes",
        (
            Source("floor_bytes", "Floor after GC", band=True),
            Source("heap_used_bytes", "Heap used"),
            Source("heap_limit_bytes", "Heap limit", "limit"),
        ),
        "The floor is what is left after a major collection: a leak raises it, load does not.",
        limit="heap",
        wide=True,
    ),
    PanelSpec(
        "memory",
        "Process and container",
        "bytes",
        (
            Source("container_working_set_bytes", "Working set", band=True),
            Source("rss_bytes", "RSS"),
            Source("container_limit_bytes", "Container limit", "limit"),
        ),
        "The kernel kills at the container's limit; the working set leaves out file pages it can drop.",
        limit="container",
        wide=True,
    ),
    PanelSpec(
        "latency-p99",
        "Latency p99 by release",
        "ms",
        (Source("request_ms_p99", "p99"),),
        "One of a hundred requests takes longer.",
        by="release",
    ),
    PanelSpec(
        "latency-p50",
        "Latency p50 by release",
        "ms",
        (Source("request_ms_p50", "p50"),),
        "Half of the requests take longer.",
        by="release",
    ),
    PanelSpec(
        "requests",
        "Requests",
        "per second",
        (Source("requests_total", "Requests"),),
        "Finished requests of all instances.",
    ),
    PanelSpec(
        "loop",
        "Event-loop delay",
        "ms",
        (Source("loop_delay_p99_ms", "p99", band=True), Source("loop_delay_p50_ms", "p50")),
        "How late the loop comes round; long blocks show at the top of the band.",
    ),
    PanelSpec(
        "gc-pause",
        "Longest GC pause",
        "ms",
        (Source("gc_pause_ms_max", "Longest pause", band=True),),
        "The longest stop for garbage collection in each stretch of time.",
    ),
    PanelSpec(
        "gc-share",
        "Time in GC",
        "share",
        (Source("gc_pause_ms_total", "Share of time", factor=0.001),),
        "Milliseconds of pauses for each second that passes.",
    ),
    PanelSpec(
        "utilization",
        "Event loop busy",
        "share",
        (Source("loop_utilization", "Busy", band=True),),
        "Share of time in which the loop did not wait for anything.",
    ),
    PanelSpec(
        "outside",
        "Outside the heap",
        "bytes",
        (Source("external_bytes", "External", band=True), Source("array_buffers_bytes", "Array buffers")),
        "Memory that objects of the heap hold elsewhere: buffers, mostly.",
    ),
    PanelSpec(
        "counts",
        "Handles, timers, listeners",
        "count",
        (Source("handles", "Handles"), Source("timers", "Timers"), Source("listeners", "Listeners")),
        "Per instance; what is never let go of piles up here first.",
    ),
)
"""In the order of the page."""


@dataclass(frozen=True)
class Series:
    """
    One line as the script draws it.

    Attributes:
        role: `line`, `limit`, `cone-low` or `cone-high`.
        tone: Its colour in the style sheet: `floor`, `second`, `limit`, or a number for a release.
        low, high: Its band; None without one.
    """

    label: str
    role: str
    tone: str
    values: NDArray[np.float64]
    low: NDArray[np.float64] | None = None
    high: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Panel:
    """A chart with values; `times` is float64[n], seconds since 1970."""

    spec: PanelSpec
    times: NDArray[np.float64]
    series: tuple[Series, ...]
    rows: tuple[tuple[float, tuple[str, ...]], ...] = field(default=())
    """The same as a table: time in milliseconds and a text for each series that is no cone."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The table's heads after the time."""
        return tuple(one.label for one in self.series if not one.role.startswith("cone"))

    def json(self) -> Mapping[str, object]:
        """Return what the script reads."""
        unit = self.spec.unit
        return {
            "id": self.spec.id,
            "unit": unit,
            "x": np.round(self.times),
            "series": [
                {
                    "label": one.label,
                    "role": one.role,
                    "tone": one.tone,
                    "values": round_for(unit, one.values),
                    "low": None if one.low is None else round_for(unit, one.low),
                    "high": None if one.high is None else round_for(unit, one.high),
                }
                for one in self.series
            ],
        }


def chart_data(panels: Sequence[Panel], markers: Sequence[Marker], now_ms: float) -> Mapping[str, object]:
    """Return what the script reads; `until` is where the longest chart ends."""
    return {
        "now": now_ms / 1000,
        "until": max((float(one.times[-1]) for one in panels), default=now_ms / 1000),
        "panels": [one.json() for one in panels],
        "markers": [{"at": one.at_ms / 1000, "kind": one.kind, "label": one.label} for one in markers],
    }


def panels(
    chart: Callable[[str, str], Chart], releases: Sequence[str] = (), specs: Sequence[PanelSpec] = PANELS
) -> tuple[Panel, ...]:
    """
    Return the charts that have values.

    Args:
        chart: Gives a metric (first), by release or for the whole service (second).
        releases: Those of the service, the newest first: a release has one colour in all charts.
        specs: Which charts.
    """
    made = (_panel(spec, chart, releases) for spec in specs)
    return tuple(one for one in made if one is not None)


def _panel(spec: PanelSpec, chart: Callable[[str, str], Chart], releases: Sequence[str]) -> Panel | None:
    times: NDArray[np.float64] | None = None
    series: list[Series] = []
    for number, source in enumerate(spec.sources):
        got = chart(source.metric, spec.by)
        if not len(got.times):
            continue
        if times is None:
            times = got.times
        lines = _by_age(got, releases)[:_MOST_LINES] if spec.by else [(str(number), one) for one in got.lines]
        for tone, line in lines:
            values = _along(times, got, line.values) * source.factor
            if not np.isfinite(values).any():
                continue
            label = clean(line.label or "no release", _LONGEST_LABEL) if spec.by else source.label
            series.append(
                Series(
                    label,
                    source.role,
                    "limit" if source.role == "limit" else f"release-{tone}" if spec.by else f"line-{tone}",
                    values,
                    _along(times, got, line.low) * source.factor if source.band else None,
                    _along(times, got, line.high) * source.factor if source.band else None,
                )
            )
    if times is None or not any(one.role == "line" for one in series):
        return None
    return Panel(spec, times / 1000, tuple(series), _rows(spec.unit, times, series))


def _by_age(chart: Chart, releases: Sequence[str]) -> list[tuple[str, Line]]:
    """Return the lines of releases with the number of their colour, the newest release first."""
    place = {release: number for number, release in enumerate(releases)}
    ordered = sorted(chart.lines, key=lambda line: place.get(line.label, len(place)))
    return [(str(place.get(line.label, n) % _MOST_LINES), line) for n, line in enumerate(ordered)]


def _along(times: NDArray[np.float64], chart: Chart, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return values at the panel's times: charts of one range differ at most by a bucket at the ends."""
    if len(chart.times) == len(times) and np.array_equal(chart.times, times):
        return values
    found = np.searchsorted(chart.times, times)
    found = np.minimum(found, len(chart.times) - 1)
    near = np.abs(chart.times[found] - times) <= chart.step_ms
    return np.where(near, values[found], np.nan)


def _rows(
    unit: Unit, times: NDArray[np.float64], series: Sequence[Series]
) -> tuple[tuple[float, tuple[str, ...]], ...]:
    some = np.isfinite([one.values for one in series]).any(axis=0)
    there = np.flatnonzero(some)
    picked = there[np.unique(np.linspace(0, len(there) - 1, min(_TABLE_ROWS, len(there))).astype(int))]
    return tuple(
        (float(times[i]), tuple(text_for(unit, float(one.values[i])) for one in series)) for i in picked[::-1]
    )
