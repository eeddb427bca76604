"""The folder of indexes: private to the user, bounded in size, emptied from the oldest-used end.

`HEAPSLEUTH_CACHE` names it (`off`: keep no indexes), else it is `heapsleuth/` in `XDG_CACHE_HOME`.
`HEAPSLEUTH_CACHE_BYTES` bounds it (`500MB`, `2GiB`), 20 GB if not set or not understood.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import time
from pathlib import Path

from heapsleuth.errors import UsageError
from heapsleuth.units import parse_bytes

__all__ = ["enabled", "evict", "file_of", "folder", "free_bytes"]

_LOG = logging.getLogger(__name__)

MOST_BYTES = 20 * 10**9
_SUFFIX = ".hsindex"
_STALE_SECONDS = 24 * 3600.0


def enabled() -> bool:
    """Return whether indexes are kept at all."""
    return os.environ.get("HEAPSLEUTH_CACHE", "") != "off"


def folder() -> Path:
    """Return the cache folder, which need not exist."""
    named = os.environ.get("HEAPSLEUTH_CACHE")
    if named:
        return Path(named)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "heapsleuth"


def file_of(key: str, *, make: bool = False) -> Path | None:
    """
    Return the file for the index of this key, None if the folder cannot be trusted.

    Args:
        key: Hexadecimal digits.
        make: Make the folder if it is not there.

    Raises:
        OSError: The folder cannot be made or looked at.
    """
    place = folder()
    if make:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    elif not place.is_dir():
        return None
    status = place.stat()
    # Whoever can write there could make us map what he likes.
    if hasattr(os, "getuid") and (status.st_uid not in {os.getuid(), 0} or status.st_mode & 0o022):
        _LOG.warning("the cache folder %s can be written by others and is not used", place)
        return None
    return place / f"{key}{_SUFFIX}"


def free_bytes(fd: int) -> int:
    """Return the free bytes on the disk of an open file, a large number where that is not known."""
    if not hasattr(os, "fstatvfs"):
        return shutil.disk_usage(folder()).free
    status = os.fstatvfs(fd)
    return status.f_bavail * status.f_frsize


def evict(*, keep: Path) -> None:
    """Delete the oldest-used indexes until the folder is within its bound, and what killed writers left."""
    try:
        most = parse_bytes(os.environ.get("HEAPSLEUTH_CACHE_BYTES", str(MOST_BYTES)))
    except UsageError:
        most = MOST_BYTES
    found = []
    with contextlib.suppress(OSError):
        for file in keep.parent.iterdir():
            with contextlib.suppress(OSError):
                status = file.stat()
                if file.suffix == _SUFFIX:
                    found.append((file != keep, -status.st_mtime_ns, status.st_size, file))
                elif file.suffix == ".tmp" and time.time() - status.st_mtime > _STALE_SECONDS:
                    file.unlink()
    total = 0
    for others, _, size, file in sorted(found):  # newest first, the one to keep before all
        total += size
        if others and total > most:
            with contextlib.suppress(OSError):
                file.unlink()
