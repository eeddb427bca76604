"""What a plan accepts, what it refuses and with which words."""

from __future__ import annotations

import re
from typing import Any

import pytest

from heapsleuth.errors import UsageError
from heapsleuth.scenarios.load.plan import LoadPlan, Target

URL = "http://127.0.0.1:3000/"


@pytest.mark.parametrize(
    ("url", "authority", "path"),
    [
        ("http://localhost", "localhost", "/"),
        ("http://localhost:80/a?b=c#d", "localhost", "/a?b=c"),
        ("https://localhost:443/", "localhost", "/"),
        ("https://localhost:80/", "localhost:80", "/"),
        ("http://[::1]:3000/x", "[::1]:3000", "/x"),
        ("http://localhost?q", "localhost", "/?q"),
        ("http://localhost/ü", "localhost", "/%C3%BC"),
    ],
)
def test_a_url_becomes_the_host_and_path_of_a_request(url: str, authority: str, path: str) -> None:
    target = Target(url)

    assert (target.origin.authority, target.path) == (authority, path)


@pytest.mark.parametrize(
    "url", ["", "localhost:3000", "ftp://a/", "http://", "http://a:99999/", "http://a/b c"]
)
def test_what_is_no_url_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(UsageError, match=r"expected a URL such as http://127\.0\.0\.1:3000/path, got "):
        Target(url)


@pytest.mark.parametrize("url", ["http://a/x\r\nX: y", "http://a/x\n", "http://a\x00/", "http://a/\x7f"])
def test_a_url_cannot_smuggle_a_second_request(url: str) -> None:
    with pytest.raises(UsageError, match="expected a URL"):
        Target(url)


@pytest.mark.parametrize(
    "header", [("X", "a\r\nY: b"), ("X\r\nY", "b"), ("", "b"), ("X Y", "b"), ("X", "\x00"), ("X", "\u20ac")]
)
def test_a_header_cannot_smuggle_another(header: tuple[str, str]) -> None:
    with pytest.raises(UsageError, match="expected a header of one line"):
        Target(URL, headers=(header,))


@pytest.mark.parametrize("weight", [0, -1, float("nan"), float("inf")])
def test_a_weight_must_be_above_zero(weight: float) -> None:
    with pytest.raises(UsageError, match="expected a weight above 0"):
        Target(URL, weight=weight)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({}, "expected a number of requests or a duration, got neither"),
        ({"requests": 1, "duration_s": 1}, "expected a number of requests or a duration, got both"),
        ({"requests": 0}, "expected a value above 0 for requests, got 0"),
        ({"requests": 1, "connections": 0}, "expected a value above 0 for connections, got 0"),
        ({"requests": 1, "rate": -1}, "expected a value above 0 for rate, got -1"),
        ({"duration_s": float("inf")}, "expected a value above 0 for duration_s, got inf"),
        ({"requests": 1, "warm_up_requests": -1}, "expected 0 or more for warm_up_requests"),
        ({"requests": 1, "offsets_s": (0.0,)}, "expected offsets_s together with a sequence"),
        ({"sequence": ()}, "expected at least one request to replay, got none"),
        ({"sequence": (0, 1)}, "expected indices of 1 targets in sequence"),
        ({"sequence": (0,), "offsets_s": (0.0, 1.0)}, "expected 1 offsets, one for each request, got 2"),
        ({"sequence": (0, 0), "offsets_s": (1.0, 0.0)}, "expected offsets from 0 on that do not fall"),
        ({"sequence": (0,), "offsets_s": (0.0,), "rate": 1}, "expected a rate or the pace of the log"),
    ],
)
def test_a_plan_that_contradicts_itself_says_how(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(UsageError, match=re.escape(problem)):
        LoadPlan((Target(URL),), **settings)


def test_a_plan_needs_targets_of_one_server() -> None:
    with pytest.raises(UsageError, match="at least one URL"):
        LoadPlan((), requests=1)
    with pytest.raises(UsageError, match=r"URLs of one server, got http://127\.0\.0\.1:3000, http://b;"):
        LoadPlan((Target(URL), Target("http://b/")), requests=1)


def test_every_plan_has_an_end_in_time() -> None:
    def cap(**settings: Any) -> float:
        return LoadPlan((Target(URL),), **settings).cap_s

    assert cap(requests=10) == 600
    assert cap(requests=10, max_time_s=3) == 3
    assert cap(duration_s=20, timeout_s=5) == 25
    assert cap(requests=10_000, rate=10) == 2000
    assert cap(sequence=(0, 0), offsets_s=(0.0, 1000.0)) == 2000
