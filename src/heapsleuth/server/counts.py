"""What the collector counts about itself, for `/metrics`."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

__all__ = ["Counts", "Durations"]

_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


@dataclass
class Durations:
    """A histogram of durations in seconds; `counts` has one more entry than `bounds`, for what is longer."""

    bounds: tuple[float, ...] = _BOUNDS_S
    counts: list[int] = field(default_factory=lambda: [0] * (len(_BOUNDS_S) + 1))
    sum_s: float = 0.0

    def add(self, seconds: float, times: int = 1) -> None:
        """Count a duration."""
        self.counts[bisect_left(self.bounds, seconds)] += times
        self.sum_s += seconds * times


@dataclass
class Counts:
    """Totals since the start; written in the event loop only."""

    messages: int = 0
    samples: int = 0
    events: int = 0
    repeats: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    commit_failures: int = 0
    commits: Durations = field(default_factory=Durations)
    ingest: Durations = field(default_factory=Durations)
    scrapes: int = 0
    scrape_failures: int = 0
    uploads: int = 0
    upload_bytes: int = 0
    task_failures: int = 0

    def refuse(self, reason: str) -> None:
        """Count a message that was not taken."""
        self.refused[reason] = self.refused.get(reason, 0) + 1
