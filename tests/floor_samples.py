"""Samples of made-up processes: a base, a cache that fills, sessions that follow the load, noise, a leak."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.trends.leak import LeakTrend
from heapsleuth.trends.model import Life

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapsleuth.trends.leak import LeakKind
    from heapsleuth.trends.model import TrendVerdict

HOUR_MS = 3_600_000.0
START_MS = 1_700_000_000_000.0
MB = 1e6


@dataclass(frozen=True)
class Process:
    """What a process does; sizes in MB, times in hours."""

    hours: float
    leak: float = 0.0
    leak_from: float = 0.0
    leak_until: float = 1e9
    cache: float = 0.0
    cache_tau: float = 4.0
    swing: float = 0.4
    sessions: float = 20.0
    step: float = 0.0
    step_at: float = 0.0
    noise: float = 0.4
    limit: float = 1500.0
    metric: str = "floor_bytes"
    every: float = 1 / 30
    start_ms: float = START_MS
    seed: int = 1

    def rows(self) -> list[dict[str, float]]:
        """Return the samples."""
        random = np.random.default_rng(self.seed)
        age = np.arange(self.every, self.hours + 1e-9, self.every)
        clock = age + self.start_ms / HOUR_MS
        load = 50 * (1 + self.swing * np.cos(2 * np.pi * clock / 24))
        requests = np.cumsum(load) * self.every * 3600
        floor = (
            100
            + self.cache * (1 - np.exp(-age / self.cache_tau))
            + self.sessions * load / 50
            + self.leak * np.clip(age - self.leak_from, 0, self.leak_until - self.leak_from)
            + self.step * (age >= self.step_at)
            + self.noise * random.normal(size=len(age))
        )
        return [
            {
                "at_ms": self.start_ms + float(a) * HOUR_MS,
                "heap_limit_bytes": self.limit * MB + 48 * 2**20,
                "requests_total": float(round(r)),
                self.metric: float(round(f * MB)),
            }
            for a, r, f in zip(age, requests, floor, strict=True)
        ]


def follow(
    process: Process, kind: LeakKind = "heap-leak", earlier: Sequence[LeakTrend] = ()
) -> tuple[LeakTrend, list[TrendVerdict]]:
    """Give the samples to a leak trend and ask every 10 minutes; return it and the verdicts."""
    trend = LeakTrend(Life("i", "shop", "v1", "host", process.start_ms), kind)
    verdicts = []
    ask_ms = process.start_ms
    for row in process.rows():
        trend.add(row)
        if row["at_ms"] >= ask_ms:
            verdicts.append(trend.evaluate(row["at_ms"], earlier))
            ask_ms += HOUR_MS / 6
    return trend, verdicts


def alarm_age(process: Process, verdicts: Sequence[TrendVerdict]) -> float | None:
    """Return the age in hours at the first alarm."""
    for verdict in verdicts:
        if verdict.state == "alarm":
            return (verdict.at_ms - process.start_ms) / HOUR_MS
    return None
