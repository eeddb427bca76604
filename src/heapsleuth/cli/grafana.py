"""`heapsleuth grafana`: a dashboard for a Grafana that is there already."""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command(
    name="grafana",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Example:
  heapsleuth grafana > node.json      then: Dashboards, New, Import""",
)
def command() -> int:
    """Print a Grafana dashboard (JSON) for Node.js services.

    It works on the metric names of prom-client; charts of the floor, of
    containers and of stalls fill when the agent's metrics are there too.
    """
    import orjson

    from heapsleuth.server.prometheus.dashboard import dashboard

    click.echo(orjson.dumps(dashboard(), option=orjson.OPT_INDENT_2).decode())
    return 0
