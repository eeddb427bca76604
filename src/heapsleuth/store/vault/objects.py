"""A vault on an object store: a folder, S3, Google Cloud Storage or Azure, all through obstore."""

from __future__ import annotations

import asyncio
import hashlib
import re
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import obstore
from obstore.exceptions import BaseError

from heapsleuth.errors import VaultError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from obstore.store import ObjectStore

__all__ = ["ObjectVault"]

_Result = TypeVar("_Result")

_KEY = re.compile(r"(?!.*(?:^|/)\.{1,2}(?:/|$))[A-Za-z0-9][A-Za-z0-9._@-]*(?:/[A-Za-z0-9._@-]+)*")
_MAX_KEY = 500
_PART_BYTES = 8 * 1024 * 1024
"""Parts of an upload: S3 takes at most 10,000 of them, so an object may have up to 80 GB."""
_PARTS_AT_ONCE = 2
_READ_BYTES = 1024 * 1024
_FEED_BYTES = 1024 * 1024
_THREADS = 8


class ObjectVault:
    """
    Keeps snapshots under keys such as `shop/2026-01-31/web-1.heapsnapshot.gz`.

    An object whose writer fails is not there, and leaves no parts behind that would be paid for.

    obstore is called in threads of the vault's own, not through its async functions: those finish in threads
    that Python does not know, and a process that ends just then is aborted (one time in four on Python 3.11).

    Args:
        objects: The object store; its prefix is the vault's.
        name: What errors call it, without secrets.
    """

    def __init__(self, objects: ObjectStore, name: str) -> None:
        self._objects = objects
        self.name = name
        # Not the event loop's threads: the database is asked in those, and an upload may be slow.
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="vault")

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> tuple[int, str]:
        """
        Keep an object; it is there whole or not at all.

        Returns:
            Its length in bytes and its SHA-256 in hexadecimal.

        Raises:
            VaultError: The storage refused or failed.
        """
        feed = _Feed(chunks)
        try:
            await self._call(
                obstore.put,
                self._objects,
                _checked(key),
                feed.blocks(),
                chunk_size=_PART_BYTES,
                max_concurrency=_PARTS_AT_ONCE,
            )
        except (BaseError, OSError) as error:
            raise self._failed("keep", key, error) from error
        finally:
            feed.is_over = True
        return feed.length, feed.digest.hexdigest()

    async def get(self, key: str) -> AsyncIterator[bytes]:
        """
        Return an object's bytes in chunks.

        Raises:
            VaultError: There is no such object, or reading failed.
        """
        try:
            found = await self._call(obstore.get, self._objects, _checked(key))
            stream = iter(found.stream(min_chunk_size=_READ_BYTES))
            while (chunk := await self._call(next, stream, None)) is not None:
                yield bytes(chunk)
        except (BaseError, OSError) as error:
            raise self._failed("read", key, error) from error

    async def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        try:
            await self._call(obstore.delete, self._objects, _checked(key))
        except FileNotFoundError:
            pass
        except (BaseError, OSError) as error:
            raise self._failed("delete", key, error) from error

    async def keys(self) -> tuple[str, ...]:
        """Return the keys of all objects, sorted."""
        try:
            return await self._call(self._keys)
        except (BaseError, OSError) as error:
            raise self._failed("list", "", error) from error

    async def _call(self, act: Callable[..., _Result], *args: object, **settings: object) -> _Result:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(act, *args, **settings))

    def _keys(self) -> tuple[str, ...]:
        pages = obstore.list(self._objects, chunk_size=1000)
        return tuple(sorted(item["path"] for page in pages for item in page))

    def _failed(self, verb: str, key: str, error: Exception) -> VaultError:
        # The storage's own text may go on for pages; its first line says what went wrong.
        reason = str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
        return VaultError(f"cannot {verb} {key or 'objects'} in {self.name}: {reason}")


class _Feed:
    """
    Hands what comes on the event loop to a thread that writes it, counted and digested.

    Attributes:
        is_over: Set when nobody waits for the writing any more: it then fails at the next block.
    """

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._loop = asyncio.get_running_loop()
        self.digest = hashlib.sha256()
        self.length = 0
        self.is_over = False

    def blocks(self) -> Iterator[bytes]:
        """Yield what came, in blocks; for another thread than the event loop's."""
        while block := asyncio.run_coroutine_threadsafe(self._block(), self._loop).result():
            self.digest.update(block)
            self.length += len(block)
            yield block

    async def _block(self) -> bytes:
        # A hop between threads costs more than a network's chunk is worth.
        gathered = bytearray()
        while len(gathered) < _FEED_BYTES:
            if self.is_over:
                raise OSError("the upload was given up")
            chunk = await anext(self._chunks, None)
            if chunk is None:
                break
            gathered += chunk
        return bytes(gathered)


def _checked(key: str) -> str:
    if len(key) > _MAX_KEY or not _KEY.fullmatch(key):
        raise VaultError(f"expected a key of letters, digits and ._@-/ without . or .. as parts, got {key!r}")
    return key
