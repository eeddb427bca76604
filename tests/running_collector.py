"""A whole collector on a port of its own, and an agent that says and does what a test tells it."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx
import uvicorn

from heapsleuth.server.app import create_app
from heapsleuth.server.assembly import assemble
from heapsleuth.server.tokens import make_token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from heapsleuth.server.config import ServerConfig
    from heapsleuth.server.context import Context
    from heapsleuth.store.model import Role

LONG_S = 90.0
"""How long a test waits for what takes a second on a machine that is not busy."""

T = TypeVar("T")


def wait_for(condition: Callable[[], T | None], what: str, timeout_s: float = LONG_S) -> T:
    """Return the first result that is neither None nor empty nor False."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {timeout_s:g} s for {what}")


@dataclass(frozen=True)
class Running:
    """A collector that runs."""

    url: str
    context: Context
    tokens: Mapping[Role, str]

    def notes(self, incident_id: str) -> list[str]:
        """Return the texts noted on an incident."""
        incident = self.context.store.incident(incident_id)
        return [str(note["text"]) for note in incident.notes] if incident else []

    def client(self, role: Role) -> httpx.Client:
        """Return a client with a token of that role."""
        headers = {"Authorization": f"Bearer {self.tokens[role]}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=LONG_S)


@contextmanager
def running_collector(config: ServerConfig) -> Iterator[Running]:
    """Run a collector until the block ends."""
    config.data.mkdir(parents=True, exist_ok=True)
    assembly = assemble(config)
    context = assembly.context
    tokens: dict[Role, str] = {}
    roles: tuple[Role, ...] = ("agent", "viewer", "operator", "admin")
    for role in roles:
        tokens[role], token = make_token(role, f"{role} of the tests", context.clock())
        context.store.put_token(token)
    app = create_app(context, assembly.tasks)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            wait_for(lambda: server.started or not thread.is_alive(), "the collector")
            yield Running(url, context, tokens)
        finally:
            app.closing()
            server.should_exit = True
            thread.join(LONG_S)
            assembly.close()


@dataclass
class ScriptedAgent:
    """
    Speaks the protocol as `agents/node` does, from a thread.

    Attributes:
        snapshots: Files that it sends when it is asked for snapshots, one after the other.
        refuses: Code and text of the refusal of every snapshot; None: it takes them.
        profile: What it sends as a sampling profile.
        asked: Types of the commands it was given.
        requests_per_s: How many requests its process serves; None: 100 between two snapshots, as in those of
            the cases of leaks.
    """

    collector: Running
    instance: str
    service: str = "shop"
    release: str = "1.0"
    host: str = "web-1"
    snapshots: Sequence[str] = ()
    refuses: tuple[str, str] | None = None
    profile: bytes = b""
    requests_per_s: float | None = None
    row: Mapping[str, float] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._client = self.collector.client("agent")
        self._sequence = 0
        self._sent = 0
        self._began_s = time.time()
        self._stopping = threading.Event()
        self._report([])
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(LONG_S)
        self._client.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            with contextlib.suppress(httpx.TransportError):
                for command in self._report([]):
                    self.asked.append(command["type"])
                    answer = self._answer(command)
                    body = {
                        "at_ms": time.time() * 1000,
                        "type": "command-result",
                        "id": command["id"],
                        **answer,
                    }
                    self._report([body])
            self._stopping.wait(0.1)

    def _report(self, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        now_s = time.time()
        self._sequence += 1
        rate = self.requests_per_s
        requests = 100 * (self._sent + 1) if rate is None else rate * (now_s - self._began_s)
        body = {
            "protocol": 1,
            "service": self.service,
            "release": self.release,
            "host": self.host,
            "role": "main",
            "started_ms": self._began_s * 1000,
            "sequence": self._sequence,
            "counters": {},
            "samples": [{"at_ms": now_s * 1000, "requests_total": float(int(requests)), **self.row}],
            "events": events,
        }
        answer = self._client.post(f"/v1/agents/{self.instance}/samples", json=body).raise_for_status()
        commands: list[dict[str, Any]] = answer.json()["commands"]
        return commands

    def _answer(self, command: Mapping[str, Any]) -> dict[str, Any]:
        if command["type"] == "profile.start":
            return {"ok": True, "sampling_bytes": 524288}
        if command["type"] == "profile.stop":
            self._send(command["upload"], self.profile, "profile")
            return {"ok": True, "bytes": len(self.profile)}
        if self.refuses:
            code, text = self.refuses
            return {
                "ok": False,
                "error": {"code": code, "text": text, "figures": {"free_memory_bytes": 1000}},
            }
        content = Path(self.snapshots[self._sent]).read_bytes()
        self._sent += 1
        self._send(command["upload"], content, "snapshot")
        return {"ok": True, "kind": "snapshot", "bytes": len(content), "pause_ms": 231}

    def _send(self, upload: str, content: bytes, kind: str) -> None:
        self._client.put(
            f"/v1/agents/{self.instance}/snapshots/{upload}",
            params={"kind": kind},
            content=gzip.compress(content),
            headers={"Content-Encoding": "gzip"},
        ).raise_for_status()
