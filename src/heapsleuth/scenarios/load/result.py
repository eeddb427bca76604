"""What a load run measured, whoever ran it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from heapsleuth.scenarios.load.histogram import Histogram

__all__ = ["PERCENTILES", "Latency", "LoadResult"]

# autocannon's, and 95.
PERCENTILES = (
    0.001, 0.01, 0.1, 1, 2.5, 10, 25, 50, 75, 90, 95, 97.5, 99, 99.9, 99.99, 99.999,
)  # fmt: skip


def percentile_key(percent: float) -> str:
    """Return autocannon's name of a percentile: `p50`, `p97_5`."""
    return "p" + f"{percent:g}".replace(".", "_")


@dataclass(frozen=True)
class Latency:
    """
    Latencies in ms: from the intended start in an open loop, from sending in a closed one.

    `percentiles` maps per cent to ms; a result that was read from another tool has those the tool gave.
    """

    count: int = 0
    mean_ms: float = 0.0
    deviation_ms: float = 0.0
    min_ms: float = 0.0
    max_ms: float = 0.0
    percentiles: Mapping[float, float] = field(default_factory=dict)

    @classmethod
    def of(cls, histogram: Histogram) -> Latency:
        """Return the summary of a histogram."""
        return cls(
            count=histogram.count,
            mean_ms=histogram.mean_ms,
            deviation_ms=histogram.deviation_ms,
            min_ms=histogram.min_ms,
            max_ms=histogram.max_ms,
            percentiles={percent: histogram.percentile_ms(percent) for percent in PERCENTILES},
        )

    def __getitem__(self, percent: float) -> float | None:
        """Return a percentile in ms, None when it is not known."""
        return self.percentiles.get(percent)


@dataclass(frozen=True)
class LoadResult:
    """
    What came of a load run.

    Args:
        requests: Complete responses, of any status: the work the server has done.
        errors: Requests that ended without a response, with those in `timeouts`.
        timeouts: Requests given up after the plan's `timeout_s`, or under way when the run was ended.
        non_2xx: Responses with a status other than 2xx.
        bytes_read: Bytes received, heads and bodies.
        duration_s: Seconds from the first request to the last response.
        stopped_by: `requests` or `duration` as planned; `time cap`; `cancelled`; `unreachable` (nobody
            listens); `errors` (as many failures as requests were asked for); `command` (an external tool).
        latency: Latencies of the responses.
        status_counts: Responses by status.
        first_errors: The first few kinds of error as text, with how often they came.
        unsent: Open loop: requests whose intended start had passed without a free connection.
        per_second: Responses and bytes of each full second.
        connections: Connections of the plan.
        url: The first URL of the plan, or what the external tool named.
        exit_code: Of an external tool, else None.
        output_tail: The last output of an external tool.
        notes: What the reader should know about these numbers.
    """

    requests: int = 0
    errors: int = 0
    timeouts: int = 0
    non_2xx: int = 0
    bytes_read: int = 0
    duration_s: float = 0.0
    stopped_by: str = "requests"
    latency: Latency = field(default_factory=Latency)
    status_counts: Mapping[int, int] = field(default_factory=dict)
    first_errors: tuple[str, ...] = ()
    unsent: int = 0
    per_second: tuple[tuple[int, int], ...] = ()
    connections: int = 0
    url: str = ""
    exit_code: int | None = None
    output_tail: str = ""
    notes: tuple[str, ...] = ()

    @property
    def requests_per_second(self) -> float:
        """Responses per second over the whole run."""
        return self.requests / self.duration_s if self.duration_s > 0 else 0.0

    @property
    def is_complete(self) -> bool:
        """Whether the run did what was asked for."""
        return self.stopped_by in {"requests", "duration"} or (
            self.stopped_by == "command" and self.exit_code == 0
        )

    @property
    def failed_share(self) -> float:
        """Share of all requests that had no response or one other than 2xx, in [0, 1]; 0 without requests."""
        attempts = self.requests + self.errors
        return (self.errors + self.non_2xx) / attempts if attempts else 0.0

    def to_autocannon(self) -> dict[str, Any]:
        """Return the keys of `autocannon --json`, and `stoppedBy`, `unsent`, `firstErrors`."""
        classes = {f"{hundred}xx": 0 for hundred in range(1, 6)}
        for status, count in self.status_counts.items():
            key = f"{status // 100}xx"
            classes[key] = classes.get(key, 0) + count
        latency = self.latency
        return {
            "title": "heapsleuth",
            "url": self.url,
            "connections": self.connections,
            "pipelining": 1,
            "workers": 0,
            "samples": len(self.per_second),
            "duration": round(self.duration_s, 3),
            "errors": self.errors,
            "timeouts": self.timeouts,
            "mismatches": 0,
            "resets": 0,
            "non2xx": self.non_2xx,
            **classes,
            "statusCodeStats": {
                str(status): {"count": count} for status, count in sorted(self.status_counts.items())
            },
            "latency": {
                "average": round(latency.mean_ms, 3),
                "mean": round(latency.mean_ms, 3),
                "stddev": round(latency.deviation_ms, 3),
                "min": round(latency.min_ms, 3),
                "max": round(latency.max_ms, 3),
                **{percentile_key(percent): round(ms, 3) for percent, ms in latency.percentiles.items()},
                "totalCount": latency.count,
            },
            "requests": {
                **_per_second([requests for requests, _ in self.per_second], self.requests_per_second),
                "total": self.requests,
                "sent": self.requests + self.errors,
            },
            "throughput": {
                **_per_second(
                    [size for _, size in self.per_second],
                    self.bytes_read / self.duration_s if self.duration_s > 0 else 0.0,
                ),
                "total": self.bytes_read,
            },
            "stoppedBy": self.stopped_by,
            "unsent": self.unsent,
            "firstErrors": list(self.first_errors),
        }


def _per_second(samples: list[int], average: float) -> dict[str, float]:
    """Return the summary of counts per second; *average* is that of the whole run."""
    values: list[float] = sorted(samples) or [average]
    mean = sum(values) / len(values)
    deviation = math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))
    return {
        "average": round(average, 3),
        "mean": round(average, 3),
        "stddev": round(deviation, 3),
        "min": values[0],
        "max": values[-1],
        **{
            percentile_key(percent): values[max(0, math.ceil(percent / 100 * len(values)) - 1)]
            for percent in PERCENTILES
        },
    }
