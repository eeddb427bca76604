"""What happened along the time of the charts: releases, restarts, incidents."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heapsleuth.reports.untrusted import clean
from heapsleuth.reports.wording import plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from heapsleuth.store.model import Incident, Instance

__all__ = ["Marker", "markers", "releases_by_age"]

_MERGED_SHARE = 1 / 80
"""Restarts nearer to each other than this share of the time shown are one mark."""
_OVERLAP_MS = 60_000
"""Clocks of hosts and the collector differ."""
_LONGEST_LABEL = 60


@dataclass(frozen=True, slots=True)
class Marker:
    """
    A mark in all charts.

    Attributes:
        kind: `deploy`, `restart` or `incident`.
        label: Short, for the chart; `text` says it in full, for the list.
        link: Where it leads; empty for nowhere.
    """

    at_ms: float
    kind: str
    label: str
    text: str
    link: str = ""


def releases_by_age(instances: Iterable[Instance]) -> dict[str, float]:
    """Return when each release was first seen, the newest release first."""
    first: dict[str, float] = {}
    for one in instances:
        at = _began(one)
        first[one.release] = min(first.get(one.release, at), at)
    return dict(sorted(first.items(), key=lambda item: (-item[1], item[0])))


def markers(
    instances: Sequence[Instance], incidents: Iterable[Incident], since_ms: float, until_ms: float
) -> tuple[Marker, ...]:
    """Return the marks within a time, the earliest first."""
    found = [*_deploys(instances), *_restarts(instances, (until_ms - since_ms) * _MERGED_SHARE)]
    found += [
        Marker(one.opened_ms, "incident", "Incident", clean(one.title), f"incident:{one.id}")
        for one in incidents
    ]
    return tuple(
        sorted((one for one in found if since_ms <= one.at_ms <= until_ms), key=lambda one: one.at_ms)
    )


def _deploys(instances: Sequence[Instance]) -> list[Marker]:
    ages = releases_by_age(instances)
    # The first release that is known was there before anybody looked.
    return [
        Marker(at, "deploy", name, f"Release {name} first seen")
        for release, at in list(ages.items())[:-1]
        if (name := clean(release, _LONGEST_LABEL))
    ]


def _restarts(instances: Sequence[Instance], merge_ms: float) -> list[Marker]:
    """Return the starts that followed a life of the same slot and release, those close together as one."""
    slots: dict[tuple[str, str, int, str], list[Instance]] = defaultdict(list)
    for one in instances:
        if one.role != "worker":
            slots[one.host, one.role, one.thread, one.release].append(one)
    # Processes that run beside each other are no restarts: somebody must have gone first.
    starts = sorted(
        _began(one)
        for lives in slots.values()
        for one in lives
        if min(life.last_seen_ms for life in lives) <= _began(one) + _OVERLAP_MS
    )
    groups: list[list[float]] = []
    for at in starts:
        if groups and at - groups[-1][0] <= merge_ms:
            groups[-1].append(at)
        else:
            groups.append([at])
    return [
        Marker(
            group[0],
            "restart",
            plural(len(group), "restart"),
            f"{plural(len(group), 'process', 'processes')} started again",
        )
        for group in groups
    ]


def _began(one: Instance) -> float:
    return one.started_ms or one.first_seen_ms
