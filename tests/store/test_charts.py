"""Charts: what the dashboard draws equals what one gets by adding up samples by hand."""

from __future__ import annotations

import math
import random
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
import pytest
from store_messages import DAY, HOUR, MINUTE, SECOND, T, batch, every, instance

if TYPE_CHECKING:
    from heapsleuth.store.model import Line, Row
    from heapsleuth.store.sql_store import SqlStore

INSTANCES = 6
HOURS = 5


def release_of(number: int) -> str:
    return "1.1" if number % 3 == 0 else "1.0"


def fleet(seed: int) -> dict[int, list[Row]]:
    """Return samples of instances that come and go, some metrics missing now and then."""
    rng = random.Random(seed)
    found: dict[int, list[Row]] = {}
    for number in range(INSTANCES):
        begin = rng.randrange(0, HOURS * 20)
        total, rows = 0.0, []
        for at in range(begin, min(HOURS * 60, begin + rng.randrange(60, HOURS * 60))):
            total += rng.randrange(1, 100)
            row: Row = {"at_ms": T + at * MINUTE, "requests_total": total, "gc_pause_ms_total": total / 8}
            if rng.random() < 0.8:
                row["rss_bytes"] = rng.uniform(1e8, 2e8)
            if rng.random() < 0.5:
                row["floor_bytes"] = rng.uniform(1e7, 2e7)
            rows.append(row)
        found[number] = rows
    return found


