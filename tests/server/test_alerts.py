"""Alerts, sent to real receivers and to servers that keep what they are sent."""

from __future__ import annotations

import asyncio
import gzip
import json
import shutil
import socket
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest

pytest.importorskip("httpx")
pytest.importorskip("sqlalchemy")

from heapsleuth.errors import UsageError
from heapsleuth.server.alerts.alert import alert_of
from heapsleuth.server.alerts.dispatch import Dispatcher
from heapsleuth.server.alerts.webhook import webhook_body
from heapsleuth.server.config import AlertConfig
from heapsleuth.store.model import Incident
from heapsleuth.store.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from heapsleuth.store.base import Store

WAIT_S = 60.0
NOW = time.time() * 1000

INCIDENT = Incident(
    id="i1",
    service="shop",
    release="2.3.1",
    signature="heap-leak",
    kind="heap-leak",
    severity="warning",
    state="open",
    title="The floor rises by 12 MB an hour",
    opened_ms=NOW - 60_000,
    updated_ms=NOW,
    verdict={
        "forecast": {"limit": "heap", "limit_bytes": 536e6, "hours": {"low": 5.2, "high": 8.9}},
        "evidence_for": [{"code": "slope", "text": "9 hours in a row", "value": 9}],
    },
    report={
        "findings": [
            {"title": "Map `cache` gains 1 per request", "holder": {"location": {"file": "a.js", "line": 3}}}
        ]
    },
)
RESOLVED = replace(INCIDENT, state="resolved", resolved_ms=NOW)


