"""The demo of watching: a collector, a service that leaks and one that does not, days in two minutes.

Time is taken for longer than it is (`--time-scale`): a leak of 1 MB in two seconds counts as one of about
1 MB an hour.  Everything else is real: the services, the agent in them, what it measures, the verdict, the
snapshots and the findings.  Needs Node.js 18 or later on the PATH (or NODE=/path/to/node).  Everything it
writes goes to demo-output/watch/.  It talks to 127.0.0.1 only and stops what it started.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any

from demo import DEADLINE_SECONDS, ROOT, find_node, stop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OUTPUT = ROOT / "demo-output" / "watch"
TIME_SCALE = 1800
"""A second counts as half an hour."""
LONGEST_SECONDS = 240
LOOK_SECONDS = 2
PERIOD_SECONDS = 0.1
VISITS_EACH_PERIOD = 20
SERVICES = {"quotes": "server.js", "quotes-fixed": "server.fixed.js"}
LEAKY, HEALTHY = SERVICES
# Every collection a major one: what takes hours in a service must happen within seconds here.
NODE_FLAGS = ["--gc-global"]
# The loop and the collector run in real time and would be judged as if each second were half an hour.
QUIET = ["--loop-delay", "60s", "--gc-pause", "60s"]


@dataclass
class Collector:
    """A running collector, and the tokens for it."""

    url: str
    agents: str
    viewer: str

    def ask(self, path: str) -> Any:
        """Return what the API answers."""
        connection = HTTPConnection(self.url.removeprefix("http://"), timeout=DEADLINE_SECONDS)
        try:
            connection.request("GET", path, headers={"authorization": f"Bearer {self.viewer}"})
            reply = connection.getresponse()
            body = reply.read()
            if reply.status != 200:  # noqa: PLR2004 - HTTP OK
                raise HTTPException(f"{path}: {reply.status} {body[:200]!r}")
            return json.loads(body)
        finally:
            connection.close()


@contextmanager
def running(command: list[str], environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen[str]]:
    """Yield a process whose standard output can be read, with its errors in a file; stops it at the end."""
    with log.open("w") as errors:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout:
                process.stdout.close()


def line_with(process: subprocess.Popen[str], text: str, log: Path) -> str:
    """Return the first line of a process's output that has `text` in it, or stop with what it said."""
    found: queue.Queue[str] = queue.Queue()

    def read() -> None:
        with suppress(ValueError):
            for line in process.stdout or ():
                if text in line:
                    found.put(line)

    threading.Thread(target=read, daemon=True).start()
    with suppress(queue.Empty):
        return found.get(timeout=DEADLINE_SECONDS)
    return stop(f"{log.stem} did not start; it said: {log.read_text()[-1000:] or 'nothing'}")


def heapsleuth(*arguments: str) -> list[str]:
    """Return a command line of our own command."""
    return [sys.executable, "-m", "heapsleuth", *arguments]


def new_token(role: str) -> str:
    """Return a new token for the collector that keeps its data in OUTPUT."""
    command = heapsleuth("serve", "--data", str(OUTPUT / "data"), "token", "add", "--role", role, "demo")
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[-1]


def start_collector(stack: ExitStack) -> Collector:
    """Start a collector that may take snapshots when it is sure of a leak."""
    command = heapsleuth(
        "serve", "--port", "0", "--data", str(OUTPUT / "data"), "--time-scale", str(TIME_SCALE),
        "--automatic-snapshots", *QUIET,
    )  # fmt: skip
    log = OUTPUT / "collector.log"
    process = stack.enter_context(running(command, dict(os.environ), log))
    url = line_with(process, "heapsleuth collector:", log).split()[-1]
    return Collector(url, new_token("agent"), new_token("viewer"))


def start_service(stack: ExitStack, node: str, name: str, collector: Collector) -> int:
    """Start a service with the agent in it; returns its port."""
    environment = {
        **os.environ,
        "NODE_OPTIONS": f'--require "{ROOT / "agents" / "node" / "register.cjs"}"',
        "HEAPSLEUTH_COLLECTOR": collector.url,
        "HEAPSLEUTH_TOKEN": collector.agents,
        "HEAPSLEUTH_SERVICE": name,
        "HEAPSLEUTH_RELEASE": "1.4.0",
        "HEAPSLEUTH_INTERVAL_MS": "200",
        "HEAPSLEUTH_SNAPSHOT_DIR": str(OUTPUT / "snapshots"),
    }
    program = ROOT / "examples" / "watch" / SERVICES[name]
    log = OUTPUT / f"{name}.log"
    process = stack.enter_context(running([node, *NODE_FLAGS, str(program)], environment, log))
    return int(line_with(process, "listening on", log).split()[-1])


