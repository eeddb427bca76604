"""The collector's own metrics in Prometheus' text format."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Mapping

    from heapsleuth.server.counts import Counts, Durations

__all__ = ["MEDIA_TYPE", "exposition"]

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_TOTALS = {
    "messages": "Messages of agents that were committed.",
    "samples": "Samples in them.",
    "events": "Events in them.",
    "repeats": "Messages that had been committed before.",
    "commit_failures": "Commits that failed.",
    "scrapes": "Scrapes that worked.",
    "scrape_failures": "Scrapes that failed.",
    "uploads": "Snapshots and profiles that arrived.",
    "upload_bytes": "Their bytes.",
    "task_failures": "Failures of background tasks.",
}
_NOW = {
    "waiting_messages": "Messages that wait to be committed.",
    "reachable_agents": "Agents heard of in the last minutes.",
}


def exposition(counts: Counts, now: Mapping[str, float]) -> bytes:
    """
    Return all metrics.

    Args:
        counts: What was counted since the start.
        now: Gauges by name, without the prefix `heapsleuth_`.
    """
    lines = []
    for name, meaning in _TOTALS.items():
        lines += _head(f"heapsleuth_{name}_total", "counter", meaning)
        lines.append(f"heapsleuth_{name}_total {getattr(counts, name)}")
    lines += _head("heapsleuth_refused_total", "counter", "Messages that were not taken, by reason.")
    lines += [
        f'heapsleuth_refused_total{{reason="{reason}"}} {count}' for reason, count in counts.refused.items()
    ]
    for name, meaning in _NOW.items():
        lines += _head(f"heapsleuth_{name}", "gauge", meaning)
        lines.append(f"heapsleuth_{name} {now[name]}")
    lines += _histogram("heapsleuth_commit_seconds", "Time of a commit.", counts.commits)
    lines += _histogram("heapsleuth_ingest_seconds", "From a message to its acknowledgement.", counts.ingest)
    process = psutil.Process()
    times = process.cpu_times()
    lines += _head("process_cpu_seconds_total", "counter", "User and system CPU time.")
    lines.append(f"process_cpu_seconds_total {times.user + times.system}")
    lines += _head("process_resident_memory_bytes", "gauge", "Resident memory.")
    lines.append(f"process_resident_memory_bytes {process.memory_info().rss}")
    lines += _head("process_start_time_seconds", "gauge", "Start, seconds since 1970.")
    lines.append(f"process_start_time_seconds {process.create_time()}")
    return ("\n".join(lines) + "\n").encode()


def _head(name: str, kind: str, meaning: str) -> list[str]:
    return [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"]


def _histogram(name: str, meaning: str, durations: Durations) -> list[str]:
    lines = _head(name, "histogram", meaning)
    total = 0
    for bound, count in zip(durations.bounds, durations.counts, strict=False):
        total += count
        lines.append(f'{name}_bucket{{le="{bound:g}"}} {total}')
    total += durations.counts[-1]
    return [
        *lines,
        f'{name}_bucket{{le="+Inf"}} {total}',
        f"{name}_sum {durations.sum_s}",
        f"{name}_count {total}",
    ]
