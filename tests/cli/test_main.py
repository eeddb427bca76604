"""The command itself: fast, and every error is a message and an exit code."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import subprocess
import sys
import termios
import time
from types import ModuleType
from typing import IO, TYPE_CHECKING

import click
import pytest

from heapsleuth import __version__
from heapsleuth.cli.main import COMMANDS, cli, main
from heapsleuth.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable

Run = "Callable[..., subprocess.CompletedProcess[bytes]]"


@pytest.fixture
def command_that_raises(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Put a command `boom` that raises into the table of commands."""

    def add(error: BaseException) -> None:
        @click.command(name="boom")
        def command() -> None:
            raise error

        module = ModuleType("heapsleuth.cli.boom")
        module.command = command  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(COMMANDS, "boom", "Raise.")

    return add


def test_version_is_there_within_a_blink(heapsleuth: Run) -> None:
    def cpu_seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = heapsleuth("--version")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert done.stdout.decode() == f"heapsleuth {__version__}\n"
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(cpu_seconds() for _ in range(5)) <= 0.15


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["analyze", "--help"]])
def test_help_and_version_load_no_heavy_library(arguments: list[str]) -> None:
    code = (
        "import sys; from heapsleuth.cli.main import main; "
        f"assert main({arguments!r}) == 0; "
        "sys.exit(bool({'numpy', 'rich', 'orjson', 'psutil', 'hypothesis'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)

    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_table_is_there_with_the_help_the_table_says(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)

    assert command is not None
    assert command.name == name
    assert command.get_short_help_str(200).removesuffix(".") in COMMANDS[name].replace(
        "heap snapshots", "V8 heap snapshots"
    )


def test_help_lists_the_commands_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == ExitCode.FINE

    text = capsys.readouterr().out
    assert all(f"  {name}  " in text for name in COMMANDS)
    assert "3  undecided" in text


def test_without_arguments_the_help_goes_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == ExitCode.FAILED

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("Usage: heapsleuth")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["analize"], "error: No such command 'analize'"),
        (["--nope"], "error: No such option"),
        (["analyze", "--jason", "x"], "error: No such option"),
        (["analyze", "--top", "many", "x"], "error: Invalid value for '--top'"),
    ],
)
def test_wrong_options_are_told_in_one_line_with_where_to_look(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == ExitCode.FAILED

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(message)
    assert "--help" in captured.err.splitlines()[-1]


def test_version_says_what_a_bug_report_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == ExitCode.FINE

    rows = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert rows["heapsleuth"] == __version__
    assert set(rows) == {"heapsleuth", "python", "system", "numpy", "kernels"}


def test_a_bug_is_called_a_bug_without_a_traceback(
    command_that_raises: Callable[[BaseException], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("HEAPSLEUTH_DEBUG", raising=False)
    command_that_raises(ZeroDivisionError("by \x1b[31mnothing"))

    assert main(["boom"]) == ExitCode.FAILED

    text = capsys.readouterr().err
    assert f"this is a bug in heapsleuth {__version__}: ZeroDivisionError: by \\x1b[31mnothing" in text
    assert "Traceback" not in text
    assert "HEAPSLEUTH_DEBUG=1" in text


def test_debugging_shows_where_a_bug_is(
    command_that_raises: Callable[[BaseException], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HEAPSLEUTH_DEBUG", "1")
    command_that_raises(ZeroDivisionError("x"))

    assert main(["boom"]) == ExitCode.FAILED

    assert "raise error" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (MemoryError(), 2, "error: not enough memory"),
        (KeyboardInterrupt(), 130, "interrupted\n"),
        (click.Abort(), 130, "interrupted\n"),
        (BrokenPipeError(), 141, ""),
    ],
)
def test_what_ends_a_run_from_outside_has_its_own_exit_code(
    error: BaseException,
    code: int,
    message: str,
    command_that_raises: Callable[[BaseException], None],
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A closed pipe makes `main` turn standard output away: give it one of its own to turn.
    stream = os.fdopen(os.dup(1), "w")
    monkeypatch.setattr(sys, "stdout", stream)
    command_that_raises(error)

    assert main(["boom"]) == code

    stream.close()
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(message)
    assert bool(captured.err) is bool(message)


def test_warnings_are_one_line_without_the_place_in_our_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import warnings

    @click.command(name="boom")
    def command() -> None:
        warnings.simplefilter("always")
        warnings.warn("kernels run interpreted", RuntimeWarning, stacklevel=1)

    module = ModuleType("heapsleuth.cli.boom")
    module.command = command  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(COMMANDS, "boom", "Warn.")

    assert main(["boom"]) == ExitCode.FINE

    assert capsys.readouterr().err == "warning: kernels run interpreted\n"


def test_a_reader_that_goes_away_ends_the_help_quietly() -> None:
    reading, writing = os.pipe()
    os.close(reading)

    done = subprocess.run(
        [sys.executable, "-m", "heapsleuth", "--help"], stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)

    assert (done.returncode, done.stderr) == (141, b"")


def test_an_interrupt_while_waiting_for_standard_input_ends_in_130(leaking: list[str]) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "heapsleuth", "analyze", "-"], stdin=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        with open(leaking[0], "rb") as snapshot:  # noqa: PTH123
            process.stdin.write(snapshot.read(2000))
            process.stdin.flush()
        # Until it reads, an interrupt would hit the interpreter's own start.
        deadline = time.monotonic() + 30
        while _unread(process.stdin) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)

    assert process.returncode == 130
    assert errors.decode().strip().endswith("interrupted")
    assert b"Traceback" not in errors


def _unread(pipe: IO[bytes]) -> int:
    """Return how many bytes written to a pipe its reader has not taken yet."""
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)
