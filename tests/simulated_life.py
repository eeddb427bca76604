"""Samples of a process as an agent would send them, with the shapes that verdicts must tell apart."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from heapsleuth.trends.history import History
from heapsleuth.trends.life_watch import LifeWatch
from heapsleuth.trends.model import Life, TrendVerdict
from heapsleuth.trends.settings import Thresholds

if TYPE_CHECKING:
    from heapsleuth.trends.watch import ServiceWatch

HOUR_MS = 3_600_000.0
START_MS = 480 * HOUR_MS
MB = 1e6

Shape = Callable[[float, float], float]
"""From hours since the start and requests per second to a level."""


def steady(level: float) -> Shape:
    return lambda _hours, _load: level


def rising(level: float, per_hour: float) -> Shape:
    return lambda hours, _load: level + per_hour * hours


def filling(level: float, room: float, tau_hours: float) -> Shape:
    return lambda hours, _load: level + room * (1 - math.exp(-hours / tau_hours))


def daily(hours: float) -> float:
    return 100 * (1 + 0.6 * math.sin(2 * math.pi * hours / 24))


@dataclass
class SimulatedLife:
    """A process; every metric is a shape, and those that are None are absent."""

    hours: float = 24.0
    load: Callable[[float], float] = field(default=lambda _hours: 100.0)
    step_s: float = 120.0
    seed: int = 1
    started_ms: float = START_MS
    shapes: Mapping[str, Shape | None] = field(default_factory=dict)
    totals_per_hour: Mapping[str, Shape] = field(default_factory=dict)
    noise: Mapping[str, float] = field(default_factory=dict)

    def rows(self) -> Iterator[dict[str, float]]:
        chance = random.Random(self.seed)
        levels: dict[str, Shape | None] = {**_LEVELS, **self.shapes}
        totals = {**_TOTALS, **self.totals_per_hour}
        noise = {**_NOISE, **self.noise}
        sums = dict.fromkeys([*totals, "requests_total"], 0.0)
        for number in range(1, int(self.hours * 3600 / self.step_s) + 1):
            hours = number * self.step_s / 3600
            load = self.load(hours)
            for name, shape in totals.items():
                sums[name] += shape(hours, load) * self.step_s / 3600
            expected = load * self.step_s
            sums["requests_total"] += max(0.0, chance.gauss(expected, math.sqrt(expected)))
            row = {"at_ms": self.started_ms + hours * HOUR_MS, **sums}
            for name, level in levels.items():
                if level is not None:
                    row[name] = level(hours, load) + chance.gauss(0, noise.get(name, 0.0))
            yield row


_LEVELS: dict[str, Shape | None] = {
    "floor_bytes": steady(100 * MB),
    "heap_used_bytes": steady(120 * MB),
    "heap_total_bytes": steady(140 * MB),
    "heap_limit_bytes": steady(560 * MB),
    "external_bytes": steady(5 * MB),
    "malloced_bytes": steady(1 * MB),
    "rss_bytes": steady(230 * MB),
    "rss_anon_bytes": steady(190 * MB),
    "container_limit_bytes": steady(1000 * MB),
    "container_working_set_bytes": steady(240 * MB),
    "container_anon_bytes": steady(195 * MB),
    "container_file_bytes": steady(30 * MB),
    "handles": lambda _hours, load: 20 + 0.5 * load,
    "fds": lambda _hours, load: 40 + 0.5 * load,
    "listeners": steady(100),
    "timers": lambda _hours, load: 10 + 0.1 * load,
    "gc_pause_ms_max": steady(15),
    "loop_delay_p99_ms": steady(4),
    "loop_delay_max_ms": steady(20),
    "container_oom_kill_total": steady(0),
}
_TOTALS: dict[str, Shape] = {
    "gc_count": steady(600),
    "gc_pause_ms_total": steady(6000),
    "gc_minor_ms_total": steady(4000),
    "gc_major_ms_total": steady(2000),
    "loop_stalls_total": steady(0),
    "loop_stalled_ms_total": steady(0),
}
_NOISE = {
    "floor_bytes": 0.4 * MB,
    "heap_used_bytes": 8 * MB,
    "rss_bytes": 2 * MB,
    "rss_anon_bytes": 1 * MB,
    "handles": 5.0,
    "fds": 5.0,
    "timers": 2.0,
}


def a_life(instance: str = "shop-1", release: str = "1.0", slot: str = "web-1/main/0") -> Life:
    return Life(instance, "shop", release, slot, START_MS)


def history_of(simulated: SimulatedLife) -> History:
    history = History()
    for row in simulated.rows():
        history.add(row["at_ms"], row)
    history.end()
    return history


def looked_at(simulated: SimulatedLife, thresholds: Thresholds | None = None) -> LifeWatch:
    """Feed a life, looking each 10 minutes as the collector does."""
    watch = LifeWatch(a_life(), thresholds or Thresholds())
    for row in simulated.rows():
        watch.add([row])
        if watch.is_due(row["at_ms"]):
            watch.look(row["at_ms"])
    return watch


def watched(
    service: ServiceWatch, simulated: SimulatedLife, life: Life, *, every_ms: float = HOUR_MS
) -> dict[str, TrendVerdict]:
    """Feed a life into a service's watch; return the first alarm of each signature."""
    alarms: dict[str, TrendVerdict] = {}
    due = 0.0
    for row in simulated.rows():
        service.add(life, [row])
        if row["at_ms"] >= due:
            due = row["at_ms"] + every_ms
            for verdict in service.evaluate(row["at_ms"]):
                if verdict.state == "alarm":
                    alarms.setdefault(verdict.signature, verdict)
    return alarms
