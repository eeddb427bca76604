"""What the watch must know again after the collector was restarted: the last week, from the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from heapsleuth.server.timescale import TimeScale
    from heapsleuth.store.base import Store
    from heapsleuth.trends.watch import ServiceWatch

__all__ = ["rewind"]

_DAY_MS = 86_400_000.0
_DAYS = 7
_DAYS_OF_MANY = 1
_MANY = 300
"""Instances beyond which a day must do: a week of 10,000 would take 5 minutes of CPU."""
_RAW_MS = 2 * 3_600_000.0
"""Roll-ups end at the last complete 10 minutes, or where maintenance last came by."""
_EVENTS = 2000
_BUCKET_MS = 600_000.0


def rewind(store: Store, watch: ServiceWatch, scale: TimeScale, now_ms: float) -> Iterator[str]:
    """Feed a service's past into its watch; yields the name of each instance when it is done."""
    instances = store.instances(watch.service, now_ms - _DAYS * _DAY_MS)
    days = _DAYS if len(instances) <= _MANY else _DAYS_OF_MANY
    since_ms = now_ms - days * _DAY_MS
    lives = {one.name: scale.life(one) for one in instances if one.last_seen_ms >= since_ms}
    for instance in instances:
        life = lives.get(instance.name)
        if life is None:
            continue
        rolled = store.rollups(instance.name, since_ms, now_ms)
        watch.add(life, [scale.row(row) for row in rolled])
        raw_since = max(rolled[-1]["at_ms"] if rolled else since_ms, now_ms - _RAW_MS)
        watch.add(life, [scale.row(row) for row in store.rows(instance.name, raw_since, now_ms)])
        yield instance.name
    for bucket in store.http(watch.service, since_ms, now_ms):
        watch.add_http(scale.bucket(bucket), route=bucket.route, span_ms=scale.at(_BUCKET_MS))
    events = store.events(
        service=watch.service, types=("census", "blocked"), since_ms=now_ms - _DAY_MS, limit=_EVENTS
    )
    for event in reversed(events):
        if event.instance in lives:
            watch.add_event(event.type, scale.body(event), lives[event.instance])
