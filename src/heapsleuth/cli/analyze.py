"""`heapsleuth analyze`: from snapshot files to ranked causes."""

from __future__ import annotations

import math
import os
import sys
from typing import TYPE_CHECKING

import click

from heapsleuth.cli import outputs
from heapsleuth.errors import ExitCode, SnapshotError, UsageError

if TYPE_CHECKING:
    from heapsleuth.leaks.model import AnalysisReport

__all__ = ["command"]

_STDIN = "-"
_BLAS_THREADS = "OPENBLAS_NUM_THREADS"


@click.command(
    name="analyze",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Examples:
  heapsleuth analyze a.heapsnapshot
  heapsleuth analyze a.heapsnapshot b.heapsnapshot c.heapsnapshot
  heapsleuth analyze a.heapsnapshot.gz b.heapsnapshot.gz c.heapsnapshot.gz \\
      --work 6000,10000,14000 --json report.json --markdown summary.md
  zstd -dc a.heapsnapshot.zst | heapsleuth analyze - --json - | jq .verdict

\b
Exit codes: 0 clean (or one snapshot that could be read), 1 a leak was found,
2 it could not be done, 3 undecided.""",
)
@click.argument("files", nargs=-1, metavar="FILES...")
@click.option(
    "--work",
    metavar="N,N,...",
    help="Operations (requests, iterations) done when each snapshot was taken, one number per file. "
    "Rates are then per unit of work instead of per round.",
)
@click.option("--compare", is_flag=True, help="Also compare the first and the last snapshot class by class.")
@outputs.report_options
@click.option(
    "--top",
    metavar="N",
    type=click.IntRange(min=0),
    default=10,
    show_default=True,
    help="Findings to show in full.",
)
@click.option(
    "--all", "show_all", is_flag=True, help="Show every finding in full, and every row of the tables."
)
@click.option(
    "--no-index", is_flag=True, help="Neither read nor write the index that makes a second look instant."
)
@click.option(
    "-q", "--quiet", is_flag=True, help="Neither report nor progress on the terminal; the exit code tells."
)
def command(
    files: tuple[str, ...],
    work: str | None,
    compare: bool,
    json_target: str | None,
    html_target: str | None,
    markdown_target: str | None,
    junit_target: str | None,
    sarif_target: str | None,
    base_dir: str | None,
    top: int,
    show_all: bool,
    no_index: bool,
    quiet: bool,
) -> int:
    """Name the causes of memory growth from V8 heap snapshots.

    Give FILES in the order they were taken, from one process, after equal
    amounts of work: three or more for a verdict, two to see what grew, one to
    see what is in the heap. Plain, .gz and .zst files; - is standard input.

    For every cause: who holds the memory, where in the code, what piles up,
    how much per unit of work, how sure that is, and what to change.
    """
    from heapsleuth.cli.progress import ProgressLine

    _check_files(files, compare=compare)
    amounts = None if work is None else _parse_work(work, len(files))
    wanted = outputs.collect(
        base_dir,
        json=json_target,
        html=html_target,
        markdown=markdown_target,
        junit=junit_target,
        sarif=sarif_target,
    )
    outputs.check(wanted, files)

    # After the cheap checks: numpy and the kernels take longer to load than a mistake should.
    _load_numpy()
    from heapsleuth.leaks.analysis import analyze

    with ProgressLine(quiet=quiet) as line:
        report = analyze(files, work=amounts, compare=compare, index=not no_index, progress=line.report)
    if outputs.write_all(wanted, report) and not quiet:
        _show(report, None if show_all else top)
    return _exit_code(report)


def _load_numpy() -> None:
    """Load numpy without the threads its linear algebra starts: they spin, and nothing here uses them."""
    given = os.environ.get(_BLAS_THREADS)
    os.environ.setdefault(_BLAS_THREADS, "1")
    import numpy as np  # noqa: F401 - read when it is loaded, so the variable need not outlive that

    if given is None:
        del os.environ[_BLAS_THREADS]


def _check_files(files: tuple[str, ...], *, compare: bool) -> None:
    if not files:
        raise UsageError("expected at least one heap snapshot, found none; see heapsleuth analyze --help")
    if files.count(_STDIN) > 1:
        raise UsageError(f"expected - (standard input) at most once, found {files.count(_STDIN)}")
    if _STDIN in files and sys.stdin.isatty():
        raise UsageError("expected a snapshot on standard input, found a terminal; pipe one in")
    if compare and len(files) == 1:
        raise UsageError("--compare: expected two or more snapshots, found 1")
    for path in files:
        # Before a minute is spent on the files that do exist.
        if path != _STDIN and not os.path.exists(path):  # noqa: PTH110 - Path would normalise what the user typed
            raise SnapshotError(path, "expected a heap snapshot, found no such file")


def _parse_work(text: str, files: int) -> tuple[float, ...]:
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != files:
        raise UsageError(f"--work: expected {files} values, one per file, found {len(parts)}: {text}")
    amounts = tuple(_parse_amount(part) for part in parts)
    for before, after, part in zip(amounts, amounts[1:], parts[1:], strict=False):
        if after <= before:
            raise UsageError(
                f"--work: expected values that grow from file to file, found {part} after {before:g}: {text}"
            )
    return amounts


def _parse_amount(part: str) -> float:
    try:
        amount = float(part)
    except ValueError:
        amount = math.nan
    if not (math.isfinite(amount) and amount >= 0):
        raise UsageError(f"--work: expected numbers such as 6000,10000,14000, found {part!r}")
    return amount


def _show(report: AnalysisReport, limit: int | None) -> None:
    from heapsleuth.reports import terminal

    terminal.render(report, sys.stdout, limit=limit, base_dir=os.path.realpath("."))
    sys.stdout.flush()


def _exit_code(report: AnalysisReport) -> int:
    from heapsleuth.leaks.model import Verdict

    if report.mode == "single":
        return ExitCode.FINE
    return {Verdict.LEAK: ExitCode.LEAK, Verdict.UNDECIDED: ExitCode.UNDECIDED}.get(
        report.verdict, ExitCode.FINE
    )
