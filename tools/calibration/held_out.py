"""How well confidence holds on packages the model has not seen: each is judged by a fit on all others."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from calibration.logistic import fit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from calibration.logistic import Weights
    from calibration.rows import Row

__all__ = ["Bin", "Judged", "brier", "error", "fit_rows", "held_out", "reliability"]

_BINS = 10


@dataclass(frozen=True)
class Judged:
    """A row with the confidence of a model that was trained without its group."""

    row: Row
    confidence: float


@dataclass(frozen=True)
class Bin:
    """One row of a reliability table."""

    lower: float
    count: int
    confidence: float
    """Mean of what was said."""
    leaks: float
    """Share of what was true."""


def fit_rows(rows: Sequence[Row]) -> Weights:
    """Fit a model in which every window of every variant counts alike, however many candidates it has."""
    known = [row for row in rows if row.is_leak is not None]
    crowd = Counter((row.case, row.variant, row.node, row.window) for row in known)
    importance = [1 / crowd[row.case, row.variant, row.node, row.window] for row in known]
    return fit([row.features for row in known], [bool(row.is_leak) for row in known], importance)


def held_out(rows: Sequence[Row]) -> list[Judged]:
    """Return all rows judged without their own group."""
    judged = []
    for group in sorted({row.group for row in rows}):
        model = fit_rows([row for row in rows if row.group != group])
        judged += [Judged(row, model.probability(row.features)) for row in rows if row.group == group]
    return judged


def reliability(judged: Sequence[Judged]) -> list[Bin]:
    """Return what was said against what was true, in ten bins of confidence; empty ones are left out."""
    known = [one for one in judged if one.row.is_leak is not None]
    bins: dict[int, list[Judged]] = {}
    for one in known:
        bins.setdefault(min(int(one.confidence * _BINS), _BINS - 1), []).append(one)
    return [
        Bin(
            lower=at / _BINS,
            count=len(some),
            confidence=sum(one.confidence for one in some) / len(some),
            leaks=sum(bool(one.row.is_leak) for one in some) / len(some),
        )
        for at, some in sorted(bins.items())
    ]


def error(judged: Sequence[Judged]) -> float:
    """Return the expected calibration error over the bins of `reliability`, in [0, 1]."""
    bins = reliability(judged)
    total = sum(one.count for one in bins)
    return sum(one.count * abs(one.confidence - one.leaks) for one in bins) / total if total else 0.0


def brier(judged: Sequence[Judged]) -> float:
    """Return the mean squared difference between confidence and truth, in [0, 1]."""
    known = [one for one in judged if one.row.is_leak is not None]
    return sum((one.confidence - bool(one.row.is_leak)) ** 2 for one in known) / max(1, len(known))
