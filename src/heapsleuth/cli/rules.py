"""`heapsleuth rules`: alert rules for a Prometheus that is there already."""

from __future__ import annotations

import click

from heapsleuth.errors import UsageError
from heapsleuth.server.prometheus.rules import GROUPS, Thresholds, render
from heapsleuth.units import parse_duration

__all__ = ["command"]

_GROUPS = tuple(name for name, _ in GROUPS)


@click.command(
    name="rules",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Examples:
  heapsleuth rules > heapsleuth-rules.yml
  heapsleuth rules --group prom-client --group containers --loop-p99 100ms
  promtool check rules heapsleuth-rules.yml""",
)
@click.option(
    "--group",
    "groups",
    multiple=True,
    type=click.Choice(_GROUPS),
    help="Only the rules that need this: metrics of prom-client, of containers (cAdvisor and "
    "kube-state-metrics), of the agent, of the collector. Repeatable.  [default: all]",
)
@click.option(
    "--heap-share",
    type=click.FloatRange(0, 1),
    default=0.7,
    show_default=True,
    help="Share of the heap limit.",
)
@click.option(
    "--container-share",
    type=click.FloatRange(0, 1),
    default=0.9,
    show_default=True,
    help="Share of the container's memory limit.",
)
@click.option(
    "--gc-pause",
    metavar="DURATION",
    default="100ms",
    show_default=True,
    help="A long pause of the garbage collector.",
)
@click.option("--loop-p99", metavar="DURATION", default="50ms", show_default=True, help="A slow event loop.")
def command(
    groups: tuple[str, ...], heap_share: float, container_share: float, gc_pause: str, loop_p99: str
) -> int:
    """Print Prometheus alert rules for Node.js services.

    Half of them use the names of prom-client and of Kubernetes' exporters and
    work without anything of heapsleuth. Slow leaks cannot be told from such
    metrics without false alarms; the collector's incidents can be alerted on.
    """
    times = {name: parse_duration(text) for name, text in (("gc-pause", gc_pause), ("loop-p99", loop_p99))}
    for name, seconds in times.items():
        if seconds <= 0:
            raise UsageError(f"--{name}: expected a time above 0")
    thresholds = Thresholds(heap_share, container_share, times["gc-pause"], times["loop-p99"])
    click.echo(render(groups or _GROUPS, thresholds), nl=False)
    return 0
