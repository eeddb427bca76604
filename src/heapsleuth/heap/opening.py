"""From a file to a graph: read it, or map what an index holds of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from heapsleuth.heap.graph import STORED, HeapGraph
from heapsleuth.heap.index import Index, IndexWriter
from heapsleuth.heap.readers import read

if TYPE_CHECKING:
    from collections.abc import Callable

    Progress = Callable[[str, int, int | None], None]

__all__ = ["open_heap"]


def open_heap(
    path: str | os.PathLike[str], *, progress: Progress | None = None, index: bool = True
) -> HeapGraph:
    """
    Open a heap snapshot.

    Args:
        path: A `.heapsnapshot` or `.heaptimeline`, plain, gzip or zstd; `-` is standard input.
        progress: Called now and then as `progress(phase, done, total)`: while the file is read with bytes
            done and in all, then once for each step of the analysis with (0, None).
        index: Keep what is computed in the cache folder, so that the next look at a large file is
            instant, and use what is there.

    Raises:
        SnapshotError: The file is no valid snapshot, or cannot be read.
        SnapshotTruncated: It stops before its end.
    """
    name = os.fspath(path)
    if index:
        found = Index.open(name)
        if found is not None and all(column in found.arrays for column in STORED):
            derived = {column: found.arrays[column] for column in STORED}
            return HeapGraph(found.columns(), path=name, file_bytes=_identity(name)[0], derived=derived)
    before = _identity(name)
    graph = HeapGraph(read(name, progress), path=name, file_bytes=before[0])
    if index:
        with IndexWriter(name) as writer:
            # A file that was replaced meanwhile must not get the columns of the old one.
            if writer.active and _identity(name) == before:
                graph.compute_all(
                    writer.add, writer.add_columns, lambda step: progress(step, 0, None) if progress else None
                )
                writer.commit()
    return graph


def _identity(path: str) -> tuple[int, int, int]:
    """Return size, time of change and inode of a file; zeros for what is none."""
    if path == "-":
        return 0, 0, 0
    try:
        status = Path(path).stat()
    except OSError:
        return 0, 0, 0  # the reader says what is wrong
    return status.st_size, status.st_mtime_ns, status.st_ino
