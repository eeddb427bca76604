"""A Grafana dashboard on prom-client's metric names, and on the agent's where they are there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["PANELS", "Panel", "dashboard"]

_COLUMNS = 24
_HEIGHT = 8
_LATENCY = (
    "histogram_quantile($q, sum by (le) (rate(heapsleuth_http_request_duration_seconds_bucket{$s}[5m])))"
)
_LEAST_USED = (
    "min_over_time(nodejs_heap_size_used_bytes{$s}[15m])"
    " unless on (job, instance) heapsleuth_heap_floor_bytes{$s}"
)
_MEAN_PAUSE = "rate(nodejs_gc_duration_seconds_sum{$s}[5m]) / rate(nodejs_gc_duration_seconds_count{$s}[5m])"
_SELECT = 'job=~"$job", instance=~"$instance"'


@dataclass(frozen=True, slots=True)
class Panel:
    """One chart: `queries` are pairs of an expression, with `$s` for what is selected, and a legend."""

    title: str
    unit: str
    queries: tuple[tuple[str, str], ...]
    description: str = ""
    width: int = 12


PANELS: tuple[Panel, ...] = (
    Panel(
        "Memory after collection, and its limits",
        "bytes",
        (
            ("heapsleuth_heap_floor_bytes{$s}", "floor {{instance}}"),
            (
                _LEAST_USED,
                "least heap used {{instance}}",
            ),
            ("heapsleuth_heap_limit_bytes{$s} or nodejs_heap_size_limit_bytes{$s}", "heap limit"),
        ),
        "What a major collection leaves. Without the agent, the least heap used of 15 minutes instead. "
        "This is the line that leaks make rise; heap used itself is a saw-tooth.",
    ),
    Panel(
        "Resident memory and the container",
        "bytes",
        (
            ("process_resident_memory_bytes{$s}", "RSS {{instance}}"),
            ("heapsleuth_container_working_set_bytes{$s}", "working set {{instance}}"),
            ("heapsleuth_container_limit_bytes{$s}", "container limit"),
        ),
        "The kernel kills by the working set, V8 by the heap limit.",
    ),
    Panel(
        "Heap",
        "bytes",
        (
            ("nodejs_heap_size_used_bytes{$s}", "used {{instance}}"),
            ("nodejs_heap_size_total_bytes{$s}", "total {{instance}}"),
            ("nodejs_external_memory_bytes{$s}", "external {{instance}}"),
        ),
    ),
    Panel(
        "Heap by space",
        "bytes",
        (
            (
                "sum by (space) (nodejs_heap_space_size_used_bytes{$s})",
                "{{space}}",
            ),
        ),
    ),
    Panel(
        "Time in garbage collection",
        "percentunit",
        (("rate(nodejs_gc_duration_seconds_sum{$s}[5m])", "{{kind}} {{instance}}"),),
        "Share of wall time. Above a third, V8 is about to give up.",
    ),
    Panel(
        "Mean pause of a collection",
        "s",
        (
            (
                _MEAN_PAUSE,
                "{{kind}} {{instance}}",
            ),
        ),
    ),
    Panel(
        "Event loop delay",
        "s",
        (
            ("nodejs_eventloop_lag_p99_seconds{$s}", "p99 {{instance}}"),
            ("nodejs_eventloop_lag_max_seconds{$s}", "max {{instance}}"),
        ),
        "prom-client's figures: they include the timer's own 10 ms.",
    ),
    Panel(
        "Event loop standing still",
        "percentunit",
        (("rate(heapsleuth_eventloop_stalled_seconds_total{$s}[5m])", "{{instance}}"),),
        "Share of time in stalls of 50 ms and more; needs the agent.",
    ),
    Panel(
        "CPU",
        "percentunit",
        (
            ("rate(process_cpu_user_seconds_total{$s}[2m])", "user {{instance}}"),
            ("rate(process_cpu_system_seconds_total{$s}[2m])", "system {{instance}}"),
        ),
    ),
    Panel(
        "Handles and requests under way",
        "short",
        (
            ("nodejs_active_handles_total{$s}", "handles {{instance}}"),
            ("nodejs_active_requests_total{$s}", "requests {{instance}}"),
            ("nodejs_active_resources_total{$s}", "resources {{instance}}"),
        ),
    ),
    Panel(
        "Latency, p50 and p99",
        "s",
        ((_LATENCY.replace("$q", "0.5"), "p50"), (_LATENCY.replace("$q", "0.99"), "p99")),
        "Of HTTP servers in the process, from headers to the last byte; needs the agent.",
    ),
    Panel(
        "Open incidents",
        "short",
        (("heapsleuth_incidents_open", "{{service}} {{release}} {{kind}}"),),
        "From the collector's own metrics.",
    ),
    Panel(
        "Versions and restarts",
        "short",
        (
            ("count by (version) (nodejs_version_info{$s})", "{{version}}"),
            ("changes(process_start_time_seconds{$s}[1h])", "restarts in an hour {{instance}}"),
        ),
        width=24,
    ),
)


def dashboard() -> dict[str, Any]:
    """Return the dashboard as Grafana imports it (schema version 39, Grafana 10.4 and later)."""
    panels: list[dict[str, Any]] = []
    x = y = 0
    for number, panel in enumerate(PANELS, 1):
        if x + panel.width > _COLUMNS:
            x, y = 0, y + _HEIGHT
        panels.append(_panel(panel, number, x, y))
        x += panel.width
    return {
        "title": "Node.js memory and latency (heapsleuth)",
        "uid": "heapsleuth-node",
        "tags": ["nodejs", "heapsleuth"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "1m",
        "time": {"from": "now-7d", "to": "now"},
        "timezone": "browser",
        "templating": {"list": [_source(), _variable("job", ""), _variable("instance", 'job=~"$job"')]},
        "annotations": {"list": [_restarts()]},
        "panels": panels,
    }


def _panel(panel: Panel, number: int, x: int, y: int) -> dict[str, Any]:
    return {
        "id": number,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.description,
        "datasource": _DATASOURCE,
        "gridPos": {"h": _HEIGHT, "w": panel.width, "x": x, "y": y},
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "min": 0,
                "custom": {"lineWidth": 1, "fillOpacity": 0, "showPoints": "never", "spanNulls": False},
            },
            "overrides": [],
        },
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        "targets": [
            {
                "refId": chr(ord("A") + place),
                "datasource": _DATASOURCE,
                "expr": expr.replace("$s", _SELECT),
                "legendFormat": legend,
            }
            for place, (expr, legend) in enumerate(panel.queries)
        ],
    }


_DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


def _source() -> dict[str, Any]:
    return {
        "name": "datasource",
        "type": "datasource",
        "query": "prometheus",
        "label": "Data source",
        "hide": 0,
    }


def _variable(name: str, select: str) -> dict[str, Any]:
    return {
        "name": name,
        "type": "query",
        "datasource": _DATASOURCE,
        "query": f"label_values(nodejs_version_info{{{select}}}, {name})",
        "refresh": 2,
        "includeAll": True,
        "multi": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def _restarts() -> dict[str, Any]:
    return {
        "name": "Restarts",
        "datasource": _DATASOURCE,
        "enable": True,
        "iconColor": "orange",
        "expr": f"changes(process_start_time_seconds{{{_SELECT}}}[5m]) > 0",
        "titleFormat": "restart",
        "step": "5m",
    }
