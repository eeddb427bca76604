"""How much of the time that slow requests lost, they lost because the event loop stood still."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from heapsleuth.trends.model import Evidence, TrendVerdict
from heapsleuth.units import format_share

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from heapsleuth.trends.model import Life

__all__ = ["Lost", "SlowRequests", "lost_to_stalls"]

_KEPT = 64
"""Events, 32 minutes of them at one each 30 s."""
_WINDOW_MS = 1_800_000.0
_MIN_REQUESTS = 20
_MIN_LOST_MS = 1_000.0
_MUCH = 0.3
_LITTLE = 0.15
_CRITICAL = 0.8
_RESAMPLES = 200
_BY_COLLECTIONS = 0.5
_SOON_MS = 30.0
"""A request that ends, or is stalled again, so soon after a stall was waiting for its end."""
_EARLIER = 0.5


@dataclass(frozen=True, slots=True)
class Lost:
    """
    Time that slow requests of one interval took beyond the median, in milliseconds.

    Attributes:
        whole_ms: All of it.
        stalled_ms: The part during which the event loop stood still.
        collecting_ms: The part of that which was garbage collection.
    """

    requests: int
    whole_ms: float
    stalled_ms: float
    collecting_ms: float


def lost_to_stalls(body: Mapping[str, Any]) -> Lost:
    """
    Read a `slow` event of the protocol.

    Of each request, what overlaps with stalls counts, but no more than it took beyond the median: a request
    that is stalled while it waits for something else loses nothing by it. For the same reason a stall counts
    half when the request went on long after it. Without the limit the answer is up to 31 points wrong where
    requests wait and the loop stalls, with it 11, and 8 with both. Stalls from 5 ms on are wanted, which do
    not overlap each other.
    """
    median = _number(body.get("median_ms"))
    requests = _rows(body.get("requests"), "at_ms", "ms")
    stalls = _rows(body.get("stalls"), "at_ms", "ms", "gc_ms")
    stalls = stalls[np.argsort(stalls[:, 0])]
    of_gc = np.clip(stalls[:, 2] / np.maximum(stalls[:, 1], 1e-9), 0, 1)
    count, whole, stalled, collecting = 0, 0.0, 0.0, 0.0
    for begins, took in requests:
        late = took - median
        if late <= 0:
            continue
        held = _held_up(begins, begins + took, stalls)
        count, whole = count + 1, whole + float(late)
        stalled += min(float(held.sum()), float(late))
        collecting += min(float(held @ of_gc), float(late))
    return Lost(count, whole, stalled, collecting)


def _held_up(begins: float, ends: float, stalls: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return by how much each stall may have held up a request."""
    overlap: NDArray[np.float64] = np.minimum(stalls[:, 0] + stalls[:, 1], ends) - np.maximum(
        stalls[:, 0], begins
    )
    overlap = np.clip(overlap, 0, None)
    edge = ends
    for number in np.flatnonzero(overlap > 0)[::-1]:
        if edge - stalls[number, :2].sum() > _SOON_MS:
            overlap[: number + 1] *= _EARLIER
            break
        edge = stalls[number, 0]
    return overlap


class SlowRequests:
    """Judges the `slow` events of one life; keeps those of the last half hour, at most 64."""

    __slots__ = ("_life", "_lost")

    def __init__(self, life: Life) -> None:
        self._life = life
        self._lost: deque[tuple[float, Lost]] = deque(maxlen=_KEPT)

    def add(self, body: Mapping[str, Any]) -> None:
        """Take a `slow` event."""
        self._lost.append((_number(body.get("at_ms")), lost_to_stalls(body)))

    def evaluate(self, now_ms: float) -> TrendVerdict:
        """Return whether requests were slow because the loop stood still."""
        recent = [(at_ms, lost) for at_ms, lost in self._lost if at_ms > now_ms - _WINDOW_MS]
        sums = np.array([(one.whole_ms, one.stalled_ms, one.collecting_ms) for _, one in recent]).reshape(
            -1, 3
        )
        whole, stalled, collecting = (float(value) for value in sums.sum(axis=0))
        requests = sum(one.requests for _, one in recent)
        subject = self._life.subject
        if requests < _MIN_REQUESTS or whole < _MIN_LOST_MS:
            return TrendVerdict(
                "slow-requests", "undecided", subject, now_ms,
                "too few requests were slow to tell why", "info",
                numbers={"slow_requests": float(requests), "lost_ms": whole},
                settles=(f"{_MIN_REQUESTS} slow requests within half an hour",),
            )  # fmt: skip
        share, of_gc = stalled / whole, collecting / whole
        low, high = _interval(sums)
        numbers = {
            "stall_share": share, "stall_share_low": low, "stall_share_high": high, "gc_share": of_gc,
            "slow_requests": float(requests), "lost_ms": whole,
        }  # fmt: skip
        said = f"{format_share(share)} of the time slow requests lost was the event loop standing still"
        if of_gc >= 0.005:  # noqa: PLR2004 - what would round to nothing
            said += f" (GC {format_share(of_gc)})"
        between = f"between {format_share(low)} and {format_share(high)} (95 %), by {requests} slow requests"
        evidence = (Evidence("stall-share", between, share),)
        if low >= _MUCH:
            by_gc = of_gc >= _BY_COLLECTIONS * share
            return TrendVerdict(
                "slow-requests", "alarm", subject, now_ms, said,
                "critical" if share >= _CRITICAL and whole >= 0.1 * _WINDOW_MS else "warning",
                since_ms=recent[0][0], detail="gc" if by_gc else "loop", numbers=numbers,
                evidence_for=evidence,
            )  # fmt: skip
        if high <= _LITTLE:
            return TrendVerdict(
                "slow-requests", "clear", subject, now_ms,
                f"slow requests wait for something else: {said}", "info",
                numbers=numbers, evidence_against=evidence,
            )  # fmt: skip
        return TrendVerdict(
            "slow-requests", "undecided", subject, now_ms, said, "info",
            numbers=numbers, evidence_for=evidence,
            settles=("more slow requests: both the loop and something else hold them up",),
        )  # fmt: skip


def _interval(sums: NDArray[np.float64]) -> tuple[float, float]:
    """Return the middle 95 % of the share when events are drawn anew, since requests of one are alike."""
    draws = np.random.default_rng(0).integers(len(sums), size=(_RESAMPLES, len(sums)))
    drawn = sums[draws].sum(axis=1)
    shares = drawn[:, 1] / np.maximum(drawn[:, 0], 1e-9)
    low, high = np.quantile(shares, [0.025, 0.975])
    return float(low), float(high)


def _rows(value: object, *names: str) -> NDArray[np.float64]:
    """Return float64[n, len(names)]; what is missing is 0."""
    rows = (
        [[_number(one.get(name)) for name in names] for one in value if isinstance(one, dict)]
        if isinstance(value, list)
        else []
    )
    return np.array(rows, np.float64).reshape(-1, len(names))


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
