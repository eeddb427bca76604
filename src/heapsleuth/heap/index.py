"""The index on disk: everything computed about a snapshot, kept so that a second look is instant.

One file per snapshot in the cache folder, found by the snapshot's size, time of change and a hash of
its ends.  It is a list of raw arrays that are mapped, not read, and a directory of them at the end.
The strings stay in the snapshot; only where that is compressed are they copied.

An index is a convenience: whatever is wrong with it or with its folder, it is left out and the work
goes on.  It is written under another name and renamed when complete, so there is no half of one.
A machine that lost its power may have kept the name and lost the contents; therefore an index of an
earlier boot is compared with its checksums in full, one of this boot in samples.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import stat
import struct
import tempfile
import zlib
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from heapsleuth.errors import SnapshotError
from heapsleuth.heap import cache
from heapsleuth.heap.columns import Columns
from heapsleuth.heap.strings import ByteStore, FileStore, MemoryStore, StringTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType
    from typing import Any, Self

    from numpy.typing import NDArray

__all__ = ["Index", "IndexWriter"]

_LOG = logging.getLogger(__name__)

VERSION = 1
"""Of the file format and of what the columns mean.  Changes: 1, the first one."""
LEAST_BYTES = 32 << 20
"""A smaller snapshot is read faster than anybody notices."""

_MAGIC = b"heapsleuth index"
_HEAD = struct.Struct("<16sIIQQII")
"""Magic, version, byte order mark, offset and length of the directory, its CRC, CRC of the rest."""
_ORDER = 0x01020304
_ALIGN = 64
_ENDS_BYTES = 1 << 20
_CHUNK_BYTES = 1 << 20
_SAMPLES = 4
"""How many megabytes of each array are compared when the machine has not been off since."""
_SPARE_DISK_BYTES = 1 << 30
_DTYPES = frozenset(("|u1", "<u2", "<u4", "<u8", "|i1", "<i2", "<i4", "<i8", "<f4", "<f8", "|b1"))
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_STRINGS = ("string_offsets", "string_lengths", "string_hashes")
_BASE = (
    "node_types",
    "node_names",
    "node_ids",
    "self_sizes",
    "first_edges",
    "edge_types",
    "edge_names",
    "edge_targets",
    "location_nodes",
    "location_scripts",
    "location_lines",
    "location_columns",
)


class _Unusable(ValueError):
    """Why an index file is not used."""


@dataclass(frozen=True, slots=True)
class _Entry:
    """One array in the file."""

    dtype: str
    length: int
    offset: int
    sums: tuple[int, ...]
    """Sum of every megabyte, modulo 2^64."""


class Index:
    """
    What is known about a snapshot from last time; make one with `Index.open`.

    Attributes:
        arrays: Every array by name, mapped and not writeable.
        attributes: What was stored beside the arrays.
    """

    def __init__(
        self, arrays: Mapping[str, NDArray[Any]], attributes: dict[str, Any], snapshot: str, fd: int
    ) -> None:
        self.arrays = arrays
        self.attributes = attributes
        self._snapshot = snapshot
        self._file = FileStore(fd, snapshot)

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, least_bytes: int = LEAST_BYTES) -> Index | None:
        """
        Return the index of a snapshot, None if there is no good one.

        Args:
            path: The snapshot.
            least_bytes: Smaller snapshots have no index.
        """
        name = os.fspath(path)
        fd = _open_snapshot(name, least_bytes)
        if fd is None:
            return None
        try:
            file = cache.file_of(_key(fd))
            if file is None or not file.exists():
                return None
            index = cls(*_load(file), name, os.dup(fd))
            index._check()
        except (OSError, ValueError, KeyError, TypeError) as error:
            _LOG.warning("the index of %s is not used and will be made again: %s", name, error)
            return None
        finally:
            os.close(fd)
        with contextlib.suppress(OSError):
            os.utime(file)  # the oldest-used one is evicted first
        return index

    def _check(self) -> None:
        """Check, cheaply, what kernels would read out of bounds by."""
        a = self.arrays
        missing = [name for name in (*_BASE, *_STRINGS) if name not in a]
        if missing:
            raise _Unusable(f"it has no array {missing[0]}")
        n, m, k = len(a["node_types"]), len(a["edge_types"]), len(a["location_nodes"])
        lengths = (
            {"node_names": n, "node_ids": n, "self_sizes": n, "first_edges": n + 1}
            | {"edge_names": m, "edge_targets": m}
            | dict.fromkeys(("location_scripts", "location_lines", "location_columns"), k)
            | dict.fromkeys(_STRINGS, len(a["string_lengths"]))
        )
        first = a["first_edges"]
        sound = (
            n > 0
            and all(len(a[name]) == length for name, length in lengths.items())
            and int(first[0]) == 0
            and int(first[-1]) == m
            and bool((first[1:] >= first[:-1]).all())
            and int(a["node_names"].max()) < len(a["string_lengths"])
            and int(a["edge_targets"].max(initial=0)) < n
            and int(a["location_nodes"].max(initial=0)) < n
        )
        if not sound:
            raise _Unusable("its numbers are out of range")

    def columns(self) -> Columns:
        """Return the snapshot's columns, as a reader would, without reading the snapshot."""
        a, attributes = self.arrays, self.attributes
        blob = a.get("string_bytes")
        store: ByteStore = self._file if blob is None else MemoryStore(memoryview(cast("Any", blob)))
        return Columns(
            **{name: a[name] for name in _BASE},
            detachedness=a.get("detachedness"),
            strings=StringTable(
                store,
                a["string_offsets"],
                cast("Any", a["string_lengths"]),
                cast("Any", a["string_hashes"]),
                base=int(attributes["string_base"]) if blob is None else 0,
                size=int(attributes["string_size"]),
            ),
            extra_native_bytes=int(attributes["extra_native_bytes"]),
            meta=attributes["meta"],
        )


