"""Where reports go: standard output, or files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from heapsleuth.errors import OutputError, UsageError
from heapsleuth.reports import renderer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapsleuth.leaks.model import AnalysisReport

__all__ = ["STDOUT", "Output", "check", "write_stdout"]

STDOUT = "-"


@dataclass(frozen=True, slots=True)
class Output:
    """A report form and the place it goes to, `-` for standard output."""

    form: str
    target: str

    def write(self, report: AnalysisReport) -> None:
        """
        Write the report in this form.

        Raises:
            OutputError: The file cannot be written; nothing is left behind.
        """
        text = io.StringIO()
        renderer(self.form)(report, text)
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
