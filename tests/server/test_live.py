"""What the collector says of itself, and to pages that listen."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest
from server.collector_process import message

from heapsleuth.server import hub as module
from heapsleuth.server.counts import Counts
from heapsleuth.server.hub import EventHub, TooManyListeners
from heapsleuth.server.own_metrics import exposition
from heapsleuth.store.model import Incident

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from server.collector_process import Running


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 30))


def test_a_listener_hears_its_topic_from_any_thread_until_the_hub_is_closed() -> None:
    async def work() -> None:
        hub = EventHub()
        listener = hub.listen("fleet")
        thread = threading.Thread(target=hub.publish, args=("fleet", {"n": 1}))
        thread.start()
        thread.join()
        hub.publish("service:x", {"n": 2})
        hub.publish("fleet", {"n": 3})
        hub.close()
        assert [body async for body in listener] == [{"n": 1}, {"n": 3}]
        assert [body async for body in hub.listen("fleet")] == []

    run(work())


def test_a_listener_that_is_too_slow_loses_the_oldest() -> None:
    async def work() -> None:
        hub = EventHub()
        listener = hub.listen("fleet")
        for number in range(1000):
            hub.publish("fleet", {"n": number})
        hub.close()
        heard = [body["n"] async for body in listener]
        assert len(heard) < 100
        assert heard[-1] == 999

    run(work())


def test_a_listener_that_has_gone_is_forgotten_and_listeners_are_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def work() -> None:
        monkeypatch.setattr(module, "_MAX_LISTENERS", 2)
        hub = EventHub()
        listeners = [hub.listen("fleet"), hub.listen("service:x")]
        with pytest.raises(TooManyListeners):
            hub.listen("fleet")
        for one in listeners:
            one.close()
        assert hub.topics() == frozenset()
        hub.listen("fleet")

    run(work())


def test_a_page_is_told_over_http_that_samples_have_come(collector: Running) -> None:
    headers = {"Authorization": f"Bearer {collector.token('viewer')}"}
    url = f"{collector.url}/events?topic=service:live%20shop"
    with httpx.stream("GET", url, headers=headers, timeout=60) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        assert next(lines) == ": hello"
        collector.send("live-1", message(service="live shop"))
        data = next(line for line in lines if line.startswith("data:"))

    assert data == 'data: {"type":"samples","service":"live shop"}'


def test_the_collectors_own_metrics_count_what_came(collector: Running) -> None:
    collector.send("metrics-1", message())
    collector.request("POST", "/v1/agents/metrics-1/samples", role="agent", content=b"{")
    text = collector.request("GET", "/metrics", role="viewer").text
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))

    assert float(values["heapsleuth_collector_messages_total"]) >= 1
    assert float(values['heapsleuth_collector_refused_total{reason="malformed"}']) >= 1
    count = float(values["heapsleuth_collector_ingest_seconds_count"])
    assert float(values['heapsleuth_collector_ingest_seconds_bucket{le="+Inf"}']) == count >= 1


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_finds_nothing_wrong_with_them() -> None:
    counts = Counts(messages=3, refused={"token": 2})
    counts.commits.add(0.003)
    first = Incident("i", 'a"\\b\n', "1", "heap-leak", "heap-leak", "warning", "open", "t", 0.0, 0.0)
    text = exposition(counts, {"waiting_messages": 0, "reachable_agents": 2}, [first, replace(first, id="j")])
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False)

    assert b'service="a\\"\\\\b\\n",release="1",kind="heap-leak",severity="warning"} 2\n' in text
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")
