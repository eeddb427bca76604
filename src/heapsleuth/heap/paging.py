"""Giving mapped memory back between the steps of an analysis.

Columns that an index holds are mapped files: touching them makes them resident, and on a heap of
gigabytes that adds up.  Pages that are dropped come back from the page cache when touched again.
"""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from numpy.typing import NDArray

__all__ = ["release"]


def release(arrays: Iterable[NDArray[np.generic] | None]) -> None:
    """Drop the resident pages of those arrays that are mapped files; harmless for all others."""
    for array in arrays:
        owner: Any = array
        while isinstance(owner, np.ndarray):
            owner = owner.base
        if isinstance(owner, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            owner.madvise(mmap.MADV_DONTNEED)
