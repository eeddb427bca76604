"""The second pass over a snapshot: numbers are copied, texts are replaced, all else is left out."""

from __future__ import annotations

import gzip
import json
import re
from typing import IO, TYPE_CHECKING, Any, Protocol, cast

import numpy as np

from heapsleuth.errors import OutputError
from heapsleuth.heap.readers.cursor import Cursor
from heapsleuth.heap.readers.source import open_source
from heapsleuth.heap.redact_placeholders import MARK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from heapsleuth.heap.redact_choice import Replacer
    from heapsleuth.heap.strings import StringTable

    Progress = Callable[[str, int, int | None], None]

__all__ = ["Sink", "open_sink", "write_redacted"]

FORMAT_VERSION = 1
"""Of the rules, written behind the mark in the header.  1: the first."""

_NUMBERS = frozenset(("nodes", "edges", "locations"))
"""Sections that were checked when the file was read: flat lists of numbers."""
_EMPTIED = frozenset(("trace_function_infos", "trace_tree", "samples"))
"""DevTools expects these, but they say which function allocated what, in strings that go."""
_NUMBER_BYTES = b"0123456789, \t\r\n"
_FIELD_LISTS = (
    "node_fields", "edge_fields", "trace_function_info_fields", "trace_node_fields", "sample_fields",
    "location_fields", "scope_fields", "scope_context_var_fields", "scope_use_fields",
)  # fmt: skip
_TYPE_TABLES = ("node_types", "edge_types")
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_ ]{0,40}\Z")
_RUN = re.compile(r"[0-9a-f]{8}\Z")
_COUNTS = ("node_count", "edge_count", "extra_native_bytes")
_CHUNK_BYTES = 1 << 20
_GZIP_LEVEL = 4
_ZSTD_LEVEL = 3
_ZSTD_ADVICE = "run `pip install heapsleuth[zstd]`, or write a file that ends in .gz."


class Sink(Protocol):
    """Where the bytes go."""

    def write(self, data: bytes | memoryview, /) -> object:
        """Take some bytes."""

    def close(self) -> None:
        """End the file."""


def open_sink(file: IO[bytes], name: str) -> Sink:
    """
    Return what writes to *file*, compressed if *name* ends in `.gz` or `.zst`.

    Raises:
        OutputError: The package for zstd is not installed.
    """
    if name.endswith(".gz"):
        return cast("Sink", gzip.GzipFile("", "wb", _GZIP_LEVEL, file, mtime=0))
    if name.endswith(".zst"):
        return _zstd(file, name)
    return cast("Sink", file)


def _zstd(file: IO[bytes], name: str) -> Sink:
    try:
        from compression import zstd  # type: ignore[import-not-found]  # noqa: PLC0415 - Python 3.14 on

        return cast("Sink", zstd.ZstdFile(file, "w", level=_ZSTD_LEVEL))
    except ImportError:
        pass
    try:
        import zstandard  # noqa: PLC0415 - optional
    except ImportError:
        raise OutputError(
            f"{name}: the package that compresses with zstd is not installed; {_ZSTD_ADVICE}"
        ) from None
    compressor = zstandard.ZstdCompressor(level=_ZSTD_LEVEL)
    return cast("Sink", compressor.stream_writer(cast("Any", file), closefd=False))


def write_redacted(
    path: Path | str,
    out: Sink,
    strings: StringTable,
    replacer: Replacer,
    progress: Progress | None = None,
) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """
    Write a snapshot without the contents of its strings.

    Args:
        path: The snapshot; it was read before, so it is known to be valid.
        out: Where it goes.
        strings: The strings of the same file.
        replacer: What to write for each of them.
        progress: As for reading.

    Returns:
        (number of strings,) whether each string went; the sections that were left out.

    Raises:
        SnapshotError: The file is not the one that was read before.
    """
    source = open_source(str(path))
    try:
        cursor = Cursor(source, progress)
        cursor.refill()
        if bytes(cursor.block[:3]) == b"\xef\xbb\xbf":
            cursor.start = 3
        copy = _Copy(cursor, out)
        copy.sections(strings, replacer)
        if source.changed():
            raise cursor.changed()
        return copy.removed, tuple(copy.left_out)
    finally:
        source.close()


