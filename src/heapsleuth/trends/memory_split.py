"""What of a growing container grows: the heap, memory its objects hold, native memory, page cache, others.

Only native memory and other processes get a verdict here; heap and external memory have their own, for which
floors are better witnesses.  Page cache that grows like a leak is none: the kernel gives it back.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.trends.model import Evidence, TrendVerdict
from heapsleuth.trends.rise import rise
from heapsleuth.units import format_bytes, format_share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from heapsleuth.trends.history import History, Window
    from heapsleuth.trends.model import Life
    from heapsleuth.trends.rise import Rise

    Floats = NDArray[np.float64]

__all__ = ["Part", "judge_native", "split_growth"]

_LOOKED_AT_HOURS = 72.0
_WARM_UP_HOURS = 0.5
_MIN_HOURS = 6.0
"""An allocator keeps what a peak needed; within the first hours of a life that looks like growth."""
_SMALLEST_BYTES = 32e6
_SMALLEST_SHARE = 0.1

_TEXTS = {
    "heap": "V8's heap",
    "external": "buffers and other memory that heap objects hold",
    "native": "native memory: addons, the allocator's own, thread stacks",
    "page-cache": "page cache, which the kernel gives back when memory is short",
    "other-processes": "memory of other processes in the container",
}
_SETTLES = {
    "native": (
        "the same load with MALLOC_ARENA_MAX=2 or jemalloc: fragmentation goes, a leak stays",
        "which native addons are in use, and whether their versions are known to leak",
    ),
    "other-processes": ("which processes are in the container, and their resident memory over time",),
}


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the memory and how it went; `name` is a key of the split."""

    name: str
    rise: Rise

    @property
    def text(self) -> str:
        """For people."""
        return f"{_TEXTS[self.name]}: {format_bytes(self.rise.per_hour)} an hour"


def split_growth(history: History) -> tuple[Part, ...]:
    """Return the parts that are known, with their growth over up to 3 days, the fastest first."""
    window = history.window(_LOOKED_AT_HOURS, skip_hours=_WARM_UP_HOURS)
    load = window.rate("requests_total")
    resident = window.column("rss_bytes")
    smallest = max(_SMALLEST_BYTES, _SMALLEST_SHARE * _first_known(resident))
    parts = [
        Part(name, rise(window.hours, values, load, smallest=smallest))
        for name, values in _levels(window).items()
        if not np.isnan(values).all()
    ]
    return tuple(sorted(parts, key=lambda part: -part.rise.per_hour))


def _levels(window: Window) -> dict[str, Floats]:
    heap, external = window.column("heap_total_bytes"), window.column("external_bytes")
    anonymous = window.first_of("rss_anon_bytes", "rss_bytes")
    malloced = window.column("malloced_bytes")
    beside = heap + external + np.where(np.isnan(malloced), 0.0, malloced)
    return {
        "heap": window.first_of("floor_bytes", "heap_used_bytes"),
        "external": external,
        # The least of each over 10 minutes; what comes and goes within is in none of them.
        "native": np.maximum(anonymous - beside, 0.0),
        "page-cache": window.column("container_file_bytes"),
        "other-processes": np.maximum(
            window.column("container_anon_bytes") - window.column("rss_anon_bytes"), 0.0
        ),
    }


def judge_native(life: Life, history: History, now_ms: float) -> tuple[TrendVerdict, ...]:
    """Judge native memory, and what else is in the container; the latter only when it grows."""
    parts = split_growth(history)
    by_name = {part.name: part for part in parts}
    evidence = tuple(
        Evidence(f"split-{part.name}", part.text, part.rise.per_hour)
        for part in parts
        if part.rise.shape != "undecided"
    )
    verdicts = [_judge("native", "", life, by_name.get("native"), history, evidence, now_ms)]
    others = by_name.get("other-processes")
    limit = history.window(_LOOKED_AT_HOURS).latest("container_limit_bytes")
    # Without a limit the group is a machine's or session's, and what else runs there nobody's worry here.
    if others and others.rise.shape == "rises" and limit > 0:
        verdicts.append(_judge("other-processes", "other-processes", life, others, history, evidence, now_ms))
    return tuple(verdicts)


def _judge(
    name: str,
    detail: str,
    life: Life,
    part: Part | None,
    history: History,
    evidence: tuple[Evidence, ...],
    now_ms: float,
) -> TrendVerdict:
    said = partial(TrendVerdict, "native-growth", subject=life.subject, at_ms=now_ms, detail=detail)
    needed = f"{_MIN_HOURS + _WARM_UP_HOURS:g} hours of samples with rss_bytes and heap_total_bytes"
    if part is None or part.rise.shape == "undecided" or part.rise.hours < _MIN_HOURS:
        why = part.rise.why if part else ""
        return said(
            state="undecided",
            title=f"it is open whether {_TEXTS[name].split(':')[0]} grows",
            severity="info",
            evidence_against=(Evidence("not-shown", why, 0.0),) if why else (),
            settles=(needed,),
        )
    found = part.rise
    numbers = {
        "slope_bytes_per_hour": found.per_hour,
        "slope_error_bytes_per_hour": found.error,
        "growth_bytes": found.growth,
    }
    cache = next((one for one in evidence if one.code == "split-page-cache" and one.value > 0), None)
    if found.shape != "rises":
        against = (Evidence(found.shape, f"{_TEXTS[name].split(':')[0]}: {found.why}", found.per_hour),)
        return said(
            state="clear",
            title=f"{_TEXTS[name].split(':')[0]} does not grow",
            severity="info",
            numbers=numbers,
            evidence_against=(*against, *((cache,) if cache else ())),
        )
    whole = sum(max(0.0, one.value) for one in evidence if one.code != "split-page-cache")
    share = found.per_hour / whole if whole > 0 else 1.0
    text = (
        f"{_TEXTS[name].split(':')[0]} grew by {format_bytes(found.growth)} in {found.hours:.0f} h, "
        f"{format_share(share)} of all growth"
    )
    return said(
        state="alarm",
        title=f"{_TEXTS[name].split(':')[0]} grows by {format_bytes(found.per_hour)} an hour",
        since_ms=history.last_ms - found.hours * 3_600_000,
        numbers={**numbers, "share_of_growth": share},
        evidence_for=(Evidence("rises", text, found.z), *evidence),
        settles=_SETTLES[name],
    )


def _first_known(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known[0]) if len(known) else 0.0
