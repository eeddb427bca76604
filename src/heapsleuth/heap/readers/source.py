"""Where the bytes of a snapshot come from: a file, a pipe, plain or compressed.

What a file is, is told by its first bytes, never by its name.
"""

from __future__ import annotations

import io
import os
import stat
import sys
import zlib
from gzip import BadGzipFile, GzipFile
from typing import IO, TYPE_CHECKING, Any, Protocol, cast

from heapsleuth.errors import SnapshotError, SnapshotTruncated

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import WriteableBuffer

__all__ = ["ByteSource", "open_source"]

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_OTHER_PACKERS = {
    b"PK\x03\x04": ("a zip archive", "Unpack it and pass the snapshot inside."),
    b"BZh": ("compressed with bzip2", "Unpack it with bunzip2 first."),
    b"\xfd7zXZ\x00": ("compressed with xz", "Unpack it with unxz first."),
    b"\x04\x22\x4d\x18": ("compressed with lz4", "Unpack it with lz4 -d first."),
    b"7z\xbc\xaf\x27\x1c": ("a 7z archive", "Unpack it and pass the snapshot inside."),
    b"\xff\xfe": ("UTF-16 text", "Save it as UTF-8, or take the file as V8 wrote it."),
    b"\xfe\xff": ("UTF-16 text", "Save it as UTF-8, or take the file as V8 wrote it."),
}
_HEAD_BYTES = 16


class _Reader(Protocol):
    def readinto(self, buffer: memoryview, /) -> int | None: ...


class ByteSource:
    """
    A snapshot's bytes, decompressed, front to back; one reader at a time.

    Attributes:
        path: The file as the user named it.
        size: Bytes still to come when it was opened, None if not known (compressed, a pipe).
        plain_fd: Descriptor of the file if its bytes can be read again at the same offsets later,
            else None.
    """

    def __init__(
        self,
        path: str,
        reader: _Reader,
        *,
        size: int | None,
        plain_fd: int | None,
        packed: str | None,
        where: Callable[[], tuple[int, int | None]],
        close: Callable[[], None],
    ) -> None:
        self.path = path
        self.size = size
        self.plain_fd = plain_fd
        self._reader = reader
        self._packed = packed
        self._where = where
        self._identity = self._look()
        self.close = close

    def _look(self) -> tuple[int, int] | None:
        if self.plain_fd is None:
            return None
        status = os.fstat(self.plain_fd)
        return status.st_size, status.st_mtime_ns

    def changed(self) -> bool:
        """Return whether a plain file was written to since it was opened."""
        return self._look() != self._identity

    def progress(self) -> tuple[int, int | None]:
        """Return (bytes read so far, all bytes or None), both counted as they lie in the file."""
        return self._where()

    def fill(self, buffer: memoryview) -> int:
        """
        Read until *buffer* is full or the source has ended; return how much was read.

        Raises:
            SnapshotError: Reading or decompressing failed.
            SnapshotTruncated: The compressed data stops before its end.
        """
        done = 0
        try:
            while done < len(buffer):
                count = self._reader.readinto(buffer[done:])
                if not count:
                    break
                done += count
        except EOFError as error:
            raise SnapshotTruncated(
                self.path,
                f"the {self._packed} data stops before its end",
                offset=self._where()[0],
                advice="The copy or the compression was cut short; copy or compress it again.",
            ) from error
        except Exception as error:
            if not _is_read_error(error):
                raise
            what = f"the {self._packed} data is damaged" if self._packed else "reading failed"
            raise SnapshotError(
                self.path,
                f"{what}: {getattr(error, 'strerror', None) or error}",
                offset=self._where()[0],
                advice="Copy the file again." if self._packed else "",
            ) from error
        return done


def _is_read_error(error: Exception) -> bool:
    """Tell failures of reading and unpacking; zstandard's own class is not importable everywhere."""
    return isinstance(error, (OSError, BadGzipFile, zlib.error)) or type(error).__name__ == "ZstdError"


