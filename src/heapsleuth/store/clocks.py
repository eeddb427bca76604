"""
What to do with samples whose times cannot be right.

A host's clock may be off by minutes or years, and one sample in the year 2286 would keep its place in
every roll-up for good.  An agent's message is sent within seconds of its last sample, or after an outage
of the collector, so a last sample from the future or from days ago tells of a wrong clock: then the
whole message is moved so that it ends when it came.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heapsleuth.store.model import Batch

__all__ = ["AHEAD_MS", "BEHIND_MS", "offset_of", "usable"]

AHEAD_MS = 300_000.0
BEHIND_MS = 24 * 3_600_000.0


def offset_of(batch: Batch) -> float:
    """Return what to add to the times of a message, milliseconds; 0 unless its clock is wrong."""
    times = [row.get("at_ms", math.nan) for row in batch.samples] or [event.at_ms for event in batch.events]
    times = [time for time in times if math.isfinite(time)]
    if not times:
        return 0.0
    ahead = max(times) - batch.received_ms
    return 0.0 if -BEHIND_MS <= ahead <= AHEAD_MS else -ahead


def usable(at_ms: float, received_ms: float) -> bool:
    """Whether a sample of a message is of a time that can still be kept."""
    return received_ms - 2 * BEHIND_MS <= at_ms <= received_ms + AHEAD_MS
