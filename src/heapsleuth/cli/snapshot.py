"""`heapsleuth snapshot`: a heap snapshot of a running process, from outside."""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command(
    name="snapshot",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Examples:
  heapsleuth snapshot 4711
  heapsleuth snapshot server.js --out snapshots/
  heapsleuth snapshot shop --out before.heapsnapshot

\b
Exit codes: 0 the snapshot is written, 2 it could not be done.""",
)
@click.argument("process", metavar="PID|NAME")
@click.option(
    "--out",
    metavar="DIR|FILE",
    help="Where it goes: an existing folder, or the name of the file. Default: the current folder.",
)
@click.option("--force", is_flag=True, help="Take it even if it may not fit into memory or onto the disk.")
@click.option(
    "--port",
    metavar="PORT",
    type=click.IntRange(1, 65535),
    default=9229,
    show_default=True,
    help="Where the process opens its inspector, if it was started with --inspect-port.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print neither progress nor the result.")
def command(process: str, out: str | None, force: bool, port: int, quiet: bool) -> int:
    """Take a heap snapshot of a running Node.js process.

    PID|NAME is a process id, or the only Node.js process of yours that runs a
    script, or a service, of that name. Nothing needs to be installed in it:
    its inspector is opened on 127.0.0.1 and closed again afterwards.

    The process stands still meanwhile, for seconds per million objects, and
    needs several times its heap as memory. Both are predicted first, and the
    snapshot is refused if it would not fit.
    """
    from datetime import UTC, datetime

    from heapsleuth.capture.external import snapshot_file, take_snapshot
    from heapsleuth.capture.inspector_port import attached
    from heapsleuth.capture.targets import find_running
    from heapsleuth.cli.progress import ProgressLine
    from heapsleuth.units import format_bytes, format_count, format_duration

    target = find_running(process)
    file = snapshot_file(out, target, datetime.now(UTC))
    with ProgressLine(quiet=quiet) as line, attached(target, port=port) as inspector:
        taken = take_snapshot(inspector, target, file, force=force, progress=line.report)
    if not quiet:
        expected = taken.predicted.get("pause_ms")
        about = f" (predicted {format_duration(expected / 1000)})" if expected is not None else ""
        click.echo(
            f"{taken.path}\n"
            f"  {format_bytes(taken.bytes)}, {format_count(taken.nodes)} nodes; "
            f"process {target.pid} stood still for at most {format_duration(taken.pause_ms / 1000)}{about}"
        )
    return 0
