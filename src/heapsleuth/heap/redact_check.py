"""Reading a redacted snapshot back: the same heap, and no text that was taken out."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.errors import RedactionFailed
from heapsleuth.heap.readers import read

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from heapsleuth.heap.columns import Columns
    from heapsleuth.heap.strings import StringTable

    Progress = Callable[[str, int, int | None], None]

__all__ = ["LEAST_CHECKED", "Fingerprint", "check_redacted", "fingerprint"]

LEAST_CHECKED = 4
"""Texts of fewer bytes are in every file by chance; they are replaced, but not looked for."""
_COLUMNS = (
    "node_types", "node_names", "node_ids", "self_sizes", "detachedness", "first_edges", "edge_types",
    "edge_names", "edge_targets", "location_nodes", "location_scripts", "location_lines", "location_columns",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A heap without its texts, as digests."""

    digests: tuple[tuple[str, bytes], ...]
    """By column."""
    strings: int
    extra_native_bytes: int


def fingerprint(columns: Columns) -> Fingerprint:
    """Return what two snapshots have in common that differ in texts only."""
    digests = []
    for name in _COLUMNS:
        column = getattr(columns, name)
        hashed = hashlib.blake2b(digest_size=16)
        if column is not None:
            hashed.update(str(column.dtype).encode())
            hashed.update(np.ascontiguousarray(column).data)
        digests.append((name, hashed.digest()))
    return Fingerprint(tuple(digests), len(columns.strings), columns.extra_native_bytes)


def check_redacted(
    path: Path,
    name: str,
    expected: Fingerprint,
    strings: StringTable,
    removed: NDArray[np.bool_],
    progress: Progress | None = None,
) -> int:
    """
    Read a redacted snapshot as any reader would and compare it with what it was made from.

    Args:
        path: The redacted file.
        name: What messages call it.
        expected: Of the original.
        strings: Of the original.
        removed: (number of strings,) whether each was to go.
        progress: As for reading.

    Returns:
        How many removed texts were looked for.

    Raises:
        RedactionFailed: A number differs, or a removed text is there.
    """
    columns = read(path, progress)
    found = fingerprint(columns)
    if found != expected:
        differing = [
            column for (column, a), (_, b) in zip(found.digests, expected.digests, strict=True) if a != b
        ]
        what = ", ".join(differing) or "the number of strings"
        raise RedactionFailed(f"{name}: what was written differs from the original in {what}")
    wanted = removed & (strings.lengths >= LEAST_CHECKED)
    after = columns.strings
    del columns  # half of the memory this takes
    # Hashes find what may be equal; the bytes decide.
    suspects = np.flatnonzero(np.isin(after.hashes, np.unique(strings.hashes[wanted])))
    if len(suspects):
        places: dict[int, list[int]] = {}
        hit = np.flatnonzero(wanted & np.isin(strings.hashes, after.hashes[suspects]))
        for index in hit.tolist():
            places.setdefault(int(strings.hashes[index]), []).append(index)
        for suspect in suspects.tolist():
            raw = after.raw(suspect)
            if any(strings.raw(index) == raw for index in places.get(int(after.hashes[suspect]), ())):
                raise RedactionFailed(f"{name}: string {suspect:,} of the original is still in it")
    return int(np.count_nonzero(wanted))
