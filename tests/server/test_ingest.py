"""What agents send, to a collector in a process of its own: taken once, refused clearly, never lost."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
import zlib
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from server.collector_process import GOLDEN, Running, add_token, collector_process, message

from heapsleuth.capture.reports import MAX_BODY_BYTES, MalformedReport, parse_report
from heapsleuth.server.counts import Counts
from heapsleuth.server.ingest import Ingest, Overloaded, batch_of
from heapsleuth.store.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from heapsleuth.store.model import Batch


def rows(collector: Running, instance: str) -> list[dict[str, float]]:
    found: list[dict[str, float]] = collector.get(f"/v1/instances/{instance}/samples")
    return found


def test_the_golden_message_is_taken_and_can_be_read_by_a_viewer(collector: Running) -> None:
    sent = message(service="golden shop")
    reply = collector.send("golden-1", sent)

    assert reply.status_code == 200
    assert reply.json() == {"commands": []}
    (row,) = rows(collector, "golden-1")
    assert row["heap_used_bytes"] == sent["samples"][0]["heap_used_bytes"]
    instance = collector.get("/v1/instances/golden-1", "viewer")
    assert (instance["service"], instance["release"], instance["host"]) == ("golden shop", "2.3.1", "web-1")
    assert (instance["pid"], instance["started_ms"], instance["agent"]) == (4711, 1767225540000, "0.1.0")
    assert "golden shop" in [one["service"] for one in collector.get("/v1/services", "viewer")]


def test_a_repeated_message_counts_once(collector: Running) -> None:
    sent = message()
    for _ in range(3):
        assert collector.send("repeat-1", sent).status_code == 200

    assert len(rows(collector, "repeat-1")) == 1


def test_latencies_and_events_of_a_message_are_kept(collector: Running) -> None:
    now_ms = round(time.time() * 1000)
    http = [{"route": "GET /x", "count": 3, "statuses": {"2xx": 3}, "buckets": [[200, 1], [201, 2]]}]
    sample = {"at_ms": now_ms, "rss_bytes": 5, "http": http}
    event = json.loads((GOLDEN / "event-slow.json").read_text()) | {"at_ms": now_ms}
    sent = message(service="slow shop", samples=[sample], events=[event, {"no": "type"}])
    assert collector.send("slow-1", sent).status_code == 200

    (found,) = collector.get("/v1/services/slow%20shop/http?route=GET%20/x")
    assert found["buckets"] == {"200": 1, "201": 2}
    (kept,) = collector.get("/v1/services/slow%20shop/events?type=slow")
    assert kept["body"]["requests"] == event["requests"]


def test_what_is_no_message_is_refused_for_good_and_said_why(collector: Running) -> None:
    def send(body: bytes, **headers: str) -> tuple[int, str]:
        path = "/v1/agents/bad-1/samples"
        reply = collector.request("POST", path, role="agent", content=body, headers=headers)
        return reply.status_code, reply.json()["detail"]

    bomb = gzip.compress(b" " * (MAX_BODY_BYTES + 1))
    good = json.dumps(message()).encode()
    assert send(b"{") == (400, "expected JSON: unexpected end of data: line 1 column 2 (char 1)")
    assert send(b'{"protocol": 2}') == (400, "expected protocol 1, got '2'")
    assert send(b" " * (MAX_BODY_BYTES + 1))[0] == 413
    assert send(bomb, **{"content-encoding": "gzip"})[0] == 413
    assert send(gzip.compress(good)[:-9], **{"content-encoding": "gzip"})[0] == 400
    assert send(good, **{"content-encoding": "gzip"})[0] == 400
    assert send(zlib.compress(good), **{"content-encoding": "deflate"})[0] == 415
    assert collector.send("-bad-", message()).status_code == 404


def test_a_packed_message_is_taken(collector: Running) -> None:
    body = gzip.compress(json.dumps(message()).encode())
    path = "/v1/agents/packed-1/samples"
    headers = {"content-encoding": "gzip"}
    reply = collector.request("POST", path, role="agent", content=body, headers=headers)

    assert reply.status_code == 200
    assert len(rows(collector, "packed-1")) == 1


def test_a_message_in_many_pieces_is_bounded_too(collector: Running) -> None:
    pieces = [b" " * 100_000] * (MAX_BODY_BYTES // 100_000 + 1)
    reply = collector.request("POST", "/v1/agents/piece-1/samples", role="agent", content=iter(pieces))

    assert reply.status_code == 413


def test_a_token_of_a_service_reports_for_that_service_only(collector: Running) -> None:
    secret = add_token(collector.folder, "agent", "--service", "shop")
    collector.wait_for_token(secret)

    def send(service: str) -> int:
        sent = message(service=service)
        path = "/v1/agents/bound-1/samples"
        return collector.request("POST", path, token=secret, json=sent).status_code

    assert send("shop") == 200
    assert send("other") == 403
    assert collector.send("others-1", message(service="other")).status_code == 200
    path = "/v1/agents/{}/commands?wait=0"
    assert collector.request("GET", path.format("bound-1"), token=secret).status_code == 200
    assert collector.request("GET", path.format("others-1"), token=secret).status_code == 403


def test_times_of_a_clock_that_is_ahead_are_set_back() -> None:
    def parsed(*times: float) -> Batch:
        samples = [{"at_ms": at} for at in times]
        body = json.dumps(message(samples=samples, events=[{"type": "x", "at_ms": 9e12}])).encode()
        return batch_of("a", parse_report(body), 1_000_000.0)

    assert [row["at_ms"] for row in parsed(4_900_000, 5_000_000).samples] == [900_000, 1_000_000]
    assert [row["at_ms"] for row in parsed(900_000, 1_050_000).samples] == [900_000, 1_050_000]
    assert [event.at_ms for event in parsed(900_000).events] == [1_000_000]


@pytest.mark.parametrize(
    ("http", "problem"),
    [
        ({}, "http: expected a list of at most 64"),
        ([1], "http: expected an object, got int"),
        ([{"count": -1}], "count: expected a whole number"),
        ([{"count": 1, "statuses": {"9xx": 1}}], "expected statuses such as 2xx"),
        ([{"count": 1, "statuses": {"2xx": True}}], "expected statuses such as 2xx"),
        ([{"count": 1, "buckets": ["12"]}], "expected buckets as pairs"),
        ([{"count": 1, "buckets": [[1, 2, 3]]}], "expected buckets as pairs"),
        ([{"count": 1, "buckets": [[1, 2], [1, 3]]}], "expected buckets as pairs"),
        ([{"count": 1, "buckets": [[1024, 2]]}], "expected buckets as pairs"),
        ([{"count": 1, "buckets": [[1, 0.5]]}], "expected buckets as pairs"),
        ([{"count": 1, "buckets": [[[], 1]]}], "expected buckets as pairs"),
    ],
)
def test_latencies_that_are_none_are_refused(http: Any, problem: str) -> None:
    body = json.dumps(message(samples=[{"at_ms": 1, "http": http}])).encode()

    with pytest.raises(MalformedReport, match=problem):
        parse_report(body)


class FailingStore:
    """A store whose database is away, or refuses one instance."""

    def __init__(self, poison: str = "", *, away: bool = False) -> None:
        self.poison = poison
        self.away = away
        self.kept: list[str] = []

    def append(self, batches: Sequence[Batch]) -> tuple[bool, ...]:
        names = [batch.instance.name for batch in batches]
        if self.away or self.poison in names:
            raise RuntimeError("the database says no")
        self.kept += names
        return (True,) * len(batches)

    def setting(self, _key: str) -> None:
        if self.away:
            raise RuntimeError("the database is away")


def outcomes(store: Any, names: list[str]) -> list[Any]:
    async def submit() -> list[Any]:
        ingest = Ingest(store, Counts(), lambda _batches: None)
        body = json.dumps(message()).encode()
        futures = [ingest.submit(batch_of(name, parse_report(body), 1.0)) for name in names]
        found = await asyncio.gather(*futures, return_exceptions=True)
        await ingest.stop()
        return found

    return asyncio.run(submit())


def test_one_message_that_cannot_be_stored_does_not_keep_out_the_others() -> None:
    names = [f"i-{number}" for number in range(20)]
    store = FailingStore("i-7")
    found = outcomes(store, names)

    assert [isinstance(one, Overloaded) for one in found] == [name == "i-7" for name in names]
    assert sorted(store.kept) == sorted(set(names) - {"i-7"})


def test_nothing_is_acknowledged_while_the_database_is_away() -> None:
    found = outcomes(FailingStore(away=True), ["a", "b", "c"])

    assert [type(one) for one in found] == [Overloaded] * 3


def test_what_waits_is_bounded_and_the_rest_is_told_to_come_again() -> None:
    async def fill() -> None:
        ingest = Ingest(FailingStore(), Counts(), lambda _batches: None)  # type: ignore[arg-type]
        batch = batch_of("a", parse_report(json.dumps(message()).encode()), 1.0)
        waiting = [ingest.submit(batch, 64 * 1024 * 1024) for _ in range(2)]
        with pytest.raises(Overloaded):
            ingest.submit(batch, 1)
        assert await asyncio.gather(*waiting) == [True, True]
        await ingest.stop()

    asyncio.run(fill())


AGENTS = 8
KILLS = 3
STEP_MS = 10


async def push(url: str, token: str, agent: int, acknowledged: dict[int, list[int]], start_ms: int) -> None:
    """Send messages one after the other, as an agent does, until the collector is gone."""
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(timeout=30) as client:
        while True:
            # What was not acknowledged is sent again.
            sequence = len(acknowledged[agent]) + 1
            sample = {"at_ms": start_ms + sequence * STEP_MS, "rss_bytes": sequence}
            body = message(sequence=sequence, samples=[sample], pid=agent + 1)
            try:
                path = f"{url}/v1/agents/kill-{agent}/samples"
                reply = await client.post(path, json=body, headers=headers)
            except httpx.HTTPError:
                return
            assert reply.status_code == 200
            acknowledged[agent].append(sequence)


async def push_until_killed(running: Running, acknowledged: dict[int, list[int]], start_ms: int) -> None:
    before = sum(map(len, acknowledged.values()))
    token = running.token("agent")
    pushing = [
        asyncio.create_task(push(running.url, token, agent, acknowledged, start_ms))
        for agent in range(AGENTS)
    ]
    while sum(map(len, acknowledged.values())) < before + 50 * AGENTS:
        assert not any(task.done() for task in pushing)
        await asyncio.sleep(0.01)
    running.kill()
    await asyncio.gather(*pushing)


def test_nothing_acknowledged_is_lost_when_the_collector_is_killed_under_load(tmp_path: Path) -> None:
    acknowledged: dict[int, list[int]] = {agent: [] for agent in range(AGENTS)}
    start_ms = round(time.time() * 1000) - 3_600_000
    tokens: dict[str, str] = {}
    for _ in range(KILLS):
        with collector_process(tmp_path) as running:
            running.tokens = tokens
            asyncio.run(push_until_killed(running, acknowledged, start_ms))

    store = open_store(tmp_path / "data" / "collector.db")
    for agent, sequences in acknowledged.items():
        kept = [row["rss_bytes"] for row in store.rows(f"kill-{agent}", start_ms, start_ms + 3_600_000)]
        assert len(kept) == len(set(kept)), "a repeat was stored twice"
        assert set(sequences) <= set(kept), "something acknowledged is gone"
        # At most the message that was under way when it was killed.
        assert len(kept) <= len(sequences) + 1
    store.close()
