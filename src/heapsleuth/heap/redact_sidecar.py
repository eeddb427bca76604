"""`FILE.json` beside a snapshot, carried over without free text."""

from __future__ import annotations

import contextlib
import json
import os
import re
from pathlib import Path

from heapsleuth.errors import OutputError

__all__ = ["redact_sidecar"]

_LONGEST = 1 << 20
_DEEPEST = 8
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,40}\Z")
_PLAIN = re.compile(
    r"v?\d+(\.\d+){1,3}\Z"  # a version
    r"|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z\Z"  # a time
    r"|heapsleuth/sidecar\Z"
)


def redact_sidecar(source: str, target: str) -> str | None:
    """
    Write the sidecar of *source* beside *target*, with its numbers, versions and times only.

    Returns:
        The file written, None when there is nothing to carry over.

    Raises:
        OutputError: It cannot be written.
    """
    try:
        with Path(f"{source}.json").open("rb") as file:
            data = json.loads(file.read(_LONGEST))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(data, dict):
        return None
    path = Path(f"{target}.json")
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as out:
            json.dump(_plain(data, _DEEPEST), out)
            out.write("\n")
        beside.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        with contextlib.suppress(OSError):
            beside.unlink()
    return str(path)


def _plain(value: object, depth: int) -> object:
    """Return a JSON value without text that is no version or time; None where it was."""
    if isinstance(value, dict) and depth:
        return {
            key: kept
            for key, inner in value.items()
            if _KEY.match(key) and ((kept := _plain(inner, depth - 1)) is not None or inner is None)
        }
    if isinstance(value, list) and depth:
        return [_plain(inner, depth - 1) for inner in value]
    if isinstance(value, bool | int | float):
        return value
    return value if isinstance(value, str) and _PLAIN.match(value) else None
