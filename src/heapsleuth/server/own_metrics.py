"""The collector's own metrics in Prometheus' text format."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from heapsleuth.server.counts import Counts, Durations
    from heapsleuth.store.model import Incident

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
_INCIDENT_LABELS = ("service", "release", "kind", "severity")
_NOW = {
    "waiting_messages": "Messages that wait to be committed.",
    "reachable_agents": "Agents heard of in the last minutes.",
}


def exposition(counts: Counts, now: Mapping[str, float], incidents: Iterable[Incident] = ()) -> bytes:
    """
    Return all metrics.

    Args:
        counts: What was counted since the start.
        now: Gauges by name, without the prefix `heapsleuth_collector_`.
        incidents: Those that are open.
    """
    lines = _head("heapsleuth_incidents_open", "gauge", "Incidents that are open.")
    lines += [f"heapsleuth_incidents_open{{{labels}}} {count}" for labels, count in _open(incidents).items()]
    for name, meaning in _TOTALS.items():
        lines += _head(f"heapsleuth_collector_{name}_total", "counter", meaning)
        lines.append(f"heapsleuth_collector_{name}_total {getattr(counts, name)}")
    lines += _head(
        "heapsleuth_collector_refused_total", "counter", "Messages that were not taken, by reason."
    )
    lines += [
        f'heapsleuth_collector_refused_total{{reason="{reason}"}} {count}'
        for reason, count in counts.refused.items()
    ]
    for name, meaning in _NOW.items():
        lines += _head(f"heapsleuth_collector_{name}", "gauge", meaning)
        lines.append(f"heapsleuth_collector_{name} {now[name]}")
    lines += _histogram("heapsleuth_collector_commit_seconds", "Time of a commit.", counts.commits)
    lines += _histogram(
        "heapsleuth_collector_ingest_seconds", "From a message to its acknowledgement.", counts.ingest
    )
    process = psutil.Process()
    times = process.cpu_times()
    lines += _head("process_cpu_seconds_total", "counter", "User and system CPU time.")
    lines.append(f"process_cpu_seconds_total {times.user + times.system}")
    lines += _head("process_resident_memory_bytes", "gauge", "Resident memory.")
    lines.append(f"process_resident_memory_bytes {process.memory_info().rss}")
    lines += _head("process_start_time_seconds", "gauge", "Start, seconds since 1970.")
    lines.append(f"process_start_time_seconds {process.create_time()}")
    return ("\n".join(lines) + "\n").encode()


def _open(incidents: Iterable[Incident]) -> Counter[str]:
    return Counter(
        ",".join(f'{label}="{_escaped(getattr(one, label))}"' for label in _INCIDENT_LABELS)
        for one in incidents
    )


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


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
