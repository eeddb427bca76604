"""Measures what the Node agent costs a server: CPU time per request and resident memory.

Pairs of fresh server processes, one with the agent and one without, run side by side, are warmed up, and
then given blocks of requests in turn; the server's own `process.cpuUsage` is read before and after each.
So a busy machine slows both alike. A pair's difference is the median of those
of adjacent blocks. A third as
many pairs are controls, without the agent on either side, which show what is noise.

    python benchmarks/agent_overhead.py --pairs 9 NODE [NODE …]

writes `benchmarks/agent.md`. The agent reports to a collector and has its defaults.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from heapsleuth.capture.collector import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
AGENT = HERE.parent / "agents" / "node" / "register.cjs"

WARM_UP = {"hello": 15_000, "api": 6_000}
BLOCK = {"hello": 1_500, "api": 600}
BLOCKS = 20
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
    parts = samplers(options.nodes)
    print(table, parts, sep="\n\n")
    page = PAGE.format(pairs=options.pairs, table=table, samplers=parts)
    (HERE / "agent.md").write_text(page, encoding="utf-8")


def measure(node: str, kind: str, pairs: int) -> list[str]:
    """Return the rows of the table for one version of Node and one kind of server."""
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    with Collector() as collector:
        agent = {
            "HEAPSLEUTH_COLLECTOR": collector.url,
            "HEAPSLEUTH_TOKEN": collector.token,
            "NODE_OPTIONS": f'--require "{AGENT}"',
        }
        with_agent = compare(node, kind, pairs, agent)
        if not collector.instances():
            raise SystemExit("the agent did not report: nothing was measured")
    control = compare(node, kind, max(3, pairs // 3), {})
    return [row(version, kind, "agent", with_agent), row(version, kind, "control", control)]


def samplers(nodes: list[str]) -> str:
    """Return a table of what each part of the agent costs, with a column per version of Node."""
    columns = {}
    for node in nodes:
        version = subprocess.run(
            [node, "--version"], capture_output=True, text=True, check=True
        ).stdout.strip()
        done = subprocess.run(
            [node, str(HERE / "agent" / "samplers.cjs")], capture_output=True, text=True, check=True
        )
        columns[version] = dict(json.loads(done.stdout))
    first = next(iter(columns.values()))
    head = ["what", *columns]
    lines = [head, ["---"] * len(head)]
    lines += [[name, *(f"{column[name]:.2f}" for column in columns.values())] for name in first]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def compare(node: str, kind: str, pairs: int, env: dict[str, str]) -> list[tuple[Cost, Cost]]:
    """Return pairs of (without, with)."""
    return [pair(node, kind, env, first=number % 2) for number in range(pairs)]


def pair(node: str, kind: str, env: dict[str, str], first: int) -> tuple[Cost, Cost]:
    """Run a server without and one with the agent; *first* is the one that begins."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("HEAPSLEUTH_", "NODE_"))}
    server = [node, str(HERE / "agent" / "server.cjs"), kind]
    used: tuple[list[float], list[float]] = ([], [])
    with running(server, clean) as without, running(server, {**clean, **env}) as with_agent:
        servers = (without, with_agent)
        client = [node, str(HERE / "agent" / "load.cjs"), *(read_line(one) for one in servers)]
        with running(client, clean) as load:
            time.sleep(0.5)  # its connections
            for index in (first, 1 - first):
                ask(load, f"{index} {WARM_UP[kind]}")
            for _ in range(BLOCKS):
                for index in (first, 1 - first):
                    before = usage(servers[index])["cpu_us"]
                    ask(load, f"{index} {BLOCK[kind]}")
                    used[index].append((usage(servers[index])["cpu_us"] - before) / BLOCK[kind])
        rss = [usage(one)["rss_bytes"] for one in servers]
    base = statistics.median(used[0])
    # Of blocks that followed each other: what else the machine does changes from second to second.
    more = statistics.median(two - one for one, two in zip(*used, strict=True))
    return Cost(base, rss[0]), Cost(base + more, rss[1])


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
    line = process.stdout.readline().strip() if process.stdout else ""
    if not line:
        raise SystemExit("a process of the benchmark ended")
    return line


def ask(process: subprocess.Popen[str], line: str) -> str:
    """Write a line to the process and return its answer."""
    if process.stdin:
        process.stdin.write(f"{line}\n")
        process.stdin.flush()
    return read_line(process)


def usage(process: subprocess.Popen[str]) -> dict[str, int]:
    """Return a server's CPU time and memory so far."""
    numbers: dict[str, int] = json.loads(ask(process, "usage"))
    return numbers


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

Written by `benchmarks/agent_overhead.py`: {pairs} pairs of fresh server processes with and without the agent,
side by side, loaded in turn; CPU time by `process.cpuUsage` after a warm-up. `control` is the same server
twice, without the agent: its distance from +0.00 and 1.000 is noise. `hello` answers at once; `api` builds
and serialises a page of items. The agent reports to a collector and has its defaults.

| Node | server | compared | pairs | µs per request | more, median | middle half | ratio | more RSS, MB |
|---|---|---|---|---|---|---|---|---|
{table}

Targets: at most 1 µs of CPU per request, a ratio of at most 1.03 on `api`, at most 5 MB of RSS.

## What each part costs

Written by `benchmarks/agent/samplers.cjs`: microseconds of CPU time of one, median of 9 rounds. A sampler is
read once per sample (every 30 s); of those that keep what they read for a while, the dear reading is shown.

{samplers}
"""


if __name__ == "__main__":
    main()
