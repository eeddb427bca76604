"""A running program as its samples tell it: rates between samples, the floor over time, a modest verdict.

No clock and no IO: everything follows from the samples that are put in.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from heapsleuth.units import format_bytes, format_duration

if TYPE_CHECKING:
    from heapsleuth.capture.reports import Sample

__all__ = ["Floor", "FloorWatch", "Live", "PotentialLeak"]

WINDOWS = 8
"""Windows in a row in which the floor must have grown."""
_WINDOW_S = 3.0
_LEAST_GROWTH = 0.02
_LEAST_BYTES = 256 * 1024
"""Below both, growth over all the windows is what compiled code and caches of any program do."""
_MAX_FLOORS = 600


@dataclass(frozen=True)
class Floor:
    """The lowest floor of one window: heap used after a major collection, in bytes."""

    at_s: float
    used_bytes: float
    requests: float


@dataclass(frozen=True)
class PotentialLeak:
    """The floor grew in every one of the last windows; neither calibrated nor a cause."""

    first: Floor
    last: Floor

    @property
    def text(self) -> str:
        """One sentence with its figures."""
        grown = self.last.used_bytes - self.first.used_bytes
        requests = self.last.requests - self.first.requests
        rate = f", {format_bytes(grown / requests)} per request" if requests > 0 else ""
        return (
            f"potential leak: the floor grew in each of the last {WINDOWS} windows, from "
            f"{format_bytes(self.first.used_bytes)} to {format_bytes(self.last.used_bytes)} in "
            f"{format_duration(self.last.at_s - self.first.at_s)}{rate}"
        )


class FloorWatch:
    """
    Divides time into windows of at least three seconds, one major collection and one request.

    Without a collection nothing is known, and without requests growth says nothing about a leak per request.
    """

    def __init__(self) -> None:
        self.floors: deque[Floor] = deque(maxlen=_MAX_FLOORS)
        self._opened: Sample | None = None
        self._lowest: float | None = None

    def add(self, sample: Sample) -> None:
        """Take the next sample of one instance."""
        floor = sample.get("floor_bytes")
        if self._opened is None or floor is None:
            self._opened = self._opened or sample
            return
        if _since(self._opened, sample, "gc_major_count") > 0:
            self._lowest = floor if self._lowest is None else min(self._lowest, floor)
        long_enough = (sample.at_ms - self._opened.at_ms) / 1000 >= _WINDOW_S
        if long_enough and self._lowest is not None and _since(self._opened, sample, "requests_total") > 0:
            self.floors.append(Floor(sample.at_ms / 1000, self._lowest, sample.get("requests_total") or 0.0))
            self._opened, self._lowest = sample, None

    @property
    def potential_leak(self) -> PotentialLeak | None:
        """The verdict on the last windows; None if they do not say "leak", or are too few."""
        last = list(self.floors)[-(WINDOWS + 1) :]
        if len(last) <= WINDOWS or any(b.used_bytes <= a.used_bytes for a, b in pairwise(last)):
            return None
        grown = last[-1].used_bytes - last[0].used_bytes
        enough = grown >= max(_LEAST_BYTES, _LEAST_GROWTH * last[0].used_bytes)
        return PotentialLeak(last[0], last[-1]) if enough else None


class Live:
    """What is shown of one instance: its last two samples, and its floor over time."""

    def __init__(self) -> None:
        self.watch = FloorWatch()
        self.sample: Sample | None = None
        self._before: Sample | None = None

    def add(self, sample: Sample) -> None:
        """Take the next sample; repeats and older ones are left out."""
        if self.sample is not None and sample.at_ms <= self.sample.at_ms:
            return
        self._before, self.sample = self.sample, sample
        self.watch.add(sample)

    def get(self, name: str) -> float | None:
        """Return a measurement of the last sample."""
        return None if self.sample is None else self.sample.get(name)

    def rate(self, name: str) -> float | None:
        """Return how fast a total grew between the last two samples, per second."""
        if self.sample is None or self._before is None:
            return None
        seconds = (self.sample.at_ms - self._before.at_ms) / 1000
        return _since(self._before, self.sample, name) / seconds if seconds > 0 else None

    def spaces(self) -> dict[str, float]:
        """Return bytes used by heap space, the largest first; empty ones are left out."""
        metrics = {} if self.sample is None else self.sample.metrics
        found = {
            name.removeprefix("heap_space_").removesuffix("_used_bytes"): size
            for name, size in metrics.items()
            if name.startswith("heap_space_") and name.endswith("_used_bytes") and size > 0
        }
        return dict(sorted(found.items(), key=lambda one: -one[1]))


def _since(before: Sample, after: Sample, name: str) -> float:
    return max(0.0, (after.get(name) or 0.0) - (before.get(name) or 0.0))
