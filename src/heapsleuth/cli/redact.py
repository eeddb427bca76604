"""`heapsleuth redact`: snapshots without the contents of strings, to give away."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from heapsleuth.errors import OutputError, UsageError

if TYPE_CHECKING:
    from heapsleuth.heap.redaction import Redaction

__all__ = ["command"]

_STREAM = "-"


@click.command(
    name="redact",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="""\b
Examples:
  heapsleuth redact a.heapsnapshot a.redacted.heapsnapshot.gz
  heapsleuth redact a.heapsnapshot b.heapsnapshot c.heapsnapshot --out-dir redacted/
  zstd -dc a.heapsnapshot.zst | heapsleuth redact - - > a.redacted.heapsnapshot

\b
Exit codes: 0 every file is written and checked, 2 it could not be done.""",
)
@click.argument("files", nargs=-1, metavar="IN OUT | FILES...")
@click.option(
    "--out-dir", metavar="DIR", help="Redact all FILES into this folder, where they keep their names."
)
@click.option(
    "--key-file",
    metavar="FILE",
    help="Keep the key in this file, so that snapshots redacted later can be compared with these. "
    "Do not give it away with them.",
)
@click.option("--force", is_flag=True, help="Overwrite files that are there.")
@click.option("-q", "--quiet", is_flag=True, help="Print neither progress nor the result.")
def command(
    files: tuple[str, ...], out_dir: str | None, key_file: str | None, force: bool, quiet: bool
) -> int:
    """Remove the contents of strings from V8 heap snapshots.

    Keeps what an analysis needs: every object, reference and size, and the
    names of classes, functions, variables, properties and script files.
    Removes what a program wrote into memory: the contents of strings, the keys
    of objects used as dictionaries, source code, queries of URLs. Equal texts
    become equal placeholders. The result is read back and checked before it
    gets its name; docs/guides/redact.md has the rules, and what remains.

    Redact snapshots that are to be compared in one run. Plain, .gz and .zst
    files; - is standard input or output.
    """
    from heapsleuth.cli.progress import ProgressLine
    from heapsleuth.heap.redaction import redact

    sources, targets = _arrange(files, out_dir)
    if _STREAM in sources and sys.stdin.isatty():
        raise UsageError("expected a snapshot on standard input, found a terminal; pipe one in")
    if _STREAM in targets and sys.stdout.isatty():
        raise UsageError("a snapshot would fill the terminal; name a file, or pipe it on")
    with ProgressLine(quiet=quiet) as line:
        results = redact(sources, targets, key_file=key_file, force=force, progress=line.report)
    if not quiet:
        for result in results:
            # Standard output may be the snapshot.
            click.echo(_summary(result), err=result.target == _STREAM)
    return 0


def _arrange(files: tuple[str, ...], out_dir: str | None) -> tuple[list[str], list[str]]:
    """Return sources and targets."""
    if out_dir is None:
        if len(files) != 2:  # noqa: PLR2004 - IN and OUT
            raise UsageError(
                f"expected IN and OUT, found {len(files)}; for several snapshots use --out-dir DIR"
            )
        return [files[0]], [files[1]]
    if not files:
        raise UsageError("expected at least one heap snapshot, found none; see heapsleuth redact --help")
    if _STREAM in files:
        raise UsageError("--out-dir: standard input has no name to keep; name OUT instead")
    folder = Path(out_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"--out-dir {out_dir}: cannot be made: {error.strerror}") from error
    return list(files), [str(folder / Path(file).name) for file in files]


def _summary(result: Redaction) -> str:
    from heapsleuth.units import format_bytes, format_count, format_duration

    kept = ", ".join(f"{format_count(count)} {kind}" for kind, count in result.kept.items())
    lines = [
        result.target,
        (
            f"  {format_count(result.removed)} of {format_count(result.strings)} strings removed, "
            f"{format_count(result.rewritten)} shortened; {format_bytes(result.read_bytes)} read, "
            f"{format_bytes(result.written_bytes)} written in {format_duration(result.seconds)}"
        ),
        f"  kept: {kept or 'nothing'}",
        (
            f"  checked: none of {format_count(result.checked)} removed strings is in it; "
            "objects, references and sizes are the same"
        ),
        "  still in it: names and paths of your code, how long each string was, how often it occurs",
    ]
    if result.left_out:
        sections = ", ".join(sorted(result.left_out))
        lines.insert(3, f"  left out: sections {sections}")
    if result.sidecar:
        lines.append(f"  and {result.sidecar}, without free text")
    return "\n".join(lines)
