"""Requests of a made-up service, counted as agents count them; small and quick."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["DAY_MS", "DEPLOYED_MS", "HOUR_MS", "Counted", "count", "service"]

HOUR_MS = 3_600_000.0
DAY_MS = 24 * HOUR_MS
DEPLOYED_MS = 1_767_225_600_000.0


@dataclass(frozen=True, slots=True)
class Counted:
    """Latencies over a time, as the store has them."""

    at_ms: float
    release: str
    instance: str = ""
    buckets: Mapping[int, int] = field(default_factory=dict)


def count(latencies_ms: NDArray[np.float64]) -> dict[int, int]:
    """Return requests by the protocol's bucket number."""
    numbers, counts = np.unique(np.floor(16 * (np.log2(latencies_ms) + 10)).astype(int), return_counts=True)
    return dict(zip(numbers.tolist(), counts.tolist(), strict=True))


def service(
    release: str,
    from_hours: float,
    to_hours: float,
    *,
    seed: int = 0,
    median_ms: float = 50.0,
    slower_ms: float = 0.0,
    wander: float = 0.03,
    requests: int = 400,
    surge: float = 1.0,
    instance: str = "",
    span_ms: float = 300_000.0,
) -> list[Counted]:
    """
    Return what a service counts between two times, in hours from the deployment.

    Load has a daily wave, and latency rises with its cube; a drift of an hour is on top of it. The weather
    (seed) is the same for all instances, their requests are not.
    """
    times = np.arange(DEPLOYED_MS + from_hours * HOUR_MS, DEPLOYED_MS + to_hours * HOUR_MS, span_ms)
    weather = np.random.default_rng(seed)
    own = np.random.default_rng([seed, *instance.encode()])
    keep = np.exp(-span_ms / HOUR_MS)
    drift = 0.0
    rows = []
    for time in times:
        drift = keep * drift + np.sqrt(1 - keep**2) * weather.normal() * wander
        load = (1 + 0.5 * np.cos(2 * np.pi * time / DAY_MS)) * surge
        level = median_ms * (1 + 0.3 * (load / 2) ** 3) * np.exp(drift)
        taken = level * np.exp(0.4 * own.normal(size=own.poisson(requests * load))) + slower_ms
        rows.append(Counted(time + span_ms, release, instance, count(taken)))
    return rows
