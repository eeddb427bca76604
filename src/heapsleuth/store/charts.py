"""Metrics over time for the dashboard, from roll-ups and what has not been rolled up yet."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sqlalchemy import select

from heapsleuth.store import schema
from heapsleuth.store.metrics import Keep, metric
from heapsleuth.store.points import Points, draw, value_column
from heapsleuth.store.rolling import block_parts, by_layout, totals_before
from heapsleuth.store.summaries import DAY_MS, HOUR_MS, SLOT_MS, Samples, Summary, summarise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from heapsleuth.store.database import Database
    from heapsleuth.store.intake import Intake
    from heapsleuth.store.layouts import Layouts
    from heapsleuth.store.model import Chart

__all__ = ["Charts"]

# Lines of a chart by instance.
MAX_LINES = 20

_SECOND, _MINUTE = 1_000, 60_000

# Steps people read easily; those below 10 minutes need the samples themselves.
STEPS_MS = (
    *(n * _SECOND for n in (1, 2, 5, 10, 15, 30)),
    *(n * _MINUTE for n in (1, 2, 5, 10, 20, 30, 60, 120, 180, 240, 360, 720, 1440)),
)

# Hours of instances up to which a chart is made from samples: beyond, it would take longer than people wait.
RAW_HOURS = 100.0

# A reading of what is not rolled up yet that took this long is used again for a while.
SLOW_S = 0.01
REUSE = 30.0


@dataclass(frozen=True)
class _Live:
    """What is not rolled up yet of a service; read again when more has come in and `fresh_until` is over."""

    version: int
    fresh_until: float
    summary: Summary
    series: Mapping[int, int]


class Charts:
    """Answers `Store.chart`."""

    def __init__(self, database: Database, layouts: Layouts, intake: Intake) -> None:
        self._database = database
        self._layouts = layouts
        self._intake = intake
        self._live: dict[str, _Live] = {}

    def chart(
        self, service: str, name: str, since_ms: float, until_ms: float, *, by: str, points: int
    ) -> Chart:
        """Return a metric over time; see `Store.chart`."""
        with self._database.read() as connection:
            step = _step((until_ms - since_ms) / max(1, points))
            if step < SLOT_MS:
                chart = self._raw_chart(connection, service, name, since_ms, until_ms, step, by)
                if chart is not None:
                    return chart
                step = SLOT_MS
            start = since_ms // step * step
            if by == "instance":
                members = self._members(connection, service, since_ms, until_ms)
                chosen = self._highest(connection, members, name, start, until_ms)
                found = self._from_rollups(connection, service, chosen, name, start, until_ms)
                labels = {number: label for number, (label, _, _) in chosen.items()}
            else:
                releases = _releases(connection, service)
                found = self._from_series(connection, service, list(releases), name, start, until_ms, step)
                labels = {number: release if by else "" for number, release in releases.items()}
        return draw(name, found, labels, start=start, until_ms=until_ms, step=step)

    def _raw_chart(
        self,
        connection: Connection,
        service: str,
        name: str,
        since_ms: float,
        until_ms: float,
        step: int,
        by: str,
    ) -> Chart | None:
        """Return a chart of samples; None when they are too many, or not kept any more."""
        members = self._members(connection, service, since_ms, until_ms)
        if (until_ms - since_ms) / HOUR_MS * len(members) > RAW_HOURS:
            return None
        # Some time more, so that totals have something to be counted from.
        since = since_ms // step * step - SLOT_MS
        samples = read_samples(connection, self._layouts, list(members), since, until_ms)
        if not len(samples.owners):
            return None
        # Shorter steps than samples come in would be lines of gaps.
        step = _step(max(step, _interval(samples)))
        found = _from_samples(samples, members, name, step, by)
        labels = {number: label for number, (label, _, _) in members.items()}
        if by != "instance":
            labels = {series: release if by else "" for _, series, release in members.values()}
        return draw(name, found, labels, start=since_ms // step * step, until_ms=until_ms, step=step)

    def _members(
        self, connection: Connection, service: str, since_ms: float, until_ms: float
    ) -> dict[int, tuple[str, int, str]]:
        """Return the instances of a service that lived within a time: name, series and release."""
        who, series, heard = schema.instances.c, schema.series.c, schema.heard.c
        found = (
            select(who.id, who.name, who.series, series.release)
            .join_from(schema.instances, schema.series, series.id == who.series)
            .join(schema.heard, heard.instance == who.id)
            .where(
                series.service == service,
                heard.last_seen_ms >= since_ms,
                who.first_seen_ms < until_ms + DAY_MS,
            )
        )
        return {row.id: (row.name, row.series, row.release) for row in connection.execute(found)}

    def _from_series(
        self,
        connection: Connection,
        service: str,
        numbers: Sequence[int],
        name: str,
        since_ms: float,
        until_ms: float,
        step: int,
    ) -> Points:
        table = schema.series_rollups.c
        # The hours under way are not whole yet.
        whole = until_ms - 2 * HOUR_MS if step % HOUR_MS == 0 else since_ms
        whole = max(since_ms, whole // HOUR_MS * HOUR_MS)
        parts = []
        for span, begin, end in ((HOUR_MS, since_ms, whole), (SLOT_MS, whole, until_ms)):
            if begin >= end:
                continue
            found = select(table.series, table.at_ms, table.layout, table.body).where(
                table.series.in_(numbers), table.step_ms == span, table.at_ms >= begin, table.at_ms < end
            )
            for layout, rows in by_layout(self._layouts, connection.execute(found).all()):
                if f"{name}:sum" in layout.names:
                    array = layout.unpack([row.body for row in rows])
                    owners, times = [row.series for row in rows], [row.at_ms for row in rows]
                    parts.append(Points.of_sums(name, owners, times, array))
        live, series = self._live_points(connection, service, name)
        parts.append(live.owned_by([series[owner] for owner in live.owners.tolist()]))
        return Points.join(parts)

    def _highest(
        self,
        connection: Connection,
        members: Mapping[int, tuple[str, int, str]],
        name: str,
        since_ms: float,
        until_ms: float,
    ) -> dict[int, tuple[str, int, str]]:
        """Return the instances with the highest values."""
        table = schema.peaks.c
        ids = list(members)
        highest = dict.fromkeys(ids, -np.inf)
        for at in range(0, len(ids), 5_000):
            found = select(table.instance, table.layout, table.body).where(
                table.instance.in_(ids[at : at + 5_000]),
                table.at_ms >= since_ms // DAY_MS * DAY_MS,
                table.at_ms < until_ms,
            )
            for layout, rows in by_layout(self._layouts, connection.execute(found).all()):
                if name in layout.names:
                    values = layout.unpack([row.body for row in rows])[name]
                    for row, value in zip(rows, values.tolist(), strict=True):
                        highest[row.instance] = max(highest[row.instance], value)
        order = sorted(ids, key=lambda number: (-highest[number], members[number][0]))
        return {number: members[number] for number in order[:MAX_LINES]}

    def _from_rollups(
        self,
        connection: Connection,
        service: str,
        chosen: Mapping[int, tuple[str, int, str]],
        name: str,
        since_ms: float,
        until_ms: float,
    ) -> Points:
        table = schema.rollups.c
        found = select(table.instance, table.at_ms, table.layout, table.body).where(
            table.instance.in_(list(chosen)), table.at_ms >= since_ms, table.at_ms < until_ms
        )
        wanted = (value_column(name), f"{name}:low", f"{name}:high")
        parts = []
        for layout, rows in by_layout(self._layouts, connection.execute(found).all()):
            array = layout.unpack([row.body for row in rows])
            columns = {one: array[one].astype(np.float64) for one in wanted if one in layout.names}
            owners = np.array([row.instance for row in rows], dtype=np.int64)
            times = np.array([row.at_ms for row in rows], dtype=np.float64)
            parts.append(Points.of_rows(name, owners, times, columns))
        return Points.join([*parts, self._live_points(connection, service, name)[0]])

    def _live_points(
        self, connection: Connection, service: str, name: str
    ) -> tuple[Points, Mapping[int, int]]:
        """Return what is not rolled up yet, its current 10 minutes as if they were over, and whose it is."""
        live = self._unrolled(connection, service)
        summary, columns = live.summary, live.summary.columns
        if metric(name).keep is Keep.TOTAL and f"{name}:gain" in columns:
            gone = np.clip((columns["at_ms"] - summary.slots) / SLOT_MS, 0.05, 1.0)
            running = summary.slots == summary.slots.max(initial=0.0)
            gain = columns[f"{name}:gain"]
            columns = {**columns, f"{name}:gain": np.where(running, gain / gone, gain)}
        return Points.of_rows(name, summary.owners, summary.slots, columns), live.series

    def _unrolled(self, connection: Connection, service: str) -> _Live:
        live = self._live.get(service)
        now = time.monotonic()
        if live is not None and (live.version == self._intake.version or now < live.fresh_until):
            return live
        version = self._intake.version
        table, who, series = schema.samples.c, schema.instances.c, schema.series.c
        found = (
            select(table.instance, table.layout, table.body, who.series)
            .join_from(schema.series, schema.instances, series.id == who.series)
            .join(schema.samples, table.instance == who.id)
            .where(series.service == service)
        )
        found_rows = connection.execute(found).all()
        rows = [(row.instance, row.layout, row.body) for row in found_rows]
        samples = Samples.gather(Samples.unpack(self._layouts, rows))
        first = float(samples.times.min()) // SLOT_MS * SLOT_MS if rows else 0.0
        before = totals_before(connection, self._layouts, np.unique(samples.owners).tolist(), first)
        summary = summarise(samples, SLOT_MS, before)
        took = time.monotonic() - now
        fresh = now + REUSE * took if took > SLOW_S else now
        series_of = {row.instance: row.series for row in found_rows}
        self._live[service] = live = _Live(version, fresh, summary, series_of)
        return live

    def rolled(self) -> None:
        """Forget what was read of the samples, since it is in the roll-ups now."""
        self._live.clear()


def read_samples(
    connection: Connection, layouts: Layouts, instances: Sequence[int], since_ms: float, until_ms: float
) -> Samples:
    """Return the samples of instances within a time, from blocks and as they came."""
    blocks, tail = schema.blocks.c, schema.samples.c
    packed = select(blocks.instance, blocks.layout, blocks.body).where(
        blocks.instance.in_(instances), blocks.at_ms > since_ms - SLOT_MS, blocks.at_ms < until_ms
    )
    parts = block_parts(layouts, [(r.instance, r.layout, r.body) for r in connection.execute(packed)])
    fresh = select(tail.instance, tail.layout, tail.body).where(
        tail.instance.in_(instances), tail.at_ms >= since_ms, tail.at_ms < until_ms
    )
    parts += Samples.unpack(layouts, [(r.instance, r.layout, r.body) for r in connection.execute(fresh)])
    samples = Samples.gather(parts)
    inside = (samples.times >= since_ms) & (samples.times < until_ms)
    return Samples(samples.owners[inside], samples.names, samples.values[inside])


def _only(samples: Samples, name: str) -> Samples:
    columns = [at for at, found in enumerate(samples.names) if found in {"at_ms", name}]
    names = tuple(samples.names[at] for at in columns)
    return Samples(samples.owners, names, samples.values[:, columns])


def _from_samples(
    samples: Samples, members: Mapping[int, tuple[str, int, str]], name: str, step: int, by: str
) -> Points:
    summary = summarise(_only(samples, name), step)
    columns = _even(name, summary, step)
    found = Points.of_rows(name, summary.owners, summary.slots, columns)
    if by == "instance":
        return found
    return found.owned_by([members[owner][1] for owner in found.owners.tolist()])


def _even(name: str, summary: Summary, step: float) -> dict[str, NDArray[np.float64]]:
    """Return the columns with gains as of a whole step, whatever time they were gained in."""
    gain = f"{name}:gain"
    if gain not in summary.columns:
        return summary.columns
    at_ms = summary.columns["at_ms"]
    elapsed = np.full(len(at_ms), np.nan)
    elapsed[1:] = np.where(summary.owners[1:] == summary.owners[:-1], at_ms[1:] - at_ms[:-1], np.nan)
    return {**summary.columns, gain: summary.columns[gain] * step / elapsed}


def _interval(samples: Samples) -> float:
    """Return the usual time between samples of an instance, ms."""
    gaps = np.diff(samples.times)[samples.owners[1:] == samples.owners[:-1]]
    return float(np.median(gaps)) if len(gaps) else 0.0


def _step(least_ms: float) -> int:
    fitting = [step for step in STEPS_MS if step >= least_ms]
    return fitting[0] if fitting else int(-(-least_ms // DAY_MS) * DAY_MS)


def _releases(connection: Connection, service: str) -> dict[int, str]:
    table = schema.series.c
    found = select(table.id, table.release).where(table.service == service)
    return {row.id: row.release for row in connection.execute(found)}
