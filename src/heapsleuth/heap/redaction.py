"""Snapshots without the contents of strings: what programs wrote into memory goes, names stay.

    results = redact(["a.heapsnapshot", "b.heapsnapshot"], ["a.redacted.heapsnapshot", …])

Every node, edge, id and size stays, so that the heap can be analysed as before.  Texts are replaced by
keyed hashes, equal texts by equal ones in all files of one key, and the result is read back and checked
before it gets its name.  What counts as a name is in `redact_names` and `redact_roles`.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.errors import OutputError, SnapshotError, UsageError
from heapsleuth.heap.readers import read
from heapsleuth.heap.redact_check import check_redacted, fingerprint
from heapsleuth.heap.redact_choice import Choice, Replacer, choose
from heapsleuth.heap.redact_key import KeyFile
from heapsleuth.heap.redact_placeholders import MARK, Placeholders, new_key
from heapsleuth.heap.redact_roles import roles_of
from heapsleuth.heap.redact_sidecar import redact_sidecar
from heapsleuth.heap.redact_writer import open_sink, write_redacted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from heapsleuth.heap.redact_check import Fingerprint
    from heapsleuth.heap.strings import StringTable

    Progress = Callable[[str, int, int | None], None]

__all__ = ["Redaction", "redact"]

_STREAM = "-"
_COPY_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Redaction:
    """What became of one snapshot."""

    source: str
    target: str
    strings: int
    """Strings in the file, before and after."""
    removed: int
    """Strings of which nothing is left."""
    rewritten: int
    """Names of which a part went: queries of URLs, names inside WeakMap entries."""
    kept: Mapping[str, int]
    """Strings that stayed, by kind."""
    checked: int
    """Removed strings that were looked for in the result, and not found."""
    left_out: tuple[str, ...]
    """Sections of the file that were not carried over."""
    read_bytes: int
    """Of the snapshot as it lies on disk."""
    written_bytes: int
    sidecar: str | None
    """The file with what is known about the snapshot, if there was one."""
    seconds: float


@dataclass(slots=True, eq=False)
class _Examined:
    """What is remembered of a snapshot between the two passes."""

    source: str
    path: Path
    """Where it can be read again; a private copy for standard input."""
    identity: tuple[int, int, int]
    strings: StringTable
    fingerprint: Fingerprint
    marked: bool
    seconds: float


def redact(
    sources: Sequence[str | os.PathLike[str]],
    targets: Sequence[str | os.PathLike[str]],
    *,
    key_file: str | os.PathLike[str] | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> tuple[Redaction, ...]:
    """
    Write snapshots without the contents of their strings.

    Args:
        sources: Snapshots, plain, gzip or zstd; `-` is standard input.
        targets: One for each; compressed if the name ends in `.gz` or `.zst`; `-` is standard output.
        key_file: Where the key and the names found so far are kept, so that snapshots of one process
            that are redacted later can be compared with these; made if it is not there.
        force: Overwrite targets that exist.
        progress: Called now and then as `progress(phase, done, total)`.

    Returns:
        What was done, in the order of the sources.  A file is there whole and checked, or not at all.

    Raises:
        UsageError: Not one target for each source, or a target that is a source.
        SnapshotError: A source is no valid snapshot, or changed between the passes.
        OutputError: A target exists or cannot be written.
        RedactionFailed: What was written did not pass the check; it was deleted.
    """
    inputs = [os.fspath(source) for source in sources]
    outputs = [os.fspath(target) for target in targets]
    check_targets(inputs, outputs, force=force)
    key = None if key_file is None else KeyFile.open(Path(key_file))
    placeholders = Placeholders(new_key() if key is None else key.key)
    choice = Choice()
    if key is not None:
        choice.kept.update(key.kept)
    with tempfile.TemporaryDirectory(prefix="heapsleuth-") as folder:
        examined = []
        for source in inputs:
            path = _spooled(Path(folder)) if source == _STREAM else Path(source)
            with _named(source):
                one, own = _examine(source, path, placeholders, progress)
            examined.append(one)
            choice.add(own)
        if key is not None:
            # First, so that nothing is ever written whose key is lost.
            key.write(choice.kept)
        return tuple(
            _write(one, target, choice, placeholders, Path(folder), force=force, progress=progress)
            for one, target in zip(examined, outputs, strict=True)
        )


def check_targets(sources: Sequence[str], targets: Sequence[str], *, force: bool) -> None:
    """
    Refuse what would fail or do harm, before the work is done.

    Raises:
        UsageError: Not one target for each source, or a name given twice.
        OutputError: A target exists, its folder does not, or it is one of the sources.
    """
    if not sources or len(sources) != len(targets):
        raise UsageError(f"expected one target for each snapshot, found {len(targets)} for {len(sources)}")
    for what, names in (("standard input (`-`)", sources), ("standard output (`-`)", targets)):
        if list(names).count(_STREAM) > 1:
            raise UsageError(f"{what} can be used once, but was given more often")
    real_sources = {os.path.realpath(source) for source in sources if source != _STREAM}
    seen: set[str] = set()
    for source, target in zip(sources, targets, strict=True):
        if target == _STREAM:
            continue
        real = os.path.realpath(target)
        if real in seen:
            raise UsageError(f"expected a target of its own for each snapshot, found {target} twice")
        seen.add(real)
        if real in real_sources:
            raise OutputError(f"{target}: is one of the snapshots; write to another file")
        if Path(real).is_dir():
            raise OutputError(f"{target}: expected a file, found a folder")
        if not Path(real).parent.is_dir():
            raise OutputError(f"{target}: its folder does not exist; create it first")
        sidecars = (f"{target}.json",) if Path(f"{source}.json").exists() else ()
        for path in () if force else (target, *sidecars):
            if Path(path).exists():
                raise OutputError(f"{path}: is there already; --force overwrites it")


def _spooled(folder: Path) -> Path:
    """Put standard input into a private file, because it is read twice."""
    path = folder / "stdin.heapsnapshot"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file, _COPY_BYTES)
    except OSError as error:
        raise SnapshotError(
            _STREAM,
            f"cannot be put aside in {folder.parent}: {error.strerror or error}",
            advice="Free some space there, set TMPDIR, or name the file instead of piping it.",
        ) from error
    return path


@contextlib.contextmanager
def _named(source: str) -> Iterator[None]:
    """Have errors name the file as the user did, not the copy of it."""
    try:
        yield
    except SnapshotError as error:
        if source != _STREAM:
            raise
        raise type(error)(
            source, error.problem, section=error.section, offset=error.offset, advice=error.advice
        ) from error


def _identity(path: Path) -> tuple[int, int, int]:
    try:
        status = path.stat()
    except OSError:
        return 0, 0, 0  # the reader says what is wrong
    return status.st_size, status.st_mtime_ns, status.st_ino


def _examine(
    source: str, path: Path, placeholders: Placeholders, progress: Progress | None
) -> tuple[_Examined, Choice]:
    """Read a snapshot, validate it, and decide about its names."""
    started = time.perf_counter()
    identity = _identity(path)
    columns = read(path, progress)
    marked = MARK in columns.meta
    found = fingerprint(columns)
    nothing = np.empty(0, np.uint32)
    columns = replace(columns, node_ids=nothing, self_sizes=nothing, detachedness=None)  # not needed below
    choice = choose(columns.strings, roles_of(columns), placeholders, marked=marked)
    seconds = time.perf_counter() - started
    return _Examined(source, path, identity, columns.strings, found, marked, seconds), choice


def _write(
    one: _Examined,
    target: str,
    choice: Choice,
    placeholders: Placeholders,
    folder: Path,
    *,
    force: bool,
    progress: Progress | None,
) -> Redaction:
    started = time.perf_counter()
    replacer = Replacer(choice, placeholders, marked=one.marked)
    real = folder / "stdout.heapsnapshot" if target == _STREAM else Path(os.path.realpath(target))
    beside = real.with_name(f".{real.name}.{os.getpid()}.tmp")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file, _named(one.source):
            sink = open_sink(file, real.name)
            removed, left_out = write_redacted(one.path, sink, one.strings, replacer, progress)
            if sink is not file:
                sink.close()
            file.flush()
            os.fsync(file.fileno())
        if _identity(one.path) != one.identity:
            raise SnapshotError(
                one.source, "the file changed while it was being redacted", advice="Run again."
            )
        checked = check_redacted(beside, target, one.fingerprint, one.strings, removed, progress)
        size = beside.stat().st_size
        if target == _STREAM:
            with beside.open("rb") as whole:
                shutil.copyfileobj(whole, sys.stdout.buffer, _COPY_BYTES)
            sys.stdout.buffer.flush()
            beside.unlink()
        else:
            _publish(beside, real, force=force)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(f"{target}: cannot be written: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()
    beside_source = None if _STREAM in (one.source, target) else redact_sidecar(one.source, target)
    return Redaction(
        source=one.source,
        target=target,
        strings=len(one.strings),
        removed=int(removed.sum()) - replacer.rewritten,
        rewritten=replacer.rewritten,
        kept=dict(sorted(replacer.kept.items(), key=lambda item: (-item[1], item[0]))),
        checked=checked,
        left_out=left_out,
        read_bytes=one.identity[0],
        written_bytes=size,
        sidecar=beside_source,
        seconds=one.seconds + time.perf_counter() - started,
    )


def _publish(beside: Path, real: Path, *, force: bool) -> None:
    """Give a finished file its name, without overwriting what appeared meanwhile unless asked to."""
    if force:
        beside.replace(real)
        return
    try:
        os.link(beside, real)
    except FileExistsError as error:
        raise OutputError(f"{real}: is there already; --force overwrites it") from error
    except OSError:  # no hard links here
        beside.replace(real)
