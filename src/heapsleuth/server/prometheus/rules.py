"""Prometheus alert rules, as data and as YAML.

They use prom-client's names and cAdvisor's, so that they work before anything of ours is installed; rules
that need our agent or collector are in groups of their own. What a rule over raw metrics can know is little:
the usual rule for growing heaps sees nothing slower than hundreds of MB an hour without crying wolf, so none
here pretends to find slow leaks; the collector's verdict does (`HeapsleuthIncident`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass

__all__ = ["GROUPS", "Rule", "Thresholds", "render"]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What the rules compare with; the defaults are those of the agent."""

    heap_share: float = 0.7
    container_share: float = 0.9
    gc_pause_s: float = 0.1
    loop_p99_s: float = 0.05


@dataclass(frozen=True, slots=True)
class Rule:
    """One alert; `{…}` in `expr` is a field of `Thresholds`. Doubled braces are Prometheus' own."""

    alert: str
    expr: str
    lasting: str
    severity: str
    summary: str
    description: str


_PROM_CLIENT = (
    Rule(
        "NodeGcPausesLong",
        'rate(nodejs_gc_duration_seconds_sum{{kind="major"}}[5m])'
        ' / rate(nodejs_gc_duration_seconds_count{{kind="major"}}[5m]) > {gc_pause_s}',
        "10m",
        "warning",
        "{{ $labels.instance }}: major collections take {{ $value | humanizeDuration }} on average",
        "A heap that is nearly full is collected again and again. Compare with latency at the same times.",
    ),
    Rule(
        "NodeGcTimeShareHigh",
        "sum without (kind) (rate(nodejs_gc_duration_seconds_sum[5m])) > 0.1",
        "10m",
        "warning",
        "{{ $labels.instance }}: {{ $value | humanizePercentage }} of the time is garbage collection",
        "Above a third, V8 gives up when collections free too little.",
    ),
    Rule(
        "NodeEventLoopSlow",
        # The histogram behind this gauge counts its own 10 ms.
        "nodejs_eventloop_lag_p99_seconds - 0.01 > {loop_p99_s}",
        "5m",
        "warning",
        "{{ $labels.instance }}: the event loop is late by {{ $value | humanizeDuration }} (p99)",
        "Something computes, or collects garbage, while requests wait.",
    ),
    Rule(
        "NodeHandlesGrowing",
        "min_over_time(nodejs_active_handles_total[1h])"
        " > 2 * max_over_time(nodejs_active_handles_total[1h] offset 23h)"
        " and min_over_time(nodejs_active_handles_total[1h]) > 1000",
        "1h",
        "warning",
        "{{ $labels.instance }}: {{ $value | humanize }} handles, twice as many as a day ago at this time",
        "Sockets, timers or streams that nobody closes.",
    ),
)

_CONTAINERS = (
    Rule(
        "ContainerNearMemoryLimit",
        'container_memory_working_set_bytes{{container!=""}}'
        ' / (container_spec_memory_limit_bytes{{container!=""}} > 0) > {container_share}',
        "5m",
        "critical",
        "{{ $labels.namespace }}/{{ $labels.pod }} {{ $labels.container }}: "
        "{{ $value | humanizePercentage }} of the memory limit",
        "At the limit the kernel kills it, with exit code 137 and no stack.",
    ),
    Rule(
        "ContainerOomKilled",
        "increase(kube_pod_container_status_restarts_total[10m]) >= 1 and on (namespace, pod, container)"
        ' kube_pod_container_status_last_terminated_reason{{reason="OOMKilled"}} == 1',
        "0m",
        "critical",
        "{{ $labels.namespace }}/{{ $labels.pod }} {{ $labels.container }}: killed for want of memory",
        "If it comes back at a steady pace, something leaks.",
    ),
)

_AGENT = (
    Rule(
        "NodeHeapNearLimit",
        "heapsleuth_heap_floor_bytes / heapsleuth_heap_limit_bytes > {heap_share}",
        "10m",
        "warning",
        "{{ $labels.instance }}: {{ $value | humanizePercentage }} of the heap limit is in use "
        "after a major collection",
        "This is what cannot be collected. V8 gives up between 80 and 98 %.",
    ),
    Rule(
        "NodeContainerNearMemoryLimit",
        "heapsleuth_container_working_set_bytes / heapsleuth_container_limit_bytes > {container_share}",
        "5m",
        "critical",
        "{{ $labels.instance }}: {{ $value | humanizePercentage }} of the container's memory limit",
        "At the limit the kernel kills it, with exit code 137 and no stack.",
    ),
    Rule(
        "NodeContainerOomKill",
        "increase(heapsleuth_container_oom_kill_total[10m]) > 0",
        "0m",
        "critical",
        "{{ $labels.instance }}: the kernel killed a process of this container for want of memory",
        "It need not have been Node.js itself: a child process counts too.",
    ),
    Rule(
        "NodeHeapLimitAboveContainer",
        "heapsleuth_heap_limit_bytes > heapsleuth_container_limit_bytes",
        "1h",
        "warning",
        "{{ $labels.instance }}: the heap may grow beyond the container's memory",
        "The kernel will kill it before V8 collects in earnest. Set --max-old-space-size to about 75 % "
        "of the container's limit.",
    ),
    Rule(
        "NodeLoopStalled",
        "rate(heapsleuth_eventloop_stalled_seconds_total[5m]) > 0.1",
        "5m",
        "warning",
        "{{ $labels.instance }}: the event loop stands still {{ $value | humanizePercentage }} of the time",
        "The agent's `blocked` event names the function.",
    ),
)

_COLLECTOR = (
    Rule(
        "HeapsleuthIncident",
        "max by (service, release, kind, severity) (heapsleuth_incidents_open) > 0",
        "0m",
        "{{ $labels.severity }}",
        "{{ $labels.service }} {{ $labels.release }}: {{ $labels.kind }}",
        "The collector has judged it over hours and keeps evidence and findings on the incident's page.",
    ),
    Rule(
        "HeapsleuthCollectorLosing",
        "rate(heapsleuth_collector_refused_total[10m]) > 0",
        "10m",
        "warning",
        "The collector refuses what agents send",
        "Its queue is full or its database fails; agents keep about two hours and then drop the oldest.",
    ),
)

GROUPS: tuple[tuple[str, tuple[Rule, ...]], ...] = (
    ("prom-client", _PROM_CLIENT),
    ("containers", _CONTAINERS),
    ("agent", _AGENT),
    ("collector", _COLLECTOR),
)
"""Rules by what they need."""


def render(groups: tuple[str, ...], thresholds: Thresholds) -> str:
    """Return a rule file for Prometheus with the named groups."""
    # Prometheus' templates have double braces of their own in texts, which are not formatted.
    values = {name: getattr(thresholds, name) for name in Thresholds.__slots__}
    lines = ["# Made by `heapsleuth rules`.", "groups:"]
    for name, rules in GROUPS:
        if name not in groups:
            continue
        lines += [f"  - name: heapsleuth-{name}", "    rules:"]
        for rule in rules:
            lines += [
                f"      - alert: {rule.alert}",
                f"        expr: {_quoted(rule.expr.format(**values))}",
                f"        for: {rule.lasting}",
                "        labels:",
                f"          severity: {_quoted(rule.severity)}",
                "        annotations:",
                f"          summary: {_quoted(rule.summary)}",
                f"          description: {_quoted(rule.description)}",
            ]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """Return a YAML string: JSON's strings are some."""
    return json.dumps(text, ensure_ascii=False)
