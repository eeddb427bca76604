"""HAR files and access logs become plans, and plans the same requests in the same order."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from heapsleuth.errors import UsageError
from heapsleuth.scenarios.load import LoadPlan, plan_from_access_log, plan_from_har, run_load

if TYPE_CHECKING:
    from pathlib import Path

BASE = "http://127.0.0.1:3000"


def har_entry(at: str, url: str, method: str = "GET", **request: Any) -> dict[str, Any]:
    return {"startedDateTime": at, "request": {"method": method, "url": url, "headers": [], **request}}


def har(folder: Path, *entries: dict[str, Any]) -> Path:
    path = folder / "recorded.har"
    path.write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}), encoding="utf-8")
    return path


def log(folder: Path, *lines: str) -> Path:
    path = folder / "access.log"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def in_order(plan: LoadPlan) -> list[tuple[str, str]]:
    assert plan.sequence is not None
    return [(plan.targets[index].method, plan.targets[index].url) for index in plan.sequence]


def test_a_har_file_is_replayed_in_order_of_time_with_hosts_mapped(tmp_path: Path) -> None:
    path = har(
        tmp_path,
        har_entry(
            "2026-01-01T10:00:01.500Z", "https://b.example.com/two?x=1", "POST", postData={"text": "{}"}
        ),
        har_entry("2026-01-01T11:00:00.000+01:00", "https://a.example.com/one"),
        har_entry("2026-01-01T10:00:02.000Z", "https://a.example.com/one"),
        har_entry("2026-01-01T10:00:03.000Z", "data:text/plain,x"),
    )
    plan = plan_from_har(path, base_url=BASE + "/v1/")

    assert in_order(plan) == [
        ("GET", BASE + "/v1/one"), ("POST", BASE + "/v1/two?x=1"), ("GET", BASE + "/v1/one"),
    ]  # fmt: skip
    assert len(plan.targets) == 2
    assert plan.offsets_s == pytest.approx((0, 1.5, 2))
    assert plan.targets[1].body == b"{}"
    assert plan.notes == ("1 of 4 requests left out: other hosts or no http",)


def test_the_pace_of_a_recording_can_be_scaled_or_dropped(tmp_path: Path) -> None:
    path = har(
        tmp_path,
        har_entry("2026-01-01T10:00:00.000Z", BASE),
        har_entry("2026-01-01T10:00:10.000Z", BASE),
    )

    assert plan_from_har(path, pace=4).offsets_s == pytest.approx((0, 2.5))
    assert plan_from_har(path, pace=None).offsets_s is None
    with pytest.raises(UsageError, match="expected a pace above 0"):
        plan_from_har(path, pace=0)


def test_har_bodies_come_as_text_form_or_base64(tmp_path: Path) -> None:
    at = "2026-01-01T10:00:00Z"
    path = har(
        tmp_path,
        har_entry(at, BASE + "/1", "POST", postData={"text": "ä"}),
        har_entry(at, BASE + "/2", "POST", postData={"params": [{"name": "a", "value": "b c"}]}),
        har_entry(at, BASE + "/3", "POST", postData={"text": "AP8=", "encoding": "base64"}),
    )

    assert [target.body for target in plan_from_har(path).targets] == ["ä".encode(), b"a=b+c", b"\x00\xff"]


def test_har_headers_are_kept_without_those_of_http_2_and_of_the_old_host(tmp_path: Path) -> None:
    pairs = ((":method", "GET"), ("Cookie", "a=1"), ("host", "a.example.com"))
    headers = [{"name": name, "value": value} for name, value in pairs]
    path = har(tmp_path, har_entry("2026-01-01T10:00:00Z", "https://a.example.com/", headers=headers))

    assert plan_from_har(path, base_url=BASE).targets[0].headers == (("Cookie", "a=1"),)


def test_hosts_choose_among_the_requests_of_a_har_file(tmp_path: Path) -> None:
    at = "2026-01-01T10:00:00Z"
    path = har(
        tmp_path, har_entry(at, "https://cdn.example.com/a"), har_entry(at, "https://api.example.com/b")
    )

    assert in_order(plan_from_har(path, hosts=("api.example.com",))) == [("GET", "https://api.example.com/b")]
    with pytest.raises(UsageError, match="expected URLs of one server"):
        plan_from_har(path)
    with pytest.raises(UsageError, match="expected requests to replay, found none"):
        plan_from_har(path, hosts=("other.example.com",))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("nonsense", "expected a HAR file"),
        ("[]", "expected a HAR file"),
        ('{"log":{"entries":3}}', "expected a list in log.entries"),
        ('{"log":{"entries":[{}]}}', "expected url, method and startedDateTime in entry 0"),
    ],
)
def test_a_file_that_is_no_har_is_named_with_what_was_expected(
    tmp_path: Path, content: str, problem: str
) -> None:
    path = tmp_path / "x.har"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(UsageError, match=problem) as caught:
        plan_from_har(path)
    assert str(path) in str(caught.value)


def test_common_combined_virtual_host_and_nginx_lines_are_read(tmp_path: Path) -> None:
    path = log(
        tmp_path,
        '127.0.0.1 - frank [10/Oct/2026:13:55:36 +0000] "GET /common HTTP/1.0" 200 2326',
        '::1 - - [10/Oct/2026:13:55:37 +0000] "POST /combined HTTP/1.1" 200 5 "http://r/" "a \\"b\\""',
        'a.example.com:443 10.0.0.1 - - [10/Oct/2026:15:55:38 +0200] "DELETE /vhost?a=b HTTP/1.1" 204 0',
        '10.0.0.1 - - [10/Oct/2026:13:55:39 +0000] "GET /nginx HTTP/2.0" 200 12 "-" "agent" "-" rt=0.003',
    )
    plan = plan_from_access_log(path, base_url=BASE)

    assert in_order(plan) == [
        ("GET", BASE + "/common"), ("POST", BASE + "/combined"), ("DELETE", BASE + "/vhost?a=b"),
        ("GET", BASE + "/nginx"),
    ]  # fmt: skip
    assert plan.offsets_s == pytest.approx((0, 1, 2, 3))
    assert plan.targets[1].headers == (("User-Agent", 'a "b"'), ("Referer", "http://r/"))
    assert plan.targets[3].headers == (("User-Agent", "agent"),)
    assert plan.notes == ()


def test_requests_of_one_second_are_spread_over_it(tmp_path: Path) -> None:
    lines = [f'- - - [10/Oct/2026:13:55:{second} +0000] "GET /" 200 1' for second in (36, 36, 36, 36, 38)]

    assert plan_from_access_log(log(tmp_path, *lines), base_url=BASE).offsets_s == (0, 0.25, 0.5, 0.75, 2)


@pytest.mark.parametrize(
    "line",
    [
        {"time": "2026-10-10T13:55:36.5Z", "method": "POST", "url": "/x?y=1", "body": "b"},
        {"msec": "1791640536.500", "request": "POST /x?y=1 HTTP/1.1", "request_body": "b"},
        {
            "@timestamp": "2026-10-10T13:55:36.500+00:00",
            "request_method": "POST",
            "request_uri": "/x?y=1",
            "body": "b",
        },
        {
            "level": 30,
            "time": 1791640536500,
            "req": {"method": "POST", "url": "/x?y=1", "body": "b"},
            "url": "no",
        },
        {
            "ts": 1791640536.5,
            "request": {"method": "POST", "uri": "/x?y=1", "headers": {"A": ["1"]}},
            "body": "b",
        },
        {"timestamp": 1791640536.5, "verb": "post", "path": "http://old.example.com/x?y=1", "body": "b"},
    ],
)
def test_json_lines_are_read_by_the_names_servers_use(tmp_path: Path, line: dict[str, Any]) -> None:
    first = {"time": "2026-10-10T13:55:36Z", "method": "GET", "url": "/first"}
    plan = plan_from_access_log(log(tmp_path, json.dumps(line), json.dumps(first)), base_url=BASE)

    assert in_order(plan) == [("GET", BASE + "/first"), ("POST", BASE + "/x?y=1")]
    assert plan.offsets_s == pytest.approx((0, 0.5))
    assert plan.targets[1].body == b"b"


def test_lines_that_are_no_request_are_counted_and_the_first_is_shown(tmp_path: Path) -> None:
    path = log(
        tmp_path,
        "# comment",
        "starting worker",
        '- - - [10/Oct/2026:13:55:36 +0000] "\\x16\\x03" 400 0',
        '- - - [10/Oct/2026:13:55:36 +0000] "CONNECT a:443 HTTP/1.1" 400 0',
        '- - - [10/Oct/2026:13:55:36 +0000] "GET /yes HTTP/1.1" 200 0',
        "{broken",
    )
    plan = plan_from_access_log(path, base_url=BASE)

    assert in_order(plan) == [("GET", BASE + "/yes")]
    assert plan.notes == ("4 lines left out that are no request, the first: starting worker",)


def test_a_log_without_times_is_replayed_in_its_order_as_fast_as_possible(tmp_path: Path) -> None:
    lines = [json.dumps({"method": "GET", "url": f"/{n}"}) for n in (3, 1, 2)]
    plan = plan_from_access_log(log(tmp_path, *lines), base_url=BASE)

    assert [url for _, url in in_order(plan)] == [f"{BASE}/{n}" for n in (3, 1, 2)]
    assert plan.offsets_s is None
    assert plan.notes == ("replayed as fast as the connections allow: the recording has no times",)


def test_a_packed_log_is_unpacked_and_a_broken_one_refused(tmp_path: Path) -> None:
    line = b'- - - [10/Oct/2026:13:55:36 +0000] "GET /yes HTTP/1.1" 200 0\n'
    path = tmp_path / "access.log.gz"
    path.write_bytes(gzip.compress(line))

    assert in_order(plan_from_access_log(path, base_url=BASE)) == [("GET", BASE + "/yes")]
    path.write_bytes(gzip.compress(line)[:-6])
    with pytest.raises(UsageError, match=r"access\.log\.gz: expected an access log, cannot read it"):
        plan_from_access_log(path, base_url=BASE)


def test_a_file_without_requests_is_refused_with_its_first_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="or JSON, got 'hello'"):
        plan_from_access_log(log(tmp_path, "hello"), base_url=BASE)
    with pytest.raises(UsageError, match="cannot read it"):
        plan_from_access_log(tmp_path / "nowhere.log", base_url=BASE)


@pytest.mark.node
def test_a_replay_arrives_in_order_at_its_pace(tmp_path: Path, server: Any) -> None:
    pytest.importorskip("httptools")
    lines = [
        json.dumps({"time": 1791640536 + n * 0.4, "method": "POST", "url": f"/r{n}", "body": f"b{n}"})
        for n in range(6)
    ]
    path = log(tmp_path, *reversed(lines))
    result = run_load(plan_from_access_log(path, base_url=server.base, pace=4, connections=3))
    seen = server.log()

    assert (result.requests, result.stopped_by) == (6, "requests")
    assert [(one["url"], one["body"]) for one in seen] == [(f"/r{n}", f"b{n}") for n in range(6)]
    # 0.4 s at four times the pace; never early, and late only because the machine is busy.
    for one, offset_ms in zip(seen, range(0, 600, 100), strict=True):
        assert offset_ms - 50 < one["at"] - seen[0]["at"] < offset_ms + 300


@pytest.mark.node
def test_a_replay_without_pace_keeps_the_order_on_one_connection(tmp_path: Path, server: Any) -> None:
    pytest.importorskip("httptools")
    path = log(
        tmp_path, *(json.dumps({"time": n * 100, "method": "GET", "url": f"/r{n}"}) for n in range(50))
    )
    plan = plan_from_access_log(path, base_url=server.base, pace=None, connections=1, requests=120)
    result = run_load(plan)

    assert result.requests == 120
    assert [one["url"] for one in server.log()] == [f"/r{n % 50}" for n in range(120)]


@pytest.mark.node
def test_what_failed_in_a_replay_is_not_sent_again(tmp_path: Path, server: Any) -> None:
    pytest.importorskip("httptools")
    lines = [json.dumps({"method": "GET", "url": url}) for url in ("/hello", "/drop", "/hello")]
    path = log(tmp_path, *lines)
    result = run_load(plan_from_access_log(path, base_url=server.base, connections=1))

    assert (result.requests, result.errors, result.stopped_by) == (2, 1, "requests")
    assert [one["url"] for one in server.log()] == ["/hello", "/drop", "/hello"]
