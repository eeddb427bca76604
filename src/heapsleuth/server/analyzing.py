"""Analyses of snapshots in the vault, in a process of their own with bounded memory and time."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from heapsleuth.errors import AnalysisFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapsleuth.server.context import Context
    from heapsleuth.store.model import SnapshotRecord

__all__ = ["analyze_snapshots", "summarize_profile"]

_WORKER = "heapsleuth.server.analysis_worker"
_MEMORY_BYTES = 8 * 1024**3
"""Of address space; an analysis needs about 1.2 times a file's unpacked size."""
_CPU_S = 1200
_WALL_S = 3600.0
_PROFILE_S = 60.0
_MOST_SAID = 500


async def analyze_snapshots(context: Context, records: Sequence[SnapshotRecord]) -> dict[str, Any]:
    """
    Return the report on snapshots of one instance, in the order they were taken.

    Raises:
        AnalysisFailed: The worker failed or ran into a limit, with its reason.
        VaultError: A snapshot cannot be fetched.
    """
    work = [record.work for record in records]
    known = [one for one in work if one is not None]
    rising = len(known) == len(work) and all(a < b for a, b in pairwise(known))
    options = ["--work", ",".join(f"{one:.0f}" for one in known)] if rising else []
    async with _fetched(context, records) as paths:
        return await _run(options + [str(path) for path in paths], paths[0].parent, _WALL_S)


async def summarize_profile(context: Context, record: SnapshotRecord) -> tuple[str, ...]:
    """Return the functions that allocated most of what a sampling profile found alive, with their shares."""
    try:
        async with _fetched(context, [record]) as paths:
            found = await _run(["--profile", str(paths[0])], paths[0].parent, _PROFILE_S)
    except AnalysisFailed as error:
        return (f"it cannot be read: {error}",)
    return tuple(str(line) for line in found["lines"])


class _fetched(contextlib.AbstractAsyncContextManager[list[Path]]):  # noqa: N801 - used as a function
    """Files of the vault in a folder that is removed afterwards."""

    def __init__(self, context: Context, records: Sequence[SnapshotRecord]) -> None:
        self._context = context
        self._records = records
        self._folder = Path()

    async def __aenter__(self) -> list[Path]:
        parent = self._context.config.data / "analyses"
        await asyncio.to_thread(parent.mkdir, parents=True, exist_ok=True, mode=0o700)
        self._folder = Path(await asyncio.to_thread(tempfile.mkdtemp, dir=parent))
        try:
            return [await self._fetch(number, record) for number, record in enumerate(self._records)]
        except BaseException:
            await self.__aexit__(None, None, None)
            raise

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    async def _fetch(self, number: int, record: SnapshotRecord) -> Path:
        kind = ".heapprofile" if record.kind == "profile" else ".heapsnapshot"
        packed = ".gz" if record.key.endswith(".gz") else ""
        path = self._folder / f"{number + 1}-{record.id}{kind}{packed}"
        with await asyncio.to_thread(path.open, "wb") as file:
            async for chunk in self._context.vault.get(record.key):
                await asyncio.to_thread(file.write, chunk)
        return path


async def _run(arguments: list[str], folder: Path, wall_s: float) -> dict[str, Any]:
    limits = ["--memory", str(_MEMORY_BYTES), "--cpu", str(_CPU_S)]
    output = folder / "report.json"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        _WORKER,
        *limits,
        "--output",
        str(output),
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(wall_s):
            _, said = await process.communicate()
    except TimeoutError:
        raise AnalysisFailed(f"the analysis took more than {wall_s / 60:.0f} minutes") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        reason = said.decode(errors="replace").strip().splitlines()[-1:] or [
            f"it ended by signal {-process.returncode}; memory or CPU time may have run out"
        ]
        raise AnalysisFailed(f"the analysis failed: {reason[0][:_MOST_SAID]}")
    report = orjson.loads(await asyncio.to_thread(output.read_bytes))
    return dict(report)
