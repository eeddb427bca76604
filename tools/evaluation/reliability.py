"""Whether a printed probability is true: reliability table, Brier score, expected calibration error."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from material import WORK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evaluation.judging import Judgement

__all__ = ["Bin", "Reliability", "held_out", "of_findings", "reliability"]

HELD_OUT = WORK / "calibration" / "held_out.json"
BINS = 10


@dataclass(frozen=True)
class Bin:
    """Predictions of about the same confidence."""

    low: float
    high: float
    count: int
    mean_confidence: float
    share_right: float


@dataclass(frozen=True)
class Reliability:
    """How confidence and truth agree."""

    count: int
    brier: float
    """Mean squared difference; 0 is best, 0.25 is what "one half" always gives."""
    ece: float
    """Mean distance of confidence and share right over the bins, weighted by their counts."""
    bins: tuple[Bin, ...]
    """Those that are not empty."""


def reliability(predictions: Sequence[tuple[float, bool]]) -> Reliability | None:
    """Return the agreement of (confidence, right) pairs; None for none."""
    if not predictions:
        return None
    groups: dict[int, list[tuple[float, bool]]] = {}
    for confidence, right in predictions:
        groups.setdefault(min(BINS - 1, int(confidence * BINS)), []).append((confidence, right))
    bins = tuple(
        Bin(
            low=index / BINS,
            high=(index + 1) / BINS,
            count=len(group),
            mean_confidence=sum(confidence for confidence, _ in group) / len(group),
            share_right=sum(right for _, right in group) / len(group),
        )
        for index, group in sorted(groups.items())
    )
    count = len(predictions)
    return Reliability(
        count=count,
        brier=sum((confidence - right) ** 2 for confidence, right in predictions) / count,
        ece=sum(one.count * abs(one.mean_confidence - one.share_right) for one in bins) / count,
        bins=bins,
    )


def of_findings(judgements: Sequence[Judgement]) -> Reliability | None:
    """
    Return the reliability of all findings, leaks and undecided ones.

    A finding is right when the variant leaks and the finding names the holder, or a place in the file,
    of the truth; everything else that is reported is wrong, also when it grew for the same reason.
    """
    return reliability(
        [
            (finding["confidence"], one.expected == "leak" and named.is_the_leak)
            for one in judgements
            if one.expected is not None
            for finding, named in zip(one.findings, one.named, strict=True)
        ]
    )


def held_out() -> list[tuple[float, bool]]:
    """Return (confidence, right) on packages the model had not seen, as `make calibrate` left them."""
    if not HELD_OUT.exists():
        return []
    document = json.loads(HELD_OUT.read_text(encoding="utf-8"))
    rows = document["rows"] if isinstance(document, dict) else document
    # A label may be missing: nobody can say of every candidate beside the leak whether it leaks too.
    return [(row["confidence"], bool(row["label"])) for row in rows if row["label"] is not None]
