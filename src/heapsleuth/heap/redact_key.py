"""The file that keeps a key, so that snapshots redacted later can be compared with earlier ones.

It also keeps the names that stayed: a name that a later heap no longer shows to be one must stay as
well, or the same object would be called differently in two files.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heapsleuth.errors import OutputError, UsageError
from heapsleuth.heap.redact_placeholders import new_key

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["KeyFile"]

_FORMAT = "heapsleuth/redaction-key"
_VERSION = 1
"""1: format, version, key (hexadecimal), kept (kind by name)."""
_LONGEST = 64 << 20
_SHORTEST_KEY, _LONGEST_KEY = 16, 64


@dataclass(frozen=True, slots=True)
class KeyFile:
    """One such file; whoever has it can find out whether a text they guess was in a snapshot."""

    path: Path
    key: bytes
    kept: Mapping[bytes, str]
    """Kind by the raw JSON bytes of the name."""

    @classmethod
    def open(cls, path: Path) -> KeyFile:
        """
        Read a key file, or make a new key if it is not there.

        Raises:
            UsageError: The file is something else.
        """
        try:
            with path.open("rb") as file:
                data = json.loads(file.read(_LONGEST))
        except FileNotFoundError:
            return cls(path, new_key(), {})
        except (OSError, ValueError) as error:
            raise UsageError(f"{path}: cannot be read as a key file: {error}") from error
        try:
            is_ours = data["format"] == _FORMAT and data["version"] == _VERSION
            key = bytes.fromhex(data["key"])
            kept = {
                str(name).encode("utf-8", "surrogateescape"): str(kind) for name, kind in data["kept"].items()
            }
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _not_ours(path) from error
        if not is_ours:
            raise _not_ours(path)
        if not _SHORTEST_KEY <= len(key) <= _LONGEST_KEY:
            raise UsageError(f"{path}: expected a key of 16 to 64 bytes, found {len(key)}")
        return cls(path, key, kept)

    def write(self, kept: Mapping[bytes, str]) -> None:
        """
        Write the key and these names, readable for the owner only.

        Raises:
            OutputError: It cannot be written.
        """
        names = {name.decode("utf-8", "surrogateescape"): kind for name, kind in sorted(kept.items())}
        document = {"format": _FORMAT, "version": _VERSION, "key": self.key.hex(), "kept": names}
        beside = self.path.with_name(f".{self.path.name}.{os.getpid()}.tmp")
        try:
            handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                json.dump(document, file)
            beside.replace(self.path)
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be written: {error.strerror or error}") from error
        finally:
            with contextlib.suppress(OSError):
                beside.unlink()


def _not_ours(path: Path) -> UsageError:
    return UsageError(
        f"{path}: expected a key file that heapsleuth redact made (version {_VERSION}), found another file"
    )
