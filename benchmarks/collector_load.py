"""Simulated agents for `collector.py`: as cheap as can be, in a process of its own.

Each agent has a connection for samples and, some of them, one that waits for commands, as the real agent has.
Prints one JSON object with counts and latencies.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import json
import random
import time
from typing import Any

import uvloop

ROUTES = ("", "GET /", "GET /orders/:id", "POST /orders", "other")
METRIC_NAMES = """
heap_used_bytes heap_total_bytes heap_limit_bytes external_bytes array_buffers_bytes malloced_bytes
heap_space_new_used_bytes heap_space_old_used_bytes heap_space_large_object_used_bytes rss_bytes
cpu_user_ms cpu_system_ms floor_bytes gc_pause_ms_max gc_pause_ms_total gc_count gc_major_count
loop_delay_p50_ms loop_delay_p99_ms loop_delay_max_ms loop_utilization handles requests_total
request_ms_p50 request_ms_p99 agent_cpu_ms agent_bytes uptime_ms native_contexts detached_contexts
gc_minor_count gc_minor_ms_total gc_major_ms_total floor_external_bytes loop_delay_mean_ms
loop_stalls_total loop_stalled_ms_total timers listeners requests_2xx_total requests_5xx_total
rss_anon_bytes rss_file_bytes container_limit_bytes container_working_set_bytes fds
"""
VARIANTS = 64
WAIT_S = 25


@functools.cache
def body(variant: int, sequence: int) -> bytes:
    """Return a sample without its time: the numbers of a process that serves requests and does not change."""
    source = random.Random(f"{variant} {sequence}")  # noqa: S311 - no secret
    sample: dict[str, Any] = {name: value(name, sequence, source) for name in METRIC_NAMES.split()}
    sample["http"] = [
        {
            "route": route,
            "count": 300,
            "statuses": {"2xx": 297, "5xx": 3},
            "buckets": [[bucket, source.randrange(1, 40)] for bucket in range(200, 220)],
        }
        for route in ROUTES
    ]
    return json.dumps(sample, separators=(",", ":"))[1:].encode()


def value(name: str, sequence: int, source: random.Random) -> float:
    """Return what a process reports in its message of that number."""
    if name.endswith(("total", "count", "uptime_ms", "cpu_ms", "user_ms", "system_ms")) or "_total" in name:
        return 300.0 * sequence + source.randrange(10)
    if "limit" in name:
        return 4e9
    typical = 1e8 if name.endswith("bytes") else 0.3 if name.endswith("utilization") else 20.0
    return round(typical * source.uniform(0.97, 1.03), 3)


class Agent(asyncio.Protocol):
    """One agent's connection for samples."""

    def __init__(self, number: int, run: Run) -> None:
        self.number = number
        self.run = run
        self.sequence = 0
        self.sent_s = 0.0
        self.transport: asyncio.Transport | None = None
        self.rest = b""
        self.head = (
            f'{{"protocol":1,"service":"service-{number % 100}","release":"1.{number % 3}",'
            f'"host":"h{number}",'
            f'"pid":{number + 1},"ppid":1,"thread":0,"role":"main","node":"20.20.2","agent":"0.1.0",'
            f'"started_ms":{int(run.began_ms)},"counters":{{"errors":0,"dropped":0}},"sequence":'
        ).encode()
        self.line = (
            f"POST /v1/agents/agent-{number}/samples HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {run.token}\r\nContent-Type: application/json\r\n"
            "Accept: application/json\r\nContent-Length: "
        ).encode()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it."""
        self.transport = transport  # type: ignore[assignment]

    def send(self) -> None:
        """Send the next message."""
        if self.transport is None or self.transport.is_closing() or self.sent_s:
            self.run.late += 1
            return
        self.sequence += 1
        sample = body(self.number % VARIANTS, self.sequence)
        message = b'%b%d,"samples":[{"at_ms":%d,%b],"events":[]}' % (
            self.head,
            self.sequence,
            int(time.time() * 1000),
            sample,
        )
        self.sent_s = time.perf_counter()
        self.transport.write(b"%b%d\r\n\r\n%b" % (self.line, len(message), message))

    def data_received(self, data: bytes) -> None:
        """Take an answer; all are short, with the same few headers."""
        data = self.rest + data
        head, found, body = data.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0) if found else 1
        if not found or len(body) < length:
            self.rest = data
            return
        self.rest = b""
        took_s = time.perf_counter() - self.sent_s
        self.sent_s = 0.0
        self.run.answered(self, int(head[9:12]), took_s)

    def connection_lost(self, _error: Exception | None) -> None:
        """Count it."""
        self.run.lost += 1


class Poll(asyncio.Protocol):
    """One agent's connection for commands: asks, waits, asks again."""

    def __init__(self, number: int, run: Run) -> None:
        self.request = (
            f"GET /v1/agents/agent-{number}/commands?wait={WAIT_S} HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {run.token}\r\n\r\n"
        ).encode()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask, at a moment of its own: agents do not begin all at once."""
        self.transport = transport  # type: ignore[assignment]
        asyncio.get_running_loop().call_later(random.uniform(0, WAIT_S), transport.write, self.request)  # type: ignore[attr-defined]  # noqa: S311

    def data_received(self, data: bytes) -> None:
        """Ask again; head and body of an answer may come apart."""
        if data.endswith(b"}") and self.transport is not None:
            self.transport.write(self.request)


class Run:
    """Everything the connections share."""

    def __init__(self, token: str, *, closed: bool) -> None:
        self.token = token
        self.closed = closed
        self.began_ms = time.time() * 1000
        self.statuses: dict[int, int] = {}
        self.took_s: list[float] = []
        self.late = 0
        self.lost = 0
        self.measuring = False

    def answered(self, agent: Agent, status: int, took_s: float) -> None:
        """Count an answer."""
        if self.measuring:
            self.statuses[status] = self.statuses.get(status, 0) + 1
            self.took_s.append(took_s)
        if self.closed:
            agent.send()


async def connect(run: Run, options: argparse.Namespace) -> list[Agent]:
    """Open all connections, some hundred at a time."""
    loop = asyncio.get_running_loop()
    agents = []
    for first in range(0, options.agents, 200):
        made = await asyncio.gather(
            *(
                loop.create_connection(lambda number=number: Agent(number, run), "127.0.0.1", options.port)  # type: ignore[misc]
                for number in range(first, min(first + 200, options.agents))
            )
        )
        agents += [protocol for _, protocol in made]
    for first in range(0, options.polls, 200):
        await asyncio.gather(
            *(
                loop.create_connection(lambda number=number: Poll(number, run), "127.0.0.1", options.port)  # type: ignore[misc]
                for number in range(first, min(first + 200, options.polls))
            )
        )
    return agents


async def drive(options: argparse.Namespace) -> dict[str, Any]:
    """Connect, warm up, measure."""
    run = Run(options.token, closed=options.rate == 0)
    agents = await connect(run, options)
    print(json.dumps({"connected": len(agents)}), flush=True)
    loop = asyncio.get_running_loop()
    if run.closed:
        for agent in agents:
            agent.send()
    began_s = loop.time()
    sent = 0
    while (elapsed_s := loop.time() - began_s) < options.warm + options.seconds:
        if elapsed_s >= options.warm and not run.measuring:
            run.measuring = True
            print(json.dumps({"measuring": True}), flush=True)
        if not run.closed:
            due = int(elapsed_s * options.rate)
            while sent < due:
                agents[sent % len(agents)].send()
                sent += 1
        await asyncio.sleep(0.002)
    run.measuring = False
    took = sorted(run.took_s)
    return {
        "answered": len(took),
        "statuses": run.statuses,
        "per_s": len(took) / options.seconds,
        "p50_ms": took[len(took) // 2] * 1000 if took else None,
        "p99_ms": took[int(len(took) * 0.99)] * 1000 if took else None,
        "max_ms": took[-1] * 1000 if took else None,
        "late": run.late,
        "lost": run.lost,
    }


def main() -> None:
    """Read options, drive, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--agents", type=int, default=10_000)
    parser.add_argument("--polls", type=int, default=0)
    parser.add_argument("--rate", type=float, default=1000, help="messages a second; 0: as fast as answered")
    parser.add_argument("--warm", type=float, default=5)
    parser.add_argument("--seconds", type=float, default=20)
    print(json.dumps(uvloop.run(drive(parser.parse_args()))), flush=True)


if __name__ == "__main__":
    main()
