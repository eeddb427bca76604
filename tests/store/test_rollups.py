"""Roll-ups: what is kept of each metric, in whatever order samples come, and through interruptions."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from store_messages import HOUR, MINUTE, T, batch, every, instance

from heapsleuth.store.metrics import Keep, metric
from heapsleuth.store.opening import open_store

if TYPE_CHECKING:
    from pathlib import Path

    from heapsleuth.store.model import Chart, Row
    from heapsleuth.store.sql_store import SqlStore


def told(chart: Chart) -> object:
    """Return a chart as values that compare."""
    return [
        (
            line.label,
            [f"{value:.5g}" for part in (line.values, line.low, line.high) for value in part.tolist()],
        )
        for line in chart.lines
    ]


def some_rows(seed: int, minutes: int = 60) -> list[Row]:
    rng = random.Random(seed)
    rows: list[Row] = []
    total = 0.0
    for at in range(minutes * 2):
        total += rng.randrange(50)
        row: Row = {"at_ms": T + at * MINUTE / 2, "requests_total": total, "rss_bytes": rng.uniform(1e8, 2e8)}
        if rng.random() < 0.7:
            row["floor_bytes"] = rng.uniform(5e7, 6e7)
            row["gc_pause_ms_max"] = rng.uniform(0, 50)
        rows.append(row)
    return rows


def test_each_metric_is_kept_as_its_kind_asks(store: SqlStore) -> None:
    rows: list[Row] = [
        {
            "at_ms": T + at * MINUTE,
            "floor_bytes": 50.0 - at,
            "requests_total": 7.0 * at,
            "rss_bytes": at + 1.0,
            "gc_pause_ms_max": 3.0 if at == 4 else 1.0,
            "heap_limit_bytes": 64.0 if at < 9 else 128.0,
        }
        for at in range(10)
    ]
    rows[7].pop("rss_bytes")
    store.append([batch(rows)])
    store.maintain(T + HOUR)

    assert store.rollups("web-1", T, T + HOUR) == [
        {
            "at_ms": T + 9 * MINUTE,
            "floor_bytes": 41.0,
            "requests_total": 63.0,
            "rss_bytes": pytest.approx(47 / 9),
            "gc_pause_ms_max": 3.0,
            "heap_limit_bytes": 128.0,
        }
    ]


def test_what_is_not_complete_yet_is_not_rolled_up(store: SqlStore) -> None:
    store.append([batch(every(MINUTE, 25 * MINUTE, rss_bytes=1.0))])
    store.maintain(T + 20 * MINUTE)
    assert len(store.rollups("web-1", T, T + HOUR)) == 1
    store.maintain(T + 22 * MINUTE)
    assert len(store.rollups("web-1", T, T + HOUR)) == 2
    store.maintain(T + 22 * MINUTE)
    assert len(store.rollups("web-1", T, T + HOUR)) == 2
    assert len(store.rows("web-1", T, T + HOUR)) == 25


CHARTS = [
    (name, by)
    for name in ("requests_total", "rss_bytes", "floor_bytes", "gc_pause_ms_max")
    for by in ("", "release", "instance")
]


def everything(store: SqlStore) -> object:
    return [
        *(store.rollups(name, T, T + 2 * HOUR) for name in ("web-1", "web-2")),
        *(store.rows(name, T, T + 2 * HOUR) for name in ("web-1", "web-2")),
        *(told(store.chart("shop", name, T, T + 40 * HOUR, by=by, points=240)) for name, by in CHARTS),
    ]


@pytest.fixture
def straight(tmp_path: Path) -> object:
    """What becomes of samples that come in order and are rolled up in one go."""
    store = open_store(tmp_path / "straight.db")
    for number in (1, 2):
        store.append([batch(some_rows(number), who=instance(f"web-{number}", release=f"1.{number}"))])
    store.maintain(T + 3 * HOUR)
    found = everything(store)
    store.close()
    return found


def test_late_samples_end_up_where_they_belong(store: SqlStore, straight: object) -> None:
    # Every third comes an hour late; the counts that grow must still be counted in order.
    for number in (1, 2):
        rows = some_rows(number)
        early = [row for at, row in enumerate(rows) if at % 3]
        store.append([batch(early, who=instance(f"web-{number}", release=f"1.{number}"))])
    store.maintain(T + 3 * HOUR)
    for number in (1, 2):
        late = some_rows(number)[::3]
        store.append([batch(late, who=instance(f"web-{number}", release=f"1.{number}"))])
    store.maintain(T + 3 * HOUR)

    assert store.rows("web-1", T, T + HOUR) == some_rows(1)
    assert str(everything(store)) == str(straight)


def test_rolling_up_step_by_step_ends_in_the_same(store: SqlStore, straight: object) -> None:
    parts = {number: some_rows(number) for number in (1, 2)}
    for at in range(0, 120, 10):
        for number, rows in parts.items():
            who = instance(f"web-{number}", release=f"1.{number}")
            store.append([batch(rows[at : at + 10], who=who)])
        store.maintain(T + (at + 10) * MINUTE / 2)
    store.maintain(T + 3 * HOUR)

    assert str(everything(store)) == str(straight)


def test_a_collector_that_ended_half_way_goes_on_where_it_was(database_url: str, straight: object) -> None:
    store = open_store(database_url)
    for number in (1, 2):
        store.append([batch(some_rows(number), who=instance(f"web-{number}", release=f"1.{number}"))])
    # One instance is rolled up, the other not, and no release.
    store._upkeep._rolling._roll_chunk([1], T + 3 * HOUR)
    store.close()

    again = open_store(database_url)
    again.maintain(T + 3 * HOUR)
    assert str(everything(again)) == str(straight)
    again.close()


def test_what_is_gained_is_counted_on_from_the_10_minutes_before(store: SqlStore) -> None:
    # One sample in 10 minutes has nothing to be compared with but the one before.
    store.append([batch([{"at_ms": T + at * 10 * MINUTE, "requests_total": 600.0 * at} for at in range(6)])])
    store.maintain(T + 2 * HOUR)
    store.append(
        [batch([{"at_ms": T + at * 10 * MINUTE, "requests_total": 600.0 * at} for at in range(6, 9)])]
    )
    store.maintain(T + 3 * HOUR)

    chart = store.chart("shop", "requests_total", T + 10 * MINUTE, T + 20 * HOUR, points=120)
    assert chart.lines[0].values[:8].tolist() == pytest.approx([1.0] * 8)


def test_a_count_that_begins_anew_loses_nothing_and_invents_nothing(store: SqlStore) -> None:
    totals = [1000.0, 1300.0, 1600.0, 300.0, 600.0, 900.0]
    rows = [{"at_ms": T + at * 10 * MINUTE, "requests_total": total} for at, total in enumerate(totals)]
    store.append([batch(rows)])
    store.maintain(T + 2 * HOUR)

    chart = store.chart("shop", "requests_total", T, T + 20 * HOUR, points=120)
    assert chart.lines[0].values[1:6].tolist() == pytest.approx([0.5] * 5)


@pytest.mark.parametrize(
    ("name", "keep", "summed"),
    [
        ("floor_bytes", Keep.LEAST, False),
        ("floor_external_bytes", Keep.LEAST, False),
        ("requests_total", Keep.TOTAL, True),
        ("requests_5xx_total", Keep.TOTAL, True),
        ("requests_open", Keep.MEAN, True),
        ("gc_count", Keep.TOTAL, False),
        ("gc_major_count", Keep.TOTAL, False),
        ("gc_weakcb_ms_total", Keep.TOTAL, False),
        ("gc_pause_ms_total", Keep.TOTAL, False),
        ("cpu_user_ms", Keep.TOTAL, False),
        ("agent_cpu_ms", Keep.TOTAL, False),
        ("loop_stalled_ms_total", Keep.TOTAL, False),
        ("container_oom_kill_total", Keep.TOTAL, True),
        ("gc_pause_ms_max", Keep.MOST, False),
        ("loop_delay_max_ms", Keep.MOST, False),
        ("listeners_max", Keep.MOST, False),
        ("peak_malloced_bytes", Keep.MOST, False),
        ("heap_limit_bytes", Keep.LAST, False),
        ("container_limit_bytes", Keep.LAST, False),
        ("fds_limit", Keep.LAST, False),
        ("uptime_ms", Keep.LAST, False),
        ("loop_delay_p99_ms", Keep.MEAN, False),
        ("rss_bytes", Keep.MEAN, False),
        ("container_max_total", Keep.TOTAL, False),
        ("requests_anything", Keep.MEAN, False),
    ],
)
def test_the_table_of_metrics_knows_what_each_is(name: str, keep: Keep, summed: bool) -> None:
    assert (metric(name).keep, metric(name).summed) == (keep, summed)
