"""Arrays of integers: blocks are parsed on a few threads and handed on in file order."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from heapsleuth.heap.readers.header import MAX_FIELDS
from heapsleuth.kernels.scan import (
    AFTER_COMMA,
    BAD_BYTE,
    TOO_WIDE,
    scan_integers,
    scan_integers_wide,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from heapsleuth.heap.readers.cursor import Cursor

    Flat = NDArray[np.uint32] | NDArray[np.uint64]

__all__ = ["NumberReader"]

_THREADED_BYTES = 8 << 20
"""Below this a thread costs more than it saves."""
_MAX_THREADS = 4
_LONGEST_BLANK = 4096


class _Parsed(NamedTuple):
    """The numbers of one chunk, from place MAX_FIELDS of `flat` up to `stop`."""

    flat: Flat
    stop: int
    status: int
    position: int


class _Job(NamedTuple):
    parsed: Future[_Parsed]
    block: bytearray
    origin: int
    cut: int
    closed: bool
    """The array ends behind this chunk."""
    ended: bool
    """The file ends behind this chunk, though the array does not."""


def _parse(block: bytearray, start: int, end: int, flat: NDArray[np.uint32]) -> _Parsed:
    stop, status, position = scan_integers(block, start, end, flat, MAX_FIELDS)
    if status != TOO_WIDE:
        return _Parsed(flat, stop, status, position)
    wide = np.empty(len(flat), np.uint64)
    stop, status, position = scan_integers_wide(block, start, end, wide, MAX_FIELDS)
    return _Parsed(wide, stop, status, position)


class NumberReader:
    """
    Reads the arrays of integers of one file; a context manager that owns the threads.

    Args:
        cursor: Where to read.
    """

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._pool: ThreadPoolExecutor | None = None
        size = cursor.source.size
        small = size is not None and size < _THREADED_BYTES
        self._threads = 0 if small else min(_MAX_THREADS, os.cpu_count() or 1)
        self._blocks: list[bytearray] = []
        self._flats: list[NDArray[np.uint32]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def read(self, width: int, take: Callable[[Flat, int, int, int], None]) -> int:
        """
        Use one array of integers, opening bracket to closing bracket.

        Args:
            width: Numbers per record; the array must hold whole records.
            take: Called in file order as `take(flat, begin, rows, offset)`: `rows` whole records
                are in `flat` (uint32, or uint64 where one of its values needs it) from `begin` on;
                `offset` is that of the block they came from.  `flat` is used again afterwards.

        Returns:
            How many records there were.

        Raises:
            SnapshotError: Something that is no unsigned integer, or no whole number of records.
            SnapshotTruncated: The file ends first.
        """
        cursor = self._cursor
        cursor.expect("[")
        jobs: deque[_Job] = deque()
        carried: Flat = np.empty(0, np.uint32)
        total = 0
        final = False
        while jobs or not final:
            while not final and len(jobs) <= self._threads:
                job = self._start_job()
                jobs.append(job)
                final = job.closed or job.ended
            job = jobs.popleft()
            parsed = job.parsed.result()
            self._check(job, parsed, empty=total == 0 and not len(carried))
            flat = parsed.flat
            if carried.dtype != flat.dtype:
                carried, flat = carried.astype(np.uint64), flat.astype(np.uint64)
            begin = MAX_FIELDS - len(carried)
            flat[begin:MAX_FIELDS] = carried
            rows = (parsed.stop - begin) // width
            if rows:
                take(flat, begin, rows, job.origin)
            carried = flat[begin + rows * width : parsed.stop].copy()
            total += rows
            self._blocks.append(job.block)
            if flat.dtype == np.uint32:
                self._flats.append(flat.view(np.uint32))
        if len(carried):
            raise cursor.bad(f"the last record has {len(carried)} numbers, expected {width}", cursor.offset)
        return total

    def _start_job(self) -> _Job:
        """Cut a chunk off that ends behind a comma or before the bracket, have it parsed, read on."""
        cursor = self._cursor
        while True:
            block, start, end, origin = cursor.block, cursor.start, cursor.end, cursor.origin
            cut = block.find(b"]", start, end)
            closed = cut >= 0
            ended = False
            if closed:
                break
            cut = block.rfind(b",", start, end) + 1
            if cut > 0:
                break
            if end - start > cursor.block_bytes // 2 and end - start > _LONGEST_BLANK:
                raise cursor.bad(f"{end - start:,} bytes without a number or a comma", cursor.offset)
            if not cursor.refill():
                cut, ended = end, True
                break
        rest = cut + 1 if closed else cut
        need = (cut - start + 1) // 2 + MAX_FIELDS + 1
        flat = self._flats.pop() if self._flats else np.empty(0, np.uint32)
        if len(flat) < need:
            flat = np.empty(max(need, cursor.block_bytes // 2 + MAX_FIELDS + 2), np.uint32)
        fresh = self._blocks.pop() if self._blocks else bytearray(cursor.block_bytes)
        if len(fresh) <= end - rest:
            fresh = bytearray(2 * (end - rest) + 1)
        fresh[: end - rest] = block[rest:end]
        parsed = self._submit(block, start, cut, flat)
        cursor.block, cursor.start, cursor.end, cursor.origin = fresh, 0, end - rest, origin + rest
        if not closed and not ended:
            cursor.end = cursor.read_into(fresh, end - rest)
        return _Job(parsed, block, origin, cut, closed, ended)

    def _submit(self, block: bytearray, start: int, cut: int, flat: NDArray[np.uint32]) -> Future[_Parsed]:
        if self._threads:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="heapsleuth-scan")
            return self._pool.submit(_parse, block, start, cut, flat)
        done: Future[_Parsed] = Future()
        done.set_result(_parse(block, start, cut, flat))
        return done

    def _check(self, job: _Job, parsed: _Parsed, *, empty: bool) -> None:
        cursor = self._cursor
        if parsed.status == BAD_BYTE:
            byte = job.block[parsed.position]
            raise cursor.unexpected_at(
                byte, "unsigned integers with commas between", job.origin + parsed.position
            )
        if parsed.status == TOO_WIDE:
            raise cursor.bad("a number of more than 19 digits", job.origin + parsed.position)
        if job.ended:
            raise cursor.truncated()
        if job.closed and parsed.status == AFTER_COMMA and not (empty and parsed.stop == MAX_FIELDS):
            raise cursor.unexpected_at(ord("]"), "a number", job.origin + job.cut)
