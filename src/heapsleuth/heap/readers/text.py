"""The section `strings`: where each literal is, and its bytes kept where they can be found again."""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.errors import SnapshotError
from heapsleuth.heap.readers.columns import Growing
from heapsleuth.heap.strings import ByteStore, FileStore, MemoryStore, StringTable
from heapsleuth.kernels.scan import STRING_OR_END, STRINGS_BAD, STRINGS_DONE, STRINGS_FULL, scan_strings

if TYPE_CHECKING:
    from heapsleuth.heap.readers.cursor import Cursor

__all__ = ["read_strings"]

_MEMORY_BYTES = 16 << 20
"""A copy of the section up to this size stays in memory, a larger one goes to a temporary file."""


class _Spool:
    """A private copy of the section, for sources that cannot be read twice."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = tempfile.SpooledTemporaryFile(max_size=_MEMORY_BYTES)  # noqa: SIM115  # lives on

    def write(self, data: memoryview) -> None:
        try:
            self._file.write(data)
        except OSError as error:
            raise SnapshotError(
                self._path,
                f"its strings cannot be put aside in {tempfile.gettempdir()}: {error.strerror or error}",
                section="strings",
                advice="Free some space there, set TMPDIR, or unpack the file first.",
            ) from error

    def store(self) -> ByteStore:
        file = self._file
        if getattr(file, "_rolled", False):
            file.flush()
            store: ByteStore = FileStore(os.dup(file.fileno()), self._path, watched=False)
        else:
            file.seek(0)
            store = MemoryStore(file.read())
        file.close()
        return store


def read_strings(cursor: Cursor) -> StringTable:
    """
    Use the array of strings, opening bracket to closing bracket.

    Raises:
        SnapshotError: Something that is no list of JSON strings.
        SnapshotTruncated: The file ends first.
    """
    cursor.expect("[")
    base = cursor.offset
    fd = cursor.source.plain_fd
    spool = _Spool(cursor.path) if fd is None else None
    offsets, lengths, hashes = Growing(np.uint64), Growing(np.uint32), Growing(np.uint64)
    count = 0
    state = STRING_OR_END
    while True:
        count, status, behind, state = scan_strings(
            cursor.block,
            cursor.start,
            cursor.end,
            cursor.origin - base,
            state,
            offsets.array,
            lengths.array,
            hashes.array,
            count,
        )
        if status == STRINGS_BAD:
            raise cursor.unexpected_at(
                cursor.block[behind], "strings with commas between", cursor.origin + behind
            )
        if spool is not None:
            with memoryview(cursor.block) as view, view[cursor.start : behind] as used:
                spool.write(used)
        cursor.start = behind
        if status == STRINGS_DONE:
            break
        if status == STRINGS_FULL:
            for column in (offsets, lengths, hashes):
                column.reserve(len(column.array) * 2)
        elif not cursor.refill():
            raise cursor.truncated()
    size = cursor.offset - base
    ranges = offsets.finish(count)
    return StringTable(
        spool.store() if spool is not None else FileStore(os.dup(fd or 0), cursor.path),
        ranges.astype(np.uint32) if size < 2**32 else ranges,
        lengths.finish(count).astype(np.uint32, copy=False),
        hashes.finish(count).astype(np.uint64, copy=False),
        base=base if spool is None else 0,
        size=size,
    )
