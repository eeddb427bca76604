"""All that is judged about one service: its lives by slot, their verdicts, and what concerns them all."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from heapsleuth.trends.latency import LatencyTrend
from heapsleuth.trends.life_watch import LifeWatch
from heapsleuth.trends.merging import merged
from heapsleuth.trends.oom import Ends, describe_end
from heapsleuth.trends.past_lives import PastLives, slope_of
from heapsleuth.trends.releases import judge_floors
from heapsleuth.trends.settings import Thresholds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from heapsleuth.trends.latency_slots import Served
    from heapsleuth.trends.model import Life, TrendVerdict
    from heapsleuth.trends.releases import Slope

__all__ = ["SILENT_MS", "ServiceWatch"]

SILENT_MS = 900_000.0
_MOST_LIVES = 20_000
_MOST_RELEASES = 8
_TOUCHING_MS = 60_000.0
_LEAST_LOOKS, _LOOK_CALLS = 20, 20
_FORGET_MS = 3_600_000.0
"""An instance that ended may be heard of again: its agent was cut off."""


class ServiceWatch:
    """
    Takes what the instances of a service report, in the order of time for each, and judges it.

    Bounded: at most about 110 kB for each instance that lives (after a day: 60 kB), 40 kB for each life that
    has ended and is compared with, and 10 MB for the service.  Not safe to share between threads.

    Args:
        service: Which.
        thresholds: What counts as too much.
        silent_ms: An instance that is not heard of for so long has ended.
    """

    def __init__(
        self, service: str, thresholds: Thresholds | None = None, *, silent_ms: float = SILENT_MS
    ) -> None:
        self.service = service
        self._silent_ms = silent_ms
        self._thresholds = thresholds or Thresholds()
        self._lives: dict[str, LifeWatch] = {}
        self._by_slot: dict[str, list[LifeWatch]] = {}
        self._ends = Ends(service)
        self._past = PastLives()
        self._release_since: dict[str, float] = {}
        self._latency = LatencyTrend(service)
        self._first_ms = math.inf
        self._counted = self._limited = False
        self._verdicts: tuple[TrendVerdict, ...] = ()
        self._of_latency: tuple[TrendVerdict, ...] = ()

    def __len__(self) -> int:
        return len(self._lives)

    def add(self, life: Life, rows: Sequence[Mapping[str, float]]) -> None:
        """Take samples of a life, oldest first; those already known are skipped."""
        if not rows:
            return
        watched = self._lives.get(life.instance)
        if watched is None:
            watched = self._begin(life)
        elif watched.ended:
            watched.ended = False
            self._ends.take_back(watched.life)
            self._past.take_back(watched.life)
        new = math.isnan(watched.first_kill_total)
        killed = watched.add(rows)
        if killed:
            self._ends.killed(life, watched.history.last_ms)
        if life.release:
            self._release_since.setdefault(life.release, watched.history.first_ms)
            while len(self._release_since) > _MOST_RELEASES:
                del self._release_since[min(self._release_since, key=lambda one: self._release_since[one])]
        self._first_ms = min(self._first_ms, watched.history.first_ms)
        latest = rows[-1]
        self._counted = self._counted or not math.isnan(watched.first_kill_total)
        self._limited = self._limited or "heap_limit_bytes" in latest or "container_limit_bytes" in latest
        if new and not watched.verdicts:
            self._ends.succeeded(life, watched.first_kill_total)

    def add_event(self, kind: str, body: Mapping[str, Any], life: Life) -> None:
        """Take an event of a life as the protocol has it."""
        watched = self._lives.get(life.instance) or self._begin(life)
        at_ms = body.get("at_ms")
        if isinstance(at_ms, (int, float)):
            watched.add_event(kind, float(at_ms), body)

    def add_http(self, served: Served, *, route: str = "", span_ms: float = 30_000.0) -> None:
        """Take latencies of the time that ended at `served.at_ms`; those of single routes are not judged."""
        if not route:
            self._latency.add(served, span_ms=span_ms)

    def end(self, instance: str, at_ms: float) -> None:
        """Take note that an instance has ended; one that is heard of again has not."""
        watched = self._lives.get(instance)
        if watched is None or watched.ended:
            return
        watched.ended = True
        watched.history.end()
        self._past.add(watched.life, watched.leaks, watched.verdicts)
        self._ends.add(describe_end(watched.life, watched.history, min(at_ms, watched.history.last_ms)))
        successor = self._successor(watched)
        if successor is not None:
            self._ends.succeeded(successor.life, successor.first_kill_total)

    def evaluate(self, now_ms: float) -> tuple[TrendVerdict, ...]:
        """
        Return the verdicts, the worst first; those of instances are made anew every 10 minutes.

        All instances are due at the same moment; each call looks at a twentieth of them (or 20), so that no
        call takes long.
        """
        changed = False
        looks = max(_LEAST_LOOKS, len(self._lives) // _LOOK_CALLS)
        for instance, watched in list(self._lives.items()):
            if not watched.ended and watched.is_silent(now_ms, self._silent_ms):
                self.end(instance, watched.history.last_ms)
                changed = True
            if watched.ended:
                if now_ms - watched.history.last_ms > _FORGET_MS:
                    self._forget(watched)
            elif looks and watched.is_due(now_ms):
                looks -= 1
                watched.look(now_ms, self._past.before(watched.life))
                changed = True
        latency = self._latency.evaluate(now_ms)
        if changed or not self._verdicts or latency is not self._of_latency:
            self._of_latency = latency
            oom = self._ends.evaluate(
                now_ms, oldest_ms=self._first_ms, counted=self._counted, limited=self._limited
            )
            live = [verdict for one in self._lives.values() if not one.ended for verdict in one.verdicts]
            self._verdicts = merged([*live, oom, *latency, *self._floors(now_ms)]) if self._lives else ()
        return self._verdicts

    def _floors(self, now_ms: float) -> tuple[TrendVerdict, ...]:
        """Compare the floors of the latest release with those of the one before."""
        releases = sorted(self._release_since, key=lambda one: self._release_since[one])
        if len(releases) < 2:  # noqa: PLR2004 - two to compare
            return ()
        old, new = releases[-2:]
        living: dict[str, list[Slope]] = {old: [], new: []}
        for one in self._lives.values():
            slope = None if one.ended else slope_of(one.verdicts)
            if slope is not None and one.life.release in living:
                living[one.life.release].append(slope)
        sides = [(release, (*self._past.slopes(release), *living[release])) for release in (old, new)]
        since = self._release_since[new]
        return (judge_floors(self.service, sides[0], sides[1], now_ms, since_ms=since),)

    def _begin(self, life: Life) -> LifeWatch:
        if len(self._lives) >= _MOST_LIVES:
            self._forget(min(self._lives.values(), key=lambda one: one.history.last_ms))
        watched = self._lives[life.instance] = LifeWatch(life, self._thresholds)
        self._by_slot.setdefault(life.slot, []).append(watched)
        return watched

    def _forget(self, watched: LifeWatch) -> None:
        del self._lives[watched.life.instance]
        others = self._by_slot[watched.life.slot]
        others.remove(watched)
        if not others:
            del self._by_slot[watched.life.slot]

    def _successor(self, ended: LifeWatch) -> LifeWatch | None:
        """Return the life that began in the slot when this one ended; a slot may have several at a time."""
        since = ended.history.last_ms - _TOUCHING_MS
        later = [
            one
            for one in self._by_slot[ended.life.slot]
            if one is not ended and one.history.first_ms >= since
        ]
        return min(later, key=lambda one: one.history.first_ms, default=None)