class IndexWriter:
    """
    Writes the index of one snapshot, one array at a time; a context manager.

    Nothing here raises when the index cannot be written: it is logged once, and the rest does nothing.

    Args:
        path: The snapshot.
        least_bytes: For a smaller snapshot nothing is written.
    """

    def __init__(self, path: str | os.PathLike[str], *, least_bytes: int = LEAST_BYTES) -> None:
        self._snapshot = os.fspath(path)
        self._entries: dict[str, _Entry] = {}
        self._attributes: dict[str, Any] = {}
        self._temporary: Path | None = None
        self._target: Path | None = None
        self._fd = -1
        self._at = 0
        fd = _open_snapshot(self._snapshot, least_bytes)
        if fd is None:
            return
        try:
            self._target = cache.file_of(_key(fd), make=True)
            if self._target is not None:
                self._fd, name = tempfile.mkstemp(".tmp", "index-", self._target.parent)
                self._temporary = Path(name)
                self._write(b"\0" * _ALIGN)
        except OSError as error:
            self._give_up(error)
        finally:
            os.close(fd)

    @property
    def active(self) -> bool:
        """Whether an index is being written."""
        return self._fd >= 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._drop()

    def add(self, name: str, array: NDArray[Any]) -> NDArray[Any]:
        """
        Append one array.

        Returns:
            The same values mapped from the file, not writeable, so that the caller can let go of
            *array*; *array* itself when no index is written.

        Raises:
            ValueError: It has no plain numbers, more than one dimension, or a name that is there.
        """
        if not self.active:
            return array
        flat = np.ascontiguousarray(array)
        if flat.ndim != 1 or flat.dtype.str not in _DTYPES or name in self._entries:
            raise ValueError(f"array {name} of {flat.dtype} with {flat.ndim} dimensions cannot be indexed")
        try:
            self._need_room(flat.nbytes)
            offset = self._at
            self._write(memoryview(cast("Any", flat)).cast("B"))
            self._write(b"\0" * (-self._at % _ALIGN))
            self._entries[name] = _Entry(flat.dtype.str, len(flat), offset, _sums(flat))
            return _map(self._fd, self._entries[name])
        except OSError as error:
            self._give_up(error)
            return array

    def _add_bytes(self, name: str, store: ByteStore, length: int) -> None:
        """Append the bytes of a store, piece by piece: there can be gigabytes of them."""
        if not self.active:
            return
        offset, sums = self._at, []
        try:
            self._need_room(length)
            for start in range(0, length, _CHUNK_BYTES):
                piece = store.read(start, min(_CHUNK_BYTES, length - start))
                self._write(piece)
                sums.append(_sum(np.frombuffer(piece, np.uint8)))
            self._write(b"\0" * (-self._at % _ALIGN))
            self._entries[name] = _Entry("|u1", length, offset, tuple(sums))
        except (OSError, SnapshotError) as error:
            self._give_up(error)

    def _need_room(self, count: int) -> None:
        if count + _SPARE_DISK_BYTES > cache.free_bytes(self._fd):
            raise OSError("the disk of the cache folder is nearly full")

    def add_columns(self, columns: Columns) -> Columns:
        """
        Append all base columns and where the strings are.

        Returns:
            The same columns mapped from the file, so that the caller can let go of *columns*.
        """
        mapped: dict[str, Any] = {name: self.add(name, getattr(columns, name)) for name in _BASE}
        if columns.detachedness is not None:
            mapped["detachedness"] = self.add("detachedness", columns.detachedness)
        strings = columns.strings
        self.add("string_offsets", strings.offsets)
        self.add("string_lengths", strings.lengths)
        self.add("string_hashes", strings.hashes)
        if not (isinstance(strings.store, FileStore) and strings.store.watched):
            self._add_bytes("string_bytes", strings.store, strings.size)
        self._attributes |= {
            "string_base": strings.base,
            "string_size": strings.size,
            "extra_native_bytes": columns.extra_native_bytes,
            "meta": columns.meta,
        }
        return replace(columns, **mapped)

    def commit(self, attributes: Mapping[str, Any] | None = None) -> bool:
        """
        Make the index visible, and evict the oldest-used ones if the folder is too large.

        Args:
            attributes: Stored beside the arrays; JSON values.

        Returns:
            Whether there is an index now.
        """
        if not self.active or self._temporary is None or self._target is None:
            return False
        directory = json.dumps(
            {
                "boot": _boot(),
                "attributes": self._attributes | dict(attributes or {}),
                "arrays": {
                    name: [entry.dtype, entry.length, entry.offset, *entry.sums]
                    for name, entry in self._entries.items()
                },
            }
        ).encode()
        try:
            offset = self._at
            self._write(directory)
            head = _HEAD.pack(_MAGIC, VERSION, _ORDER, offset, len(directory), zlib.crc32(directory), 0)
            os.lseek(self._fd, 0, os.SEEK_SET)
            os.write(self._fd, head[:-4] + struct.pack("<I", zlib.crc32(head[:-4])))
            self._temporary.replace(self._target)
        except OSError as error:
            self._give_up(error)
            return False
        os.close(self._fd)
        self._fd = -1
        self._temporary = None
        cache.evict(keep=self._target)
        return True

    def _write(self, data: bytes | memoryview) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._fd, rest[: 1 << 30]) :]
        self._at += len(data)

    def _give_up(self, error: Exception) -> None:
        _LOG.warning("no index is kept of %s: %s", self._snapshot, error)
        self._drop()

    def _drop(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
        if self._temporary is not None:
            with contextlib.suppress(OSError):
                self._temporary.unlink()
            self._temporary = None


def _open_snapshot(path: str, least_bytes: int) -> int | None:
    """Open a snapshot that is worth an index; None for pipes, small files and what cannot be opened."""
    if path == "-" or not cache.enabled():
        return None
    try:
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError:
        return None
    status = os.fstat(fd)
    if stat.S_ISREG(status.st_mode) and status.st_size >= least_bytes:
        return fd
    os.close(fd)
    return None


def _key(fd: int) -> str:
    """Return what identifies the contents of an open snapshot, without reading all of it."""
    status = os.fstat(fd)
    digest = blake2b(f"{VERSION} {status.st_size} {status.st_mtime_ns} ".encode(), digest_size=16)
    for offset in (0, max(0, status.st_size - _ENDS_BYTES)):
        os.lseek(fd, offset, os.SEEK_SET)
        digest.update(os.read(fd, _ENDS_BYTES))
    return digest.hexdigest()


def _boot() -> str | None:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return None


def _chunks(array: NDArray[Any]) -> Iterator[NDArray[np.uint8]]:
    data = array.view(np.uint8)
    for start in range(0, len(data), _CHUNK_BYTES):
        yield data[start : start + _CHUNK_BYTES]


def _sum(chunk: NDArray[np.uint8]) -> int:
    whole = len(chunk) & ~7
    total = int(np.add.reduce(chunk[:whole].view(np.uint64)))
    return (total + int.from_bytes(chunk[whole:].tobytes(), "little")) % 2**64


def _sums(array: NDArray[Any]) -> tuple[int, ...]:
    return tuple(_sum(chunk) for chunk in _chunks(array))


def _map(fd: int, entry: _Entry) -> NDArray[Any]:
    """Map one array of an open index."""
    if not entry.length:
        return np.empty(0, entry.dtype)
    with os.fdopen(os.dup(fd), "rb") as file:
        mapped = np.memmap(file, entry.dtype, "r", entry.offset, (entry.length,))
    return np.asarray(mapped)


def _load(file: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """
    Return arrays and attributes of an index file.

    Raises:
        _Unusable: It is damaged or of another version.
    """
    with file.open("rb") as opened:
        size = os.fstat(opened.fileno()).st_size
        head = opened.read(_HEAD.size)
        if len(head) != _HEAD.size or zlib.crc32(head[:-4]) != int.from_bytes(head[-4:], "little"):
            raise _Unusable("its head is damaged")
        magic, version, order, offset, length, crc, _ = _HEAD.unpack(head)
        if (magic, version, order) != (_MAGIC, VERSION, _ORDER):
            raise _Unusable("it is of another version")
        if offset + length != size:
            raise _Unusable(f"it has {size:,} bytes, expected {offset + length:,}")
        opened.seek(offset)
        text = opened.read(length)
        if zlib.crc32(text) != crc:
            raise _Unusable("its directory is damaged")
        directory = json.loads(text)
        thorough = directory["boot"] is None or directory["boot"] != _boot()
        arrays = {}
        for name, (dtype, count, at, *sums) in directory["arrays"].items():
            entry = _Entry(dtype, count, at, tuple(sums))
            if dtype not in _DTYPES or at + count * np.dtype(dtype).itemsize > offset:
                raise _Unusable(f"array {name} is not inside it")
            arrays[name] = _map(opened.fileno(), entry)
            if not _matches(arrays[name], entry.sums, thorough=thorough):
                raise _Unusable(f"array {name} is damaged")
        return arrays, directory["attributes"]


def _matches(array: NDArray[Any], sums: tuple[int, ...], *, thorough: bool) -> bool:
    """Compare an array with its checksums, or only some megabytes spread over it with theirs."""
    data = array.view(np.uint8)
    count = -(-len(data) // _CHUNK_BYTES)
    if len(sums) != count:
        return False
    step = 1 if thorough else max(1, count // _SAMPLES)
    return all(
        _sum(data[i * _CHUNK_BYTES : (i + 1) * _CHUNK_BYTES]) == sums[i] for i in range(0, count, step)
    )
