"""Remote write: real receivers understand it, and one that fails costs samples, never the collector."""

from __future__ import annotations

import shutil
import socket
import struct
import subprocess
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import cramjam
import httpx
import pytest
from store_messages import batch, instance

from heapsleuth.errors import UsageError
from heapsleuth.store.remote_write import RemoteWrite, write_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any

    from heapsleuth.store.model import Batch

LONG_S = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(command: list[str], ready: str, log: Path) -> Iterator[None]:
    """Run a receiver until it is asked no more."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"no {command[0]} on this machine")
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        for _ in range(600):
            try:
                if httpx.get(ready, timeout=5).is_success:
                    break
            except httpx.HTTPError:
                assert process.poll() is None, log.read_text()
                time.sleep(0.1)
        yield
    finally:
        process.kill()
        process.wait()


@pytest.fixture(params=["prometheus", "victoria-metrics"])
def receiver(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a real receiver."""
    address = f"127.0.0.1:{free_port()}"
    if request.param == "prometheus":
        config = tmp_path / "prometheus.yml"
        config.write_text("global: {}\n")
        options = [f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'data'}"]
        options += [f"--web.listen-address={address}", "--web.enable-remote-write-receiver"]
        ready = f"http://{address}/-/ready"
    else:
        options = [f"-storageDataPath={tmp_path / 'data'}", f"-httpListenAddr={address}"]
        # By default it hides what is younger than 30 s.
        options += ["-search.latencyOffset=0s", "-retentionPeriod=1"]
        ready = f"http://{address}/health"
    with running([request.param, *options], ready, tmp_path / "log"):
        yield f"http://{address}"


def test_a_real_receiver_has_every_sample_with_its_labels_and_time(receiver: str) -> None:
    now_ms = float(int(time.time()) * 1000)
    messages = [
        batch(
            [
                {
                    "at_ms": now_ms - 60_000 + at * 10_000,
                    "heap_used_bytes": 1e9 / 3 + at,
                    "requests_total": 7.0 * at,
                }
                for at in range(part, part + 3)
            ],
            who=instance(f"web-{number}", service='sh"op é', release=f"1.{number}" if number else ""),
        )
        for number in range(2)
        for part in (0, 3)
    ]
    writer = RemoteWrite(f"{receiver}/api/v1/write")
    writer.offer(messages)
    assert writer.drain(LONG_S)
    writer.close()
    assert writer.counts["sent"] == 12, writer.counts

    found: dict[tuple[str, str], Any] = {}
    query = {"query": '{__name__=~"heapsleuth_.*"}[5m]', "time": now_ms / 1000 + 1}
    for _ in range(100):
        result = httpx.get(f"{receiver}/api/v1/query", params=query).json()["data"]["result"]
        found = {(one["metric"]["__name__"], one["metric"]["instance"]): one for one in result}
        # VictoriaMetrics shows what it took after a second or so.
        if len(found) == 4:
            break
        time.sleep(0.2)

    assert sorted(found) == [
        (f"heapsleuth_{name}", f"web-{number}")
        for name in ("heap_used_bytes", "requests_total")
        for number in range(2)
    ]
    for (name, who), one in found.items():
        labels = {"__name__": name, "instance": who, "service": 'sh"op é'}
        assert one["metric"] == labels | ({"release": "1.1"} if who == "web-1" else {})
        values = [(float(at) * 1000, float(value)) for at, value in one["values"]]
        metric = name.removeprefix("heapsleuth_")
        truth = [(row["at_ms"], row[metric]) for m in messages[:2] for row in m.samples]
        # VictoriaMetrics keeps 16 digits.
        assert [at for at, _ in values] == [at for at, _ in truth]
        assert [value for _, value in values] == pytest.approx([value for _, value in truth], rel=1e-14)


