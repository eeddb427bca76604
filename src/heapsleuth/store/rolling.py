"""
Rolling up: complete 10 minutes of samples become a compressed block and one row per instance, those of a
release one row of sums, and these one per hour.

Each step is a transaction that can be repeated: it reads what is there, and takes away what it has
dealt with together with writing the result.  A sample that comes late goes the same way and is merged
into what its 10 minutes have become.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import select

from heapsleuth.store import schema
from heapsleuth.store.blocks import pack_block, unpack_block
from heapsleuth.store.database import upsert
from heapsleuth.store.metrics import Keep, metric
from heapsleuth.store.summaries import COVERS, DAY_MS, HOUR_MS, SLOT_MS, Samples, Summary, combine, summarise

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from heapsleuth.store.database import Database
    from heapsleuth.store.layouts import Layout, Layouts

__all__ = ["Rolling", "block_parts", "columns_of", "totals_before"]

# How long after its end 10 minutes are taken for complete.
GRACE_MS = 60_000

# Instances in one transaction: some 10 ms, for which ingest has to wait.
CHUNK = 50

# Releases' rows in one transaction.
STALE_CHUNK = 200

# How far back the totals are looked for that a new 10 minutes continue.
BEFORE_MS = 2 * HOUR_MS

_BLOCK = upsert(schema.blocks)
_ROLLUP = upsert(schema.rollups)
_PEAK = upsert(schema.peaks)
_STALE = upsert(schema.stale)
_SUM = upsert(schema.series_rollups)
_ROLLED = "DELETE FROM samples WHERE instance = ? AND at_ms < ? AND id <= ?"
_FRESH = "DELETE FROM stale WHERE series = ? AND at_ms = ?"


class Rolling:
    """Makes roll-ups of samples; one at a time."""

    def __init__(self, database: Database, layouts: Layouts) -> None:
        self._database = database
        self._layouts = layouts

    def roll_up(self, now_ms: float) -> None:
        """Roll up what is complete."""
        cutoff = (now_ms - GRACE_MS) // SLOT_MS * SLOT_MS
        table = schema.samples.c
        with self._database.read() as connection:
            found = select(table.instance).where(table.at_ms < cutoff).distinct().order_by(table.instance)
            waiting = [row.instance for row in connection.execute(found)]
        for at in range(0, len(waiting), CHUNK):
            with self._database.pace.step():
                self._roll_chunk(waiting[at : at + CHUNK], cutoff)
        self._refresh()

    def _roll_chunk(self, instances: list[int], cutoff: float) -> None:
        table = schema.samples.c
        with self._database.read() as connection:
            rows = connection.execute(
                select(table.id, table.instance, table.layout, table.body, table.at_ms)
                .where(table.instance.in_(instances), table.at_ms < cutoff)
                .order_by(table.id)
            ).all()
            if not rows:
                return
            parts = Samples.unpack(self._layouts, [(row.instance, row.layout, row.body) for row in rows])
            slots = sorted({int(row.at_ms // SLOT_MS * SLOT_MS) for row in rows})
            parts = (
                self._earlier(
                    connection,
                    instances,
                    slots,
                    {(row.instance, row.at_ms // SLOT_MS * SLOT_MS) for row in rows},
                )
                + parts
            )
            before = totals_before(connection, self._layouts, instances, slots[0])
            series = _series_of(connection, instances)
        samples = Samples.gather(parts)
        summary = summarise(samples, SLOT_MS, before)
        blocks = self._blocks(samples, summary)
        rollups = _packed(self._layouts, summary)
        last = {row.instance: row.id for row in rows}
        stale = {
            (series[owner], int(slot))
            for owner, slot in zip(summary.owners.tolist(), summary.slots.tolist(), strict=True)
            if owner in series
        }
        many = self._database.many
        # Before the transaction, because it may add a layout.
        with self._database.read() as connection:
            peaks = self._peaks(connection, summary)
        with self._database.write() as connection:
            many(connection, _BLOCK, blocks)
            many(connection, _ROLLUP, rollups)
            many(connection, _PEAK, peaks)
            many(connection, _STALE, sorted(stale))
            many(connection, _ROLLED, [(owner, cutoff, number) for owner, number in last.items()])

    def _earlier(
        self, connection: Connection, instances: list[int], slots: list[int], wanted: set[tuple[int, float]]
    ) -> list[tuple[NDArray[np.int64], tuple[str, ...], NDArray[np.float64]]]:
        """Return the samples of blocks that late samples belong to."""
        table = schema.blocks.c
        found = select(table.instance, table.at_ms, table.layout, table.body).where(
            table.instance.in_(instances), table.at_ms.between(slots[0], slots[-1])
        )
        rows = [row for row in connection.execute(found) if (row.instance, row.at_ms) in wanted]
        return block_parts(self._layouts, [(row.instance, row.layout, row.body) for row in rows])

    def _blocks(self, samples: Samples, summary: Summary) -> list[tuple[int, int, int, bytes]]:
        there = ~np.isnan(samples.values)
        ends = np.append(summary.starts[1:], len(samples.owners))
        rows = []
        for at, (start, end) in enumerate(zip(summary.starts, ends, strict=True)):
            used = np.flatnonzero(there[start:end].any(axis=0))
            layout = self._layouts.fit("sample", [samples.names[column] for column in used])
            place = {name: column for column, name in enumerate(samples.names)}
            values = np.full((end - start, len(layout.names)), np.nan)
            for column, name in enumerate(layout.names):
                if name in place:
                    values[:, column] = samples.values[start:end, place[name]]
            rows.append((int(summary.owners[at]), int(summary.slots[at]), layout.id, pack_block(values)))
        return rows

    def _peaks(self, connection: Connection, summary: Summary) -> list[tuple[int, int, int, bytes]]:
        """Return the rows of days, raised to what is higher now."""
        owners = summary.owners
        days = (summary.slots // DAY_MS * DAY_MS).astype(np.int64)
        names = [name for name in summary.columns if ":" not in name and name != "at_ms"]
        highs = {name: summary.columns[_highest(name, summary.columns)] for name in names}
        table = schema.peaks.c
        found = select(table.instance, table.at_ms, table.layout, table.body).where(
            table.instance.in_(np.unique(owners).tolist()), table.at_ms.in_(np.unique(days).tolist())
        )
        rows = connection.execute(found).all()
        for layout, part in by_layout(self._layouts, rows):
            array = layout.unpack([row.body for row in part])
            owners = np.append(owners, [row.instance for row in part])
            days = np.append(days, [row.at_ms for row in part])
            for name, high in highs.items():
                more = array[name] if name in layout.names else np.full(len(part), np.nan)
                highs[name] = np.append(high, more)
            for name in set(layout.names) - set(highs):
                blank = np.full(len(owners) - len(part), np.nan)
                highs[name] = np.append(blank, array[name])
        keys, groups = np.unique(np.stack([owners, days]), axis=1, return_inverse=True)
        columns = {}
        for name, high in highs.items():
            columns[name] = np.full(keys.shape[1], np.nan)
            np.fmax.at(columns[name], groups.ravel(), high)
        layout = self._layouts.fit("rollup", columns)
        bodies = layout.pack(columns, keys.shape[1])
        return [
            (owner, day, layout.id, body)
            for owner, day, body in zip(keys[0].tolist(), keys[1].tolist(), bodies, strict=True)
        ]

    def _refresh(self) -> None:
        """Make the rows of releases that are older than those of their instances anew."""
        more = True
        while more:
            with self._database.pace.step():
                more = self._refresh_some()

    def _refresh_some(self) -> bool:
        """Make some of them anew; False when there were none."""
        table = schema.stale.c
        with self._database.read() as connection:
            found = select(table.series, table.at_ms).order_by(table.at_ms, table.series)
            stale = [(row.series, row.at_ms) for row in connection.execute(found.limit(STALE_CHUNK))]
            rows = self._sums(connection, stale)
        with self._database.write() as connection:
            self._database.many(connection, _SUM, rows)
        with self._database.read() as connection:
            hours = self._hours(connection, {(number, at // HOUR_MS * HOUR_MS) for number, at in stale})
        with self._database.write() as connection:
            self._database.many(connection, _SUM, hours)
            self._database.many(connection, _FRESH, stale)
        return bool(stale)

    def _sums(self, connection: Connection, stale: Iterable[tuple[int, int]]) -> list[tuple[Any, ...]]:
        table, who, heard = schema.rollups.c, schema.instances.c, schema.heard.c
        rows: list[tuple[Any, ...]] = []
        for number, slot in stale:
            found = (
                select(table.layout, table.body)
                .join_from(schema.instances, schema.heard, heard.instance == who.id)
                .join(schema.rollups, table.instance == who.id)
                .where(who.series == number, heard.last_seen_ms >= slot - DAY_MS, table.at_ms == slot)
            )
            columns, count = columns_of(self._layouts, connection.execute(found).all())
            if count:
                sums = combine(np.zeros(count, dtype=np.int64), 1, columns)
                rows.append((number, SLOT_MS, slot, *_row(self._layouts, sums)))
        return rows

    def _hours(self, connection: Connection, stale: set[tuple[int, int]]) -> list[tuple[Any, ...]]:
        table = schema.series_rollups.c
        rows: list[tuple[Any, ...]] = []
        for number, hour in sorted(stale):
            found = select(table.at_ms, table.layout, table.body).where(
                table.series == number,
                table.step_ms == SLOT_MS,
                table.at_ms >= hour,
                table.at_ms < hour + HOUR_MS,
            )
            slots = connection.execute(found).all()
            columns, count = columns_of(self._layouts, slots)
            if count:
                sums = combine(np.zeros(count, dtype=np.int64), 1, columns)
                sums[COVERS] = np.array(
                    [sum(1 << (row.at_ms - hour) // SLOT_MS for row in slots)], np.float64
                )
                rows.append((number, HOUR_MS, hour, *_row(self._layouts, sums)))
        return rows


def _highest(name: str, columns: Mapping[str, Any]) -> str:
    if metric(name).keep is Keep.TOTAL:
        return f"{name}:gain"
    return f"{name}:high" if f"{name}:high" in columns else name


def _row(layouts: Layouts, columns: Mapping[str, NDArray[np.float64]]) -> tuple[int, bytes]:
    layout = layouts.fit("rollup", columns)
    return layout.id, layout.pack(columns, 1)[0]


def _packed(layouts: Layouts, summary: Summary) -> list[tuple[int, int, int, bytes]]:
    layout = layouts.fit("rollup", summary.columns)
    bodies = layout.pack(summary.columns, len(summary.owners))
    keys = zip(summary.owners.tolist(), summary.slots.tolist(), strict=True)
    return [(owner, int(slot), layout.id, body) for (owner, slot), body in zip(keys, bodies, strict=True)]


def by_layout(layouts: Layouts, rows: Sequence[Any]) -> list[tuple[Layout, list[Any]]]:
    """Return rows that have a `layout`, together with those of the same."""
    groups: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        groups[row.layout].append(row)
    return [(layouts[number], part) for number, part in groups.items()]


def columns_of(layouts: Layouts, rows: Sequence[Any]) -> tuple[dict[str, NDArray[np.float64]], int]:
    """Return the columns of packed rows, and how many rows; rows of one layout are together."""
    columns: dict[str, NDArray[np.float64]] = {}
    at = 0
    for layout, part in by_layout(layouts, rows):
        array = layout.unpack([row.body for row in part])
        for name in layout.names:
            if name not in columns:
                columns[name] = np.full(len(rows), np.nan)
            columns[name][at : at + len(part)] = array[name]
        at += len(part)
    return columns, at


def block_parts(
    layouts: Layouts, rows: Sequence[tuple[int, int, bytes]]
) -> list[tuple[NDArray[np.int64], tuple[str, ...], NDArray[np.float64]]]:
    """Return the samples of blocks: (instance, layout, body)."""
    parts = []
    for instance, number, body in rows:
        names = layouts[number].names
        matrix = unpack_block(body, len(names))
        parts.append((np.full(len(matrix), instance, dtype=np.int64), names, matrix))
    return parts


def totals_before(
    connection: Connection, layouts: Layouts, instances: Sequence[int], slot: float
) -> dict[int, dict[str, float]]:
    """Return the totals of instances in their last roll-up before a time."""
    table = schema.rollups.c
    found = (
        select(table.instance, table.layout, table.body)
        .where(table.instance.in_(instances), table.at_ms < slot, table.at_ms >= slot - BEFORE_MS)
        .order_by(table.instance, table.at_ms)
    )
    last = {row.instance: row for row in connection.execute(found)}
    before: dict[int, dict[str, float]] = {}
    for layout, part in by_layout(layouts, list(last.values())):
        names = [name for name in layout.names if ":" not in name and metric(name).keep is Keep.TOTAL]
        array = layout.unpack([row.body for row in part])
        for at, row in enumerate(part):
            before[row.instance] = {name: float(array[name][at]) for name in names}
    return before


def _series_of(connection: Connection, instances: Sequence[int]) -> dict[int, int]:
    table = schema.instances.c
    found = select(table.id, table.series).where(table.id.in_(instances))
    return {row.id: row.series for row in connection.execute(found)}
