"""Reads source files that a snapshot or a source map names, with suspicion.

Such names are data from a stranger: only regular files below a size are opened, never a FIFO, a
device, or anything under `/proc`, `/sys` and `/dev`, never a network path, and never a relative one.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from urllib.parse import unquote

__all__ = ["MAX_SOURCE_BYTES", "path_of_url", "read_bytes", "read_text"]

MAX_SOURCE_BYTES = 20_000_000

_SPECIAL = ("/proc/", "/sys/", "/dev/")
_DRIVE = re.compile(r"/[A-Za-z]:(?=[/\\]|\Z)")


def path_of_url(url: str) -> str:
    """
    Return the path of a `file:` URL, any other name unchanged.

    Query and fragment (`?update=1`, as cache busting adds) are dropped and escapes decoded; a
    Windows URL gives a Windows path on every system.
    """
    if url[:7].lower() != "file://":
        return url
    host, slash, rest = re.split(r"[?#]", url[7:], maxsplit=1)[0].partition("/")
    path = unquote(slash + rest)
    if _DRIVE.match(path):
        return path[1:].replace("/", "\\")
    return f"//{host}{path}" if host not in ("", "localhost") else path


def read_bytes(path: str, limit: int = MAX_SOURCE_BYTES) -> bytes | None:
    """Return the content of the regular file *path*, None when it is none or larger than *limit*."""
    if not Path(path).is_absolute() or path.startswith(("//", "\\\\")) or "\0" in path:
        return None
    try:
        real = Path(path).resolve(strict=True)
        if str(real).startswith(_SPECIAL) or not _is_readable(real.stat(), limit):
            return None
        # Non-blocking in case the file was swapped for a FIFO in between; then checked again.
        handle = os.open(real, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(handle, "rb") as file:
            if not _is_readable(os.fstat(handle), limit):
                return None
            data = file.read(limit + 1)
    except (OSError, ValueError, RuntimeError):  # RuntimeError: a loop of symbolic links
        return None
    return data if len(data) <= limit else None


def read_text(path: str, limit: int = MAX_SOURCE_BYTES) -> str | None:
    """Return *path* as text without its byte order mark, None as `read_bytes`."""
    data = read_bytes(path, limit)
    return None if data is None else data.decode("utf-8-sig", "replace")


def _is_readable(status: os.stat_result, limit: int) -> bool:
    return stat.S_ISREG(status.st_mode) and status.st_size <= limit
