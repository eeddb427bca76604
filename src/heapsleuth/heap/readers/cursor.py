"""Walking through the JSON of a snapshot one block at a time."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.errors import SnapshotError, SnapshotTruncated
from heapsleuth.kernels.scan import skip_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from heapsleuth.heap.readers.source import ByteSource

__all__ = ["BLOCK_BYTES", "Cursor"]

BLOCK_BYTES = 1 << 20
"""Small enough that a block and its numbers stay in the second-level cache."""
MAX_LITERAL_BYTES = 1 << 30
"""Longest string literal; V8's own strings end at 2^29 characters and are cut at 1,024 by default."""
_HEADER_BYTES = 16 << 20
_BLANKS = re.compile(rb"[ \t\r\n]*")
_SCALAR = re.compile(rb"[-+.0-9A-Za-z]+")
_KEY = re.compile(rb'"((?:[^"\\\x00-\x1f]|\\.)*)"')
_KEY_BYTES = 4096
_PRINTABLE = range(33, 127)
_TRUNCATED_ADVICE = "The process that wrote it was killed, or the disk was full; take the snapshot again."


class Cursor:
    """
    The current block of a source and a place in it.

    Args:
        source: Where the bytes come from.
        progress: Called with (phase, bytes done, bytes in all or None) after every block.

    Attributes:
        block: Bytes; those from `start` to `end` have been read but not used.
        origin: Offset of the block's first byte in the decompressed file.
        section: What is being read, for messages.
    """

    def __init__(self, source: ByteSource, progress: Callable[[str, int, int | None], None] | None) -> None:
        self.source = source
        self.path = source.path
        # A small file needs no big block: a block of its size and a byte shows its end at once.
        self.block_bytes = BLOCK_BYTES if source.size is None else min(BLOCK_BYTES, source.size + 1)
        self.block = bytearray(self.block_bytes)
        self.start = 0
        self.end = 0
        self.origin = 0
        self.section = "header"
        self.ended = False
        self._progress = progress

    @property
    def offset(self) -> int:
        """Offset of the current place in the decompressed file."""
        return self.origin + self.start

    def read_into(self, block: bytearray, used: int) -> int:
        """Fill *block* behind its first *used* bytes; return how many bytes it holds then."""
        with memoryview(block) as view, view[used:] as room:
            count = self.source.fill(room)
            if count < len(room):
                self.ended = True
        if self._progress is not None:
            self._progress(self.section, *self.source.progress())
        return used + count

    def refill(self) -> bool:
        """Read on, keeping what is unused, in a larger block if need be; False at the end."""
        if self.ended:
            return False
        unused = self.end - self.start
        if unused > MAX_LITERAL_BYTES:
            raise self.bad(f"one value is longer than {MAX_LITERAL_BYTES:,} bytes", self.offset)
        if unused > len(self.block) // 2:
            block = bytearray(len(self.block) * 2)
            block[:unused] = self.block[self.start : self.end]
        else:
            block = self.block
            block[:unused] = block[self.start : self.end]
        self.origin += self.start
        self.block = block
        self.start = 0
        self.end = self.read_into(block, unused)
        return self.end > unused

    def peek(self) -> int:
        """Return the next byte that is no blank, without using it; -1 at the end of the file."""
        while True:
            found = _BLANKS.match(self.block, self.start, self.end)
            self.start = found.end() if found else self.start
            if self.start < self.end:
                return self.block[self.start]
            if not self.refill():
                return -1

    def expect(self, symbol: str) -> None:
        """Use the next byte, which must be *symbol*."""
        byte = self.peek()
        if byte != ord(symbol):
            raise self.unexpected(byte, f"`{symbol}`")
        self.start += 1

    def key(self) -> str:
        """Use the key of a member and its colon; return the key."""
        byte = self.peek()
        if byte != ord('"'):
            raise self.unexpected(byte, "a key in quotes")
        while not (found := _KEY.match(self.block, self.start, self.end)):
            if self.end - self.start > _KEY_BYTES:
                raise self.bad(
                    "a key of more than 4,096 bytes, or with bytes that cannot stand in one", self.offset
                )
            if not self.refill():
                raise self.truncated()
        self.start = found.end()
        name = found.group(1).decode("utf-8", "replace")
        self.expect(":")
        return name

    def json_value(self) -> object:
        """Use one value of moderate size and return it parsed."""
        self.peek()
        first = self.offset
        kept = bytearray()
        self._skip(kept)
        try:
            return json.loads(bytes(kept))
        except (ValueError, RecursionError) as error:
            raise self.bad(f"this is no JSON: {error}", first) from error

    def skip(self) -> None:
        """Use one value of any size without keeping it."""
        self._skip(None)

    def _skip(self, kept: bytearray | None) -> None:
        byte = self.peek()
        if byte < 0:
            raise self.truncated()
        if byte not in b'[{"':
            self._skip_scalar(byte, kept)
            return
        state = np.zeros(3, np.int64)
        done = False
        while not done:
            if self.start == self.end and not self.refill():
                raise self.truncated()
            done, behind = skip_value(self.block, self.start, self.end, state)
            if kept is not None:
                kept += self.block[self.start : behind]
                if len(kept) > _HEADER_BYTES:
                    raise self.bad(
                        f"more than {_HEADER_BYTES:,} bytes in what should be a short header", self.offset
                    )
            self.start = behind

    def _skip_scalar(self, byte: int, kept: bytearray | None) -> None:
        while True:
            found = _SCALAR.match(self.block, self.start, self.end)
            if found is None:
                raise self.unexpected(byte, "a value")
            if found.end() < self.end or not self.refill():
                break
            if found.end() - found.start() > _KEY_BYTES:
                raise self.unexpected(byte, "a value")
        if kept is not None:
            kept += found.group()
        self.start = found.end()

    def truncated(self) -> SnapshotTruncated:
        """Return the error for a file that ends too early."""
        size = self.origin + self.end
        return SnapshotTruncated(
            self.path,
            f"the snapshot stops before its end, after {size:,} bytes",
            section=self.section,
            offset=size,
            advice=_TRUNCATED_ADVICE,
        )

    def changed(self) -> SnapshotError:
        """Return the error for a file that somebody wrote to meanwhile."""
        return SnapshotError(
            self.path,
            "the file changed while it was being read",
            section=self.section,
            advice="Wait until the process has written it to its end, then run again.",
        )

    def unexpected(self, byte: int, wanted: str) -> SnapshotError:
        """Return the error for a byte (or the end, -1) here in place of *wanted*."""
        return self.unexpected_at(byte, wanted, self.offset)

    def unexpected_at(self, byte: int, wanted: str, offset: int) -> SnapshotError:
        """Return the error for a byte (or the end, -1) at *offset* in place of *wanted*."""
        if byte < 0:
            return self.truncated()
        if byte == 0:
            return SnapshotTruncated(
                self.path,
                f"zero bytes in place of {wanted}: this part was never written",
                section=self.section,
                offset=offset,
                advice=_TRUNCATED_ADVICE,
            )
        found = f"`{chr(byte)}`" if byte in _PRINTABLE else f"byte 0x{byte:02x}"
        return self.bad(f"found {found}, expected {wanted}", offset)

    def bad(self, problem: str, offset: int | None) -> SnapshotError:
        """Return an error about the current section."""
        return SnapshotError(
            self.path,
            problem,
            section=self.section,
            offset=offset,
            advice="The file is damaged or is no V8 heap snapshot; copy it again or take another one.",
        )