class _Joined(io.RawIOBase):
    """The bytes that were looked at already, then the rest."""

    def __init__(self, head: bytes, rest: io.RawIOBase) -> None:
        super().__init__()
        self._head = head
        self._rest = rest
        self.count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer)
        if self._head:
            count = min(len(view), len(self._head))
            view[:count] = self._head[:count]
            self._head = self._head[count:]
        else:
            count = self._rest.readinto(view) or 0
        self.count += count
        return count


def open_source(path: str) -> ByteSource:
    """
    Open a snapshot file, or standard input for `-`, plain or compressed.

    Raises:
        SnapshotError: It cannot be opened, is empty, or is packed in a way that is not read here.
    """
    raw = _open_raw(path)
    try:
        size = _regular_size(raw)
        head = b""
        while len(head) < _HEAD_BYTES:
            part = raw.read(_HEAD_BYTES - len(head))
            if not part:
                break
            head += part
        if not head:
            raise SnapshotTruncated(  # noqa: TRY301 - the handler closes the file
                path,
                "the file is empty (0 bytes)" if path != "-" else "standard input is empty",
                offset=0,
                advice="Node creates the file empty and fills it only when the heap has been walked: wait"
                " until it grows no more. If the process is gone, it was killed before it could write.",
            )
        for magic, (what, advice) in _OTHER_PACKERS.items():
            if head.startswith(magic):
                raise SnapshotError(  # noqa: TRY301
                    path, f"this is {what}, not a heap snapshot", advice=advice
                )
        return _wrap(path, raw, head, size)
    except OSError as error:
        raw.close()
        raise SnapshotError(path, f"reading failed: {error.strerror or error}") from error
    except BaseException:
        raw.close()
        raise


def _open_raw(path: str) -> io.FileIO:
    if path == "-":
        return io.FileIO(sys.stdin.fileno(), "rb", closefd=False)
    try:
        raw = io.FileIO(path, "rb")
    except IsADirectoryError as error:
        raise SnapshotError(
            path, "this is a folder, not a heap snapshot", advice="Name the .heapsnapshot files in it."
        ) from error
    except FileNotFoundError as error:
        raise SnapshotError(path, "there is no such file", advice="Check the path and the folder.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        advice = (
            "Node writes snapshots readable for their owner only."
            if isinstance(error, PermissionError)
            else ""
        )
        raise SnapshotError(path, f"cannot be opened: {reason}", advice=advice) from error
    return raw


def _regular_size(raw: io.FileIO) -> int | None:
    status = os.fstat(raw.fileno())
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _wrap(path: str, raw: io.FileIO, head: bytes, size: int | None) -> ByteSource:
    packed = "gzip" if head.startswith(_GZIP) else "zstd" if head.startswith(_ZSTD) else None
    if packed is None and size is not None and path != "-":
        raw.seek(0)
        return ByteSource(
            path,
            raw,
            size=size,
            plain_fd=raw.fileno(),
            packed=None,
            where=lambda: (raw.tell(), size),
            close=raw.close,
        )
    joined = _Joined(head, raw)
    reader: _Reader = joined
    if packed == "gzip":
        reader = GzipFile(fileobj=cast("IO[bytes]", joined))
    elif packed == "zstd":
        reader = _zstd(path, joined)
    return ByteSource(
        path,
        reader,
        size=None,
        plain_fd=None,
        packed=packed,
        where=lambda: (joined.count, size),
        close=raw.close,
    )


def _zstd(path: str, joined: _Joined) -> _Reader:
    try:
        from compression import zstd  # type: ignore[import-not-found]  # noqa: PLC0415 - Python 3.14 on

        return cast("_Reader", zstd.ZstdFile(joined))
    except ImportError:
        pass
    try:
        import zstandard  # noqa: PLC0415 - optional
    except ImportError:
        raise SnapshotError(
            path,
            "this file is compressed with zstd, and the package that reads it is not installed",
            advice="Run `pip install heapsleuth[zstd]`, or unpack the file with `unzstd`.",
        ) from None
    return cast(
        "_Reader", zstandard.ZstdDecompressor().stream_reader(cast("Any", joined), read_across_frames=True)
    )
