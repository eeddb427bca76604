"""Samples, instances and services: what goes in comes out, once, before and after it is rolled up."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from store_messages import DAY, HOUR, MINUTE, SECOND, T, batch, every, instance

from heapsleuth.store.opening import open_store

if TYPE_CHECKING:
    from heapsleuth.store.sql_store import SqlStore

ROWS = [
    {"at_ms": T + at * 30 * SECOND, "heap_used_bytes": 1e9 / 3 + at, "requests_total": float(at)}
    | ({"floor_bytes": 5e6 - at} if at % 3 else {})
    | ({"request_ms_p50": 0.1 * at} if at % 5 else {})
    for at in range(60)
]


@pytest.mark.parametrize("maintained_at", [None, T + 12 * MINUTE, T + HOUR])
def test_samples_come_back_as_they_came_wherever_they_are_kept(
    store: SqlStore, maintained_at: float | None
) -> None:
    for at in range(0, 60, 4):
        store.append([batch(ROWS[at : at + 4], sequence=at // 4 + 1)])
    if maintained_at:
        store.maintain(maintained_at)

    assert store.rows("web-1", T, T + HOUR) == ROWS
    assert store.rows("web-1", T + MINUTE, T + 20 * MINUTE) == ROWS[2:40]
    assert store.rows("web-2", T, T + HOUR) == []


def test_a_message_that_came_before_is_dropped_even_by_a_collector_started_anew(database_url: str) -> None:
    store = open_store(database_url)
    first, second = batch(ROWS[:2], sequence=1), batch(ROWS[2:4], sequence=2)

    assert store.append([first, second, first]) == (True, True, False)
    assert store.append([second]) == (False,)
    store.close()
    again = open_store(database_url)
    assert again.append([first, second, batch(ROWS[4:5], sequence=3)]) == (False, False, True)
    assert again.rows("web-1", T, T + HOUR) == ROWS[:5]
    again.close()


def test_messages_without_a_number_are_never_repeats(store: SqlStore) -> None:
    assert store.append([batch(ROWS[:1])]) == (True,)
    assert store.append([batch(ROWS[1:2])]) == (True,)
    assert len(store.rows("web-1", T, T + HOUR)) == 2


def test_sequences_of_instances_do_not_mix(store: SqlStore) -> None:
    one, other = instance("web-1"), instance("web-2")
    store.append([batch(ROWS[:1], who=one, sequence=9)])

    assert store.append([batch(ROWS[:1], who=other, sequence=1)]) == (True,)


def test_a_message_that_fails_leaves_nothing_behind(store: SqlStore) -> None:
    bad = batch(ROWS[:1], sequence=1)
    object.__setattr__(bad, "http", (object(),))

    with pytest.raises(AttributeError):
        store.append([batch(ROWS[:1], who=instance("web-2"), sequence=1), bad])

    assert store.services(0.0) == ()
    assert store.append([batch(ROWS[:1], sequence=1)]) == (True,)


def test_an_instance_is_known_by_what_it_said_last(store: SqlStore) -> None:
    who = instance()
    store.append([batch(ROWS[:1], who=who, received_ms=T)])
    store.append([batch(ROWS[1:2], who=replace(who, release="1.1"), received_ms=T + MINUTE)])

    expected = replace(who, release="1.1", first_seen_ms=T, last_seen_ms=T + MINUTE)
    assert store.instance("web-1") == expected
    assert store.instances("shop", T) == (expected,)
    assert store.instances("shop", T + HOUR) == ()
    assert store.instance("web-2") is None


def test_a_service_shows_the_worst_of_its_living_instances(store: SqlStore) -> None:
    store.append(
        [
            batch(
                [{"at_ms": T, "rss_bytes": 9.0, "heap_limit_bytes": 1.0}], who=instance("gone", release="0.9")
            ),
            batch([{"at_ms": T + HOUR, "rss_bytes": 5.0, "heap_limit_bytes": 100.0}], who=instance("web-1")),
            batch(
                [{"at_ms": T + HOUR, "rss_bytes": 7.0, "heap_limit_bytes": 200.0, "fds": 3.0}],
                who=instance("web-2"),
            ),
            batch([{"at_ms": T + HOUR, "rss_bytes": 1.0}], who=instance("mail-1", service="mail")),
        ]
    )

    mail, shop = store.services(0.0)
    assert (mail.service, mail.latest["rss_bytes"]) == ("mail", 1.0)
    assert (shop.service, shop.releases, shop.instances) == ("shop", ("1.0",), 2)
    assert (shop.first_seen_ms, shop.last_seen_ms) == (T, T + HOUR)
    latest = {"at_ms": T + HOUR, "rss_bytes": 7.0, "heap_limit_bytes": 100.0, "fds": 3.0}
    assert shop.latest == latest
    assert [found.service for found in store.services(T + 2 * HOUR)] == []


def test_a_service_shows_its_last_samples_after_a_restart(database_url: str) -> None:
    store = open_store(database_url)
    store.append([batch(ROWS[:3])])
    store.close()

    again = open_store(database_url)
    assert again.services(0.0)[0].latest == ROWS[2]
    again.close()


@pytest.mark.parametrize("off", [2 * HOUR, 10_000 * DAY, -3 * DAY, -20_000 * DAY])
def test_a_message_of_a_wrong_clock_is_moved_to_when_it_came(store: SqlStore, off: float) -> None:
    rows = [{**row, "at_ms": row["at_ms"] + off} for row in ROWS[:3]]
    store.append([batch(rows, received_ms=T + MINUTE)])

    assert store.rows("web-1", 0.0, T + DAY) == ROWS[:3]
    assert store.counts()["samples_moved"] == 3


def test_what_waited_for_hours_keeps_its_times(store: SqlStore) -> None:
    store.append([batch(ROWS[:3], received_ms=T + 23 * HOUR)])

    assert store.rows("web-1", 0.0, T + DAY) == ROWS[:3]
    assert store.counts()["samples_moved"] == 0


def test_a_sample_from_years_before_the_others_of_its_message_is_refused(store: SqlStore) -> None:
    store.append([batch([{**ROWS[0], "at_ms": 5.0}, *ROWS[1:3]], received_ms=T + MINUTE)])

    assert store.rows("web-1", 0.0, T + DAY) == ROWS[1:3]
    assert store.counts()["samples_refused"] == 1


def test_numbers_that_are_none_are_absent(store: SqlStore) -> None:
    store.append([batch([{"at_ms": T, "rss_bytes": math.nan, "fds": 3.0}])])

    assert store.rows("web-1", T, T + 1) == [{"at_ms": T, "fds": 3.0}]


def test_of_two_samples_at_one_time_the_later_message_counts(store: SqlStore) -> None:
    store.append([batch([{"at_ms": T, "fds": 1.0}]), batch([{"at_ms": T, "fds": 2.0}])])

    assert store.rows("web-1", T, T + 1) == [{"at_ms": T, "fds": 2.0}]


def test_samples_are_dropped_after_their_hours_and_the_rest_after_its_days(database_url: str) -> None:
    store = open_store(database_url, raw_hours=48, keep_days=35)
    store.append([batch(every(MINUTE, HOUR, rss_bytes=1.0, requests_total=5.0))])
    end = T + HOUR

    store.maintain(T + 47 * HOUR)
    assert len(store.rows("web-1", T, end)) == 60
    store.maintain(T + 50 * HOUR)
    assert store.rows("web-1", T, end) == []
    assert len(store.rollups("web-1", T, end)) == 6
    store.maintain(T + 34 * DAY)
    assert len(store.rollups("web-1", T, end)) == 6
    assert len(store.chart("shop", "rss_bytes", T, T + 30 * DAY).lines) == 1
    store.maintain(T + 36 * DAY)
    assert store.rollups("web-1", T, end) == []
    assert store.instance("web-1") is None
    assert store.chart("shop", "rss_bytes", T, T + 30 * DAY).lines == ()
    # Its name is free again.
    assert store.append([batch(ROWS[:1], sequence=1, received_ms=T + 36 * DAY)]) == (True,)
    store.close()


def test_a_long_lived_instance_loses_only_its_old_rows(database_url: str) -> None:
    store = open_store(database_url, raw_hours=1, keep_days=2)
    for day in range(4):
        rows = [{"at_ms": T + day * DAY + at * MINUTE, "rss_bytes": float(day)} for at in range(20)]
        store.append([batch(rows)])
        store.maintain(T + day * DAY + HOUR)
    store.maintain(T + 3 * DAY + 3 * HOUR)

    assert {row["rss_bytes"] for row in store.rollups("web-1", T, T + 5 * DAY)} == {2.0, 3.0}
    chart = store.chart("shop", "rss_bytes", T, T + 4 * DAY)
    assert {value for value in chart.lines[0].values.tolist() if not math.isnan(value)} == {2.0, 3.0}
    store.close()
