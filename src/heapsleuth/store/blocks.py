"""
Ten minutes of an instance's samples in one compressed row.

Column by column, each value exclusive-or'd with the one before, the bytes of equal weight together: what
does not change becomes zeros, and deflate takes the rest down to about a fifth.  Nothing is rounded.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["pack_block", "unpack_block"]

# Level 1 takes a third of the time of the default and 10 % more room.
_LEVEL = 1


def pack_block(rows: NDArray[np.float64]) -> bytes:
    """Return rows of samples, float64[n, columns], as bytes."""
    bits = np.ascontiguousarray(rows.T).view(np.uint64)
    changes = bits.copy()
    changes[:, 1:] ^= bits[:, :-1]
    planes = changes.view(np.uint8).reshape(-1, 8).T
    return zlib.compress(np.ascontiguousarray(planes).tobytes(), _LEVEL)


def unpack_block(body: bytes, columns: int) -> NDArray[np.float64]:
    """Return what `pack_block` packed, float64[n, columns]."""
    planes = np.frombuffer(zlib.decompress(body), dtype=np.uint8).reshape(8, -1)
    changes = np.ascontiguousarray(planes.T).view(np.uint64).reshape(columns, -1)
    bits = np.bitwise_xor.accumulate(changes, axis=1)
    return np.ascontiguousarray(bits.view(np.float64).T)
