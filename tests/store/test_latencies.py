"""Latencies: counts of requests add up over instances, messages and 10 minutes, and none is lost."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from store_messages import DAY, HOUR, MINUTE, T, batch, instance

from heapsleuth.store.latencies import MAX_ROUTES
from heapsleuth.store.latency_tail import BUCKETS, Tail, tail_rows
from heapsleuth.store.model import HttpBucket
from heapsleuth.store.opening import open_store

if TYPE_CHECKING:
    from heapsleuth.store.sql_store import SqlStore

SLOT = 10 * MINUTE


def bucket(at_ms: float, route: str = "", **numbers: int) -> HttpBucket:
    buckets = {int(name[1:]): count for name, count in numbers.items()} or {160: 3}
    count = sum(buckets.values())
    return HttpBucket(at_ms, route, count, {"2xx": count - 1, "5xx": 1}, buckets)


def test_latencies_of_instances_and_messages_are_added_up_by_release(store: SqlStore) -> None:
    for number in range(4):
        who = instance(f"web-{number}", release="1.1" if number == 3 else "1.0")
        for at in (1, 2):
            http = [bucket(T + at * MINUTE, "", b160=2, b170=1), bucket(T + at * MINUTE, "GET /", b160=2)]
            store.append([batch(who=who, sequence=at, received_ms=T + at * MINUTE, http=http)])
    expected = [
        HttpBucket(T + SLOT, "", 18, {"2xx": 12, "5xx": 6}, {160: 12, 170: 6}, "1.0"),
        HttpBucket(T + SLOT, "", 6, {"2xx": 4, "5xx": 2}, {160: 4, 170: 2}, "1.1"),
    ]

    for _ in range(3):
        assert store.http("shop", T, T + HOUR) == expected
        assert [one.count for one in store.http("shop", T, T + HOUR, route="GET /")] == [12, 4]
        by_instance = store.http("shop", T, T + HOUR, by="instance")
        assert [(one.instance, one.release, one.count) for one in by_instance] == [
            *((f"web-{number}", "1.0", 6) for number in range(3)),
            ("web-3", "1.1", 6),
        ]
        store.maintain(T + HOUR)


def test_no_request_is_lost_or_counted_twice_while_the_tail_is_folded(database_url: str) -> None:
    rng = random.Random(4)
    store = open_store(database_url)
    truth: Counter[tuple[float, str, str, int]] = Counter()
    for turn in range(60):
        at = T + turn * MINUTE + 1
        http = []
        for route in ("", "GET /", "POST /x"):
            numbers = {f"b{rng.randrange(600)}": rng.randrange(1, 9) for _ in range(5)}
            http.append(bucket(at, route, **numbers))
        release = rng.choice(["1.0", "1.1"])
        who = instance(f"web-{release}", release=release)
        store.append([batch(who=who, received_ms=at, http=http)])
        for one in http:
            for number, count in one.buckets.items():
                truth[at // SLOT * SLOT + SLOT, release, one.route, number] += count
        if turn % 7 == 3:
            store.maintain(at)
        if turn == 40:
            store.close()
            store = open_store(database_url)

    found = Counter(
        {
            (one.at_ms, one.release, one.route, number): count
            for route in ("", "GET /", "POST /x")
            for one in store.http("shop", T, T + 2 * HOUR, route=route)
            for number, count in one.buckets.items()
        }
    )
    assert found == truth
    store.close()


def test_an_interval_that_ends_on_the_full_10_minutes_belongs_to_those_before(store: SqlStore) -> None:
    store.append([batch(received_ms=T + SLOT, http=[bucket(T + SLOT), bucket(T + SLOT + 1)])])

    assert [one.at_ms for one in store.http("shop", T, T + HOUR)] == [T + SLOT, T + 2 * SLOT]
    assert [one.at_ms for one in store.http("shop", T + SLOT, T + HOUR)] == [T + 2 * SLOT]
    assert [one.at_ms for one in store.http("shop", T, T + SLOT)] == [T + SLOT]


def test_routes_are_listed_the_busiest_first(store: SqlStore) -> None:
    http = [bucket(T + 1, ""), bucket(T + 1, "GET /rare", b1=1), bucket(T + 1, "GET /busy", b1=9)]
    store.append([batch(received_ms=T, http=http)])
    assert store.routes("shop", T) == ("GET /busy", "GET /rare")
    store.maintain(T + HOUR)
    assert store.routes("shop", T) == ("GET /busy", "GET /rare")
    store.append([batch(received_ms=T + DAY, http=[bucket(T + DAY, "GET /rare", b1=100)])])
    assert store.routes("shop", T) == ("GET /rare", "GET /busy")
    assert store.routes("shop", T + HOUR) == ("GET /rare",)
    assert store.routes("mail", T) == ()


def test_an_application_that_makes_routes_of_ids_does_not_fill_the_disk(store: SqlStore) -> None:
    for turn in range(5):
        http = [bucket(T + 1, f"GET /users/{turn}-{number}", b1=1) for number in range(100)]
        store.append([batch(received_ms=T, http=[bucket(T + 1, "GET /", b1=50), *http])])
        store.maintain(T + MINUTE)

    routes = store.routes("shop", T)
    assert len(routes) <= MAX_ROUTES
    assert "GET /" in routes
    (other,) = store.http("shop", T, T + HOUR, route="other")
    named = sum(store.http("shop", T, T + HOUR, route=route)[0].count for route in routes)
    assert named == 5 * 150
    assert other.count == 5 * 150 - 250 - (len(routes) - 2)


def test_latencies_by_instance_go_with_the_samples_and_the_rest_with_the_days(database_url: str) -> None:
    store = open_store(database_url, raw_hours=1, keep_days=2)
    store.append([batch(received_ms=T, http=[bucket(T + 1)])])
    store.append([batch(received_ms=T + 2 * DAY, http=[bucket(T + 2 * DAY)])])
    store.maintain(T + 3 * HOUR)
    assert store.http("shop", T, T + DAY, by="instance") == []
    assert len(store.http("shop", T, T + DAY)) == 1
    store.maintain(T + 2 * DAY + HOUR)
    assert store.http("shop", T, T + DAY) == []
    assert len(store.http("shop", T, T + 3 * DAY)) == 1
    store.close()


@pytest.mark.parametrize("number", [-5, BUCKETS + 10_000])
def test_absurd_latencies_are_counted_in_the_outermost_bucket(number: int) -> None:
    one = HttpBucket(T, "GET /", 4, {"2xx": 4}, {number: 3, 5: 1})
    ((_, body),) = tail_rows([(1, 1, one, 0.0)])

    tail = Tail.read([body])
    assert sorted(tail.numbers.tolist()) == sorted([5, 0 if number < 0 else BUCKETS - 1])
    assert tail.requests.tolist() == [4]
