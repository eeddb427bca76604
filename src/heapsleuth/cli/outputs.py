"""Where reports go: standard output, or files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from heapsleuth.errors import OutputError, UsageError
from heapsleuth.leaks.check_model import CheckReport
from heapsleuth.reports import check_renderer, renderer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from heapsleuth.leaks.model import AnalysisReport

__all__ = ["STDOUT", "Output", "check", "collect", "report_options", "write_all", "write_stdout"]

STDOUT = "-"
_FORMS = {
    "json": "Write the whole report as JSON; - is stdout.",
    "html": "Write a page to read in a browser and pass on; - is stdout.",
    "markdown": "Write a summary for a pull request; - is stdout.",
    "junit": "Write test results as JUnit XML; - is stdout.",
    "sarif": "Write code scanning results as SARIF; - is stdout.",
}
"""Forms a report can be written in, with their help."""


def report_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that `collect` takes: `json_target`, …, `base_dir`."""
    options = [
        click.option(f"--{form}", f"{form}_target", metavar="FILE", help=text)
        for form, text in _FORMS.items()
    ]
    options.append(
        click.option(
            "--base-dir",
            metavar="DIR",
            help="Folder that places in reports are relative to.  [default: the current folder]",
        )
    )
    for option in reversed(options):
        function = option(function)
    return function


def collect(base_dir: str | None = None, **targets: str | None) -> list[Output]:
    """
    Return the outputs that options of `report_options` ask for.

    Args:
        base_dir: As given; None is the current folder.
        targets: By form (`json`, `junit`, …): the file, `-`, or None for a form that is not wanted.
    """
    root = os.path.realpath(base_dir or ".")
    return [
        Output(form, target, {} if form == "json" else {"base_dir": root})
        for form, target in targets.items()
        if target is not None
    ]


def write_all(outputs: Sequence[Output], report: AnalysisReport | CheckReport) -> bool:
    """
    Write a report everywhere it is wanted; return whether standard output is still free.

    Raises:
        OutputError: A file cannot be written.
    """
    # Files before the screen: a closed pipe must not cost the report.
    for output in sorted(outputs, key=lambda one: one.target == STDOUT):
        output.write(report)
    return all(output.target != STDOUT for output in outputs)


@dataclass(frozen=True, slots=True)
class Output:
    """A report form and the place it goes to, `-` for standard output."""

    form: str
    target: str
    options: dict[str, Any] = field(default_factory=dict)
    """Of the form's renderer."""

    def write(self, report: AnalysisReport | CheckReport) -> None:
        """
        Write the report in this form.

        Raises:
            OutputError: The file cannot be written; nothing is left behind.
        """
        text = io.StringIO()
        if isinstance(report, CheckReport):
            check_renderer(self.form)(report, text, **self.options)
        else:
            renderer(self.form)(report, text, **self.options)
        if self.target == STDOUT:
            write_stdout(text.getvalue())
        else:
            _replace(Path(self.target), text.getvalue().encode())


def check(outputs: Sequence[Output], inputs: Sequence[str]) -> None:
    """
    Refuse outputs that would fail or do harm, before the work is done.

    Raises:
        UsageError: Two outputs have one target.
        OutputError: A target's folder is not there, or it is a folder or one of the inputs.
    """
    targets = [
        output.target if output.target == STDOUT else os.path.realpath(output.target) for output in outputs
    ]
    for position, target in enumerate(targets):
        output = outputs[position]
        if target in targets[:position]:
            where = "standard output" if target == STDOUT else output.target
            raise UsageError(f"--{output.form}: expected a target of its own, found {where} given twice")
        if target != STDOUT:
            _check_file(output, Path(target), inputs)


def write_stdout(text: str) -> None:
    """Write text to standard output; what its encoding lacks is written as escapes."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.flush()


def _check_file(output: Output, target: Path, inputs: Sequence[str]) -> None:
    option = f"--{output.form} {output.target}"
    if target.is_dir():
        raise OutputError(f"{option}: expected a file, found a folder")
    if not target.parent.is_dir():
        raise OutputError(f"{option}: the folder {target.parent} does not exist; create it first")
    for path in inputs:
        # A forgotten file name after the option would make it eat the first snapshot.
        if path != STDOUT and os.path.realpath(path) == str(target):
            raise OutputError(
                f"{option}: is one of the snapshots and would be overwritten; name another file"
            )


def _replace(target: Path, data: bytes) -> None:
    real = Path(os.path.realpath(target))  # a link stays a link
    try:
        if real.exists() and not stat.S_ISREG(real.stat().st_mode):
            real.write_bytes(data)  # a pipe or device cannot be replaced
            return
        beside = real.with_name(f".{real.name}.{os.getpid()}.tmp")
        try:
            # Not tempfile: its files are private, reports are for whoever the umask lets read.
            with beside.open("xb") as out:
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
            beside.replace(real)
        except BaseException:
            with contextlib.suppress(OSError):
                beside.unlink()
            raise
    except OSError as error:
        raise OutputError(f"{target}: cannot be written: {error.strerror or error}") from error
