"""The slope of a floor under every explanation that fits about as well as the best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapsleuth.trends.designs import Design, Term
    from heapsleuth.trends.floor import Numbers

__all__ = ["LEAST_SLOPE", "Envelope", "Model", "envelope"]

LEAST_SLOPE = 0.2
"""MB/h; slower growth is nobody's worry, and no model of a healthy process is exact enough to see it."""
_LEAST_ERROR = 0.02
"""MB/h; floors that do not vary at all would otherwise make any slope certain."""
_PLAUSIBLE = 3.0
"""Models whose log likelihood is lower than the best one's by less are explanations too."""
_NEAR = 6.0
_PAIRS = 3
"""Echoes and clocks with which steps are tried, and how near the best they must be."""
_ERRORS = 3.0


@dataclass(frozen=True, slots=True)
class Model:
    """One explanation with its fit; slope and error in MB/h."""

    echo: Term
    extra: Term
    slope_term: Term
    slope: float
    error: float
    likelihood: float


@dataclass(frozen=True, slots=True)
class Envelope:
    """
    Attributes:
        best: The explanation that fits best.
        worst: Of those that fit nearly as well, the one that leaves least certainty of a leak.
        low, high: Slopes in MB/h none of them goes below, above (three standard errors).
        fastest: The same as `high` of all growth that goes on, that of a warm-up included.
        z: Standard errors by which the slope exceeds `LEAST_SLOPE` under `worst`.
        bend: Standard errors of the change of slope at half time; negative: it flattens.
        rows: Rows of the current life it rests on.
        age: Age of the process at the last one.
    """

    best: Model
    worst: Model
    low: float
    high: float
    fastest: float
    z: float
    bend: float
    rows: int
    age: float


def envelope(
    design: Design,
    slopes: Sequence[Term],
    steps: Sequence[Term],
    *,
    spill: float = 0.0,
    bends: Sequence[Term] = (),
) -> Envelope:
    """
    Fit all explanations and return what they agree on.

    Args:
        design: Prepared, with all the terms.
        slopes: The leak's slope: each is tried.
        steps: Levels that change once: tried where the rest already fits best.
        spill: Share of a warm-up by which this life's may differ from that of the lives before.
        bends: Changes of slope at half time, one for each of *slopes*.
    """
    echoes = design.echoes
    terms = [(e, x, s) for e in range(len(echoes)) for x in design.warm_ups for s in range(len(slopes))]
    fits = _fit(design, terms, slopes)
    # A warm-up with a negative share would be growth that quickens: nothing known behaves so.
    warming = np.array([extra.kind == "warm-up" for _, extra, _ in terms])
    fits[warming & (fits[:, 5] < 0.0), 0] = -np.inf
    pairs: dict[tuple[int, int], None] = {}
    for i in np.argsort(-fits[:, 0]):
        if fits[i, 0] < fits[:, 0].max() - _NEAR or len(pairs) == _PAIRS:
            break
        pairs[terms[i][0], terms[i][2]] = None
    stepped = [(e, step, s) for e, s in pairs for step in steps]
    if stepped:
        fits = np.vstack([fits, _fit(design, stepped, slopes)])
        terms += stepped
    errors = np.maximum(fits[:, 2], _LEAST_ERROR)
    rates = np.array([extra.late_rate for _, extra, _ in terms])
    z = (fits[:, 1] - LEAST_SLOPE - spill * rates * fits[:, 5]) / errors
    going_on = fits[:, 1] + np.maximum(rates * fits[:, 5], 0.0) + _ERRORS * errors
    likely = np.flatnonzero(fits[:, 0] >= fits[:, 0].max() - _PLAUSIBLE)

    def model(i: int) -> Model:
        e, extra, s = terms[i]
        return Model(echoes[e], extra, slopes[s], float(fits[i, 1]), float(errors[i]), float(fits[i, 0]))

    return Envelope(
        best=model(int(fits[:, 0].argmax())),
        worst=model(int(likely[z[likely].argmin()])),
        low=float((fits[likely, 1] - _ERRORS * errors[likely]).min()),
        high=float((fits[likely, 1] + _ERRORS * errors[likely]).max()),
        fastest=float(going_on[likely].max()),
        z=float(z[likely].min()),
        bend=_bend(design, slopes, bends) if bends else 0.0,
        rows=len(design.current),
        age=float(design.current.hours[-1]),
    )


def _bend(design: Design, slopes: Sequence[Term], bends: Sequence[Term]) -> float:
    terms = [(e, slope, s) for e in range(len(design.echoes)) for s, slope in enumerate(slopes)]
    fits = _fit(design, terms, bends)
    best = fits[fits[:, 0].argmax()]
    return float(best[1] / max(best[2], _LEAST_ERROR))


def _fit(design: Design, terms: list[tuple[int, Term, int]], slopes: Sequence[Term]) -> Numbers:
    return design.fit(
        np.array([design.echoes[e].column for e, _, _ in terms]),
        np.array([extra.column for _, extra, _ in terms]),
        np.array([slopes[s].column for _, _, s in terms]),
    )