def drive(port: int, ending: threading.Event) -> None:
    """Visit a service at an even pace until told to end; a visit that fails is left out."""
    connection = HTTPConnection("127.0.0.1", port, timeout=DEADLINE_SECONDS)
    due = time.monotonic()
    while not ending.is_set():
        try:
            for _ in range(VISITS_EACH_PERIOD):
                connection.request("GET", "/quote")
                connection.getresponse().read()
        except (HTTPException, OSError):
            connection.close()
        due = max(due + PERIOD_SECONDS, time.monotonic() - 1)
        ending.wait(due - time.monotonic())
    connection.close()


def state_of(collector: Collector, service: str) -> tuple[str, str]:
    """Return what is thought of a service's heap: the state, and the sentence."""
    for verdict in collector.ask(f"/v1/services/{service}/verdicts"):
        if verdict["kind"] == "heap-leak":
            return verdict["state"], verdict["title"]
    return "undecided", "too early to say"


def watch(collector: Collector, begun: float) -> dict[str, Any]:
    """Print what is thought of both services until the leak's incident has findings; returns it."""
    told: dict[str, str] = {}
    while time.monotonic() - begun < LONGEST_SECONDS:
        time.sleep(LOOK_SECONDS)
        elapsed = time.monotonic() - begun
        for service in SERVICES:
            with suppress(HTTPException):
                state, title = state_of(collector, service)
                if told.get(service) != state:
                    told[service] = state
                    print(f"  {elapsed:4.0f} s  {service:<13} {state:<9}  {title}", flush=True)
        for listed in collector.ask(f"/v1/incidents?service={LEAKY}"):
            if listed["kind"] != "heap-leak":
                continue
            incident: dict[str, Any] = collector.ask(f"/v1/incidents/{listed['id']}")
            for note in incident["notes"]:
                if note["text"] not in told:
                    told[note["text"]] = ""
                    print(f"  {elapsed:4.0f} s  {LEAKY:<13} {note['text']}", flush=True)
            if incident["report"]:
                return incident
    return stop(f"no findings after {LONGEST_SECONDS} s; the logs are in {OUTPUT}")


def tell(collector: Collector, incident: dict[str, Any], elapsed: float) -> int:
    """Print the findings; returns the exit code: 0 when exactly what leaks was named."""
    for finding in incident["report"]["findings"]:
        place = finding["holder"]["location"] or {"file": "?", "line": 0}
        print(f"\n  {finding['verdict'].upper()}  {finding['title']}")
        print(f"        held at {place['file']}:{place['line']}, confidence {finding['confidence']:.2f}")
        print(f"        {finding['members']['bytes_per_work'] or 0:,.0f} bytes per request")
    innocent, title = state_of(collector, HEALTHY)
    print(f"\n  {HEALTHY}: {innocent}; {title}")
    print(f"\ndemo: from start to file and line in {elapsed:.0f} s")
    named = any("quotesByBasket" in each["title"] for each in incident["report"]["findings"])
    return 0 if named and innocent != "alarm" else 1


def main() -> int:
    """Run the demo; with a terminal, keep the dashboard open until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--once", action="store_true", help="end when the findings are there")
    once = parser.parse_args().once or not sys.stdout.isatty()
    node = find_node()
    shutil.rmtree(OUTPUT, ignore_errors=True)
    (OUTPUT / "snapshots").mkdir(parents=True)
    ending = threading.Event()
    begun = time.monotonic()
    with ExitStack() as stack:
        collector = start_collector(stack)
        stack.callback(ending.set)
        for name in SERVICES:
            port = start_service(stack, node, name, collector)
            threading.Thread(target=drive, args=(port, ending), daemon=True).start()
        print(f"demo: {LEAKY} leaks, {HEALTHY} does not; a second counts as {TIME_SCALE / 60:.0f} minutes")
        print(f"demo: dashboard {collector.url}  (log in with {collector.viewer})")
        incident = watch(collector, begun)
        code = tell(collector, incident, time.monotonic() - begun)
        print(f"demo: the incident: {collector.url}/incidents/{incident['id']}")
        if not once:
            print("demo: Ctrl-C ends it")
            with suppress(KeyboardInterrupt):
                signal.pause()
        ending.set()
    return code


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        sys.exit(main())
