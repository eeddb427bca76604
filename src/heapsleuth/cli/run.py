"""`heapsleuth run`: start a program with the agent in it and watch its memory at the terminal."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from heapsleuth.errors import ExitCode, OutputError, UsageError
from heapsleuth.units import parse_duration

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterator

__all__ = ["command"]

_FAREWELL_S = 10.0
_LINE_S = 10.0


@click.command(
    name="run",
    context_settings={"help_option_names": ["-h", "--help"], "allow_interspersed_args": False},
    epilog="""\b
Examples:
  heapsleuth run -- node server.js
  heapsleuth run --log server.log -- npm start
  heapsleuth run --plain --interval 1min -- node server.js >> server.log

\b
Keys: s takes a heap snapshot, q ends the program.

\b
The exit code is the program's own (128 + n if signal n ended it); 2 if it
could not be started, and 0 if q ended it.""",
)
@click.argument("command_line", nargs=-1, metavar="-- COMMAND...", type=click.UNPROCESSED)
@click.option("--node", metavar="PATH", help="The Node.js to run it with.  [default: node on the PATH]")
@click.option("--cwd", metavar="DIR", help="Folder it runs in.  [default: the current folder]")
@click.option("--interval", metavar="DURATION", help="Time between two looks.  [default: 1s, plain 10s]")
@click.option("--log", metavar="FILE", help="Append the program's output to this file.")
@click.option("--snapshots", metavar="DIR", default=".", help="Where snapshots go.  [default: .]")
@click.option("--plain", is_flag=True, help="Lines instead of a screen, as without a terminal.")
def command(
    command_line: tuple[str, ...],
    node: str | None,
    cwd: str | None,
    interval: str | None,
    log: str | None,
    snapshots: str,
    plain: bool,
) -> int:
    """Start a program with the agent in it and watch its memory.

    Heap by space, its floor, external memory and RSS against their limits,
    pauses of the garbage collector, delays of the event loop, handles,
    requests and their latency. Nothing in the program is changed and no
    package is installed: the agent comes in by NODE_OPTIONS and reports to
    this process only.
    """
    from heapsleuth.capture.inject import AgentSettings
    from heapsleuth.capture.launch import InjectedProgram, Launch
    from heapsleuth.capture.process import ending_on_signals
    from heapsleuth.cli.run_watch import Watch

    if not command_line:
        raise UsageError("expected a command after --, found none: heapsleuth run -- node server.js")
    plain = plain or not (sys.stdout.isatty() and sys.stdin.isatty())
    interval_s = parse_duration(interval) if interval else _LINE_S if plain else 1.0
    if not 0.1 <= interval_s <= 3600:  # noqa: PLR2004 - what the agent takes
        raise UsageError(f"--interval: expected 100ms to 1h, got {interval}")
    folder = Path(snapshots).absolute()
    if not folder.is_dir():
        raise UsageError(f"--snapshots: expected a folder, found none: {snapshots}")
    launch = Launch(
        command_line,
        folder=Path(cwd) if cwd else None,
        node=node,
        agent=AgentSettings(snapshot_dir=str(folder)),
    )
    # Samples are wanted each second for the floor, also if lines come more rarely.
    interval_ms = int(min(1.0, interval_s) * 1000)
    with (
        ending_on_signals() as interruption,
        _output(log, plain=plain) as echo,
        InjectedProgram(launch, interval_ms=interval_ms, echo=echo) as running,
    ):
        watch = Watch(running, folder)
        try:
            if plain:
                watch.lines(interval_s)
            else:
                watch.screen(show_output=log is None)
        except KeyboardInterrupt:
            running.program.send_signal(interruption.signal_number)
            running.program.wait(_FAREWELL_S)
        ending = running.program.stop()
        watch.say_end(ending)
    # Ended by `q`, and so by us: what was asked for, and no failure of the program.
    return ExitCode.FINE if ending.stopped and ending.code < 0 else ending.shell_code


@contextlib.contextmanager
def _output(log: str | None, *, plain: bool) -> Iterator[Callable[[bytes, str], None] | None]:
    """Give what takes the program's output: a file, our own output, or nothing where the screen shows it."""
    if log is None:
        yield _pass_on if plain else None
        return
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(Path(log).open("ab", buffering=0))
        except OSError as error:
            raise OutputError(f"--log: cannot write {log}: {error.strerror}") from error
        yield lambda data, _stream: _write(file, data)


def _pass_on(data: bytes, stream: str) -> None:
    _write((sys.stdout if stream == "stdout" else sys.stderr).buffer, data)


def _write(file: BinaryIO | io.FileIO, data: bytes) -> None:
    file.write(data)
    file.flush()
