"""
How fast the collector's store takes samples, and how fast it answers a dashboard.

    python benchmarks/store.py append [--seconds 20] [--url URL]
    python benchmarks/store.py charts [--days 7] [--instances 500] [--url URL]

Times are CPU of this process (for PostgreSQL, not that of the server); answers are wall-clock times too.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.store.model import Batch, HttpBucket, Instance
from heapsleuth.store.opening import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from heapsleuth.store.model import Row
    from heapsleuth.store.sql_store import SqlStore

NOW = 1_767_225_600_000.0
SLOT_MS = 600_000
INTERVAL_MS = 10_000.0
DAY_MS = 86_400_000

GAUGES = (
    *("heap_used_bytes", "heap_total_bytes", "external_bytes", "array_buffers_bytes", "malloced_bytes"),
    *("rss_bytes", "rss_anon_bytes", "rss_file_bytes", "heap_space_new_used_bytes", "agent_bytes"),
    *("heap_space_old_used_bytes", "heap_space_large_object_used_bytes", "handles", "timers", "fds"),
    *("loop_delay_p50_ms", "loop_delay_p99_ms", "loop_delay_mean_ms", "loop_utilization", "listeners"),
    *("request_ms_p50", "request_ms_p99", "container_used_bytes", "container_working_set_bytes"),
    *("container_anon_bytes", "container_file_bytes", "native_contexts", "detached_contexts"),
    "requests_open",
)
LONGEST = ("gc_pause_ms_max", "loop_delay_max_ms")
LIMITS = ("heap_limit_bytes", "container_limit_bytes")
TOTALS = (
    *("gc_count", "gc_major_count", "gc_pause_ms_total", "requests_total", "requests_5xx_total"),
    *("cpu_user_ms", "cpu_system_ms", "loop_stalls_total", "loop_stalled_ms_total", "agent_cpu_ms"),
    "container_oom_kill_total",
)
CHARTS = (
    *("floor_bytes", "rss_bytes", "heap_used_bytes", "gc_pause_ms_total"),
    *("loop_delay_p99_ms", "requests_total", "external_bytes", "container_working_set_bytes"),
)
ROUTES = ("", "GET /", "GET /users/:id", "POST /orders", "GET /orders/:id", "other")


def cpu_s() -> float:
    """Return the CPU time of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Fleet:
    """Makes messages of simulated agents."""

    def __init__(self, count: int, services: int, lives_ms: float, start: float) -> None:
        self._random = np.random.default_rng(7)
        self._base = self._random.uniform(1e6, 4e8, (count, len(GAUGES)))
        self.count, self.services, self.lives_ms, self.start = count, services, lives_ms, start
        self._sequences: dict[str, int] = {}
        self._http = [self._latencies() for _ in range(50)]

    def _latencies(self) -> tuple[tuple[str, int, dict[str, int], dict[int, int]], ...]:
        found = []
        for route in ROUTES:
            requests = 20 if route else 100
            values = np.clip(self._random.normal(210, 14, requests), 0, 500).astype(int)
            buckets = {
                int(bucket): int(n) for bucket, n in zip(*np.unique(values, return_counts=True), strict=True)
            }
            found.append((route, requests, {"2xx": requests - 1, "4xx": 1}, buckets))
        return tuple(found)

    def instance(self, number: int, at_ms: float) -> Instance:
        """Return an instance as it is known at a time; it starts anew from time to time."""
        life = int((at_ms - self.start) // self.lives_ms)
        return Instance(
            f"web-{number}-{life}",
            f"service-{number % self.services}",
            f"1.{life}",
            host=f"host-{number}",
            pid=number + 1,
            node="20.20.2",
            started_ms=self.start + life * self.lives_ms,
        )

    def row(self, number: int, at_ms: float) -> Row:
        """Return one sample of some 45 metrics."""
        noise = self._random.uniform(0.9, 1.1, len(GAUGES))
        age = (at_ms - self.start) % self.lives_ms
        row: Row = {"at_ms": at_ms, "uptime_ms": age}
        row.update(zip(GAUGES, np.round(self._base[number] * noise).tolist(), strict=True))
        row.update(dict.fromkeys(LONGEST, round(20 * noise[0], 3)))
        row.update(dict.fromkeys(LIMITS, 4_345_298_944.0))
        row.update(dict.fromkeys(TOTALS, float(age // 10)))
        row["floor_bytes"] = 5e7 + age * 2e-3 + 1e5 * noise[1]
        return row

    def message(self, number: int, times: list[float]) -> Batch:
        """Return one message with samples of these times."""
        who = self.instance(number, times[-1])
        sequence = self._sequences[who.name] = self._sequences.get(who.name, 0) + 1
        http = tuple(
            HttpBucket(times[-1], route, count, statuses, buckets)
            for route, count, statuses, buckets in self._http[number % len(self._http)]
        )
        return Batch(who, sequence, times[-1] + 100, tuple(self.row(number, at) for at in times), (), http)


def append(store: SqlStore, seconds: float, agents: int, group: int) -> None:
    """Take one sample from each agent, over and over, and count; with the roll-ups this makes."""
    fleet = Fleet(agents, 20, DAY_MS, NOW)
    rounds = [
        [fleet.message(number, [NOW + turn * INTERVAL_MS]) for number in range(agents)] for turn in range(3)
    ]
    store.append(rounds[0])
    taken, slowest, spent, turn = 0, [], 0.0, 0
    begin_wall = time.perf_counter()
    while time.perf_counter() - begin_wall < seconds:
        turn += 1
        source = rounds[turn % 3]
        shift = (turn - turn % 3) * INTERVAL_MS
        messages = [_later(message, shift, turn + 1) for message in source]
        before = cpu_s()
        for at in range(0, agents, group):
            begin = time.perf_counter()
            store.append(messages[at : at + group])
            slowest.append(time.perf_counter() - begin)
        taken += agents
        spent += cpu_s() - before
    before = cpu_s()
    store.maintain(NOW + turn * INTERVAL_MS + 10 * SLOT_MS)
    rolled = cpu_s() - before
    slowest.sort()
    print(f"append: {taken:,} samples of {len(rounds[0][0].samples[0])} metrics, {group} messages a time")
    print(f"  {taken / spent:,.0f} samples per CPU second; {spent / taken * 1e6:.0f} µs of CPU each")
    print(
        f"  transaction: median {slowest[len(slowest) // 2] * 1e3:.1f} ms, "
        f"p99 {slowest[int(len(slowest) * 0.99)] * 1e3:.1f} ms, longest {slowest[-1] * 1e3:.1f} ms"
    )
    print(f"  rolling them up: {rolled / taken * 1e6:.0f} µs of CPU each ({rolled:.1f} s)")
    print(f"  at 5,000 samples/s both take {5_000 * (spent + rolled) / taken:.2f} of a core")


def _later(message: Batch, shift: float, sequence: int) -> Batch:
    rows = tuple({**row, "at_ms": row["at_ms"] + shift} for row in message.samples)
    http = tuple(
        HttpBucket(one.at_ms + shift, one.route, one.count, one.statuses, one.buckets) for one in message.http
    )
    return Batch(message.instance, sequence, message.received_ms + shift, rows, (), http)


def fill(store: SqlStore, instances: int, days: float) -> float:
    """Fill the store with days of one service; returns the end."""
    fleet = Fleet(instances, 1, 2 * DAY_MS, NOW)
    at, end = NOW, NOW + days * DAY_MS
    while at < end:
        times = [at + SLOT_MS / 4, at + SLOT_MS * 3 / 4]
        store.append([fleet.message(number, times) for number in range(instances)])
        at += SLOT_MS
        if int(at - NOW) % (6 * SLOT_MS) == 0:
            store.maintain(at)
    # What the last minutes leave that is not rolled up yet: a sample every 30 s.
    tail = [at + 30_000.0 * turn for turn in range(20)]
    for turn in tail:
        store.append([fleet.message(number, [turn]) for number in range(instances)])
    store.maintain(tail[-1])
    return tail[-1]


def charts(store: SqlStore, now: float, days: float) -> None:
    """Ask what the page of a service asks."""
    service, since = "service-0", now - days * DAY_MS

    def page() -> None:
        for metric in CHARTS:
            store.chart(service, metric, since, now)
        store.http(service, since, now)

    questions: dict[str, Callable[[], object]] = {
        "page: 8 charts and latencies": page,
        "chart of the service": lambda: store.chart(service, "rss_bytes", since, now),
        "chart by release": lambda: store.chart(service, "floor_bytes", since, now, by="release"),
        "chart by instance": lambda: store.chart(service, "floor_bytes", since, now, by="instance"),
        "latencies of all routes": lambda: store.http(service, since, now),
        "latencies of one route": lambda: store.http(service, since, now, route="POST /orders"),
        "latencies by instance, 6 h": lambda: store.http(service, now - DAY_MS / 4, now, by="instance"),
        "routes": lambda: store.routes(service, since),
        "services": lambda: store.services(now - DAY_MS),
        "instances": lambda: store.instances(service, now - DAY_MS),
        "roll-ups of one instance": lambda: store.rollups(_one(store, now), since, now),
        "samples of one instance, 48 h": lambda: store.rows(_one(store, now), now - 2 * DAY_MS, now),
    }
    print(f"answers over {days:g} days, ms: first; median of the next 7; CPU of these")
    for name, ask in questions.items():
        first, *rest = _times(ask, 8)
        wall, cpu = (sorted(times)[3] * 1e3 for times in zip(*rest, strict=True))
        print(f"  {name:32} {first[0] * 1e3:8.1f} {wall:8.1f} {cpu:8.1f}")


def _one(store: SqlStore, now: float) -> str:
    return store.instances("service-0", now - SLOT_MS)[-1].name


def _times(ask: Callable[[], object], count: int) -> Iterator[tuple[float, float]]:
    for _ in range(count):
        begin, before = time.perf_counter(), time.process_time()
        ask()
        yield time.perf_counter() - begin, time.process_time() - before


def main() -> None:
    """Run what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=["append", "charts"])
    parser.add_argument("--url", default="")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--agents", type=int, default=2_000)
    parser.add_argument("--group", type=int, default=50)
    parser.add_argument("--instances", type=int, default=500)
    parser.add_argument("--days", type=float, default=7.0)
    parser.add_argument("--keep", default="", help="a database that `charts` filled before")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.url or options.keep or str(Path(folder) / "bench.db")
        filled = bool(options.keep) and Path(options.keep).exists()
        store = open_store(path)
        if options.what == "append":
            append(store, options.seconds, options.agents, options.group)
        else:
            end = NOW + options.days * DAY_MS + 19 * 30_000.0
            if not filled:
                before = cpu_s()
                end = fill(store, options.instances, options.days)
                spent = cpu_s() - before
                print(f"filled {options.instances} instances x {options.days:g} days: {spent:.0f} s CPU")
            charts(store, end, options.days)
        store.close()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"peak of this process: {peak:,.0f} MB")
        if not options.url:
            size = sum(file.stat().st_size for file in Path(path).parent.glob(Path(path).name + "*"))
            print(f"database: {size / 1e6:,.0f} MB")


if __name__ == "__main__":
    main()
