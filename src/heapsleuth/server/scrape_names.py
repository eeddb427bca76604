"""What other libraries call what our samples call otherwise: prom-client, and OpenTelemetry for Node.js.

One table; OpenTelemetry's exporters differ in whether they append the unit, so its names stand here without.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from heapsleuth.server.scrape_text import Series

__all__ = ["Scraped", "translate"]

_MS = 1000.0
_RESOLUTION_MS = 10.0
"""Both libraries leave the period of the timer in the event loop's delay; ours is without."""


@dataclass(frozen=True, slots=True)
class _Name:
    """
    Where a series goes.

    Attributes:
        metric: Ours; `{}` is the value of the label named `label`.
        offset: Added after scaling; what falls below 0 is 0.
        only: Value of `label` that it is for; others are left out.
    """

    metric: str
    scale: float = 1.0
    offset: float = 0.0
    label: str = ""
    only: str = ""


def _delay(metric: str) -> tuple[_Name, ...]:
    return (_Name(metric, _MS, -_RESOLUTION_MS),)


_PROM_CLIENT = {
    "process_cpu_user_seconds_total": (_Name("cpu_user_ms", _MS),),
    "process_cpu_system_seconds_total": (_Name("cpu_system_ms", _MS),),
    "process_resident_memory_bytes": (_Name("rss_bytes"),),
    "process_virtual_memory_bytes": (_Name("vm_bytes"),),
    "process_heap_bytes": (_Name("vm_data_bytes"),),
    "process_open_fds": (_Name("fds"),),
    "process_max_fds": (_Name("fds_limit"),),
    "nodejs_eventloop_lag_mean_seconds": _delay("loop_delay_mean_ms"),
    "nodejs_eventloop_lag_p50_seconds": _delay("loop_delay_p50_ms"),
    "nodejs_eventloop_lag_p99_seconds": _delay("loop_delay_p99_ms"),
    "nodejs_eventloop_lag_max_seconds": _delay("loop_delay_max_ms"),
    "nodejs_active_handles_total": (_Name("handles"),),
    "nodejs_active_resources": (
        _Name("timers", label="type", only="Timeout"),
        _Name("immediates", label="type", only="Immediate"),
    ),
    "nodejs_heap_size_total_bytes": (_Name("heap_total_bytes"),),
    "nodejs_heap_size_used_bytes": (_Name("heap_used_bytes"),),
    "nodejs_heap_size_limit_bytes": (_Name("heap_limit_bytes"),),
    "nodejs_external_memory_bytes": (_Name("external_bytes"),),
    "nodejs_heap_space_size_used_bytes": (_Name("heap_space_{}_used_bytes", label="space"),),
    "nodejs_gc_duration_seconds_count": (_Name("gc_{}_count", label="kind"), _Name("gc_count")),
    "nodejs_gc_duration_seconds_sum": (
        _Name("gc_{}_ms_total", _MS, label="kind"),
        _Name("gc_pause_ms_total", _MS),
    ),
    "http_request_duration_seconds_count": (_Name("requests_total"),),
    "http_requests_total": (_Name("requests_total"),),
}

