"""How many rounds, and where the snapshots go: decided from what is known so far, no clock, no IO."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from heapsleuth.scenarios.floor import LEAST_ROUNDS

__all__ = ["Budget", "Plan", "rounds_between_snapshots"]

SNAPSHOTS = 4
"""Three intervals can be judged: growth in each, and whether the last keeps pace."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The shape of a check."""

    first_rounds: int = LEAST_ROUNDS
    """Rounds before the floor is judged for the first time."""
    snapshots: int = SNAPSHOTS
    rounds: int = 0
    """Rounds asked for in all; 0 leaves it to the strategy."""
    most_extensions: int = 2
    """How often more rounds are added while the answer is undecided."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What there is of time, in seconds."""

    total_s: float
    spent_s: float
    round_s: float
    """Cost of a round so far."""
    snapshot_s: float
    """Cost of a snapshot, taken or guessed."""
    analysis_s: float
    """Cost of the analysis, guessed."""

    @property
    def left_s(self) -> float:
        """Seconds left."""
        return self.total_s - self.spent_s


def rounds_between_snapshots(plan: Plan, done: int, budget: Budget) -> int:
    """
    Return how many rounds to run between snapshots, at least 1.

    What fills up (a cache, a pool) needs time to show its bound: after the snapshots there shall have
    been twice the rounds that raised the suspicion, and as many as the workload asks for.
    """
    intervals = plan.snapshots - 1
    wanted = max(1, ceil((max(plan.rounds, 2 * done) - done) / intervals))
    for_rounds = budget.left_s - budget.analysis_s - plan.snapshots * budget.snapshot_s
    affordable = int(for_rounds / max(budget.round_s, 1e-3)) // intervals
    return max(1, min(wanted, affordable))