class _Copy:
    def __init__(self, cursor: Cursor, out: Sink) -> None:
        self._cursor = cursor
        self._out = out
        self.removed = np.zeros(0, bool)
        self.left_out: list[str] = []

    def sections(self, strings: StringTable, replacer: Replacer) -> None:
        cursor, write = self._cursor, self._out.write
        separator = b"{"
        cursor.expect("{")
        while True:
            key = cursor.key()
            cursor.section = key[:40]
            written = True
            if key == "snapshot":
                write(separator + b'"snapshot":' + _header(cursor.json_value(), replacer.run))
            elif key == "strings":
                cursor.skip()
                write(separator + b'"strings":')
                self._strings(strings, replacer)
            elif key in _NUMBERS:
                write(separator + f'"{key}":'.encode())
                self._numbers()
            else:
                cursor.skip()
                if key in _EMPTIED:
                    write(separator + f'"{key}":[]'.encode())
                else:
                    self.left_out.append(key)
                    written = False
            separator = b",\n" if written else separator
            if cursor.peek() != ord(","):
                break
            cursor.expect(",")
        write(b"}\n")

    def _numbers(self) -> None:
        """Copy a list of numbers; whatever else is in it ends the copy, so no text gets through."""
        cursor = self._cursor
        cursor.expect("[")
        self._out.write(b"[")
        while True:
            end = cursor.block.find(b"]", cursor.start, cursor.end)
            stop = cursor.end if end < 0 else end
            part = bytes(memoryview(cursor.block)[cursor.start : stop])
            odd = part.translate(None, _NUMBER_BYTES)
            if odd:
                raise cursor.unexpected_at(odd[0], "unsigned integers", cursor.offset + part.index(odd[0]))
            self._out.write(part)
            cursor.start = stop
            if end >= 0:
                break
            if not cursor.refill():
                raise cursor.truncated()
        cursor.expect("]")
        self._out.write(b"]")

    def _strings(self, strings: StringTable, replacer: Replacer) -> None:
        removed = np.zeros(len(strings), bool)
        pieces: list[bytes] = []
        size = 0
        separator = b'["'
        for index, raw in enumerate(_raw_strings(strings)):
            written = replacer.replace(raw)
            removed[index] = written is not None
            pieces.append(separator)
            pieces.append(raw if written is None else written)
            separator = b'",\n"'
            size += len(pieces[-1])
            if size > _CHUNK_BYTES:
                self._out.write(b"".join(pieces))
                pieces, size = [], 0
        self._out.write(b"".join(pieces) + (b'"]' if len(strings) else b"[]"))
        self.removed = removed


def _raw_strings(strings: StringTable) -> Iterator[bytes]:
    """Give the raw JSON bytes of all strings, in order, with few reads."""
    count = len(strings)
    first = 0
    while first < count:
        begin = int(strings.offsets[first])
        goal = strings.offsets.dtype.type(min(begin + _CHUNK_BYTES, int(strings.offsets[-1])))
        last = max(int(np.searchsorted(strings.offsets, goal, side="right")), first + 1)
        starts = strings.offsets[first:last].astype(np.int64) - begin
        stops = starts + strings.lengths[first:last]
        block = strings.store.read(strings.base + begin, int(stops[-1]))
        for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
            yield block[start:stop]
        first = last


def _header(value: object, run: str) -> bytes:
    """Return the header with what readers need and nothing else: what else V8 writes can be free text."""
    header = cast("dict[str, Any]", value)  # checked when the file was read
    meta = header["meta"]
    kept: dict[str, list[Any]] = {
        key: _fields(meta[key]) for key in _FIELD_LISTS if isinstance(meta.get(key), list)
    }
    kept |= {
        key: [_fields(entry) if isinstance(entry, list) else _field(entry) for entry in meta[key]]
        for key in _TYPE_TABLES
    }
    order = [key for key in meta if key in kept]
    before = header.get(MARK)
    earlier = before.get("run") if isinstance(before, dict) else None
    mark = {"version": FORMAT_VERSION, "run": earlier if _is_run(earlier) else run}
    result: dict[str, Any] = {MARK: mark, "meta": {key: kept[key] for key in order}}
    result |= {key: int(header[key]) for key in _COUNTS if isinstance(header.get(key), int)}
    result["trace_function_count"] = 0
    return json.dumps(result, separators=(",", ":")).encode()


def _is_run(value: object) -> bool:
    return isinstance(value, str) and _RUN.match(value) is not None


def _fields(names: list[object]) -> list[str]:
    return [_field(name) for name in names]


def _field(name: object) -> str:
    return name if isinstance(name, str) and _FIELD.match(name) else "unknown"
