"""Latencies of one route by time, release and instance, in bounded memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

import numpy as np

from heapsleuth.trends.latency_histogram import SIZE, add_to

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["COARSE_MS", "FINE_MS", "LatencySlots", "Served"]

FINE_MS = 300_000.0
COARSE_MS = 600_000.0

_FINE_KEPT_MS = 48 * 3_600_000.0
_COARSE_KEPT_MS = 6 * 24 * 3_600_000.0
_INSTANCES_KEPT_MS = 24 * 3_600_000.0
_MOST_INSTANCES = 8
"""Of each release; what tells releases apart is what all instances do, so more of them tell hardly more."""

_CONCURRENT_MS = 1_800_000.0

_Key = TypeVar("_Key")


class Served(Protocol):
    """Latencies of a route over a time, as `store.model.HttpBucket` has them."""

    @property
    def at_ms(self) -> float:
        """End of the time."""

    @property
    def release(self) -> str:
        """Which release served."""

    @property
    def instance(self) -> str:
        """Which instance served; empty when it is the sum of several."""

    @property
    def buckets(self) -> Mapping[int, int]:
        """Requests by number of bucket."""


class LatencySlots:
    """
    Histograms by 5 minutes for two days, by 10 minutes for six, by instance while releases run side by side.

    At most 2.5 MB, and 3.5 MB more while several releases run.
    """

    def __init__(self) -> None:
        self.fine: dict[tuple[float, str], NDArray[np.uint32]] = {}
        self.coarse: dict[tuple[float, str], NDArray[np.uint32]] = {}
        self.by_instance: dict[tuple[str, str], dict[float, NDArray[np.uint32]]] = {}
        self.first_ms: dict[str, float] = {}
        self.last_ms: dict[str, float] = {}
        self.latest_ms = 0.0

    def add(self, served: Served, span_ms: float) -> None:
        """Count requests of the *span_ms* that ended at `at_ms`; spans over 5 minutes are kept by 10."""
        start = served.at_ms - min(span_ms, COARSE_MS)
        long = span_ms > FINE_MS
        step, slots = (COARSE_MS, self.coarse) if long else (FINE_MS, self.fine)
        # By the middle: an interval that begins a little before a slot belongs to it.
        slot = (start + served.at_ms) / 2 // step * step
        add_to(_counts(slots, (slot, served.release)), served.buckets)
        self.first_ms[served.release] = min(self.first_ms.get(served.release, start), start)
        self.last_ms[served.release] = max(self.last_ms.get(served.release, 0.0), served.at_ms)
        if not long and served.instance and self._is_shared(served):
            self._add_to_instance(served, slot)
        if served.at_ms > self.latest_ms + FINE_MS:
            self.latest_ms = served.at_ms
            self._forget()

    def _is_shared(self, served: Served) -> bool:
        return any(
            release != served.release and served.at_ms - last < _CONCURRENT_MS
            for release, last in self.last_ms.items()
        )

    def _add_to_instance(self, served: Served, slot: float) -> None:
        key = (served.release, served.instance)
        if key not in self.by_instance:
            if sum(release == served.release for release, _ in self.by_instance) >= _MOST_INSTANCES:
                return
            self.by_instance[key] = {}
        step = slot // COARSE_MS * COARSE_MS
        add_to(_counts(self.by_instance[key], step), served.buckets)

    def _forget(self) -> None:
        """Drop what is too old; 5 minutes become 10."""
        for slot, release in [key for key in self.fine if key[0] < self.latest_ms - _FINE_KEPT_MS]:
            counts = _counts(self.coarse, (slot // COARSE_MS * COARSE_MS, release))
            counts += self.fine.pop((slot, release))
        for old in [key for key in self.coarse if key[0] < self.latest_ms - _COARSE_KEPT_MS]:
            del self.coarse[old]
        for instance, slots in list(self.by_instance.items()):
            for slot in [slot for slot in slots if slot < self.latest_ms - _INSTANCES_KEPT_MS]:
                del slots[slot]
            if not slots:
                del self.by_instance[instance]
        for release in [one for one, last in self.last_ms.items() if last < self.latest_ms - _COARSE_KEPT_MS]:
            del self.first_ms[release], self.last_ms[release]


def _counts(slots: dict[_Key, NDArray[np.uint32]], key: _Key) -> NDArray[np.uint32]:
    counts = slots.get(key)
    if counts is None:
        counts = slots[key] = np.zeros(SIZE, np.uint32)
    return counts
