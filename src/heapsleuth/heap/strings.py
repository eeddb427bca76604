"""The string table of a snapshot: byte ranges that are decoded when somebody asks.

A snapshot can hold gigabytes of text, most of which no report ever shows.  So the table keeps where
each literal is and a 64-bit hash of its raw bytes, and fetches the text from the store it came from:
the snapshot file itself, or a copy where the file was compressed or came from a pipe.
"""

from __future__ import annotations

import json
import os
import threading
import weakref
from typing import TYPE_CHECKING, Protocol

import numpy as np

from heapsleuth.errors import SnapshotError
from heapsleuth.kernels.scan import STRING_OR_END, scan_strings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

__all__ = ["ByteStore", "FileStore", "MemoryStore", "StringTable"]

_KEEP_BYTES = 16 << 20
"""A section up to this size is kept in memory once a string of it was needed."""
_GAP_BYTES = 4096
_READ_BYTES = 1 << 20
_SHORT_ESCAPES = str.maketrans(
    {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
)


class ByteStore(Protocol):
    """Where the raw bytes of the literals are; safe to use from several threads."""

    def read(self, offset: int, length: int) -> bytes:
        """Return exactly *length* bytes from *offset* on."""


class MemoryStore:
    """Bytes in memory (or in a mapped index)."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = memoryview(data)

    def read(self, offset: int, length: int) -> bytes:
        """Return *length* bytes from *offset* on."""
        return bytes(self._data[offset : offset + length])


class FileStore:
    """
    An open file that must not change while it is used.

    The file is read, never mapped: a mapped file that somebody truncates kills the process.

    Args:
        fd: Open file descriptor; owned by the store from now on.
        path: The file as the user named it, for messages.
        watched: Whether a changed size or time of change means that the ranges are wrong now; False
            for a private copy.
    """

    def __init__(self, fd: int, path: str, *, watched: bool = True) -> None:
        self._fd = fd
        self._path = path
        self._lock = threading.Lock()
        self._close = weakref.finalize(self, os.close, fd)
        self.watched = watched
        self._identity = self._look() if watched else None

    def _look(self) -> tuple[int, int]:
        status = os.fstat(self._fd)
        return status.st_size, status.st_mtime_ns

    def read(self, offset: int, length: int) -> bytes:
        """
        Return *length* bytes from *offset* on.

        Raises:
            SnapshotError: The file was changed since it was opened, or cannot be read any more.
        """
        try:
            changed = self._identity is not None and self._look() != self._identity
            data = b"" if changed else self._pread(offset, length)
        except OSError as error:
            raise SnapshotError(
                self._path,
                f"reading strings failed: {error.strerror or error}",
                section="strings",
                offset=offset,
            ) from error
        if changed or len(data) != length:
            raise SnapshotError(
                self._path,
                "the file changed while it was being analysed",
                section="strings",
                advice="Run again once nothing writes to it any more.",
            )
        return data

    def _pread(self, offset: int, length: int) -> bytes:
        parts = []
        while length > 0:
            if hasattr(os, "pread"):
                part = os.pread(self._fd, length, offset)
            else:  # Windows
                with self._lock:
                    os.lseek(self._fd, offset, os.SEEK_SET)
                    part = os.read(self._fd, length)
            if not part:
                break
            parts.append(part)
            offset += len(part)
            length -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def close(self) -> None:
        """Close the file; reading from it is an error afterwards."""
        self._close()


class StringTable:
    """
    The strings of one snapshot; read-only and safe to share between threads.

    V8 writes every distinct string once, cut at 1,024 characters.

    Args:
        store: Where the bytes are.
        offsets: (k,) uint32 or uint64: where the text of each literal begins, relative to `base`.
        lengths: (k,) uint32: its raw bytes, quotes not counted.
        hashes: (k,) uint64: hash of the raw bytes, equal for equal bytes in every snapshot.
        base: Offset of the section in the store.
        size: Bytes of the section.
    """

    def __init__(
        self,
        store: ByteStore,
        offsets: NDArray[np.unsignedinteger],
        lengths: NDArray[np.uint32],
        hashes: NDArray[np.uint64],
        *,
        base: int = 0,
        size: int = 0,
    ) -> None:
        self.store = store
        self.offsets = offsets
        self.lengths = lengths
        self.hashes = hashes
        self.base = base
        self.size = size
        for array in (offsets, lengths, hashes):
            array.flags.writeable = False
        self._section: bytes | None = None

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: int) -> str:
        return _decode(self.raw(index))

    def __iter__(self) -> Iterator[str]:
        for first in range(0, len(self), 4096):
            yield from self.decode_many(range(first, min(first + 4096, len(self))))

    def raw(self, index: int) -> bytes:
        """Return the JSON bytes of one string, escapes and all, without the quotes."""
        index = int(index)
        if not 0 <= index < len(self):
            raise IndexError(f"string {index} of {len(self)}")
        return self._fetch(int(self.offsets[index]), int(self.lengths[index]))

    def decode_many(self, indices: Iterable[int] | NDArray[np.integer]) -> list[str]:
        """
        Return the strings of *indices*, in that order, with few reads.

        Raises:
            IndexError: An index is out of range.
            SnapshotError: The file changed since it was read.
        """
        wanted = np.asarray(indices if isinstance(indices, np.ndarray) else list(indices), dtype=np.int64)
        if not len(wanted):
            return []
        if int(wanted.min()) < 0 or int(wanted.max()) >= len(self):
            raise IndexError(f"string index out of range 0 … {len(self) - 1}")
        unique, back = np.unique(wanted, return_inverse=True)
        starts = self.offsets[unique].astype(np.int64)
        ends = starts + self.lengths[unique]
        texts: list[str] = []
        first = 0
        while first < len(unique):
            last = first
            while (
                last + 1 < len(unique)
                and int(starts[last + 1]) - int(ends[last]) <= _GAP_BYTES
                and int(ends[last + 1]) - int(starts[first]) <= _READ_BYTES
            ):
                last += 1
            origin = int(starts[first])
            chunk = self._fetch(origin, int(ends[last]) - origin)
            texts.extend(
                _decode(chunk[int(starts[i]) - origin : int(ends[i]) - origin])
                for i in range(first, last + 1)
            )
            first = last + 1
        return [texts[i] for i in back.tolist()]

    def find(self, text: str) -> int | None:
        """Return the index of the string equal to *text*, None if no node or edge is called so."""
        for raw in _spellings(text):
            for index in np.flatnonzero(self.hashes == np.uint64(hash_raw(raw))):
                if self.raw(int(index)) == raw:
                    return int(index)
        return None

    def _fetch(self, offset: int, length: int) -> bytes:
        if self.size > _KEEP_BYTES or not self.size:
            return self.store.read(self.base + offset, length)
        if self._section is None:
            self._section = self.store.read(self.base, self.size)
        return self._section[offset : offset + length]


def hash_raw(raw: bytes) -> int:
    """Return the 64-bit hash that the reader computes for a literal of these raw bytes."""
    result = np.zeros(1, np.uint64)
    literal = b'"' + raw + b'"'
    scan_strings(
        literal, 0, len(literal), 0, STRING_OR_END, np.zeros(1, np.uint64), np.zeros(1, np.uint32), result, 0
    )
    return int(result[0])


def _spellings(text: str) -> list[bytes]:
    """Return how V8 may have written *text*: Node escapes what is not ASCII, Chrome does not."""
    short = text.translate(_SHORT_ESCAPES)
    short = "".join(c if c >= " " else f"\\u{ord(c):04X}" for c in short)
    escaped = "".join(c if c.isascii() and c != "\x7f" else f"\\u{ord(c) & 0xFFFF:04X}" for c in short)
    spellings = (escaped, short, short.replace("\x7f", "\\u007F"))
    return list(dict.fromkeys(spelling.encode("utf-8", "replace") for spelling in spellings))


def _decode(raw: bytes) -> str:
    """Return the text of a literal; what is no text (a half of a pair, bad UTF-8) becomes U+FFFD."""
    if b"\\" not in raw:
        return raw.decode("utf-8", "replace")
    text: str = json.loads('"' + raw.decode("utf-8", "replace") + '"', strict=False)
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
