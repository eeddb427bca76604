"""Measures what the Node agent costs a server: CPU time per request and resident memory.

Pairs of fresh server processes, one with the agent and one without, in alternating order, each warmed up
and then given the same number of requests; the server's own `process.cpuUsage` is read before and after.
A third of each kind of pair is a control, the same server twice, which shows what is noise.

    python benchmarks/agent_overhead.py --pairs 9 NODE [NODE …]

writes `benchmarks/agent.md`. The agent reports to a collector each second, 30 times as often as by default.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from heapsleuth.capture.collector import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
AGENT = HERE.parent / "agents" / "node" / "register.cjs"

CONNECTIONS = 8
WARM_UP = {"hello": 15_000, "api": 8_000}
REQUESTS = {"hello": 40_000, "api": 15_000}
MB = 1e6


@dataclass(frozen=True)
class Cost:
    """Of one server process: CPU time per request in microseconds, and memory after the load."""

    us_per_request: float
    rss_bytes: int


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("nodes", nargs="*", default=["node"])
    options = parser.parse_args()
    rows = []
    for node in options.nodes:
        for kind in ("hello", "api"):
            rows += measure(node, kind, options.pairs)
    table = "\n".join(rows)
    print(table)
    (HERE / "agent.md").write_text(PAGE.format(pairs=options.pairs, table=table), encoding="utf-8")


def measure(node: str, kind: str, pairs: int) -> list[str]:
    """Return the rows of the table for one version of Node and one kind of server."""
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    with Collector(interval_ms=1000) as collector:
        agent = {
            "HEAPSLEUTH_COLLECTOR": collector.url,
            "HEAPSLEUTH_TOKEN": collector.token,
            "HEAPSLEUTH_INTERVAL_MS": "1000",
            "NODE_OPTIONS": f'--require "{AGENT}"',
        }
        with_agent = compare(node, kind, pairs, agent)
        if not collector.instances():
            raise SystemExit("the agent did not report: nothing was measured")
    control = compare(node, kind, max(3, pairs // 3), {})
    return [row(version, kind, "agent", with_agent), row(version, kind, "control", control)]


def compare(node: str, kind: str, pairs: int, env: dict[str, str]) -> list[tuple[Cost, Cost]]:
    """Return pairs of (without, with)."""
    found = []
    for number in range(pairs):
        first_env, second_env = ({}, env) if number % 2 == 0 else (env, {})
        first, second = serve(node, kind, first_env), serve(node, kind, second_env)
        found.append((first, second) if number % 2 == 0 else (second, first))
    return found


def serve(node: str, kind: str, env: dict[str, str]) -> Cost:
    """Run one server process under load."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("HEAPSLEUTH_", "NODE_"))}
    server = [node, str(HERE / "agent" / "server.cjs"), kind]
    with running(server, {**clean, **env}) as process:
        port = read_line(process)
        load(node, port, WARM_UP[kind], clean)
        before = usage(process)
        load(node, port, REQUESTS[kind], clean)
        after = usage(process)
    return Cost((after["cpu_us"] - before["cpu_us"]) / REQUESTS[kind], after["rss_bytes"])


@contextlib.contextmanager
def running(command: list[str], env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """Start a process with pipes, and end it afterwards."""
    process = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def read_line(process: subprocess.Popen[str]) -> str:
    """Return the next line that the process prints."""
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    if not line:
        raise SystemExit("the server ended")
    return line


def usage(process: subprocess.Popen[str]) -> dict[str, int]:
    """Ask the server for its CPU time and memory."""
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
    numbers: dict[str, int] = json.loads(read_line(process))
    return numbers


def load(node: str, port: str, requests: int, env: dict[str, str]) -> None:
    """Send the requests; raises if one fails."""
    command = [node, str(HERE / "agent" / "load.cjs"), port, str(requests), str(CONNECTIONS)]
    subprocess.run(command, env=env, check=True, timeout=120)


def row(version: str, kind: str, what: str, pairs: list[tuple[Cost, Cost]]) -> str:
    """Return a line of the table."""
    base = statistics.median(one.us_per_request for one, _ in pairs)
    extra = sorted(two.us_per_request - one.us_per_request for one, two in pairs)
    ratio = statistics.median(two.us_per_request / one.us_per_request for one, two in pairs)
    rss = statistics.median(two.rss_bytes - one.rss_bytes for one, two in pairs)
    quarter = len(extra) // 4
    return (
        f"| {version} | {kind} | {what} | {len(pairs)} | {base:.1f} | {statistics.median(extra):+.2f} "
        f"| {extra[quarter]:+.2f} … {extra[-1 - quarter]:+.2f} | {ratio:.3f} | {rss / MB:+.1f} |"
    )


PAGE = """# What the Node agent costs

Written by `benchmarks/agent_overhead.py`: {pairs} alternating pairs of fresh server processes with and without the agent,
`process.cpuUsage` over the same number of requests after a warm-up. `control` is the same server twice, without the agent: its distance
from +0.00 and 1.000 is noise. `hello` answers at once; `api` builds and serialises a page of items.
The agent reports each second here, 30 times as often as by default.

| Node | server | compared | pairs | µs CPU per request without | difference, median | middle half | ratio | RSS, MB |
|---|---|---|---|---|---|---|---|---|
{table}

Targets: at most 1 µs of CPU per request, a ratio of at most 1.03 on `api`, at most 5 MB of RSS.
"""


if __name__ == "__main__":
    main()
