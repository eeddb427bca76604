"""The page of an instance: its figures now, and what its last events said about blocks, listeners, timers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from heapsleuth.server.pages.fleet import Bar, memory_bars
from heapsleuth.server.pages.scales import milliseconds
from heapsleuth.server.pages.words import span_text
from heapsleuth.units import format_bytes, format_count, format_duration, format_share

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from heapsleuth.store.model import Event, Instance, Row

__all__ = ["Blocked", "InstancePage", "instance_page"]

_MOST_BLOCKED = 10
_OLD_HOURS = 10.0
_SILENT_MS = 5 * 60_000.0


@dataclass(frozen=True, slots=True)
class Blocked:
    """A function that held up the event loop."""

    function: str
    place: str
    share: str
    times: int
    longest: str
    at_ms: float


@dataclass(frozen=True, slots=True)
class InstancePage:
    """The page."""

    instance: Instance
    alive: bool
    bars: tuple[Bar, ...]
    figures: tuple[tuple[str, str], ...]
    blocked: tuple[Blocked, ...]
    listeners: tuple[tuple[str, str, str, str], ...]
    """Emitter and event, how many, how many more than at first, where they were added."""
    timers: tuple[tuple[str, str, str], ...]
    resources: tuple[tuple[str, str], ...]
    census_ms: float


def _age_text(hours: float) -> str:
    return format_duration(hours * 3600) if hours < _OLD_HOURS else span_text(hours)


_FIGURES: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("floor_bytes", "floor after GC", format_bytes),
    ("heap_used_bytes", "heap used", format_bytes),
    ("external_bytes", "outside the heap", format_bytes),
    ("rss_bytes", "RSS", format_bytes),
    ("gc_pause_ms_max", "longest GC pause", milliseconds),
    ("loop_delay_p99_ms", "loop delay p99", milliseconds),
    ("loop_utilization", "loop busy", format_share),
    ("request_ms_p99", "request p99", milliseconds),
    ("handles", "handles", format_count),
    ("timers", "timers", format_count),
    ("listeners", "listeners", format_count),
    ("fds", "open files", format_count),
    ("uptime_ms", "up", lambda value: _age_text(value / 3_600_000)),
    ("agent_bytes", "the agent's own memory", format_bytes),
)
"""Figures of the last sample by metric, in the order of the page."""


def instance_page(
    instance: Instance, latest: Row | None, events: Sequence[Event], now_ms: float
) -> InstancePage:
    """Return the page; `events` are its `blocked` and `census` events, the latest first."""
    census = next((one for one in events if one.type == "census"), None)
    body: Mapping[str, Any] = {} if census is None else census.body
    row = latest or {}
    timers = body.get("timers") or {}
    return InstancePage(
        instance=instance,
        alive=now_ms - instance.last_seen_ms <= _SILENT_MS,
        bars=memory_bars(row),
        figures=tuple((label, form(row[name])) for name, label, form in _FIGURES if name in row),
        blocked=blocked_functions([one for one in events if one.type == "blocked"]),
        listeners=tuple(
            (
                f"{one.get('emitter', '')} {one.get('event', '')}".strip(),
                format_count(one.get("count", 0)),
                f"+{one['grown']:,}" if one.get("grown", 0) > 0 else "0",
                str(one.get("added") or ""),
            )
            for one in body.get("listeners") or ()
        ),
        timers=tuple(
            (
                str(one.get("callback", "")),
                milliseconds(float(one.get("interval_ms") or 0)),
                format_count(one["count"]),
            )
            for one in timers.get("by") or ()
        ),
        resources=tuple(
            (str(name), format_count(count))
            for name, count in sorted((body.get("resources") or {}).items(), key=lambda item: -item[1])
        ),
        census_ms=0.0 if census is None else census.at_ms,
    )


def blocked_functions(events: Sequence[Event]) -> tuple[Blocked, ...]:
    """Return the functions that blocked, each once, those that held up the loop for longest first."""
    by_function: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    for event in events:
        frames = event.body.get("frames") or ()
        if frames:
            top = max(frames, key=lambda frame: frame.get("share", 0.0))
            place = str(top.get("file", "")) + (f":{top['line']}" if top.get("line") else "")
            key = (str(top.get("function") or "anonymous function"), place)
            by_function.setdefault(key, []).append(
                (float(event.body.get("ms", 0.0)), event.at_ms, float(top.get("share", 0.0)))
            )
    ranked = sorted(by_function.items(), key=lambda item: -max(item[1])[0])
    return tuple(
        Blocked(
            function,
            place,
            format_share(max(seen)[2]),
            len(seen),
            milliseconds(max(seen)[0]),
            max(at for _, at, _ in seen),
        )
        for (function, place), seen in ranked[:_MOST_BLOCKED]
    )
