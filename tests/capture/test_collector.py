"""The collector of a run, spoken to over HTTP as an agent does, and as nobody should."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from heapsleuth.capture.collector import Collector
from heapsleuth.capture.reports import MAX_BODY_BYTES, MalformedReport, parse_report
from heapsleuth.errors import AgentFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

GOLDEN = Path(__file__).parents[2] / "agents" / "protocol"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector(interval_ms=1000) as opened:
        yield opened


def ask(
    collector: Collector, method: str, path: str, body: bytes | None = None, token: str | None = None
) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(collector.url.removeprefix("http://"), timeout=20)
    headers = {"Authorization": f"Bearer {collector.token if token is None else token}"}
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    return response.status, answer


def report(
    collector: Collector,
    name: str = "shop-1",
    *,
    sequence: int = 1,
    samples: list[dict[str, Any]] | None = None,
    events: list[dict[str, Any]] | None = None,
    pid: int = 42,
) -> Any:
    message = {
        "protocol": 1,
        "service": "shop",
        "release": "1.2",
        "pid": pid,
        "node": "v20.11.0",
        "role": "main",
        "sequence": sequence,
        "samples": samples or [],
        "events": events or [],
        "counters": {"errors": 0},
    }
    status, answer = ask(collector, "POST", f"/v1/agents/{name}/samples", json.dumps(message).encode())
    assert status == 200, answer
    return answer


def test_samples_are_kept_per_instance_with_what_the_agent_says_of_itself(collector: Collector) -> None:
    answer = report(collector, samples=[{"at_ms": 1, "rss_bytes": 5}, {"at_ms": 2, "rss_bytes": 6}])
    report(collector, "shop-2", pid=43, events=[{"type": "listening", "port": 80}])

    assert answer == {"commands": [], "interval_ms": 1000}
    first, second = collector.instances()
    assert (first.name, first.pid, first.service, first.node) == ("shop-1", 42, "shop", "v20.11.0")
    assert first.sample is not None
    assert first.sample.metrics == {"rss_bytes": 6}
    assert [sample.at_ms for sample in collector.samples("shop-1")] == [1, 2]
    assert second.sample is None
    assert collector.events("shop-2") == [{"type": "listening", "port": 80}]


def test_a_repeated_report_is_counted_once_and_a_restarted_process_begins_anew(collector: Collector) -> None:
    for sequence in (1, 2, 2, 1):
        report(collector, sequence=sequence, samples=[{"at_ms": sequence}])
    assert [sample.at_ms for sample in collector.samples("shop-1")] == [1, 2]

    report(collector, sequence=1, samples=[{"at_ms": 9}], pid=77)
    assert [sample.at_ms for sample in collector.samples("shop-1")] == [9]


def test_a_command_goes_out_by_the_long_poll_and_its_result_comes_back(collector: Collector) -> None:
    report(collector)
    with ThreadPoolExecutor(2) as pool:
        began = time.monotonic()
        poll = pool.submit(ask, collector, "GET", "/v1/agents/shop-1/commands?wait=10")
        time.sleep(0.1)
        result = pool.submit(collector.command, "shop-1", {"type": "gc"}, 10)
        (command,) = poll.result()[1]["commands"]
        assert time.monotonic() - began < 5
        assert command["type"] == "gc"
        answer = {"type": "command-result", "id": command["id"], "ok": True, "heap_used_bytes": 7}
        report(collector, sequence=2, events=[answer])

        assert result.result() == {"heap_used_bytes": 7}
    assert collector.events("shop-1") == []
    assert report(collector, sequence=3)["commands"] == []


def test_a_refused_command_says_the_agents_reason_and_figures(collector: Collector) -> None:
    report(collector)
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(collector.command, "shop-1", {"type": "snapshot"}, 10)
        while not (commands := ask(collector, "GET", "/v1/agents/shop-1/commands?wait=1")[1]["commands"]):
            pass
        error = {"code": "no-memory", "text": "not enough memory", "figures": {"extra_bytes": 9}}
        event = {"type": "command-result", "id": commands[0]["id"], "ok": False, "error": error}
        report(collector, sequence=2, events=[event])

        with pytest.raises(AgentFailed, match=r"did not do `snapshot`: not enough memory \(extra_bytes 9\)"):
            result.result()


def test_a_silent_agent_is_an_error_in_time_and_its_command_is_taken_back(collector: Collector) -> None:
    report(collector)
    with pytest.raises(AgentFailed, match=r"did not answer `gc` within 0.1 s"):
        collector.command("shop-1", {"type": "gc"}, 0.1)
    with pytest.raises(AgentFailed, match="found none named nobody"):
        collector.command("nobody", {"type": "gc"}, 0.1)

    assert ask(collector, "GET", "/v1/agents/shop-1/commands?wait=0")[1]["commands"] == []


def test_a_command_is_not_lost_to_a_poll_whose_client_has_gone(collector: Collector) -> None:
    report(collector)
    host, port = collector.url.removeprefix("http://").split(":")
    dead = socket.create_connection((host, int(port)))
    request = (
        "GET /v1/agents/shop-1/commands?wait=20 HTTP/1.1\r\n"
        f"Host: x\r\nAuthorization: Bearer {collector.token}\r\n\r\n"
    )
    dead.sendall(request.encode())
    time.sleep(0.1)
    dead.close()
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(collector.command, "shop-1", {"type": "gc"}, 5)
        (command,) = ask(collector, "GET", "/v1/agents/shop-1/commands?wait=5")[1]["commands"]
        report(
            collector,
            sequence=2,
            events=[{"type": "command-result", "id": command["id"], "ok": True, "n": 1}],
        )
        assert result.result() == {"n": 1}


@pytest.mark.parametrize("token", ["", "wrong", "ü"])
def test_a_request_without_the_runs_token_is_refused(collector: Collector, token: str) -> None:
    status, answer = ask(
        collector, "GET", "/v1/agents/shop-1/commands", token=token.encode().decode("latin-1")
    )

    assert (status, list(answer)) == (401, ["error"])
    assert collector.instances() == []


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "expected JSON"),
        (b"{", "expected JSON"),
        (b"[" * 100_000, "expected JSON"),
        (b"[]", "expected a JSON object"),
        (b"{}", "expected protocol 1, got 'None'"),
        (b'{"protocol": 2}', "expected protocol 1, got '2'"),
        (b'{"protocol": 1, "pid": -1}', "pid: expected a whole number"),
        (b'{"protocol": 1, "pid": 1.5}', "pid: expected a whole number"),
        (b'{"protocol": 1, "service": 7}', "service: expected text, got int"),
        (b'{"protocol": 1, "samples": {}}', "samples: expected a list"),
        (b'{"protocol": 1, "samples": [3]}', r"samples\[0\]: expected an object, got int"),
        (b'{"protocol": 1, "samples": [{"rss_bytes": 1}]}', "samples: expected at_ms"),
        (b'{"protocol": 1, "events": ["x"]}', r"events\[0\]: expected an object"),
        (b'{"protocol": 1, "counters": [1]}', "counters: expected an object"),
    ],
)
def test_a_report_that_is_not_the_protocol_is_refused_with_what_was_expected(
    collector: Collector, body: bytes, problem: str
) -> None:
    status, answer = ask(collector, "POST", "/v1/agents/shop-1/samples", body)

    assert status == 400
    with pytest.raises(MalformedReport, match=problem):
        parse_report(body)
    assert answer["error"]
    assert collector.instances() == []


def test_numbers_that_are_none_and_names_that_are_none_are_left_out() -> None:
    body = b"""{"protocol": 1, "samples": [{"at_ms": 1, "rss_bytes": 5, "a": 1e300, "b": true, "c": "7",
        "d": null, "\\u001b[31m": 1, "e": {"f": 1}}]}"""

    assert parse_report(body).samples[0].metrics == {"rss_bytes": 5}


def test_wrong_addresses_names_and_sizes_have_the_right_status(collector: Collector) -> None:
    assert ask(collector, "GET", "/")[0] == 404
    assert ask(collector, "GET", "/v1/agents/shop/other")[0] == 404
    assert ask(collector, "GET", "/v1/agents/..%2Fetc/commands")[0] == 400
    assert ask(collector, "GET", "/v1/agents/%1b%5b31m/commands")[0] == 400
    assert ask(collector, "GET", "/v1/agents/shop/commands?wait=soon")[0] == 400
    assert ask(collector, "GET", "/v1/agents/shop/commands?wait=0")[0] == 200

    connection = http.client.HTTPConnection(collector.url.removeprefix("http://"), timeout=20)
    connection.putrequest("POST", "/v1/agents/shop/samples")
    connection.putheader("Authorization", f"Bearer {collector.token}")
    connection.putheader("Content-Length", str(MAX_BODY_BYTES + 1))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_memory_stays_bounded_whatever_agents_send(collector: Collector) -> None:
    for sequence in range(1, 5):
        report(
            collector,
            sequence=sequence,
            samples=[{"at_ms": n} for n in range(2000)],
            events=[{"type": "command-result", "id": f"{sequence}-{n}", "ok": True} for n in range(500)]
            + [{"type": "x", "n": n} for n in range(500)],
        )
    for number in range(300):
        status = ask(
            collector,
            "POST",
            f"/v1/agents/i{number}/samples",
            json.dumps({"protocol": 1, "pid": number, "sequence": 1}).encode(),
        )[0]
        assert status == (200 if number < 255 else 503)

    assert len(collector.samples("shop-1")) == 3600
    assert len(collector.events("shop-1")) == 500
    assert collector._results == {}
    assert len(collector.instances()) == 256


def test_closing_ends_polls_and_frees_the_port() -> None:
    with Collector() as collector:
        report(collector)
        with ThreadPoolExecutor(1) as pool:
            poll = pool.submit(ask, collector, "GET", "/v1/agents/shop-1/commands?wait=20")
            time.sleep(0.1)
            began = time.monotonic()
            collector.close()
            assert poll.result() == (200, {"commands": []})
            assert time.monotonic() - began < 5
    with pytest.raises(OSError, match="refused"):
        ask(collector, "GET", "/")
    assert not [thread for thread in threading.enumerate() if thread.name == "heapsleuth-collector"]


def golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))


def test_the_golden_report_is_understood_whole() -> None:
    message = golden("samples-request")
    report = parse_report(json.dumps(message).encode())

    assert (report.pid, report.role, report.sequence) == (
        message["pid"],
        message["role"],
        message["sequence"],
    )
    assert len(report.samples) == len(message["samples"]) > 0
    assert report.samples[0].metrics == {
        name: value for name, value in message["samples"][0].items() if name not in {"at_ms", "http"}
    }
    assert [(one.route, one.requests, one.statuses) for one in report.http] == [
        (one["route"], one["count"], one["statuses"]) for one in message["samples"][0]["http"]
    ]


def test_replies_have_the_shape_of_the_golden_ones(collector: Collector) -> None:
    assert report(collector).keys() == golden("samples-reply").keys()
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(collector.command, "shop-1", {"type": "gc"}, 1)
        answer = ask(collector, "GET", "/v1/agents/shop-1/commands?wait=5")[1]
        assert result.exception() is not None
    assert set(golden("commands-reply")) <= set(answer)
    assert {"id", "type"} <= answer["commands"][0].keys() & golden("commands-reply")["commands"][0].keys()


@pytest.mark.parametrize("name", sorted(path.stem for path in GOLDEN.glob("result-*.json")))
def test_every_golden_result_is_an_answer_or_a_refusal(collector: Collector, name: str) -> None:
    report(collector)
    with ThreadPoolExecutor(1) as pool:
        result = pool.submit(collector.command, "shop-1", {"type": "x"}, 10)
        (command,) = ask(collector, "GET", "/v1/agents/shop-1/commands?wait=5")[1]["commands"]
        event = {**golden(name), "id": command["id"]}
        report(collector, sequence=2, events=[event])
        if event["ok"]:
            assert result.result() == {k: v for k, v in event.items() if k not in {"type", "id", "ok"}}
        else:
            with pytest.raises(AgentFailed, match=event["error"]["text"].split("(")[0][:20]):
                result.result()
