"""The engine against a real server: counts, every way of failing, rates, ends."""

from __future__ import annotations

import dataclasses
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from heapsleuth.errors import UsageError
from heapsleuth.scenarios.load import LoadPlan, LoadResult, Progress, Target, run_load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.node
pytest.importorskip("httptools")


@pytest.fixture(params=["uvloop", "asyncio"], autouse=True)
def loop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each test run on both event loops: they differ in the order and the texts of what they tell."""
    if request.param == "asyncio":
        monkeypatch.setitem(sys.modules, "uvloop", None)
    else:
        pytest.importorskip("uvloop")


def plan(server: Any, path: str, **settings: Any) -> LoadPlan:
    settings = {"connections": 4, "max_time_s": 20.0} | settings
    if not {"requests", "duration_s"} & settings.keys():
        settings["requests"] = 20
    return LoadPlan((Target(server.url(path)),), **settings)


@pytest.mark.parametrize("requests", [1, 3, 4, 1000])
def test_exactly_as_many_requests_as_asked_for_are_sent_and_counted(server: Any, requests: int) -> None:
    result = run_load(plan(server, "/hello", requests=requests))

    assert result.requests == requests == len(server.log())
    assert result.latency.count == requests
    assert (result.errors, result.non_2xx, result.stopped_by) == (0, 0, "requests")
    assert result.status_counts == {200: requests}
    assert result.is_complete


def test_connections_are_kept_open_and_never_more_than_asked_for(server: Any) -> None:
    run_load(plan(server, "/slow?ms=2", requests=60, connections=3))

    assert len({seen["remotePort"] for seen in server.log()}) == 3


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/204", 204),
        ("/chunked", 200),
        ("/large", 200),
        ("/hints", 200),
        ("/until-closed", 200),
        ("/close", 200),
    ],
)
def test_every_framing_of_a_response_is_understood(server: Any, path: str, status: int) -> None:
    result = run_load(plan(server, path))

    assert result.status_counts == {status: 20}
    assert (result.requests, result.errors) == (20, 0)
    assert len(server.log()) == 20


def test_large_bodies_are_counted_in_bytes_read(server: Any) -> None:
    result = run_load(plan(server, "/large", requests=5))

    assert 5 * 300_000 < result.bytes_read < 5 * 301_000


def test_head_requests_do_not_wait_for_the_announced_body(server: Any) -> None:
    result = run_load(LoadPlan((Target(server.url("/large"), "HEAD"),), requests=10, max_time_s=10))

    assert (result.requests, result.errors) == (10, 0)
    assert result.bytes_read < 10_000


def test_responses_other_than_2xx_are_counted_and_named(server: Any) -> None:
    result = run_load(plan(server, "/500"))

    assert (result.requests, result.non_2xx, result.errors) == (20, 20, 0)
    assert result.first_errors == ("GET /500 answered 500 (20 times)",)
    assert result.failed_share == 1.0


def test_a_response_with_close_has_its_connection_opened_again(server: Any) -> None:
    result = run_load(plan(server, "/close", requests=30))

    assert (result.requests, result.errors) == (30, 0)
    assert len({seen["remotePort"] for seen in server.log()}) == 30


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/drop", "connection closed before a response"),
        ("/cut", "connection closed in the middle of the response"),
        ("/too-long", "malformed response"),
        ("/rubbish", "malformed response"),
    ],
)
def test_a_server_that_only_fails_ends_the_run_with_the_reason(server: Any, path: str, problem: str) -> None:
    result = run_load(plan(server, path, requests=10))

    assert result.stopped_by == "errors"
    assert not result.is_complete
    assert result.requests == 0
    # Those under way when the replacements were used up come on top.
    assert 11 <= result.errors <= 14
    assert problem in result.first_errors[0]


def test_failed_requests_are_replaced_until_the_count_is_reached(server: Any) -> None:
    result = run_load(plan(server, "/drop-some", requests=40))

    assert (result.requests, result.stopped_by) == (40, "requests")
    assert result.errors > 5
    assert len(server.log()) == 40 + result.errors


@pytest.mark.parametrize("path", ["/never", "/too-short"])
def test_answers_that_never_come_to_an_end_are_given_up_in_time(server: Any, path: str) -> None:
    began = time.monotonic()
    result = run_load(plan(server, path, requests=4, timeout_s=0.3))

    assert time.monotonic() - began < 5
    assert (result.requests, result.stopped_by) == (0, "errors")
    assert 5 <= result.errors == result.timeouts <= 8
    assert "no complete response within 0.3 s" in result.first_errors[0]


def test_the_time_cap_ends_any_run(server: Any) -> None:
    result = run_load(plan(server, "/never", requests=10, timeout_s=60, max_time_s=0.4))

    assert result.stopped_by == "time cap"
    assert (result.requests, result.timeouts, result.errors) == (0, 4, 4)
    assert "4 requests were under way when the run ended: time cap" in result.first_errors[0]


def test_a_duration_ends_the_run_after_what_is_under_way(server: Any) -> None:
    result = run_load(plan(server, "/slow?ms=30", duration_s=0.5))

    assert (result.stopped_by, result.errors) == ("duration", 0)
    assert 0.5 <= result.duration_s < 1.5
    assert result.requests == len(server.log())


def test_warm_up_requests_are_sent_but_counted_nowhere(server: Any) -> None:
    result = run_load(plan(server, "/hello", requests=30, warm_up_requests=12))

    assert result.requests == result.latency.count == 30
    assert len(server.log()) == 42


def test_nobody_listening_is_a_result_with_the_reason(
    unused_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("heapsleuth.scenarios.load.engine._UNREACHABLE_S", 0.5)
    result = run_load(LoadPlan((Target(f"http://127.0.0.1:{unused_port}/"),), requests=5, max_time_s=10))

    assert (result.requests, result.stopped_by) == (0, "unreachable")
    assert result.errors > 0
    assert f"cannot connect to http://127.0.0.1:{unused_port}: " in result.first_errors[0]
    assert "refused" in result.first_errors[0]


def test_an_app_that_listens_late_is_waited_for_and_gets_its_full_count(unused_port: int) -> None:
    server = socket.socket()
    server.bind(("127.0.0.1", unused_port))

    def serve() -> None:
        time.sleep(0.4)
        server.listen()
        connection, _ = server.accept()
        for _ in range(5):
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    result = run_load(
        LoadPlan((Target(f"http://127.0.0.1:{unused_port}/"),), connections=1, requests=5, max_time_s=10)
    )
    thread.join()
    server.close()

    assert (result.requests, result.stopped_by) == (5, "requests")
    assert result.errors > 0


def test_the_mix_of_several_urls_is_exact_and_equal_in_every_round(server: Any) -> None:
    targets = (
        Target(server.url("/a"), weight=5),
        Target(server.url("/b"), weight=3),
        Target(server.url("/c"), "POST", (("Content-Type", "application/json"),), b'{"x":1}', weight=2),
    )
    for _ in range(2):
        server.reset()
        run_load(LoadPlan(targets, connections=7, requests=200, max_time_s=20))

        assert Counter(seen["url"] for seen in server.log()) == {"/a": 100, "/b": 60, "/c": 40}


def test_method_headers_and_body_arrive_as_given(server: Any) -> None:
    headers = (
        ("Content-Type", "text/plain"),
        ("X-One", "1"),
        ("Content-Length", "999"),
        ("Host", "example.com"),
    )
    run_load(LoadPlan((Target(server.url("/päth?q=1"), "PUT", headers, b"body"),), requests=1, connections=1))
    seen = server.log()[0]

    assert (seen["method"], seen["url"], seen["body"]) == ("PUT", "/p%C3%A4th?q=1", "body")
    assert seen["headers"] == {
        "host": "example.com",
        "content-type": "text/plain",
        "x-one": "1",
        "accept": "*/*",
        "content-length": "4",
    }


def test_a_fixed_rate_is_kept_and_spread_evenly(server: Any) -> None:
    result = run_load(plan(server, "/hello", requests=100, rate=200))
    at = [seen["at"] for seen in server.log()]

    assert result.requests == 100
    assert 0.49 <= result.duration_s < 1.5
    # 100 requests in 10 buckets of 50 ms: bursts would leave most of them empty.
    assert len({(t - at[0]) // 50 for t in at}) >= 7


def test_a_stall_counts_for_all_requests_that_were_meant_to_start_in_it(server: Any) -> None:
    closed = run_load(plan(server, "/stall-once", requests=150, connections=2))
    server.reset()
    rated = run_load(plan(server, "/stall-once", requests=150, connections=2, rate=150))

    # 500 ms at 150 per second are 75 of 150 requests; the closed loop sees two slow ones.
    assert closed.latency.max_ms > 450
    assert (closed.latency[90] or 0) < 100
    assert rated.latency.max_ms > 450
    assert (rated.latency[90] or 0) > 250
    assert 100 < rated.latency.mean_ms < 500


def test_a_server_slower_than_the_rate_leaves_a_count_of_what_was_not_sent(server: Any) -> None:
    result = run_load(plan(server, "/slow?ms=50", duration_s=0.6, rate=200, connections=2))

    # 120 were meant to start; two connections manage at most 40 a second.
    assert result.requests + result.unsent == pytest.approx(120, abs=3)
    assert result.unsent > 80


def test_a_run_can_be_cancelled_and_says_so(server: Any) -> None:
    began = time.monotonic()
    result = run_load(
        plan(server, "/slow?ms=20", duration_s=30, max_time_s=40),
        cancelled=lambda: time.monotonic() - began > 0.4,
    )

    assert result.stopped_by == "cancelled"
    assert not result.is_complete
    assert result.requests > 0
    assert time.monotonic() - began < 5


def test_progress_tells_how_far_the_run_is(server: Any) -> None:
    told: list[Progress] = []
    result = run_load(plan(server, "/slow?ms=10", requests=150, connections=2), progress=told.append)

    assert len(told) >= 2
    assert [one.requests for one in told] == sorted(one.requests for one in told)
    assert told[-1].requests == result.requests == told[-1].wanted_requests


def test_an_error_in_the_callers_function_ends_the_run_with_it(server: Any) -> None:
    def fail(_: Progress) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_load(plan(server, "/slow?ms=10", duration_s=20), progress=fail)


def test_counts_per_second_add_up_to_whole_seconds(server: Any) -> None:
    result = run_load(plan(server, "/slow?ms=5", duration_s=2.3))

    assert len(result.per_second) == 2
    assert 0 < sum(requests for requests, _ in result.per_second) <= result.requests


def test_a_test_server_that_signed_for_itself_is_loaded_over_https(tls_server: Any) -> None:
    result = run_load(plan(tls_server, "/chunked", requests=30))

    assert (result.requests, result.errors) == (30, 0)
    assert len(tls_server.log()) == 30


def test_a_certificate_that_must_be_valid_is_refused_with_the_reason(
    tls_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("heapsleuth.scenarios.load.engine._UNREACHABLE_S", 0.3)
    result = run_load(plan(tls_server, "/hello", requests=5, verify_tls=True))

    assert (result.requests, result.stopped_by) == (0, "unreachable")
    assert "certificate not valid, self-signed certificate" in result.first_errors[0]


def test_a_certificate_given_as_trusted_is_verified(tls_server: Any, certificate: tuple[Path, Path]) -> None:
    result = run_load(plan(tls_server, "/hello", requests=5, ca_file=str(certificate[0])))

    assert (result.requests, result.errors) == (5, 0)


def test_a_missing_file_of_certificates_is_named(tls_server: Any) -> None:
    with pytest.raises(UsageError, match=r"nowhere\.pem: expected certificates in PEM"):
        run_load(plan(tls_server, "/hello", ca_file="nowhere.pem"))


def run_without(module: str, server: Any) -> subprocess.CompletedProcess[str]:
    program = (
        f"import sys; sys.modules[{module!r}] = None\n"
        "from heapsleuth.scenarios.load import LoadPlan, Target, run_load\n"
        f"result = run_load(LoadPlan((Target({server.url('/chunked')!r}),), requests=30, max_time_s=20))\n"
        "print(result.requests, result.errors, *result.notes)"
    )
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60
    )


def test_without_uvloop_it_runs_on_asyncio_and_says_what_that_costs(server: Any) -> None:
    done = run_without("uvloop", server)

    assert done.stdout.startswith("30 0 without uvloop the load generator needs")
    assert done.stderr == ""


def test_without_httptools_the_error_names_the_extra(server: Any) -> None:
    done = run_without("httptools", server)

    assert "needs httptools: pip install 'heapsleuth[load]'" in done.stderr


def test_two_runs_at_once_in_threads_do_not_mix(server: Any) -> None:
    results: list[LoadResult] = []
    threads = [
        threading.Thread(target=lambda n=n: results.append(run_load(plan(server, "/hello", requests=n))))
        for n in (100, 150)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(result.requests for result in results) == [100, 150]
    assert len(server.log()) == 250


def test_connections_closed_as_soon_as_accepted_are_failures_at_once(unused_port: int) -> None:
    listening = socket.create_server(("127.0.0.1", unused_port))

    def refuse() -> None:
        with suppress(OSError):
            while True:
                listening.accept()[0].close()

    thread = threading.Thread(target=refuse)
    thread.start()
    result = run_load(
        LoadPlan((Target(f"http://127.0.0.1:{unused_port}/"),), connections=3, requests=30, timeout_s=9)
    )
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join()

    assert (result.requests, result.timeouts, result.stopped_by) == (0, 0, "errors")
    assert 31 <= result.errors <= 33
    assert result.duration_s < 5


def test_an_interrupt_from_the_keyboard_ends_the_run_at_once(server: Any) -> None:
    program = (
        "from heapsleuth.scenarios.load import LoadPlan, Target, run_load\n"
        "print('ready', flush=True)\n"
        f"run_load(LoadPlan((Target({server.url('/never')!r}),), duration_s=60, timeout_s=60))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        while not server.log():
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)

    assert process.returncode in {-signal.SIGINT, 1, 130}
    assert errors.strip().endswith("KeyboardInterrupt")
    assert "never retrieved" not in errors


@pytest.fixture
def silent_port() -> Iterator[int]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


def test_a_port_that_accepts_and_says_nothing_times_out(silent_port: int) -> None:
    silent = LoadPlan((Target(f"http://127.0.0.1:{silent_port}/"),), connections=2, requests=2, timeout_s=0.2)
    result = run_load(dataclasses.replace(silent, max_time_s=5))

    assert (result.requests, result.timeouts) == (0, 4)
