"""Handles, listeners and timers that are added and never taken away, named by the census where there is one.

Counts follow load (a socket per open request), so a rise must hold with load and the time of day taken out,
and must still go on at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.trends.model import Evidence, TrendVerdict
from heapsleuth.trends.rise import Rise, rise
from heapsleuth.units import format_count

if TYPE_CHECKING:
    from collections.abc import Mapping

    from heapsleuth.trends.census import Census, Tally
    from heapsleuth.trends.history import History, Window
    from heapsleuth.trends.model import Kind, Life

__all__ = ["judge_counts"]

_LOOKED_AT_HOURS = 72.0
_WARM_UP_HOURS = 0.5
_NAMED_SHARE = 0.5
"""A thing of the census that grew at least so much of the whole is what grows."""


@dataclass(frozen=True, slots=True)
class _Counted:
    kind: Kind
    what: str
    metrics: tuple[str, ...]
    smallest: float
    settles: str


_TABLE = {
    "handle": _Counted(
        "handle-leak",
        "handles",
        ("handles", "fds"),
        50.0,
        "which handles: the agent's census event by type, or GET /diagnostics/handles",
    ),
    "listener": _Counted(
        "listener-leak",
        "listeners",
        ("listeners",),
        50.0,
        "where they are added: the agent's option that notes it, or a heap snapshot",
    ),
    "timer": _Counted(
        "timer-leak", "timers", ("timers",), 50.0, "which timers: the agent's census event by callback"
    ),
}


def judge_counts(life: Life, history: History, census: Census, now_ms: float) -> tuple[TrendVerdict, ...]:
    """Return a verdict each about handles, listeners and timers."""
    window = history.window(_LOOKED_AT_HOURS, skip_hours=_WARM_UP_HOURS)
    return tuple(_judge(thing, life, history, window, census, now_ms) for thing in _TABLE)


def _judge(
    thing: str, life: Life, history: History, window: Window, census: Census, now_ms: float
) -> TrendVerdict:
    table = _TABLE[thing]
    load = window.rate("requests_total")
    columns = [window.column(metric) for metric in table.metrics]
    there = [column for column in columns if not np.isnan(column).all()] or columns[:1]
    whole = _fastest([rise(window.hours, column, load, smallest=table.smallest) for column in there])
    named = _named(census.of(thing), window, table.smallest)
    said = partial(TrendVerdict, table.kind, subject=life.subject, at_ms=now_ms)
    if named and (whole.shape != "rises" or named[1].growth >= _NAMED_SHARE * whole.growth):
        name, found, tally = named
        where = f", added at {tally.note}" if tally.note else ""
        title = f"{table.what} of {name} pile up, {format_count(round(tally.last))} by now{where}"
        return said(
            state="alarm",
            title=title,
            detail=name,
            since_ms=history.last_ms - found.hours * 3_600_000,
            numbers=_numbers(found),
            evidence_for=(
                _evidence("census-rises", f"{table.what} of {name}", found),
                *((_evidence("rises", f"all {table.what}", whole),) if whole.shape == "rises" else ()),
                *((Evidence("added-at", f"added at {tally.note}", tally.last),) if tally.note else ()),
            ),
            settles=() if tally.note else (table.settles,),
        )
    if whole.shape == "rises":
        return said(
            state="alarm",
            title=f"{table.what} pile up, {format_count(round(whole.end))} by now",
            since_ms=history.last_ms - whole.hours * 3_600_000,
            numbers=_numbers(whole),
            evidence_for=(_evidence("rises", f"all {table.what}", whole),),
            settles=(table.settles,),
        )
    if whole.shape == "undecided":
        return said(
            state="undecided",
            title=f"it is open whether {table.what} pile up",
            severity="info",
            evidence_against=(Evidence("not-shown", whole.why, whole.z),) if whole.why else (),
            settles=(f"{whole.why or 'more samples'}; with {' or '.join(table.metrics)} and requests_total",),
        )
    return said(
        state="clear",
        title=f"{table.what} do not pile up",
        severity="info",
        numbers=_numbers(whole),
        evidence_against=(Evidence(whole.shape, f"{table.what}: {whole.why}", whole.per_hour),),
    )


def _fastest(rises: list[Rise]) -> Rise:
    """Return the one that rises, else the one that says most."""
    order = {"rises": 0, "undecided": 1, "saturates": 2, "flat": 3}
    return min(rises, key=lambda one: (order[one.shape], -one.growth))


def _named(tallies: Mapping[str, Tally], window: Window, smallest: float) -> tuple[str, Rise, Tally] | None:
    """Return the thing of the census that grew most, if it rises."""
    found = []
    for name, tally in tallies.items():
        if tally.growth < smallest:
            continue
        hours, counts = tally.series()
        settled = hours >= _WARM_UP_HOURS
        load = window.rate("requests_total")
        known = len(window) > 1 and not np.isnan(load).all()
        at = np.interp(hours[settled], window.hours, load) if known else None
        judged = rise(hours[settled], counts[settled], at, smallest=smallest)
        if judged.shape == "rises":
            found.append((name, judged, tally))
    return max(found, key=lambda one: one[1].growth) if found else None


def _numbers(found: Rise) -> dict[str, float]:
    return {
        "slope_per_hour": found.per_hour,
        "slope_error_per_hour": found.error,
        "growth": found.growth,
        "count": found.end,
    }


def _evidence(code: str, what: str, found: Rise) -> Evidence:
    text = (
        f"{what} went from {format_count(round(found.start))} to {format_count(round(found.end))} "
        f"in {found.hours:.0f} h, and no load or time of day explains it"
    )
    return Evidence(code, text, found.z)
