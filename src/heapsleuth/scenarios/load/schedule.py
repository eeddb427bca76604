"""
When requests start, and which.

A schedule answers one question: is the next request due, and when was it meant to start?  In an open loop the
intended starts do not depend on the server, and latency counts from them: this is the whole correction for
coordinated omission.
"""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapsleuth.scenarios.load.plan import LoadPlan

__all__ = ["ClosedLoop", "FixedRate", "Recorded", "Schedule", "mix", "schedule_of"]

# Slots of a mix whose weights have no small common measure.
_MIX_SLOTS = 1000


class Schedule(Protocol):
    """
    When requests start; times are seconds since the run began.

    `next_at` is the intended start of the next request.  `take()` moves on to the one after.
    """

    is_open: bool
    next_at: float

    def take(self) -> None:
        """Count the next request as taken."""


class ClosedLoop:
    """Each request is due as soon as a connection is free."""

    is_open = False
    next_at = 0.0

    def take(self) -> None:
        """Nothing to count."""


class FixedRate:
    """One request every `1 / rate` seconds, computed from the start, so that errors do not add up."""

    is_open = True

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._taken = 0
        self.next_at = 0.0

    def take(self) -> None:
        """Move on to the next intended start."""
        self._taken += 1
        self.next_at = self._taken / self._rate


class Recorded:
    """The starts of a log, from the beginning again when it ends."""

    is_open = True

    def __init__(self, offsets_s: Sequence[float]) -> None:
        self._offsets_s = offsets_s
        self._taken = 0
        # The second time begins one mean gap after the last request of the first.
        span = offsets_s[-1] - offsets_s[0]
        self._period_s = span + (span / (len(offsets_s) - 1) if len(offsets_s) > 1 else 1.0)
        self.next_at = 0.0

    def take(self) -> None:
        """Move on to the next intended start."""
        self._taken += 1
        times, position = divmod(self._taken, len(self._offsets_s))
        self.next_at = times * self._period_s + self._offsets_s[position] - self._offsets_s[0]


def schedule_of(plan: LoadPlan) -> Schedule:
    """Return the schedule a plan asks for."""
    if plan.rate is not None:
        return FixedRate(plan.rate)
    if plan.offsets_s is not None:
        return Recorded(plan.offsets_s)
    return ClosedLoop()


def mix(weights: Sequence[float]) -> list[int]:
    """
    Return an order of indices in which each comes by its weight, spread evenly; it is sent over and over.

    The order is not random: equal rounds of work have the same mix.  Weights that are whole numbers (or small
    fractions) are kept exactly, others to one part in a thousand, and each index comes at least once.
    """
    shares = [Fraction(weight).limit_denominator(_MIX_SLOTS) for weight in weights]
    common = math.lcm(*(share.denominator for share in shares))
    counts = [int(share * common) for share in shares]
    divisor = math.gcd(*counts)
    if 0 in counts or sum(counts) > _MIX_SLOTS * divisor:
        total = sum(weights)
        counts, divisor = [max(1, round(weight / total * _MIX_SLOTS)) for weight in weights], 1
    counts = [count // divisor for count in counts]
    # The k-th of n comes at (k + 1/2) / n of the way: even spacing, ties by position.
    slots = ([((2 * k + 1) / (2 * count), index) for k in range(count)] for index, count in enumerate(counts))
    return [index for _, index in sorted(itertools.chain.from_iterable(slots))]
