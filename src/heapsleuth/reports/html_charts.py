"""Geometry of the charts of the HTML report: values in, positions in a drawing out.

Templates turn the positions into SVG; no text is put together here.  Values that are not finite are
never drawn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from heapsleuth.units import format_bytes, format_count

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Chart", "Spark", "Tick", "bytes_chart", "count_chart", "spark"]

WIDTH = 380
HEIGHT = 190
_TOP = 22
_BOTTOM = 38
_RIGHT = 26
_CHARACTER = 6.3
"""Width of a digit at the charts' type size, in units of the drawing."""
_LABEL_GAP = 10
_MOST_DOTS = 24
_LEVELS = 4
"""Lines across a chart, about."""
_FLAT_SHARE = 0.01
"""A spread below this share of the values is drawn as flat: an axis of its own would make hills of it."""
_HIGH_SHARE = 0.5
"""Values that all lie above this share of the largest get an axis that does not begin at 0."""
_Units = tuple[tuple[int, str], ...]
_BYTE_UNITS: _Units = ((10**12, " TB"), (10**9, " GB"), (10**6, " MB"), (10**3, " kB"), (1, " B"))
_COUNT_UNITS: _Units = ((1, ""),)
_SPARK = (88.0, 26.0, 3.0)
"""Width, height and margin of a spark line."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of an axis: its position along the axis and its text."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """One series over the work, or over the snapshots where the work is unknown."""

    title: str
    values: tuple[str, ...]
    """As texts, one per point."""
    labels: tuple[str, ...]
    """What stands at the x axis for each point."""
    points: tuple[tuple[float, float], ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    x_title: str
    left: float
    starts_at: str
    """Where the y axis begins when that is not 0; otherwise empty."""
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def bottom(self) -> float:
        """The y position of the x axis."""
        return self.height - _BOTTOM

    @property
    def right(self) -> float:
        """The x position at which the drawing area ends."""
        return self.width - _RIGHT

    @property
    def line(self) -> str:
        """The points as an SVG attribute."""
        return " ".join(f"{x:g},{y:g}" for x, y in self.points)

    @property
    def area(self) -> str:
        """The outline of what is below the line."""
        first, last = self.points[0][0], self.points[-1][0]
        return f"{first:g},{self.bottom:g} {self.line} {last:g},{self.bottom:g}"

    @property
    def dots(self) -> tuple[tuple[float, float], ...]:
        """Points to mark: all of a few, otherwise the last."""
        return self.points if len(self.points) <= _MOST_DOTS else self.points[-1:]


@dataclass(frozen=True, slots=True)
class Spark:
    """A line without axes, as large as a word."""

    line: str
    end: tuple[float, float]
    width: float = _SPARK[0]
    height: float = _SPARK[1]


def bytes_chart(
    title: str,
    values: Sequence[int],
    works: Sequence[float | None],
    unit: str,
    *,
    from_zero: bool = False,
) -> Chart | None:
    """Return the chart of sizes, on an axis that begins at 0 if wanted; None for fewer than two."""
    return _chart(title, values, works, unit, format_bytes, _BYTE_UNITS, from_zero=from_zero)


def count_chart(title: str, values: Sequence[int], works: Sequence[float | None], unit: str) -> Chart | None:
    """Return the chart of counts; None for fewer than two."""
    return _chart(title, values, works, unit, format_count, _COUNT_UNITS)


def spark(values: Sequence[int]) -> Spark | None:
    """Return the line of a series, from zero; None for fewer than two values."""
    if len(values) < 2:  # noqa: PLR2004 - a line has two ends
        return None
    width, height, margin = _SPARK
    top = max(*values, 1)
    step = (width - 2 * margin) / (len(values) - 1)
    points = [
        (round(margin + i * step, 1), round(height - margin - (height - 2 * margin) * value / top, 1))
        for i, value in enumerate(values)
    ]
    return Spark(" ".join(f"{x:g},{y:g}" for x, y in points), points[-1])


def _chart(
    title: str,
    values: Sequence[int],
    works: Sequence[float | None],
    unit: str,
    form: Callable[[float], str],
    units: _Units,
    *,
    from_zero: bool = False,
) -> Chart | None:
    if len(values) < 2 or len(works) != len(values):  # noqa: PLR2004 - a line has two ends
        return None
    places, labels, x_title = _along(works, unit)
    levels = _levels(0 if from_zero else min(values), max(values))
    low, high = levels[0], levels[-1]
    texts = _level_texts(levels, units)
    left = round(12 + _CHARACTER * max(map(len, texts)), 1)

    def across(place: float) -> float:
        share = (place - places[0]) / (places[-1] - places[0])
        return round(left + share * (WIDTH - _RIGHT - left), 1)

    def up(value: float) -> float:
        return round(HEIGHT - _BOTTOM - (value - low) / (high - low) * (HEIGHT - _BOTTOM - _TOP), 1)

    columns = [across(place) for place in places]
    return Chart(
        title=title,
        values=tuple(form(value) for value in values),
        labels=labels,
        points=tuple((x, up(y)) for x, y in zip(columns, values, strict=True)),
        x_ticks=tuple(Tick(columns[i], labels[i]) for i in _marked(labels, columns)),
        y_ticks=tuple(Tick(up(level), text) for level, text in zip(levels, texts, strict=True)),
        x_title=x_title,
        left=left,
        starts_at=texts[0] if low else "",
    )


def _along(works: Sequence[float | None], unit: str) -> tuple[list[float], tuple[str, ...], str]:
    """Return where the points stand along the x axis, what is written there, and the axis' title."""
    known = [work for work in works if work is not None and math.isfinite(work)]
    if len(known) == len(works) and all(a < b for a, b in pairwise(known)):
        return known, tuple(format_count(work) for work in known), unit
    numbers = range(1, len(works) + 1)
    return [float(n) for n in numbers], tuple(map(str, numbers)), "snapshot"


def _levels(low: int, high: int) -> list[float]:
    """Return round values that enclose the values, evenly spaced; at least two."""
    flat = high - low < low * _FLAT_SHARE
    start = low if low > high * _HIGH_SHARE and not flat else 0
    step = _round_step(max(high - start, 1) / _LEVELS)
    first = math.floor(start / step)
    # A line at the very top would touch the frame, and say nothing about what comes next.
    last = max(math.ceil(high / step), first + 1)
    return [float(step * i) for i in range(first, last + 1)]


def _round_step(rough: float) -> float:
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    # Counts and bytes are whole.
    return max(1.0, float(math.ceil(step)))


def _marked(labels: Sequence[str], across: Sequence[float]) -> list[int]:
    """Return the points whose labels fit beside each other: every nth, the first and last among them."""
    last = len(labels) - 1

    def fits(marks: Sequence[int]) -> bool:
        return all(
            across[b] - across[a] >= (len(labels[a]) + len(labels[b])) / 2 * _CHARACTER + _LABEL_GAP
            for a, b in pairwise(marks)
        )

    steps = (range(0, last + 1, every) for every in range(1, last + 1) if last % every == 0)
    return list(next(filter(fits, steps), (0, last)))


def _level_texts(levels: Sequence[float], units: _Units) -> list[str]:
    """Return the levels in one unit, with as many digits as tell them apart."""
    factor, name = next(one for one in units if levels[-1] >= one[0] or one[0] == 1)
    decimals = max(0, -math.floor(math.log10((levels[1] - levels[0]) / factor) + 1e-9))
    return [f"{level / factor:,.{decimals}f}{name}" if level else f"0{name}" for level in levels]