_OPEN_TELEMETRY = {
    "nodejs_eventloop_delay_mean": _delay("loop_delay_mean_ms"),
    "nodejs_eventloop_delay_p50": _delay("loop_delay_p50_ms"),
    "nodejs_eventloop_delay_p99": _delay("loop_delay_p99_ms"),
    "nodejs_eventloop_delay_max": _delay("loop_delay_max_ms"),
    "nodejs_eventloop_utilization": (_Name("loop_utilization"),),
    "v8js_memory_heap_used": (
        _Name("heap_used_bytes"),
        _Name("heap_space_{}_used_bytes", label="v8js_heap_space_name"),
    ),
    "v8js_memory_heap_limit": (_Name("heap_limit_bytes"),),
    "v8js_memory_heap_space_size": (_Name("heap_total_bytes"),),
    "v8js_gc_duration_count": (_Name("gc_{}_count", label="v8js_gc_type"), _Name("gc_count")),
    "v8js_gc_duration_sum": (
        _Name("gc_{}_ms_total", _MS, label="v8js_gc_type"),
        _Name("gc_pause_ms_total", _MS),
    ),
    "v8js_resource_active": (
        _Name("handles"),
        _Name("timers", label="v8js_resource_type", only="Timeout"),
    ),
    "process_cpu_time": (
        _Name("cpu_user_ms", _MS, label="cpu_mode", only="user"),
        _Name("cpu_system_ms", _MS, label="cpu_mode", only="system"),
        _Name("cpu_user_ms", _MS, label="process_cpu_state", only="user"),
        _Name("cpu_system_ms", _MS, label="process_cpu_state", only="system"),
    ),
    "process_memory_usage": (_Name("rss_bytes"),),
    "process_memory_virtual": (_Name("vm_bytes"),),
    "process_unix_file_descriptor_count": (_Name("fds"),),
    "process_uptime": (_Name("uptime_ms", _MS),),
    "http_server_request_duration_count": (_Name("requests_total"),),
    "http_server_duration_count": (_Name("requests_total"),),
}

_UNITS = ("_seconds", "_milliseconds", "_bytes", "_ratio")
_MARKS = ("_count", "_sum", "_total")
_STATUS_LABELS = ("status_code", "status", "code", "http_response_status_code", "http_status_code")
_PREFIXED = ("nodejs_heap_size_used_bytes", "process_resident_memory_bytes")
_SPACES = ("_space",)
_MAX_METRICS = 150


@dataclass
class Scraped:
    """
    What one scrape says, in our words.

    Attributes:
        row: By metric, without `at_ms`; labels that we do not have are summed over.
        started_ms: When the process began, None if it does not say.
    """

    row: dict[str, float] = field(default_factory=dict)
    started_ms: float | None = None
    node: str = ""


def translate(series: Iterable[Series]) -> Scraped:
    """Return what our samples would say."""
    listed = list(series)
    prefix = _prefix(listed)
    found = Scraped()
    for name, labels, value in listed:
        if not math.isfinite(value):
            continue
        plain = name.removeprefix(prefix)
        if plain == "process_start_time_seconds":
            found.started_ms = value * _MS
        elif plain == "nodejs_version_info":
            found.node = labels.get("version", "").removeprefix("v")[:50]
        else:
            for rule in _PROM_CLIENT.get(plain) or _OPEN_TELEMETRY.get(_without_unit(plain)) or ():
                _add(found.row, rule, labels, value)
                if rule.metric == "requests_total":
                    _add_status(found.row, labels, value)
    return found


def _prefix(series: list[Series]) -> str:
    """Return what an application puts before the names of all its metrics."""
    for name, _, _ in series:
        for known in _PREFIXED:
            if name.endswith(known):
                return name.removesuffix(known)
    return ""


def _without_unit(name: str) -> str:
    mark = next((mark for mark in _MARKS if name.endswith(mark)), "")
    plain = name.removesuffix(mark)
    for unit in _UNITS:
        plain = plain.removesuffix(unit)
    # Counters end in _total with either name; a histogram's parts keep theirs.
    return plain if mark in {"_total", ""} else plain + mark


def _add(row: dict[str, float], rule: _Name, labels: Mapping[str, str], value: float) -> None:
    of = labels.get(rule.label, "") if rule.label else ""
    if rule.label and (not of or (rule.only and of != rule.only)):
        return
    for ending in _SPACES:
        of = of.removesuffix(ending)
    metric = rule.metric.format("".join(char if char.isalnum() else "_" for char in of.lower())[:40])
    scaled = max(value * rule.scale + rule.offset, 0.0) if rule.offset else value * rule.scale
    if metric in row or len(row) < _MAX_METRICS:
        row[metric] = row.get(metric, 0.0) + scaled


def _add_status(row: dict[str, float], labels: Mapping[str, str], value: float) -> None:
    status = next((labels[name] for name in _STATUS_LABELS if name in labels), "")
    if status[:1] in {"1", "2", "3", "4", "5"}:
        metric = f"requests_{status[0]}xx_total"
        row[metric] = row.get(metric, 0.0) + value
