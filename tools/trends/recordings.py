"""Real processes, recorded: what the leak verdict says about them, by a faster clock."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from material import shared

from heapsleuth.trends import looks
from heapsleuth.trends.leak import LeakTrend
from heapsleuth.trends.leak_rules import DEFAULT
from heapsleuth.trends.model import Life
from trends.section import Section

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from heapsleuth.trends.leak import LeakKind

__all__ = ["Recorded", "follow", "read", "run"]

_HOUR_MS = 3_600_000.0
_CLOCK = 720.0
"""Two minutes of an accelerated recording stand for a day."""
_SLOW_CLOCK = 8.0
"""The recordings of 90 minutes stand for 12 hours."""
_MAJOR = 4
_SMALL_LEAK = 0.35
"""MB per virtual hour."""
_MB = 1e6
_START_MS = 1.7e12
_ABOUT = """\
Node.js 20. Two minutes stand for a day in the accelerated ones, which have few major collections: where
there were fewer than eight stretches of time with one, nothing is decided. A single look takes the cold
rule's thresholds without its age and repetition, which no recording is long enough for.
"""


@dataclass(frozen=True)
class Recorded:
    """
    One recording.

    Attributes:
        clock: Virtual seconds per second.
        rows: Samples as the protocol has them; `at_ms` by the virtual clock, from the recording's begin.
        leak: MB per virtual hour, as the program leaked.
    """

    name: str
    clock: float
    rows: tuple[dict[str, float], ...]
    leak: float


def read(path: Path, clock: float) -> Recorded:
    """Read a recording."""
    with np.load(path, allow_pickle=False) as file:
        names = {name: file[f"s_{name}"] for name in ("t", "heapUsed", "arrayBuffers", "reqs", "leakedB")}
        collections = file["gc_observer"]
        limit = float(json.loads(str(file["meta"]))["limit"])
    major = collections[collections[:, 2] == _MAJOR]
    rows = []
    for i, at in enumerate(names["t"].tolist()):
        row = {
            "at_ms": at * clock,
            "heap_used_bytes": float(names["heapUsed"][i]),
            "heap_limit_bytes": limit,
            "requests_total": float(names["reqs"][i]),
        }
        seen = major[major[:, 5] <= at] if major.shape[1] > 5 else major[major[:, 0] <= at]  # noqa: PLR2004
        if len(seen):
            row["floor_bytes"] = float(seen[-1, 4])
            # Only collections change it much; the sample right after stands for it.
            row["floor_array_buffers_bytes"] = float(names["arrayBuffers"][i])
        rows.append(row)
    hours = (names["t"][-1] - names["t"][0]) * clock / _HOUR_MS
    leaked = float(names["leakedB"][-1] - names["leakedB"][0]) / _MB
    return Recorded(path.stem, clock, tuple(rows), leaked / hours)


def follow(
    recorded: Recorded, kind: LeakKind = "heap-leak", earlier: tuple[LeakTrend, ...] = ()
) -> LeakTrend:
    """Give a recording to the leak verdict, sample by sample."""
    trend = LeakTrend(Life(recorded.name, "recorded", started_ms=_START_MS), kind)
    for row in recorded.rows:
        trend.add({**row, "at_ms": _START_MS + row["at_ms"]})
        trend.evaluate(_START_MS + row["at_ms"], earlier)
    return trend


def _paths(clean: bool) -> Iterator[Path]:
    for path in sorted((shared("trends") / "recordings").glob("*.npz")):
        if path.stem.startswith(("L", "at_", "oom")):
            continue
        if path.stem.startswith("leak_") != clean:
            yield path


def _single_look(trend: LeakTrend) -> tuple[bool, bool]:
    """Whether a single look at the whole life decides, and whether it finds a leak; whatever the age."""
    found = looks.whole_life(trend.series, trend.series.hours)
    rule = DEFAULT.rule("cold")
    return found is not None, found is not None and found.z > rule.z and found.bend > rule.bend


def run() -> Section:
    """Return the section about the recordings."""
    groups: dict[str, list[tuple[LeakTrend, LeakKind]]] = {
        "no leak": [],
        "leak, ≥ 0.35 MB/h": [],
        "leak, smaller": [],
    }
    for clean in (True, False):
        for path in _paths(clean):
            recorded = read(path, _CLOCK)
            kind: LeakKind = "external-leak" if "buffer" in path.stem else "heap-leak"
            if clean:
                title = "no leak"
            else:
                title = "leak, ≥ 0.35 MB/h" if recorded.leak >= _SMALL_LEAK else "leak, smaller"
            groups[title].append((follow(recorded, kind), kind))
    rows = []
    for title, trends in groups.items():
        decided = [_single_look(trend) for trend, _ in trends]
        alarms = sum(trend.alarming for trend, _ in trends)
        rows.append(
            (
                f"{title}, 24 virtual hours",
                str(len(trends)),
                str(sum(enough for enough, _ in decided)),
                str(sum(leak for _, leak in decided)),
                str(alarms),
            )
        )
    folder = shared("trends") / "recordings"
    before = follow(read(folder / "L1_steady.npz", _SLOW_CLOCK))
    for name, title in (
        ("L3_leak20", "90 min with a leak after 90 min without"),
        ("L2_diurnal", "90 min of varying load after 90 min of steady load"),
    ):
        after = follow(read(folder / f"{name}.npz", _SLOW_CLOCK), earlier=(before,))
        found = looks.with_history(after.series, [before.series], after.series.hours)
        rows.append((title, "1", str(int(found is not None)), "", str(int(after.alarming))))
    return Section(
        "Real processes, recorded",
        ("recordings", "", "floors enough", "leak by a single look", "alarm by all rules"),
        tuple(rows),
        (_ABOUT.strip(),),
    )
