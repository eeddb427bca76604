"""Snapshots as they arrive: to a file first, looked over, redacted if so set, then to the vault.

Nothing is held whole: what comes is packed (gzip) as it comes, and read through while it passes.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, Protocol

from fastapi.concurrency import run_in_threadpool

from heapsleuth.store.model import SnapshotRecord

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from heapsleuth.server.config import SnapshotConfig
    from heapsleuth.store.base import Vault
    from heapsleuth.store.model import Instance

__all__ = ["Arrivals", "BadSnapshot", "TooLarge", "make_arrivals", "redact_file"]

Kind = Literal["snapshot", "profile"]

_SUFFIX: dict[Kind, str] = {"snapshot": ".heapsnapshot", "profile": ".heapprofile"}
_HEADS: dict[Kind, bytes] = {"snapshot": b'{"snapshot"', "profile": b'{"head"'}
_TAILS: dict[Kind, bytes] = {"snapshot": b"]}", "profile": b"}"}
_PIECE = 1024 * 1024
_STALLED_S = 60.0
_AT_ONCE = 2
_UNKEYED = re.compile(r"[^A-Za-z0-9_-]+")


class TooLarge(ValueError):
    """A snapshot above the bound that is set."""


class BadSnapshot(ValueError):
    """What came is not whole, or no snapshot at all."""


class Redact(Protocol):
    """Writes a redacted copy of a packed snapshot."""

    async def __call__(self, source: Path, target: Path) -> None:
        """
        Write it.

        Raises:
            BadSnapshot: It could not be redacted.
        """


@dataclass(frozen=True)
class Arrivals:
    """
    Takes snapshots in.

    Args:
        folder: Where they wait on their way; on the disk of the vault if that is a folder.
    """

    folder: Path
    vault: Vault
    config: SnapshotConfig
    clock: Callable[[], float]
    redact: Redact
    slots: asyncio.Semaphore

    async def take(
        self,
        chunks: AsyncIterator[bytes],
        *,
        snapshot_id: str,
        instance: Instance,
        kind: Kind = "snapshot",
        packed: bool = False,
    ) -> SnapshotRecord:
        """
        Bring a snapshot into the vault and return its record, which is not yet in the store.

        Args:
            chunks: The file as it comes.
            snapshot_id: Id of its record.
            instance: Whose it is.
            kind: What it must be.
            packed: The chunks are gzip.

        Raises:
            TooLarge: It is above the bound.
            BadSnapshot: It is not whole, or no snapshot.
            TimeoutError: Nothing came for a minute.
            VaultError: The vault refused.
        """
        async with self.slots:
            await run_in_threadpool(self.folder.mkdir, parents=True, exist_ok=True)
            part = self.folder / f"{snapshot_id}{_SUFFIX[kind]}.gz"
            clean = self.folder / f"{snapshot_id}.redacted{_SUFFIX[kind]}.gz"
            try:
                await self._receive(chunks, part, kind, packed=packed)
                # A sampling profile has names of functions and files only.
                redacted = self.config.redact and kind == "snapshot"
                if redacted:
                    await self.redact(part, clean)
                now_ms = self.clock()
                key = self._key(snapshot_id, instance.service, kind, now_ms)
                length, digest = await self.vault.put(key, _read(clean if redacted else part))
            finally:
                for path in (part, clean):
                    with contextlib.suppress(FileNotFoundError):
                        path.unlink()
        return SnapshotRecord(
            id=snapshot_id,
            service=instance.service,
            release=instance.release,
            instance=instance.name,
            kind=kind,
            taken_ms=now_ms,
            bytes=length,
            sha256=digest,
            redacted=redacted,
            key=key,
        )

    async def _receive(self, chunks: AsyncIterator[bytes], part: Path, kind: Kind, *, packed: bool) -> None:
        passage = _Passage(part, kind, self.config.max_bytes, packed=packed)
        try:
            waiting = bytearray()
            iterator = aiter(chunks)
            while True:
                async with asyncio.timeout(_STALLED_S):
                    chunk = await anext(iterator, None)
                if chunk is None:
                    break
                waiting += chunk
                if len(waiting) >= _PIECE:
                    await run_in_threadpool(passage.feed, bytes(waiting))
                    waiting.clear()
            await run_in_threadpool(passage.feed, bytes(waiting))
            await run_in_threadpool(passage.finish)
        finally:
            passage.close()

    @staticmethod
    def _key(snapshot_id: str, service: str, kind: Kind, now_ms: float) -> str:
        day = datetime.fromtimestamp(now_ms / 1000, tz=UTC).strftime("%Y-%m-%d")
        return (
            f"{_UNKEYED.sub('-', service)[:80].strip('-') or 'unnamed'}/{day}/{snapshot_id}{_SUFFIX[kind]}.gz"
        )


class _Passage:
    """Writes a file packed while looking at it unpacked; blocking."""

    def __init__(self, path: Path, kind: Kind, most: int, *, packed: bool) -> None:
        self._file = path.open("wb")
        self._kind = kind
        self._most = most
        self._pack = None if packed else zlib.compressobj(1, wbits=16 + zlib.MAX_WBITS)
        self._unpack = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS) if packed else None
        self._length = 0
        self._head = b""
        self._tail = b""

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        if self._unpack is None:
            self._look(chunk)
            assert self._pack is not None  # noqa: S101 - one of the two is there
            self._file.write(self._pack.compress(chunk))
            return
        self._file.write(chunk)
        while chunk:
            if self._unpack.eof:
                raise BadSnapshot("expected one gzip stream, found something after it")
            try:
                # A bomb unpacks to no more than a piece at a time, and to no more than the bound in all.
                self._look(self._unpack.decompress(chunk, _PIECE))
            except zlib.error as error:
                raise BadSnapshot(f"expected gzip: {error}") from None
            chunk = self._unpack.unconsumed_tail or self._unpack.unused_data

    def finish(self) -> None:
        """Check that it was all, and write the last bytes."""
        if self._unpack is not None:
            self._look(self._unpack.flush())
            if not self._unpack.eof:
                raise BadSnapshot("expected a whole gzip stream, it stops before its end")
        if self._pack is not None:
            self._file.write(self._pack.flush())
        if not self._head.lstrip().startswith(_HEADS[self._kind]):
            raise BadSnapshot(f"expected a heap {self._kind} of V8, it begins with {self._head[:20]!r}")
        if not self._tail.rstrip().endswith(_TAILS[self._kind]):
            raise BadSnapshot(f"expected a whole heap {self._kind}, it stops before its end")
        self._file.flush()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _look(self, plain: bytes) -> None:
        self._length += len(plain)
        if self._length > self._most:
            raise TooLarge(f"expected at most {self._most} bytes, unpacked")
        if len(self._head) < 64:  # noqa: PLR2004 - more than what is compared, with white space
            self._head += plain[:64]
        self._tail = (self._tail + plain[-64:])[-64:]


async def _read(path: Path) -> AsyncIterator[bytes]:
    with await run_in_threadpool(path.open, "rb") as file:
        while chunk := await run_in_threadpool(file.read, _PIECE):
            yield chunk


async def redact_file(source: Path, target: Path) -> None:
    """
    Write a redacted copy, in a process of its own: it takes seconds of CPU, and most of the file as memory.

    Raises:
        BadSnapshot: It could not be redacted; nothing unredacted is kept then.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "heapsleuth",
        "redact",
        "--quiet",
        "--force",
        str(source),
        str(target),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, said = await process.communicate()
    except asyncio.CancelledError:
        process.kill()
        raise
    if process.returncode != 0:
        # Its first line names the file on this machine; what follows the name says why.
        raise BadSnapshot(f"it cannot be redacted, so it is not kept: {said.decode(errors='replace')[-500:]}")


def make_arrivals(
    data: Path,
    vault: Vault,
    config: SnapshotConfig,
    clock: Callable[[], float],
    redact: Redact = redact_file,
) -> Arrivals:
    """Return what takes snapshots in; at most two at a time, the others wait."""
    return Arrivals(data / "arrivals", vault, config, clock, redact, asyncio.Semaphore(_AT_ONCE))
