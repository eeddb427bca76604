"""A collector as people run it: `heapsleuth serve` in a process of its own, on any free port."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

GOLDEN = Path(__file__).parents[2] / "agents" / "protocol"
START_S = 60
"""Generous: other tests run at the same time."""


@dataclass
class Running:
    """A collector that runs; `first` is the token it printed, if it did."""

    process: subprocess.Popen[str]
    folder: Path
    url: str
    client: httpx.Client
    first: str = ""
    tokens: dict[str, str] = field(default_factory=dict)

    def token(self, role: str) -> str:
        """Return a token of a role, made on the command line."""
        if role not in self.tokens:
            self.tokens[role] = add_token(self.folder, role)
            self.wait_for_token(self.tokens[role])
        return self.tokens[role]

    def wait_for_token(self, secret: str, status: int = 401) -> None:
        """Wait until the collector has noticed a token, or with 200, its end."""
        deadline = time.monotonic() + START_S
        while self.request("POST", "/v1/tokens", token=secret).status_code == status:
            assert time.monotonic() < deadline, "the token was never noticed"
            time.sleep(0.05)

    def request(
        self, method: str, path: str, *, role: str = "", token: str = "", **more: Any
    ) -> httpx.Response:
        """Send a request, as somebody of a role or with a token."""
        secret = token or (self.token(role) if role else "")
        headers = {**more.pop("headers", {}), **({"Authorization": f"Bearer {secret}"} if secret else {})}
        reply = self.client.request(method, self.url + path, headers=headers, timeout=START_S, **more)
        # A session belongs to who was given it, and not to all that follows.
        self.client.cookies.clear()
        return reply

    def get(self, path: str, role: str = "admin") -> Any:
        """Return the JSON that somebody of a role is answered."""
        response = self.request("GET", path, role=role)
        assert response.status_code == 200, response.text
        return response.json()

    def send(self, instance: str, message: dict[str, Any]) -> httpx.Response:
        """Send a message as an agent."""
        return self.request("POST", f"/v1/agents/{instance}/samples", role="agent", json=message)

    def kill(self) -> None:
        """End it as the system would, without a word."""
        self.process.kill()
        self.process.wait(START_S)


def serve_command(folder: Path, *options: str) -> list[str]:
    """Return the command line of a collector."""
    return [sys.executable, "-m", "heapsleuth", "serve", "--data", str(folder / "data"), *options]


def add_token(folder: Path, role: str, *options: str, name: str = "") -> str:
    """Return a new token, as the command line prints it."""
    command = serve_command(folder, "token", "add", name or f"{role} of tests", "--role", role, *options)
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, timeout=START_S)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@contextmanager
def collector_process(folder: Path, *options: str, verify: Any = True) -> Iterator[Running]:
    """Run a collector until the block ends; it must end well when told to, unless it was killed."""
    with (folder / "log.txt").open("a") as log:
        process = subprocess.Popen(
            serve_command(folder, "--port", "0", *options),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=folder,
        )
    try:
        assert process.stdout is not None
        first = ""
        url = process.stdout.readline().partition(": ")[2].strip()
        assert url.startswith("http"), (folder / "log.txt").read_text()
        for line in process.stdout:
            if "log in once" in line:
                first = line.rpartition(" ")[2].strip()
            if "a token for agents" in line:
                break
        with httpx.Client(verify=verify) as client:
            yield Running(process, folder, url, client, first)
        if process.poll() is None:
            process.terminate()
            assert process.wait(START_S) == 0
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def message(
    *,
    sequence: int = 1,
    samples: list[dict[str, Any]] | None = None,
    events: list[dict[str, Any]] | None = None,
    **fields: Any,
) -> dict[str, Any]:
    """Return a message like the golden one."""
    golden: dict[str, Any] = json.loads((GOLDEN / "samples-request.json").read_text())
    sample = golden["samples"][0] | {"at_ms": round(time.time() * 1000)}
    golden["samples"] = [sample] if samples is None else samples
    golden["events"] = events or []
    return golden | {"sequence": sequence} | fields
