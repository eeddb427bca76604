"""Metrics of programs without our agent: read with care, in our words, by life."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from server.collector_process import collector_process

from heapsleuth.server.config import ScrapeTarget
from heapsleuth.server.scrape import ScrapeFailed, Target
from heapsleuth.server.scrape_names import translate
from heapsleuth.server.scrape_text import MalformedExposition, Series, parse_exposition

if TYPE_CHECKING:
    from pathlib import Path

PROM_CLIENT = """\
# HELP process_cpu_user_seconds_total Total user CPU time spent in seconds.
# TYPE process_cpu_user_seconds_total counter
process_cpu_user_seconds_total 1.5
process_start_time_seconds 1767225540
process_resident_memory_bytes 54779904
process_heap_bytes 123
nodejs_eventloop_lag_p99_seconds 0.0125
nodejs_eventloop_lag_p50_seconds 0.0099
nodejs_active_handles{type="Socket"} 2
nodejs_active_handles_total 3
nodejs_heap_size_used_bytes 5405936
nodejs_heap_space_size_used_bytes{space="large_object"} 77
nodejs_version_info{version="v20.20.2",major="20",minor="20",patch="2"} 1
nodejs_gc_duration_seconds_bucket{le="0.1",kind="major"} 2
nodejs_gc_duration_seconds_sum{kind="major"} 0.02
nodejs_gc_duration_seconds_count{kind="major"} 2
nodejs_gc_duration_seconds_sum{kind="minor"} 0.01
nodejs_gc_duration_seconds_count{kind="minor"} 5
http_request_duration_seconds_count{route="/",status_code="200"} 10
http_request_duration_seconds_count{route="/x",status_code="503"} 1
other_metric NaN
"""

OPEN_TELEMETRY = """\
nodejs_eventloop_delay_p99_seconds{otel_scope_name="x"} 0.0125
nodejs_eventloop_utilization_ratio 0.25
v8js_memory_heap_used_bytes{v8js_heap_space_name="new_space"} 10
v8js_memory_heap_used_bytes{v8js_heap_space_name="old_space"} 30
v8js_gc_duration_seconds_count{v8js_gc_type="major"} 3
v8js_gc_duration_seconds_sum{v8js_gc_type="major"} 0.5
process_cpu_time_seconds_total{cpu_mode="user"} 2
process_cpu_time_seconds_total{cpu_mode="system"} 1
process_memory_usage_bytes 1000
"""


def row(text: str) -> dict[str, float]:
    return translate(parse_exposition(text)).row


def test_prom_clients_names_become_ours() -> None:
    scraped = translate(parse_exposition(PROM_CLIENT))

    assert scraped.row == {
        "cpu_user_ms": 1500,
        "rss_bytes": 54779904,
        "vm_data_bytes": 123,
        "loop_delay_p99_ms": pytest.approx(2.5),
        "loop_delay_p50_ms": 0,
        "handles": 3,
        "heap_used_bytes": 5405936,
        "heap_space_large_object_used_bytes": 77,
        "gc_count": 7,
        "gc_major_count": 2,
        "gc_minor_count": 5,
        "gc_pause_ms_total": pytest.approx(30),
        "gc_major_ms_total": 20,
        "gc_minor_ms_total": 10,
        "requests_total": 11,
        "requests_2xx_total": 10,
        "requests_5xx_total": 1,
    }
    assert scraped.started_ms == 1767225540000
    assert scraped.node == "20.20.2"


def test_names_with_a_prefix_of_the_application_are_known_too() -> None:
    lines = [line for line in PROM_CLIENT.splitlines() if not line.startswith(("#", "http_"))]

    assert row("\n".join(f"shop_{line}" for line in lines)) == row("\n".join(lines))


@pytest.mark.parametrize("with_units", [True, False])
def test_open_telemetrys_names_become_ours_with_and_without_units(with_units: bool) -> None:
    text = OPEN_TELEMETRY
    if not with_units:
        for unit in ("_seconds", "_ratio", "_bytes"):
            text = text.replace(unit, "")

    assert row(text) == {
        "loop_delay_p99_ms": pytest.approx(2.5),
        "loop_utilization": 0.25,
        "heap_used_bytes": 40,
        "heap_space_new_used_bytes": 10,
        "heap_space_old_used_bytes": 30,
        "gc_count": 3,
        "gc_major_count": 3,
        "gc_pause_ms_total": 500,
        "gc_major_ms_total": 500,
        "cpu_user_ms": 2000,
        "cpu_system_ms": 1000,
        "rss_bytes": 1000,
    }


def test_labels_may_hold_whatever_is_quoted_or_escaped() -> None:
    text = r'm{a="x,\"y\"}{\\",b="1\n2",} 1 1700000000000' + '\nn{a="b"} 2 # {trace="}"} 1\r\no +Inf'

    assert list(parse_exposition(text)) == [
        Series("m", {"a": 'x,"y"}{\\', "b": "1\n2"}, 1.0),
        Series("n", {"a": "b"}, 2.0),
        Series("o", {}, float("inf")),
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("<html>", "line 1: expected a series, got '<html>'"),
        ("a 1\nb", "line 2: expected a series"),
        ("a one", "line 1: expected a number, got 'one'"),
        ("a{b=1} 1", "line 1: expected labels"),
        ('a{b="1"c="2"} 1', "line 1: expected labels"),
        ('a{b="1} 1', "line 1: expected a series"),
    ],
)
def test_what_is_no_exposition_is_told_with_its_line(text: str, problem: str) -> None:
    with pytest.raises(MalformedExposition, match=problem):
        list(parse_exposition(text))


@given(st.text(alphabet='a{}",=\\ \n1.#', max_size=60))
def test_whatever_comes_is_read_or_refused(text: str) -> None:
    try:
        for name, _, value in parse_exposition(text):
            assert name
            assert isinstance(value, float)
    except MalformedExposition:
        pass


def target() -> Target:
    return Target(ScrapeTarget("http://user:secret@shop:3000/metrics", "shop", "1.2"))


def scrape(to: Target, at_ms: float, text: str) -> Any:
    return to.batch(translate(parse_exposition(text)), at_ms)


def test_a_restart_is_a_new_life_and_a_rounded_start_is_not() -> None:
    to = target()
    text = "process_resident_memory_bytes 1\nprocess_start_time_seconds {}"
    names = [scrape(to, 5e6 + n, text.format(start)).instance.name for n, start in enumerate((100, 101, 900))]

    assert names == ["shop-3000@100", "shop-3000@100", "shop-3000@900"]


def test_totals_that_fall_are_a_new_life_where_the_start_is_not_said() -> None:
    to = target()
    text = "process_memory_usage_bytes 1\nv8js_gc_duration_count{{}} {}"
    starts = [
        scrape(to, at_ms, text.format(count)).instance.started_ms
        for at_ms, count in ((1000, 5), (2000, 9), (3000, 1), (4000, 2))
    ]

    assert starts == [1000, 1000, 3000, 3000]


def test_what_is_used_after_a_major_collection_stands_in_for_the_floor() -> None:
    to = target()
    text = 'nodejs_heap_size_used_bytes {}\nnodejs_gc_duration_seconds_count{{kind="major"}} {}\n'
    floors = [
        scrape(to, at_ms, text.format(used, majors)).samples[0].get("floor_bytes")
        for at_ms, used, majors in ((1, 90, 1), (2, 95, 1), (3, 40, 2), (4, 60, 2), (5, 50, 3), (6, 45, 3))
    ]

    assert floors == [None, None, 40, 40, 50, 45]


def test_an_endpoint_without_metrics_of_node_is_refused() -> None:
    with pytest.raises(ScrapeFailed, match="expected metrics of prom-client or OpenTelemetry, found neither"):
        scrape(target(), 1, "go_goroutines 5")


def test_names_of_instances_hold_no_secret_of_the_address() -> None:
    assert "secret" not in scrape(target(), 1, PROM_CLIENT).instance.name


class Endpoint(BaseHTTPRequestHandler):
    asked: list[str | None] = []  # noqa: RUF012 - of this test alone

    def do_GET(self) -> None:
        self.asked.append(self.headers["Authorization"])
        if self.path != "/metrics":
            self.send_response(302)
            self.send_header("Location", "/metrics")
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(PROM_CLIENT.encode())

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


def test_the_collector_scrapes_what_its_file_says_with_the_token_and_follows_no_redirects(
    tmp_path: Path,
) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    (tmp_path / "heapsleuth.toml").write_text(
        f'[[serve.scrape]]\nurl = "{url}/metrics"\nservice = "shop"\ninterval = "1s"\ntoken = "t0"\n'
        f'[[serve.scrape]]\nurl = "{url}/moved"\nservice = "moved"\ninterval = "1s"\n'
    )
    try:
        with collector_process(tmp_path) as running:
            deadline = time.monotonic() + 60
            while not (found := running.get("/v1/services")):
                assert time.monotonic() < deadline
                time.sleep(0.2)
            assert [one["service"] for one in found] == ["shop"]
            (instance,) = running.get("/v1/services/shop/instances")
            assert (instance["source"], instance["node"]) == ("scrape", "20.20.2")
            assert instance["started_ms"] == 1767225540000
    finally:
        server.shutdown()
        server.server_close()
    assert set(Endpoint.asked) <= {"Bearer t0", None}
    assert "Bearer t0" in Endpoint.asked
    assert "it answered 302" in (tmp_path / "log.txt").read_text()
