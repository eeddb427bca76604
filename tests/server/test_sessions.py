"""Logging in to the dashboard, staying in, and being thrown out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from server.collector_process import collector_process

from heapsleuth.server.auth import COOKIE, LoginFailures
from heapsleuth.server.tokens import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx
    from server.collector_process import Running


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with collector_process(tmp_path_factory.mktemp("fresh")) as running:
        yield running


@dataclass
class Browser:
    """Somebody who logged in: sends the cookie along."""

    collector: Running
    secret: str

    def __call__(self, method: str, path: str, csrf: str = "", **more: Any) -> httpx.Response:
        headers = {"Cookie": f"{COOKIE}={self.secret}", **({"X-CSRF-Token": csrf} if csrf else {})}
        return self.collector.request(method, path, headers=headers, **more)


def login(collector: Running, token: str) -> tuple[httpx.Response, Browser]:
    reply = collector.request("POST", "/login", json={"token": token})
    return reply, Browser(collector, reply.cookies.get(COOKIE, ""))


def test_the_first_token_is_good_for_one_login_and_gives_an_admin_one_that_lasts(fresh: Running) -> None:
    assert fresh.first.startswith(PREFIX)
    assert fresh.request("GET", "/v1/me", token=fresh.first).status_code == 401

    reply, _ = login(fresh, fresh.first)
    assert reply.json()["role"] == "admin"
    assert fresh.request("GET", "/v1/me", token=reply.json()["token"]).json()["role"] == "admin"
    again, _ = login(fresh, fresh.first)
    assert again.status_code == 401


def test_the_cookie_of_a_session_is_for_this_site_and_not_for_scripts(collector: Running) -> None:
    reply, _ = login(collector, collector.token("viewer"))
    cookie = reply.headers["set-cookie"]

    assert reply.json()["token"] is None
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Secure" not in cookie, "it would never come back over plain http"


def test_a_session_reads_at_once_but_writes_only_with_what_its_pages_know(collector: Running) -> None:
    reply, browser = login(collector, collector.token("operator"))
    path = "/v1/settings/snapshots.automatic:session-test"
    on = {"value": "on"}

    assert browser("GET", "/v1/me").json()["role"] == "operator"
    assert browser("PUT", path, json=on).status_code == 403
    assert browser("PUT", path, "guess", json=on).status_code == 403
    assert browser("PUT", path, reply.json()["csrf"], json=on).json()["value"] == "on"


def test_a_session_is_no_bearer_token_and_ends_when_logged_out(collector: Running) -> None:
    reply, browser = login(collector, collector.token("viewer"))
    assert collector.request("GET", "/v1/me", token=browser.secret).status_code == 401

    assert browser("POST", "/logout", reply.json()["csrf"]).status_code == 204
    assert browser("GET", "/v1/me").status_code == 401


def test_sessions_end_with_the_token_they_were_got_for(collector: Running) -> None:
    made = collector.request("POST", "/v1/tokens", role="admin", json={"name": "x", "role": "viewer"}).json()
    _, browser = login(collector, made["token"])
    assert browser("GET", "/v1/me").status_code == 200

    collector.request("DELETE", f"/v1/tokens/{made['id']}", role="admin")
    assert browser("GET", "/v1/me").status_code == 401


def test_agents_cannot_log_in(collector: Running) -> None:
    reply, _ = login(collector, collector.token("agent"))

    assert reply.status_code == 401


def test_a_page_sends_who_is_not_logged_in_to_the_login_and_a_form_sends_them_back(
    collector: Running,
) -> None:
    asked = collector.request("GET", "/services/a%20b", headers={"Accept": "text/html"})
    assert asked.status_code == 303
    assert asked.headers["location"] == "/login?next=/services/a%20b"

    def sent(where: str, token: str) -> Any:
        reply = collector.request("POST", f"/login?next={where}", data={"token": token})
        return reply.status_code, reply.headers["location"]

    token = collector.token("viewer")
    assert sent("/services/shop", token) == (303, "/services/shop")
    assert sent("//elsewhere.example/", token) == (303, "/")
    assert sent("https://elsewhere.example/", token) == (303, "/")
    assert sent("/\\elsewhere.example", token) == (303, "/")
    assert sent("/services/shop", "guess") == (303, "/login?problem=token&next=/services/shop")


def test_logins_tokens_and_settings_are_in_the_audit_log(collector: Running) -> None:
    login(collector, collector.token("viewer"))
    login(collector, "guess")
    path = "/v1/settings/snapshots.automatic:audited"
    collector.request("PUT", path, role="operator", json={"value": "off"})
    collector.request("POST", "/v1/tokens", role="admin", json={"name": "audited", "role": "viewer"})
    entries = [
        (one["actor"], one["action"], one["target"].rpartition(" ")[2], one["outcome"], one["remote"])
        for one in collector.get("/v1/audit")
    ]

    here = "127.0.0.1"
    assert ("viewer of tests", "login", "", "done", here) in entries
    assert ("", "login", "", "refused", here) in entries
    assert ("operator of tests", "setting", "off", "done", here) in entries
    assert ("admin of tests", "token.add", "audited", "done", here) in entries
    assert any(one[:2] == ("command line", "token.add") for one in entries)


def test_guessing_is_slowed_down(fresh: Running) -> None:
    replies = [login(fresh, "guess")[0] for _ in range(12)]

    assert replies[0].status_code == 401
    assert replies[-1].status_code == 429
    assert 0 < int(replies[-1].headers["retry-after"]) <= 301


def test_failures_are_counted_by_address_and_forgotten_with_the_oldest_addresses() -> None:
    failures = LoginFailures(most=2, window_s=60, addresses=2)
    for address in ("a", "a", "b"):
        failures.failed(address)

    assert failures.wait_s("a") > 0
    assert failures.wait_s("b") == 0
    failures.failed("c")
    assert failures.wait_s("a") == 0


def test_every_answer_has_headers_that_keep_browsers_careful(collector: Running) -> None:
    headers = collector.request("GET", "/v1/me", role="viewer").headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "server" not in headers


def test_a_body_that_is_too_long_is_refused_before_it_is_read(collector: Running) -> None:
    body = b"x" * 2_000_000

    assert collector.request("POST", "/login", content=body).status_code == 413
    pieces = iter([b"x" * 100_000] * 20)
    assert collector.request("POST", "/login", content=pieces).status_code == 413


def test_a_new_start_before_the_first_login_prints_another_token(tmp_path: Path) -> None:
    with collector_process(tmp_path) as running:
        before = running.first
    with collector_process(tmp_path) as running:
        assert running.first not in {"", before}
        assert login(running, before)[0].status_code == 401
        assert login(running, running.first)[0].status_code == 200
    with collector_process(tmp_path) as running:
        assert running.first == ""
