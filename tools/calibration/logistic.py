"""A logistic regression small enough to read: weighted, ridge, with signs that features must have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["SIGNS", "Weights", "fit"]

SIGNS: Mapping[str, int] = {
    "grows-every-interval": 1,
    "growing-share": 1,
    "steady": 1,
    "keeps-pace": 1,
    "amount": 1,
    "retention": 1,
    "more-intervals": 1,
    "past-bound": 1,
    "only-added": 1,
    "whole-rate": 1,
    "slowing": -1,
    "bytes-only": -1,
    "young-holder": -1,
    "bounded": -1,
    "maybe-bounded": -1,
    "keyed-once": -1,
    "expires": -1,
    "expires-lazily": -1,
    "removed": -1,
    "timed": -1,
}
"""The way each feature must count: more of what speaks for a leak never lowers the confidence."""

_RIDGE = 0.0007
_STEPS = 20_000
_RATE = 0.05


@dataclass(frozen=True)
class Weights:
    """A fitted model."""

    bias: float
    weights: Mapping[str, float]

    def probability(self, features: Mapping[str, float]) -> float:
        """Return the probability in [0, 1]."""
        score = self.bias + sum(self.weights.get(name, 0.0) * value for name, value in features.items())
        return float(1 / (1 + np.exp(-np.clip(score, -30, 30))))


def fit(
    rows: Sequence[Mapping[str, float]],
    labels: Sequence[bool],
    importance: Sequence[float],
    *,
    ridge: float = _RIDGE,
) -> Weights:
    """
    Fit by accelerated projected gradient descent (Nesterov), weights kept on their side of zero.

    Args:
        rows: Features by name; absent ones are 0.
        labels: Whether each is a leak.
        importance: Weight of each row, summing to anything.
        ridge: Penalty on the squares of the weights, the bias left out.
    """
    names = tuple(SIGNS)
    x = np.array([[row.get(name, 0.0) for name in names] + [1.0] for row in rows])
    y = np.array(labels, dtype=float)
    share = np.array(importance, dtype=float) / float(np.sum(importance))
    signs = np.array([*SIGNS.values(), 0], dtype=float)
    # The curvature of the log loss is at most a quarter of the rows' second moment.
    step = 1 / (0.25 * float(np.linalg.eigvalsh((x * share[:, None]).T @ x)[-1]) + ridge)
    now = ahead = np.zeros(len(names) + 1)
    momentum = 1.0
    for _ in range(_STEPS):
        following = _project(ahead - step * _slope(ahead, x, y, share, ridge), signs)
        further = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = following + (momentum - 1) / further * (following - now)
        if np.abs(following - now).max() < 1e-7:  # noqa: PLR2004
            break
        now, momentum = following, further
    return Weights(float(now[-1]), dict(zip(names, now[:-1].tolist(), strict=True)))


def _slope(
    at: NDArray[np.float64],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    share: NDArray[np.float64],
    ridge: float,
) -> NDArray[np.float64]:
    chance = 1 / (1 + np.exp(-np.clip(x @ at, -30, 30)))
    slope: NDArray[np.float64] = x.T @ (share * (chance - y))
    slope[:-1] += ridge * at[:-1]
    return slope


def _project(weights: NDArray[np.float64], signs: NDArray[np.float64]) -> NDArray[np.float64]:
    wrong = weights * signs < 0
    result: NDArray[np.float64] = np.where(wrong, 0.0, weights)
    return result
