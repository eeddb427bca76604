"""A vault on an object store: a folder, S3, Google Cloud Storage or Azure, all through obstore."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError

from heapsleuth.errors import VaultError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from obstore.store import ObjectStore

__all__ = ["ObjectVault"]

_KEY = re.compile(r"(?!.*(?:^|/)\.{1,2}(?:/|$))[A-Za-z0-9][A-Za-z0-9._@-]*(?:/[A-Za-z0-9._@-]+)*")
_MAX_KEY = 500
_PART_BYTES = 8 * 1024 * 1024
"""Parts of an upload: S3 takes at most 10,000 of them, so an object may have up to 80 GB."""
_PARTS_AT_ONCE = 2
_READ_BYTES = 1024 * 1024


class ObjectVault:
    """
    Keeps snapshots under keys such as `shop/2026-01-31/web-1.heapsnapshot.gz`.

    An object whose writer fails is not there, and leaves no parts behind that would be paid for.

    Args:
        objects: The object store; its prefix is the vault's.
        name: What errors call it, without secrets.
    """

    def __init__(self, objects: ObjectStore, name: str) -> None:
        self._objects = objects
        self.name = name

    async def put(self, key: str, chunks: AsyncIterator[bytes]) -> tuple[int, str]:
        """
        Keep an object; it is there whole or not at all.

        Returns:
            Its length in bytes and its SHA-256 in hexadecimal.

        Raises:
            VaultError: The storage refused or failed.
        """
        digest = hashlib.sha256()
        length = 0

        async def counted() -> AsyncIterator[bytes]:
            nonlocal length
            async for chunk in chunks:
                digest.update(chunk)
                length += len(chunk)
                if chunk:
                    yield chunk

        try:
            await obstore.put_async(
                self._objects,
                _checked(key),
                counted(),
                chunk_size=_PART_BYTES,
                max_concurrency=_PARTS_AT_ONCE,
            )
        except (BaseError, OSError) as error:
            raise self._failed("keep", key, error) from error
        return length, digest.hexdigest()

    async def get(self, key: str) -> AsyncIterator[bytes]:
        """
        Return an object's bytes in chunks.

        Raises:
            VaultError: There is no such object, or reading failed.
        """
        try:
            found = await obstore.get_async(self._objects, _checked(key))
            async for chunk in found.stream(min_chunk_size=_READ_BYTES):
                yield bytes(chunk)
        except (BaseError, OSError) as error:
            raise self._failed("read", key, error) from error

    async def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error."""
        try:
            await obstore.delete_async(self._objects, _checked(key))
        except FileNotFoundError:
            pass
        except (BaseError, OSError) as error:
            raise self._failed("delete", key, error) from error

    async def keys(self) -> tuple[str, ...]:
        """Return the keys of all objects, sorted."""
        try:
            pages = obstore.list(self._objects, chunk_size=1000)
            return tuple(sorted([item["path"] async for page in pages for item in page]))
        except (BaseError, OSError) as error:
            raise self._failed("list", "", error) from error

    def _failed(self, verb: str, key: str, error: Exception) -> VaultError:
        # The storage's own text may go on for pages; its first line says what went wrong.
        reason = str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
        return VaultError(f"cannot {verb} {key or 'objects'} in {self.name}: {reason}")


def _checked(key: str) -> str:
    if len(key) > _MAX_KEY or not _KEY.fullmatch(key):
        raise VaultError(f"expected a key of letters, digits and ._@-/ without . or .. as parts, got {key!r}")
    return key