class Receiver:
    """A receiver that answers as it is told, and keeps what it was sent."""

    def __init__(self, *answers: int) -> None:
        self.answers = list(answers)
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.let_go = threading.Event()
        self.let_go.set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.requests.append((dict(self.headers), body))
                outer.let_go.wait(LONG_S)
                self.send_response(outer.answers.pop(0) if outer.answers else 204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/write"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def fake() -> Iterator[Callable[..., Receiver]]:
    made: list[Receiver] = []

    def make(*answers: int) -> Receiver:
        made.append(Receiver(*answers))
        return made[-1]

    yield make
    for one in made:
        one.let_go.set()
        one.server.shutdown()
        one.server.server_close()


def one_sample(number: int = 0) -> Batch:
    return batch([{"at_ms": 1_000.0 + number, "fds": float(number)}])


def test_what_fails_for_a_while_is_sent_again_and_what_is_refused_is_not(
    fake: Callable[..., Receiver],
) -> None:
    receiver = fake(503, 429, 204, 400, 204)
    writer = RemoteWrite(receiver.url, first_wait_s=0.01)
    for number in range(3):
        writer.offer([one_sample(number)])
        assert writer.drain(LONG_S)
    writer.close()

    assert dict(writer.counts) == {"sent": 2, "dropped": 0, "refused": 1, "retries": 2}
    bodies = [bytes(cramjam.snappy.decompress_raw(body)) for _, body in receiver.requests]
    assert bodies[0] == bodies[1] == bodies[2] != bodies[3]
    assert len(bodies) == 5


def test_the_headers_are_those_of_remote_write_1(fake: Callable[..., Receiver]) -> None:
    receiver = fake()
    writer = RemoteWrite(receiver.url, token="a-token")  # noqa: S106  (no secret, and nobody asks for it)
    writer.offer([one_sample()])
    assert writer.drain(LONG_S)
    writer.close()

    headers, _ = receiver.requests[0]
    assert headers["Content-Type"] == "application/x-protobuf"
    assert headers["Content-Encoding"] == "snappy"
    assert headers["X-Prometheus-Remote-Write-Version"] == "0.1.0"
    assert headers["Authorization"] == "Bearer a-token"


def test_of_what_does_not_fit_the_oldest_goes_and_is_counted(fake: Callable[..., Receiver]) -> None:
    receiver = fake()
    receiver.let_go.clear()
    writer = RemoteWrite(receiver.url, max_queued=5)
    writer.offer([one_sample(0)])
    while not receiver.requests:
        time.sleep(0.01)
    for number in range(1, 9):
        writer.offer([one_sample(number)])
    receiver.let_go.set()
    assert writer.drain(LONG_S)
    writer.close()

    assert dict(writer.counts) == {"sent": 6, "dropped": 3, "refused": 0, "retries": 0}
    sent = b"".join(bytes(cramjam.snappy.decompress_raw(body)) for _, body in receiver.requests)
    assert [number for number in range(9) if struct.pack("<d", number) + b"\x10" in sent] == [
        0,
        4,
        5,
        6,
        7,
        8,
    ]


def test_a_receiver_that_is_gone_does_not_keep_the_collector_from_ending() -> None:
    writer = RemoteWrite(f"http://127.0.0.1:{free_port()}/write", first_wait_s=30.0)
    writer.offer([one_sample(0)])
    writer.offer([one_sample(1)])
    writer.close(timeout_s=0.1)

    assert not writer._thread.is_alive()
    assert writer.counts["dropped"] == 2


def test_an_address_that_is_no_url_is_refused() -> None:
    with pytest.raises(UsageError, match="expected a URL such as"):
        RemoteWrite("prometheus:9090")


def test_a_message_is_what_protobuf_would_write() -> None:
    message = (instance("w"), [{"at_ms": 300.0, "fds": 1.5}])
    name = b"\x0a\x1a" + b"\x0a\x08__name__" + b"\x12\x0eheapsleuth_fds"
    who = b"\x0a\x0d" + b"\x0a\x08instance" + b"\x12\x01w"
    release = b"\x0a\x0e" + b"\x0a\x07release" + b"\x12\x031.0"
    service = b"\x0a\x0f" + b"\x0a\x07service" + b"\x12\x04shop"
    sample = b"\x12\x0c" + b"\x09" + struct.pack("<d", 1.5) + b"\x10\xac\x02"
    series = name + who + release + service + sample

    assert write_request([message]) == b"\x0a" + bytes([len(series)]) + series
