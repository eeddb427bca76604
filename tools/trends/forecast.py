"""Forecasts of real V8 aborts, made at several points of the lives that ended in them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from material import ROOT, shared

from heapsleuth.trends.forecast import Growth, heap_forecast
from trends.section import Section

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["POINTS", "Life", "Told", "growth", "recorded_lives", "run", "tell"]

LIVES = ROOT / "tests" / "trends" / "data" / "oom_lives.npz"
POINTS = (0.25, 0.375, 0.5, 0.625, 0.75)
_HOUR_MS = 3_600_000.0
_TICK_MS = 10.0
_MIN_FLOORS = 5
_WARM_UP = 0.1
"""Share of what has been seen that is left out: a program that starts grows without leaking."""


@dataclass(frozen=True)
class Life:
    """A process that leaked until V8 gave up; times in milliseconds since it began."""

    node: str
    limit_bytes: float
    at_ms: NDArray[np.float64]
    floor_bytes: NDArray[np.float64]
    death_ms: float


@dataclass(frozen=True, slots=True)
class Told:
    """What was forecast at a point of a life, as shares of what was really left; NaN: nothing was told."""

    point: float
    low: float
    high: float
    straight: float


def recorded_lives(file: Path) -> list[Life]:
    """Return the lives that `oom_recorder.py` wrote."""
    with np.load(file) as recorded:
        metas, first = json.loads(str(recorded["meta"])), recorded["first"]
        times, floors = recorded["ticks"].astype(float) * _TICK_MS, recorded["floor_bytes"].astype(float)
    return [
        Life(meta["node"], meta["limit"], times[begin:end], floors[begin:end], meta["death"] * _TICK_MS)
        for meta, begin, end in zip(metas, first[:-1], first[1:], strict=True)
    ]


def growth(life: Life, at_ms: float) -> Growth | None:
    """Return a straight line through the floors until then; None when there are too few."""
    seen = (life.at_ms <= at_ms) & (life.at_ms >= _WARM_UP * at_ms)
    hours, floors = life.at_ms[seen] / _HOUR_MS, life.floor_bytes[seen]
    if len(hours) < _MIN_FLOORS:
        return None
    off = hours - hours.mean()
    power = float(off @ off)
    slope = float(off @ floors) / power
    rest = floors - floors.mean() - slope * off
    squares = max(float(rest @ rest), 1.0)
    alike = min(max(float(rest[1:] @ rest[:-1]) / squares, 0.0), 0.9)
    variance = squares / (len(hours) - 2) * (1 + alike) / (1 - alike)
    ahead = at_ms / _HOUR_MS - hours.mean()
    level_error = np.sqrt(variance * (1 / len(hours) + ahead**2 / power))
    return Growth(
        float(floors.mean() + slope * ahead), slope, float(np.sqrt(variance / power)), float(level_error)
    )


def tell(life: Life, point: float) -> Told:
    """Forecast at a share of a life."""
    at_ms = point * life.death_ms
    left = (life.death_ms - at_ms) / _HOUR_MS
    found = growth(life, at_ms)
    forecast = heap_forecast(found, life.limit_bytes, node=life.node) if found else None
    if found is None or forecast is None:
        return Told(point, float("nan"), float("nan"), float("nan"))
    straight = (life.limit_bytes - found.level_bytes) / found.bytes_per_hour
    return Told(point, forecast.hours.low / left, forecast.hours.high / left, straight / left)


def run(file: Path = LIVES) -> Section:
    """Return the section about forecasts."""
    lives = recorded_lives(file)
    lives += [_shared_life(path) for path in sorted((shared("trends") / "recordings").glob("oom*.npz"))]
    told = [tell(life, point) for life in lives for point in POINTS]
    rows = [_row(f"{point:.1%} of life", [one for one in told if one.point == point]) for point in POINTS]
    rows.append(_row("all", told))
    head = ("at", "aborts", "told", "interval holds the abort", "ended earlier", "ended later",
            "latest / earliest time, median", "straight line to heap_size_limit: error, median")  # fmt: skip
    nodes = sorted({life.node for life in lives}, key=lambda node: int(node.split(".")[0]))
    return Section(
        "Time to out of memory",
        head,
        tuple(rows),
        (f"Node.js {', '.join(nodes)}. Nothing is told before five collections have left a floor.",),
    )


def _row(title: str, told: Sequence[Told]) -> tuple[str, ...]:
    known = [one for one in told if not np.isnan(one.low)]
    held = [one.low <= 1 <= one.high for one in known]
    early, late = sum(one.low > 1 for one in known), sum(one.high < 1 for one in known)
    return (
        title, str(len(told)), str(len(known)), f"{sum(held)} ({sum(held) / max(len(known), 1):.1%})",
        str(early), str(late), f"{_median(one.high / max(one.low, 0.01) for one in known):.1f}",
        f"{_median(abs(one.straight - 1) for one in known):.0%}",
    )  # fmt: skip


def _median(values: Iterable[float]) -> float:
    found = list(values)
    return float(np.median(found)) if found else float("nan")


def _shared_life(path: Path) -> Life:
    with np.load(path, allow_pickle=True) as recorded:
        meta, collections = json.loads(str(recorded["meta"])), recorded["gc_profiler"]
        major = collections[collections[:, 1] == 4]  # noqa: PLR2004 - Node's number of major collections
        return Life("20.20.2", meta["limit"], major[:, 0], major[:, 4], float(recorded["s_t"][-1]))
