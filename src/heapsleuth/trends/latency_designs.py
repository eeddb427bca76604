"""The change of a latency's quantile between two releases, by whichever design can be had and sees more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from heapsleuth.trends.before_after import Series, steady_loads, step_change
from heapsleuth.trends.canary import canary_change
from heapsleuth.trends.latency_histogram import log_quantiles
from heapsleuth.trends.latency_slots import COARSE_MS, FINE_MS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heapsleuth.trends.before_after import Change
    from heapsleuth.trends.latency_slots import LatencySlots

__all__ = ["Design", "compare"]

_HOUR_MS = 3_600_000.0
_COLD_MS = 900_000.0
"""New processes are slow until their code is compiled; the first quarter of an hour is not counted."""
_FINE_AROUND_MS = 12 * _HOUR_MS
_BEFORE_MS = 4 * 24 * _HOUR_MS
_ALONE = 0.98
"""Share of the requests from which on a release is taken to serve alone."""
_DELAY_MS = 60_000.0
"""Agents report a little later than it happens."""

Design = Literal["before-after", "canary"]


def compare(slots: LatencySlots, old: str, new: str, share: float) -> tuple[Change | None, Design]:
    """Return the change of a quantile's logarithm by the design that sees more."""
    by_design: dict[Design, Change | None] = {
        "canary": _side_by_side(slots, old, new, share),
        "before-after": _one_after_the_other(slots, old, new, share),
    }
    known = {design: change for design, change in by_design.items() if change is not None}
    if not known:
        return None, "before-after"
    best = min(known, key=lambda design: known[design].error)
    return known[best], best


def _side_by_side(slots: LatencySlots, old: str, new: str, share: float) -> Change | None:
    tables = {key: table for key, table in slots.by_instance.items() if key[0] in {old, new} and table}
    times = sorted({slot for table in tables.values() for slot in table})
    times = [slot for slot in times if slot + COARSE_MS <= slots.latest_ms - _DELAY_MS]
    if not times:
        return None
    empty = np.zeros_like(next(iter(next(iter(tables.values())).values())))
    counts = np.zeros((len(tables), len(times), len(empty)))
    for row, ((release, _), table) in enumerate(tables.items()):
        # Instances of the old release have long been warm when they are first counted one by one.
        warm = min(table) + (_COLD_MS if release == new else 0.0)
        for column, slot in enumerate(times):
            if slot >= warm:
                counts[row, column] = table.get(slot, empty)
    return canary_change(counts, np.array([release == new for release, _ in tables]), share)


def _one_after_the_other(slots: LatencySlots, old: str, new: str, share: float) -> Change | None:
    deployed = slots.first_ms[new]
    rows = [row for row in _alone(slots, deployed) if row[0] + row[1] <= slots.latest_ms - _DELAY_MS]
    begun = max([deployed, *(start + span for start, span, release, _ in rows if release == old)]) + _COLD_MS
    if slots.last_ms[old] > begun and slots.last_ms[old] > slots.latest_ms - _HOUR_MS:
        return None
    earliest = deployed - _BEFORE_MS
    kept = [
        row for row in rows if (row[0] >= begun if row[2] == new else earliest <= row[0] <= deployed - row[1])
    ]
    if not kept:
        return None
    names = [one for one in dict.fromkeys(row[2] for row in kept) if one not in {old, new}]
    number = {name: place + 1 for place, name in enumerate(names)}
    counts = np.array([row[3] for row in kept], np.float64)
    values, variances = log_quantiles(counts, share)
    hours = np.array([(row[0], row[0] + row[1]) for row in kept]) / _HOUR_MS
    return step_change(
        Series(
            hours=hours.mean(axis=1),
            values=values,
            variances=variances,
            loads=steady_loads(counts.sum(axis=1), hours),
            after=np.array([row[2] == new for row in kept]),
            earlier=np.array([number.get(row[2], 0) for row in kept]),
        )
    )


def _alone(slots: LatencySlots, deployed: float) -> list[tuple[float, float, str, NDArray[np.uint32]]]:
    """Return start, length, release and counts of the times at which one release served nearly everything."""
    by_time: dict[tuple[float, float], dict[str, NDArray[np.uint32]]] = {}
    for (slot, release), counts in slots.fine.items():
        near = abs(slot - deployed) <= _FINE_AROUND_MS
        key = (slot, FINE_MS) if near else (slot // COARSE_MS * COARSE_MS, COARSE_MS)
        served = by_time.setdefault(key, {})
        served[release] = served[release] + counts if release in served else counts
    for (slot, release), counts in slots.coarse.items():
        if (slot, FINE_MS) not in by_time and (slot + FINE_MS, FINE_MS) not in by_time:
            served = by_time.setdefault((slot, COARSE_MS), {})
            served[release] = served[release] + counts if release in served else counts
    found = []
    for (slot, span), served in sorted(by_time.items()):
        whole = sum(int(counts.sum()) for counts in served.values())
        release = max(served, key=lambda one: int(served[one].sum()))
        if whole and served[release].sum() >= _ALONE * whole:
            found.append((slot, span, release, served[release]))
    return found
