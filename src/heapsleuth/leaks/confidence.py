"""Evidence → confidence, in one place.

A logistic model over named features.  Its weights live in `confidence.json` beside this file; a
version that starts with `provisional` has not been calibrated against labelled cases, and reports
say so.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from heapsleuth.leaks.model import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ConfidenceModel", "load_model"]


@dataclass(frozen=True, slots=True)
class ConfidenceModel:
    """Weights of the logistic model and the thresholds of the verdict."""

    version: str
    bias: float
    weights: Mapping[str, float]
    leak_at: float
    """Confidence from which a candidate is called a leak."""
    drop_below: float
    """Confidence below which it is not worth showing."""

    def confidence(self, features: Mapping[str, float]) -> float:
        """Return the probability in [0, 1] that a candidate with *features* is a leak."""
        score = self.bias + sum(self.weights[name] * value for name, value in features.items())
        return round(1 / (1 + math.exp(-max(-30.0, min(30.0, score)))), 4)

    def verdict(self, confidence: float) -> Verdict:
        """Return `leak` or `undecided` for a growing candidate."""
        return Verdict.LEAK if confidence >= self.leak_at else Verdict.UNDECIDED


@cache
def load_model() -> ConfidenceModel:
    """Read the model that ships with the package."""
    text = resources.files("heapsleuth.leaks").joinpath("confidence.json").read_text(encoding="utf-8")
    data = json.loads(text)
    return ConfidenceModel(
        version=data["version"],
        bias=data["bias"],
        weights=data["weights"],
        leak_at=data["leak_at"],
        drop_below=data["drop_below"],
    )
