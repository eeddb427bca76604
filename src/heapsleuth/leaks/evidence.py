"""From a series to named facts for and against "this is a leak"."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heapsleuth.leaks.growth import fit
from heapsleuth.leaks.model import Evidence, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from heapsleuth.leaks.confidence import ConfidenceModel
    from heapsleuth.leaks.growth import Growth
    from heapsleuth.leaks.series import Series

__all__ = ["Judgement", "decide", "judge", "sure_of"]

# A rate that fell under this share of what it was counts as "has stopped growing".
_STOPPED = 0.1
_SLOWED = 0.5
_CHANCE = 0.5
_MOST_WHOLE = 100
_WHOLE_SLACK = 0.025
_MOST_PARTS = 5
_PART_SLACK = 0.01

# A field or block that grew by less is noise.
_LEAST_BYTES = 2048


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a series says."""

    metric: str
    """`counts`, `references` or `bytes`: the series that grew."""
    growth: Growth
    bytes_growth: Growth
    verdict: Verdict
    confidence: float
    """By the growth alone."""
    features: Mapping[str, float]
    evidence_for: tuple[Evidence, ...]
    evidence_against: tuple[Evidence, ...]


def judge(series: Series, work: Sequence[float], model: ConfidenceModel) -> Judgement | None:
    """Return what the series says, None when nothing about it grew or moved."""
    first = series.present.index(True)
    if len(series.counts) - first < 2:
        return None
    span = work[first:]
    retained = [a + b for a, b in zip(series.retained, series.shallow, strict=True)]
    bytes_growth = fit(retained[first:], span)
    for metric, values in (
        ("counts", series.counts),
        ("references", series.references),
        ("bytes", _own(series)),
    ):
        growth = fit(values[first:], span)
        if growth.grows and (metric != "bytes" or growth.total >= _LEAST_BYTES):
            break
    else:
        return None
    inputs = features(metric, growth, series)
    confidence = sure_of(growth, inputs, model)
    evidence = list(_facts(metric, growth, series, first))
    return Judgement(
        metric=metric,
        growth=growth,
        bytes_growth=bytes_growth,
        verdict=decide(growth, confidence, model),
        confidence=confidence,
        features=inputs,
        evidence_for=tuple(fact for good, fact in evidence if good),
        evidence_against=tuple(fact for good, fact in evidence if not good),
    )


def _own(series: Series) -> Sequence[int]:
    """Return the bytes that only this holder's field can explain."""
    return series.retained if series.single else series.shallow


def sure_of(growth: Growth, features: Mapping[str, float], model: ConfidenceModel) -> float:
    """Return the confidence; from one interval none beyond chance, since the model has never seen any."""
    confidence = model.confidence(features)
    return confidence if growth.intervals > 1 else min(confidence, _CHANCE)


def decide(growth: Growth, confidence: float, model: ConfidenceModel) -> Verdict:
    """Return the verdict on a candidate that grew, given how sure all evidence makes us."""
    if growth.intervals > 1 and growth.tail <= _STOPPED:
        return Verdict.BOUNDED
    return Verdict.UNDECIDED if growth.intervals < 2 else model.verdict(confidence)


def features(metric: str, growth: Growth, series: Series) -> dict[str, float]:
    """Return the named inputs of the confidence model, each about 0 to 1."""
    amount = max(1.0, growth.total)
    unit = 1.0 if metric != "bytes" else 100.0
    return {
        "grows-every-interval": float(growth.growing_share == 1.0),
        "growing-share": growth.growing_share,
        "steady": growth.steadiness,
        "keeps-pace": max(0.0, min(growth.tail, 1.0)),
        "slowing": growth.slowing,
        "amount": min(math.log10(max(1.0, amount / unit)), 4.0) / 4.0,
        "retention": _retention(series),
        "whole-rate": float(metric == "bytes" or _is_whole(growth.rate)),
        "more-intervals": min(growth.intervals, 8) / 8.0,
        "bytes-only": float(metric == "bytes"),
        "young-holder": float(not series.present[0]),
    }


def _is_whole(rate: float) -> bool:
    """
    Whether members come one, two, … an operation, one every two, three, … operations, or two every five.

    What grows by a law of its own (a finite set of keys that come at random) seldom does.  More than that
    many an operation is no rate: the work is not known, and intervals are counted.
    """
    if rate <= 0:
        return False
    number = rate if rate >= 1 else 1 / rate
    if number > _MOST_WHOLE:
        return rate >= 1
    parts = (rate * part for part in range(2, _MOST_PARTS + 1))
    return _is_near(number, _WHOLE_SLACK) or any(part >= 1 and _is_near(part, _PART_SLACK) for part in parts)


def _is_near(number: float, slack: float) -> bool:
    return abs(number - round(number)) <= slack


def _retention(series: Series) -> float:
    """Return the share of the members seen earlier that are still held, 1 when there were none."""
    seen = sum(series.counts[:-1])
    kept = sum(min(a, b) for a, b in zip(series.survivors[:-1], series.counts[:-1], strict=True))
    return kept / seen if seen else 1.0


def _facts(metric: str, growth: Growth, series: Series, first: int) -> list[tuple[bool, Evidence]]:
    facts: list[tuple[bool, Evidence]] = []
    noun = {"counts": "members", "references": "references", "bytes": "bytes"}[metric]
    grew = round(growth.growing_share * growth.intervals)
    if growth.growing_share == 1.0 and growth.intervals > 1:
        text = f"{noun} grew in every one of {growth.intervals} intervals"
        facts.append((True, Evidence("grows-every-interval", text, 1.0)))
    elif growth.intervals > 1:
        text = f"{noun} grew in {grew} of {growth.intervals} intervals"
        facts.append((False, Evidence("not-every-interval", text, growth.growing_share)))
    if growth.intervals == 1:
        text = "only one interval: two snapshots cannot tell a leak from warm-up"
        facts.append((False, Evidence("one-interval", text, 1.0)))
    elif growth.late_start:
        facts.append((False, Evidence("late-start", "all growth is in the last interval", 1.0)))
    elif growth.tail <= _STOPPED:
        facts.append((False, Evidence("stopped", "growth stopped before the last interval", growth.tail)))
    elif growth.tail < _SLOWED:
        text = f"the last interval grew at {growth.tail:.0%} of the earlier rate"
        facts.append((False, Evidence("slowing", text, round(growth.tail, 4))))
    else:
        text = f"the last interval kept {min(growth.tail, 9.99):.0%} of the earlier rate"
        facts.append((True, Evidence("keeps-pace", text, round(growth.tail, 4))))
    if metric == "counts" and any(series.counts[first:-1]):
        retention = _retention(series)
        if retention >= 0.999:
            text = "every member seen in an earlier snapshot is still held"
            facts.append((True, Evidence("nothing-released", text, 1.0)))
        else:
            text = f"{1 - retention:.0%} of the members seen earlier have been released"
            facts.append((retention > 0.9, Evidence("some-released", text, round(1 - retention, 4))))
    if first > 0:
        text = f"the holder itself appeared only with snapshot {first + 1}"
        facts.append((False, Evidence("young-holder", text, float(first))))
    return facts
