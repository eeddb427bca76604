"""The `heapsleuth` command: finds the subcommand, and turns every error into a message and an exit code."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import warnings
from importlib import import_module
from typing import TYPE_CHECKING, TextIO

import click

from heapsleuth._version import __version__
from heapsleuth.errors import ExitCode, HeapsleuthError, OutOfMemory, OutputError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["COMMANDS", "cli", "main"]

COMMANDS = {
    "agent": "Print or copy the Node.js agent, or show the lines that inject it.",
    "analyze": "Name the causes of memory growth from heap snapshots.",
    "check": "Drive a program through rounds of work and say whether it leaks.",
    "grafana": "Print a Grafana dashboard (JSON) for Node.js services.",
    "redact": "Remove the contents of strings from heap snapshots.",
    "rules": "Print Prometheus alert rules for Node.js services.",
    "run": "Start a program with the agent in it and watch its memory.",
    "serve": "Watch services in production: collect, judge, tell, show.",
    "snapshot": "Take a heap snapshot of a running Node.js process.",
    "version": "Print the version of heapsleuth and of what it runs on.",
}
"""Help line by command; the module of the same name in this package has the command."""

_INTERRUPTED = 130
_PIPE_CLOSED = 141
"""What shells report for SIGINT (128 + 2) and SIGPIPE (128 + 13)."""
_OUTPUT_ERRORS = (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG)
"""What writing to standard output ends in when its file or disk is full; files have their own errors."""
_COMPLETE = "_HEAPSLEUTH_COMPLETE"
_DEBUG = "HEAPSLEUTH_DEBUG"


class _LazyGroup(click.Group):
    """Imports a command when it is run, so that `--version` and `--help` stay instant."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"heapsleuth.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl(sorted(COMMANDS.items()))


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Exit codes of every command:
  0  fine
  1  a leak was found
  2  it could not be done
  3  undecided""",
)
@click.version_option(__version__, message="heapsleuth %(version)s")
def cli() -> None:
    """Name the cause of Node.js memory leaks from V8 heap snapshots."""


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the command line and return the exit code; never raises.

    Args:
        arguments: What follows the program's name; None takes them from `sys.argv`.
    """
    try:
        code = _run(arguments)
        # Here, where a closed pipe can still be handled, and not at the interpreter's end.
        sys.stdout.flush()
    except click.exceptions.Exit as error:
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return _say("interrupted", _INTERRUPTED)
    except BrokenPipeError:
        _drop_output()
        return _PIPE_CLOSED
    except click.UsageError as error:
        return _say(_usage(error), ExitCode.FAILED)
    except click.ClickException as error:
        return _say(f"error: {error.format_message()}", ExitCode.FAILED)
    except HeapsleuthError as error:
        return _fail(error)
    except OSError as error:
        if error.errno not in _OUTPUT_ERRORS:
            return _bug(error)
        _drop_output()
        return _fail(OutputError(f"the report cannot be written: {error.strerror}"))
    except MemoryError:
        return _fail(OutOfMemory("not enough memory for this snapshot"))
    except Exception as error:  # noqa: BLE001 - the last line of defence: no traceback unless asked for
        return _bug(error)
    return code


def _run(arguments: Sequence[str] | None) -> int:
    given = sys.argv[1:] if arguments is None else list(arguments)
    if _COMPLETE in os.environ:
        cli.main(given, prog_name="heapsleuth", complete_var=_COMPLETE)
    with warnings.catch_warnings():
        warnings.showwarning = _show_warning
        # Not `cli.main`: it answers a closed pipe with exit code 1, which here means "leak".
        with cli.make_context("heapsleuth", given) as context:
            result = cli.invoke(context)
    return int(result or ExitCode.FINE)


def _usage(error: click.UsageError) -> str:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        return error.format_message()
    path = error.ctx.command_path if error.ctx is not None else "heapsleuth"
    return f"error: {error.format_message()}\n  try: {path} --help"


def _fail(error: HeapsleuthError) -> int:
    return _say(f"error: {error}\n  see docs/errors.md#{error.slug}", error.exit_code)


def _bug(error: Exception) -> int:
    if os.environ.get(_DEBUG) == "1":
        import traceback

        traceback.print_exception(error)
    return _say(
        f"error: this is a bug in heapsleuth {__version__}: {type(error).__name__}: {error}\n"
        f"  please report it with this message, the command line and the output of `heapsleuth version`;\n"
        f"  {_DEBUG}=1 shows where it happened",
        ExitCode.FAILED,
    )


def _say(message: str, code: int) -> int:
    """Print a message to standard error, its lines free of control characters; return the code."""
    from heapsleuth.reports.untrusted import clean

    # Paths and messages of libraries end up here; a path may hold terminal escapes.
    text = "\n".join(clean(line, 2000) for line in message.split("\n"))
    with contextlib.suppress(OSError, ValueError):  # nobody listens
        print(text, file=sys.stderr, flush=True)  # noqa: T201 - this is the command line
    return int(code)


def _drop_output() -> None:
    """Send what is still buffered nowhere, so that the interpreter's last flush cannot fail."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _show_warning(
    message: Warning | str,
    category: type[Warning],  # noqa: ARG001 - the signature of `warnings.showwarning`
    filename: str,  # noqa: ARG001
    lineno: int,  # noqa: ARG001
    file: TextIO | None = None,  # noqa: ARG001
    line: str | None = None,  # noqa: ARG001
) -> None:
    _say(f"warning: {message}", ExitCode.FINE)