class Sink(ThreadingHTTPServer):
    """Keeps every request; answers what it is told to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: list[tuple[str, bytes]] = []
        self.statuses: list[int] = []
        self.address = f"127.0.0.1:{self.server_address[1]}"

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.requests]


class _Handler(BaseHTTPRequestHandler):
    server: Sink

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.requests.append((self.path, body))
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        pass


@pytest.fixture
def sink() -> Iterator[Sink]:
    server = Sink()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(str(tmp_path / "heapsleuth.db"))
    yield store
    store.close()


@contextmanager
def dispatching(store: Store, *receivers: str, resend_s: float = 3600) -> Iterator[Dispatcher]:
    """Run a dispatcher in a loop of its own, as the collector does."""
    config = AlertConfig(receivers=receivers, resend_s=resend_s, external_url="https://hs.example/")
    dispatcher = Dispatcher(config, store, lambda: time.time() * 1000)
    loop = asyncio.new_event_loop()

    async def run() -> None:
        with suppress(asyncio.CancelledError):
            await dispatcher.run()

    task = loop.create_task(run())
    thread = threading.Thread(target=loop.run_until_complete, args=(task,))
    thread.start()
    try:
        yield dispatcher
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()
        loop.close()


def eventually(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"{what} did not come about")
        time.sleep(0.05)


def test_an_alert_says_what_is_wrong_how_long_it_takes_and_where() -> None:
    alert = alert_of(INCIDENT, "https://hs.example/")

    assert alert.title == "shop 2.3.1: The floor rises by 12 MB an hour"
    assert alert.text.splitlines() == [
        "Meets the heap limit of 536 MB in 5 to 9 hours.",
        "9 hours in a row",
        "Map `cache` gains 1 per request (a.js:3)",
    ]
    assert alert.url == "https://hs.example/incidents/i1"
    assert alert.labels["alertname"] == "HeapLeak"


def test_the_same_problem_has_the_same_key_in_every_incident() -> None:
    keys = {
        alert_of(incident).key
        for incident in (INCIDENT, RESOLVED, replace(INCIDENT, id="i2", severity="critical", title="x"))
    }

    assert len(keys) == 1
    assert alert_of(replace(INCIDENT, release="2.3.2")).key not in keys


def test_names_cannot_bring_control_characters_into_messages() -> None:
    alert = alert_of(replace(INCIDENT, service="a\r\nBcc: x\x1b[31m", title="t\x00"))

    assert "\r" not in alert.title
    assert "\x1b" not in alert.title
    assert "\x00" not in alert.title


def test_the_webhook_is_told_of_the_beginning_and_the_end(sink: Sink, store: Store) -> None:
    with dispatching(store, f"webhook+http://{sink.address}/hook") as dispatcher:
        dispatcher.notify(INCIDENT, "opened")
        eventually(lambda: len(sink.requests) == 1, "the alert")
        dispatcher.notify(INCIDENT, "updated")
        dispatcher.notify(RESOLVED, "resolved")
        eventually(lambda: len(sink.requests) == 2, "its end")

    first, last = sink.bodies()
    assert first == webhook_body(alert_of(INCIDENT, "https://hs.example/"))
    assert (first["status"], last["status"]) == ("firing", "resolved")
    assert first["groupKey"] == last["groupKey"]
    assert last["alerts"][0]["endsAt"].endswith("Z")


def test_a_higher_severity_is_told_again(sink: Sink, store: Store) -> None:
    with dispatching(store, f"webhook+http://{sink.address}") as dispatcher:
        dispatcher.notify(INCIDENT, "opened")
        eventually(lambda: len(sink.requests) == 1, "the alert")
        dispatcher.notify(replace(INCIDENT, severity="critical"), "updated")
        eventually(lambda: len(sink.requests) == 2, "the higher severity")

    assert [each["commonLabels"]["severity"] for each in sink.bodies()] == ["warning", "critical"]


def test_what_still_fires_is_told_again_after_a_while(sink: Sink, store: Store) -> None:
    with dispatching(store, f"webhook+http://{sink.address}", resend_s=0.5) as dispatcher:
        dispatcher.notify(INCIDENT, "opened")
        eventually(lambda: len(sink.requests) >= 3, "a repeat")


def test_a_failing_receiver_is_tried_again_and_holds_up_no_other(sink: Sink, store: Store) -> None:
    sink.statuses = [503, 503]
    with dispatching(
        store, f"webhook+http://{sink.address}/a", "webhook+http://127.0.0.1:1/b", f"json://{sink.address}/c"
    ) as dispatcher:
        dispatcher.notify(INCIDENT, "opened")
        eventually(lambda: len(sink.requests) >= 4, "success after two failures")

    assert sorted({path for path, _ in sink.requests}) == ["/a", "/c"]


def test_a_refusal_is_not_repeated(sink: Sink, store: Store) -> None:
    sink.statuses = [400]
    with dispatching(store, f"webhook+http://{sink.address}") as dispatcher:
        dispatcher.notify(INCIDENT, "opened")
        eventually(lambda: len(sink.requests) == 1, "the alert")
        dispatcher.notify(replace(INCIDENT, service="other"), "opened")
        eventually(lambda: len(sink.requests) == 2, "the next alert")

    assert sink.bodies()[1]["commonLabels"]["service"] == "other"


def test_after_a_restart_nothing_is_lost_and_nothing_told_twice(sink: Sink, store: Store) -> None:
    url = f"webhook+http://{sink.address}"
    store.put_incident(INCIDENT)
    with dispatching(store, url) as dispatcher:
        dispatcher.notify(INCIDENT, "opened")
        eventually(lambda: len(sink.requests) == 1, "the alert")
        eventually(
            lambda: "warning" in (store.setting("alerts.told:0:webhook://127.0.0.1") or ""), "the note"
        )
    store.put_incident(replace(INCIDENT, id="i2", signature="handle-leak"))
    with dispatching(store, url):
        eventually(lambda: len(sink.requests) == 2, "what the first dispatcher did not tell")
    store.put_incident(RESOLVED)
    with dispatching(store, url):
        eventually(lambda: len(sink.requests) == 3, "the end")

    assert [each["commonLabels"]["signature"] for each in sink.bodies()] == [
        "heap-leak",
        "handle-leak",
        "heap-leak",
    ]
    assert sink.bodies()[2]["status"] == "resolved"


def test_pagerduty_opens_and_closes_one_incident(sink: Sink, store: Store) -> None:
    with dispatching(store, f"pagerduty+http://R0Ut1ng@{sink.address}") as dispatcher:
        dispatcher.notify(INCIDENT, "opened")
        eventually(lambda: len(sink.requests) == 1, "the trigger")
        dispatcher.notify(RESOLVED, "resolved")
        eventually(lambda: len(sink.requests) == 2, "the resolve")

    trigger, resolve = sink.bodies()
    assert sink.requests[0][0] == "/v2/enqueue"
    assert (trigger["event_action"], resolve["event_action"]) == ("trigger", "resolve")
    assert trigger["dedup_key"] == resolve["dedup_key"]
    assert trigger["routing_key"] == "R0Ut1ng"
    assert trigger["payload"]["severity"] == "warning"
    assert len(trigger["dedup_key"]) <= 255


def test_sentry_gets_one_issue_for_each_problem(sink: Sink, store: Store) -> None:
    pytest.importorskip("sentry_sdk")
    with dispatching(store, f"sentry+http://key@{sink.address}/42") as dispatcher:
        dispatcher.notify(INCIDENT, "opened")
        eventually(lambda: sink.requests, "the event")

    path, body = sink.requests[0]
    event = json.loads(body.splitlines()[2])
    assert path == "/api/42/envelope/"
    assert event["fingerprint"] == ["heapsleuth", "shop", "2.3.1", "heap-leak"]
    assert event["message"] == "shop 2.3.1: The floor rises by 12 MB an hour"
    assert event.get("server_name", "") == ""


def test_a_real_alertmanager_shows_the_alert_and_its_end(store: Store, tmp_path: Path) -> None:
    binary = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if not binary:
        pytest.skip("alertmanager is not installed")
    (tmp_path / "am.yml").write_text("route:\n  receiver: nobody\nreceivers:\n  - name: nobody\n")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        binary, f"--config.file={tmp_path}/am.yml", f"--storage.path={tmp_path}/am",
        f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address=",
    ]  # fmt: skip
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def alerts() -> list[dict[str, Any]]:
        with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/api/v2/alerts") as reply:
            return list(json.load(reply))
        return []

    def up() -> bool:
        with suppress(OSError), urlopen(f"http://127.0.0.1:{port}/-/ready") as reply:
            return bool(reply.status == 200)
        return False

    try:
        eventually(up, "the alertmanager")
        with dispatching(store, f"alertmanager+http://127.0.0.1:{port}") as dispatcher:
            dispatcher.notify(INCIDENT, "opened")
            eventually(alerts, "the alert")
            (shown,) = alerts()
            dispatcher.notify(replace(INCIDENT, severity="critical"), "updated")
            eventually(
                lambda: [each["labels"]["severity"] for each in alerts()] == ["critical"], "the new severity"
            )
            dispatcher.notify(replace(RESOLVED, severity="critical"), "resolved")
            eventually(lambda: not alerts(), "its end")
    finally:
        server.kill()
        server.wait()

    assert shown["labels"]["service"] == "shop"
    assert shown["annotations"]["summary"].startswith("shop 2.3.1")
    assert shown["generatorURL"] == "https://hs.example/incidents/i1"


@pytest.mark.parametrize(
    "url",
    [
        "nothing://secret",
        "webhook://secret/x",
        "pagerduty://",
        "sentry+https://host/1",
        "secret",
        "alertmanager+ftp://x",
    ],
)
def test_a_receiver_that_is_not_understood_is_refused_without_repeating_it(url: str, store: Store) -> None:
    with pytest.raises(UsageError, match=r"receiver|DSN") as caught:
        Dispatcher(AlertConfig(receivers=(url,)), store, lambda: NOW)

    assert "secret" not in str(caught.value)