def by_hand(rows: dict[int, list[Row]], name: str) -> dict[tuple[int, float], float]:
    """Return what each instance's 10 minutes stand for, the slow and obvious way."""
    found: dict[tuple[int, float], float] = {}
    for number, samples in rows.items():
        slots: dict[float, list[float]] = defaultdict(list)
        for row in samples:
            if name in row:
                slots[row["at_ms"] // (10 * MINUTE) * 10 * MINUTE].append(row[name])
        before: float | None = None
        for slot, values in sorted(slots.items()):
            if name.endswith("_total"):
                found[number, slot] = values[-1] - (values[0] if before is None else before)
                before = values[-1]
            else:
                found[number, slot] = min(values) if name == "floor_bytes" else sum(values) / len(values)
    return found


def drawn(line: Line) -> list[float]:
    return line.values.tolist()


def expected_line(
    values: dict[tuple[int, float], float], name: str, step_ms: float, count: int
) -> list[float]:
    line = []
    for at in range(count):
        begin = T + at * step_ms
        inside = {key: value for key, value in values.items() if begin <= key[1] < begin + step_ms}
        if not inside:
            line.append(math.nan)
        elif name == "requests_total":
            line.append(sum(inside.values()) / (600 * len({slot for _, slot in inside})))
        else:
            per = 600 if name.endswith("_total") else 1
            line.append(sum(inside.values()) / len(inside) / per)
    return line


@pytest.mark.parametrize("maintained", [True, False], ids=["rolled up", "as they came"])
@pytest.mark.parametrize("step_ms", [10 * MINUTE, 20 * MINUTE, HOUR], ids=["10 min", "20 min", "1 h"])
def test_a_chart_equals_what_one_adds_up_by_hand(store: SqlStore, step_ms: float, maintained: bool) -> None:
    rows = fleet(1)
    store.append([batch(found, who=instance(f"web-{n}", release=release_of(n))) for n, found in rows.items()])
    if maintained:
        store.maintain(T + 20 * HOUR)
    until = T + 40 * HOUR
    points = int((until - T) / step_ms)

    for name in ("rss_bytes", "floor_bytes", "requests_total", "gc_pause_ms_total"):
        values = by_hand(rows, name)
        if not maintained and name.endswith("_total"):
            # The newest 10 minutes are taken as if they were over.
            newest = max(slot for _, slot in values)
            values = {key: value for key, value in values.items() if key[1] < newest}
        chart = store.chart("shop", name, T, until, points=points)
        count = int((max(slot for _, slot in values) - T) // step_ms)

        assert chart.step_ms == step_ms
        assert chart.times[:2].tolist() == [T, T + step_ms]
        (line,) = chart.lines
        expected = expected_line(values, name, step_ms, count)
        assert drawn(line)[:count] == pytest.approx(expected, rel=1e-5, nan_ok=True)
        for release in store.chart("shop", name, T, until, points=points, by="release").lines:
            own = {key: value for key, value in values.items() if release_of(key[0]) == release.label}
            expected = expected_line(own, name, step_ms, count)
            assert drawn(release)[:count] == pytest.approx(expected, rel=1e-5, nan_ok=True)
        for one in store.chart("shop", name, T, until, points=points, by="instance").lines:
            own = {key: value for key, value in values.items() if f"web-{key[0]}" == one.label}
            expected = expected_line(own, name, step_ms, count)
            assert drawn(one)[:count] == pytest.approx(expected, rel=1e-5, nan_ok=True)


def test_the_band_reaches_from_the_smallest_to_the_largest_sample(store: SqlStore) -> None:
    rows = fleet(3)
    store.append([batch(found, who=instance(f"web-{n}")) for n, found in rows.items()])
    store.maintain(T + 20 * HOUR)

    (line,) = store.chart("shop", "rss_bytes", T, T + 40 * HOUR, points=40).lines
    values = [
        row["rss_bytes"]
        for found in rows.values()
        for row in found
        if "rss_bytes" in row and T + HOUR <= row["at_ms"] < T + 2 * HOUR
    ]
    assert (line.low[1], line.high[1]) == pytest.approx((min(values), max(values)), rel=1e-6)


def test_a_short_time_is_drawn_from_the_samples_themselves(store: SqlStore) -> None:
    rows = [
        {"at_ms": T + at * 10 * SECOND, "rss_bytes": float(at), "requests_total": 50.0 * at}
        for at in range(60)
    ]
    store.append([batch(rows)])

    chart = store.chart("shop", "rss_bytes", T, T + 10 * MINUTE, points=60)
    assert (chart.step_ms, drawn(chart.lines[0])) == (10 * SECOND, [float(at) for at in range(60)])
    rates = store.chart("shop", "requests_total", T + MINUTE, T + 10 * MINUTE, points=60)
    assert drawn(rates.lines[0]) == pytest.approx([5.0] * 54)


def test_steps_are_not_shorter_than_samples_come_in(store: SqlStore) -> None:
    store.append([batch(every(30 * SECOND, 10 * MINUTE, rss_bytes=1.0))])

    chart = store.chart("shop", "rss_bytes", T, T + 10 * MINUTE, points=500)
    assert chart.step_ms == 30 * SECOND
    assert drawn(chart.lines[0]) == [1.0] * 20


def test_a_rate_does_not_drop_at_the_newest_end(store: SqlStore) -> None:
    rows = [{"at_ms": T + at * 10 * SECOND, "requests_total": 50.0 * at} for at in range(6 * 62)]
    store.append([batch(rows)])
    store.maintain(T + 62 * MINUTE)

    chart = store.chart("shop", "requests_total", T, T + 40 * HOUR, points=240)
    assert drawn(chart.lines[0])[1:7] == pytest.approx([5.0] * 6, rel=0.1)


def test_only_the_20_highest_instances_are_drawn(store: SqlStore) -> None:
    for number in range(30):
        rows = every(5 * MINUTE, HOUR, rss_bytes=1000.0 + (number * 7) % 30)
        store.append([batch(rows, who=instance(f"web-{number}"))])
    store.maintain(T + 2 * HOUR)

    chart = store.chart("shop", "rss_bytes", T, T + 7 * DAY, by="instance")
    highest = {f"web-{number}" for number in range(30) if (number * 7) % 30 >= 10}
    assert {line.label for line in chart.lines} == highest


def test_services_do_not_mix_and_what_is_unknown_draws_nothing(store: SqlStore) -> None:
    store.append(
        [
            batch(every(MINUTE, HOUR, rss_bytes=1.0), who=instance("a", service="one")),
            batch(every(MINUTE, HOUR, rss_bytes=3.0), who=instance("b", service="other")),
        ]
    )
    for _ in range(2):
        chart = store.chart("one", "rss_bytes", T, T + 7 * DAY)
        assert np.nanmax(chart.lines[0].values) == 1.0
        assert store.chart("one", "no_such_metric", T, T + 7 * DAY).lines == ()
        assert store.chart("no such service", "rss_bytes", T, T + 7 * DAY).lines == ()
        store.maintain(T + 2 * HOUR)


def test_the_number_of_points_is_kept_to_for_any_time(store: SqlStore) -> None:
    store.append([batch(every(MINUTE, HOUR, rss_bytes=1.0))])

    for span in (MINUTE, HOUR, DAY, 7 * DAY, 30 * DAY, 400 * DAY):
        chart = store.chart("shop", "rss_bytes", T, T + span, points=100)
        assert len(chart.times) <= 101
        assert chart.times[0] <= T
        assert len(chart.lines) == 1
