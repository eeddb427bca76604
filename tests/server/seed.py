"""A fleet with a past, for tests and pictures of the dashboard: batches for a store, verdicts, incidents.

Everything is made up and the same each time: `fleet(now_ms)` gives what `Store.append` takes, newest last.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from heapsleuth.server.incidents import Incidents
from heapsleuth.store.model import Batch, Event, HttpBucket, Incident, Instance, Row, SnapshotRecord
from heapsleuth.trends.model import Evidence, Forecast, Range, Subject, TrendVerdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from heapsleuth.server.auth import Actor
    from heapsleuth.server.context import Context
    from heapsleuth.store.base import Store

MB = 1e6
HOUR_MS = 3_600_000.0
DAY_MS = 24 * HOUR_MS
COARSE_MS = 600_000.0
FINE_MS = 60_000.0
ROWS_A_BATCH = 60


@dataclass(frozen=True, slots=True)
class Release:
    """What a version of a service does to memory and latency, from when on; hours are before now."""

    name: str
    since_h: float
    leak_mb_per_hour: float = 0.0
    rss_mb_per_hour: float = 0.0
    p50_ms: float = 40.0


@dataclass(frozen=True, slots=True)
class Service:
    """A service: all its instances are alike but for noise."""

    name: str
    releases: tuple[Release, ...]
    instances: int = 2
    floor_mb: float = 90.0
    heap_limit_mb: float = 512.0
    container_limit_mb: float = 768.0
    requests_s: float = 40.0
    lives_h: float = 0.0
    """A process ends after so long, killed for its memory; 0: only with a release."""
    blocked: bool = False


SERVICES = (
    Service(
        "checkout",
        (Release("2.4.0", 1e9, p50_ms=38), Release("2.4.1", 41, leak_mb_per_hour=7.6, p50_ms=39)),
        instances=3,
    ),
    Service(
        "search-api",
        (
            Release("5.11.2", 1e9, p50_ms=51),
            Release("5.12.0", 12 * 24, p50_ms=52),
            Release("5.13.0", 9, p50_ms=67),
        ),
        instances=4,
        floor_mb=140,
        heap_limit_mb=1024,
        container_limit_mb=1536,
        requests_s=120,
    ),
    Service(
        "media-worker",
        (Release("1.9.3", 1e9, rss_mb_per_hour=9.5, p50_ms=180),),
        instances=1,
        floor_mb=70,
        heap_limit_mb=1024,
        container_limit_mb=512,
        requests_s=3,
        lives_h=31,
    ),
    Service(
        "gateway",
        (Release("7.0.4", 1e9, p50_ms=9), Release("7.1.0", 5 * 24, p50_ms=9)),
        instances=6,
        requests_s=400,
    ),
    Service("accounts", (Release("3.2.0", 1e9, p50_ms=24),), floor_mb=110),
    Service("sessions", (Release("0.18.1", 1e9, p50_ms=14),), floor_mb=60, blocked=True),
    Service(
        "notifications", (Release("1.0.0-rc.2", 3.2, p50_ms=30),), instances=1, floor_mb=55, requests_s=6
    ),
    Service(
        "catalog", (Release("4.4.1", 1e9, p50_ms=33), Release("4.4.2", 18 * 24, p50_ms=32)), floor_mb=150
    ),
)


def seed(
    store: Store,
    now_ms: float,
    *,
    days: float = 30.0,
    fine_hours: float = 26.0,
    services: Sequence[Service] = SERVICES,
) -> None:
    """Put a fleet's history into a store, with its incidents and snapshots; the last hours by minutes."""
    for batches in fleet(now_ms, days=days, fine_hours=fine_hours, services=services):
        store.append(batches)
    for incident in incidents(now_ms):
        if incident.service in {one.name for one in services}:
            store.put_incident(incident)
    for record in snapshots(now_ms):
        if record.service in {one.name for one in services}:
            store.put_snapshot(record)


def fleet(
    now_ms: float, *, days: float = 30.0, fine_hours: float = 26.0, services: Sequence[Service] = SERVICES
) -> Iterator[tuple[Batch, ...]]:
    """Yield what agents would have sent, in portions for `Store.append`."""
    for number, service in enumerate(services):
        for slot in range(service.instances):
            noise = np.random.default_rng(1000 * number + slot)
            for life in _lives(service, slot, now_ms, days):
                yield tuple(_batches(service, slot, life, now_ms, now_ms - fine_hours * HOUR_MS, noise))


@dataclass(frozen=True, slots=True)
class _Life:
    release: Release
    begin_ms: float
    end_ms: float


def _lives(service: Service, slot: int, now_ms: float, days: float) -> Iterator[_Life]:
    begin = now_ms - days * DAY_MS
    for n, release in enumerate(service.releases):
        first = max(now_ms - release.since_h * HOUR_MS, begin) + slot * 90_000
        follows = service.releases[n + 1] if n + 1 < len(service.releases) else None
        last = now_ms if follows is None else now_ms - follows.since_h * HOUR_MS + slot * 90_000
        # The new release of the latency service is a canary: the first instance only, until 5 hours ago.
        if follows is not None and service.name == "search-api" and follows.name == "5.13.0" and slot:
            last += 4 * HOUR_MS
        if release.name == "5.13.0" and slot:
            first += 4 * HOUR_MS
        if last <= first:
            continue
        life_ms = service.lives_h * HOUR_MS or last - first
        # So that the last life is in its middle.
        at = last - (life_ms * 0.62 if service.lives_h else life_ms)
        while at > first:
            at -= life_ms
        while at < last:
            yield _Life(release, max(at, first), min(at + life_ms - 20_000, last))
            at += life_ms


def _batches(
    service: Service, slot: int, life: _Life, now_ms: float, fine_ms: float, noise: np.random.Generator
) -> Iterator[Batch]:
    instance = Instance(
        name=f"{service.name}-{slot}-{int(life.begin_ms // 60_000):x}",
        service=service.name,
        release=life.release.name,
        host=f"{service.name}-{'7f9c4d6b8' if slot % 2 else '5d8b7c9f4'}-{'xkqwz'[slot % 5]}{slot}p",
        pid=1 + slot,
        node="v22.11.0",
        agent="0.4.0",
        started_ms=life.begin_ms,
        first_seen_ms=life.begin_ms,
        last_seen_ms=life.end_ms,
    )
    fine_ms = fine_ms // COARSE_MS * COARSE_MS
    times = [*_times(life.begin_ms, min(life.end_ms, fine_ms), COARSE_MS)]
    times += _times(max(life.begin_ms, fine_ms), life.end_ms, FINE_MS)
    rows, https = _rows(service, life, instance.name, np.array(times), noise)
    for n, first in enumerate(range(0, len(rows), ROWS_A_BATCH), 1):
        part = rows[first : first + ROWS_A_BATCH]
        events: tuple[Event, ...] = ()
        if first + ROWS_A_BATCH >= len(rows) and life.end_ms >= now_ms - FINE_MS:
            events = tuple(_events(service, instance.name, now_ms))
        yield Batch(
            replace(instance, last_seen_ms=part[-1]["at_ms"]),
            n,
            part[-1]["at_ms"],
            tuple(part),
            events,
            tuple(https[first : first + ROWS_A_BATCH]),
        )


def _times(begin_ms: float, end_ms: float, step_ms: float) -> Iterator[float]:
    """Yield the last moments of whole steps, as the store's roll-ups have them."""
    first = math.floor(begin_ms / step_ms) + 1
    return (step_ms * n - 1 for n in range(first, math.floor(end_ms / step_ms) + 1))


def _rows(
    service: Service, life: _Life, instance: str, times: np.ndarray, noise: np.random.Generator
) -> tuple[list[Row], list[HttpBucket]]:
    count = len(times)
    if not count:
        return [], []
    age_h = (times - life.begin_ms) / HOUR_MS
    hour = times / HOUR_MS % 24
    load = 0.65 + 0.35 * np.sin((hour - 9) / 24 * 2 * math.pi) + 0.04 * noise.standard_normal(count)
    load = np.clip(load, 0.05, None)
    warm = 1 - np.exp(-age_h / 1.5)
    floor = (service.floor_mb * (0.72 + 0.28 * warm) + 6 * load + life.release.leak_mb_per_hour * age_h) * MB
    floor += 0.8 * MB * noise.standard_normal(count)
    used = floor + (18 + 55 * load * noise.uniform(0.3, 1.0, count)) * MB
    rss = used + (72 + life.release.rss_mb_per_hour * age_h) * MB
    step_s = np.diff(times, prepend=life.begin_ms) / 1000
    requests = np.cumsum(np.round(service.requests_s * load * step_s))
    full = np.clip(floor / (service.heap_limit_mb * MB), 0, 1)
    p50 = life.release.p50_ms * (1 + 0.12 * load + 0.03 * noise.standard_normal(count))
    p99 = p50 * (2.7 + 1.2 * load + 1.2 * full**2) * (1 + 0.12 * np.abs(noise.standard_normal(count)))
    pause = (4 + 60 * full**2) * noise.uniform(0.6, 1.6, count)
    gc_ms = np.cumsum(step_s * (2 + 14 * load + 90 * full**3))
    delay = (3 + 9 * load) * (1 + 0.3 * np.abs(noise.standard_normal(count)))
    if service.blocked:
        delay[noise.random(count) < 0.06] += 210
    columns = {
        "at_ms": times,
        "floor_bytes": floor,
        "heap_used_bytes": used,
        "heap_total_bytes": used * 1.18,
        "heap_limit_bytes": np.full(count, service.heap_limit_mb * MB),
        "external_bytes": np.full(count, 6.1 * MB),
        "rss_bytes": rss,
        "container_used_bytes": rss + 30 * MB,
        "container_working_set_bytes": np.minimum(rss + 9 * MB, service.container_limit_mb * MB),
        "container_limit_bytes": np.full(count, service.container_limit_mb * MB),
        "gc_pause_ms_max": pause,
        "gc_pause_ms_total": gc_ms,
        "gc_count": np.cumsum(np.round(step_s * load * 0.8)),
        "loop_delay_p50_ms": delay * 0.25,
        "loop_delay_p99_ms": delay,
        "loop_delay_max_ms": delay * 1.9,
        "loop_utilization": np.clip(0.5 * load, 0, 1),
        "requests_total": requests,
        "request_ms_p50": p50,
        "request_ms_p99": p99,
        "handles": np.round(20 + 40 * load),
        "timers": np.full(count, 6.0),
        "listeners": np.full(count, 48.0),
        "fds": np.round(40 + 40 * load),
        "uptime_ms": times - life.begin_ms,
        "agent_bytes": np.full(count, 1.4 * MB),
    }
    names = list(columns)
    table = np.stack(list(columns.values()), axis=1).tolist()
    rows = [dict(zip(names, values, strict=True)) for values in table]
    https = [
        HttpBucket(
            at_ms=float(at),
            route="",
            count=max(int(n), 1),
            statuses={"2xx": max(int(n), 1)},
            buckets={_bucket(float(low)): max(int(n) - 1, 1), _bucket(float(high)): 1},
            release=life.release.name,
            instance=instance,
        )
        for at, n, low, high in zip(times, np.diff(requests, prepend=0.0), p50, p99, strict=True)
    ]
    return rows, https


def _bucket(value_ms: float) -> int:
    return math.floor((math.log2(value_ms) + 10) * 16)


def _events(service: Service, instance: str, now_ms: float) -> Iterator[Event]:
    census = {
        "at_ms": now_ms - 100_000,
        "type": "census",
        "resources": {"Timeout": 6, "TCPSocketWrap": 31, "TCPServerWrap": 1},
        "handles": {"Socket": 31, "Server": 1},
        "requests": {},
        "listeners": [
            {
                "emitter": "Bus",
                "event": "stock-changed",
                "count": 31,
                "grown": 10,
                "added": "src/orders.js:14",
            },
            {"emitter": "Pool", "event": "error", "count": 17, "grown": 0},
        ],
        "timers": {"count": 6, "by": [{"callback": "refreshRates", "interval_ms": 30_000, "count": 2}]},
    }
    yield Event(instance, now_ms - 100_000, "census", census)
    if service.blocked:
        for ago_min, ms in ((4, 212.0), (31, 340.0), (77, 188.0)):
            at = now_ms - ago_min * 60_000
            frames = [{"function": "renderReport", "file": "src/report.js", "line": 88, "share": 0.93}]
            yield Event(instance, at, "blocked", {"at_ms": at, "type": "blocked", "ms": ms, "frames": frames})


class Verdicts:
    """What the trends would say about this fleet: the `Watching` of the collector, with fixed verdicts."""

    def __init__(self, verdicts: Sequence[TrendVerdict]) -> None:
        self._incidents: Incidents | None = None
        self._by_service: dict[str, list[TrendVerdict]] = {}
        for one in verdicts:
            self._by_service.setdefault(one.subject.service, []).append(one)

    def start(self, context: Context) -> None:
        """Begin: incidents are kept as always, only the verdicts are given."""
        self._incidents = Incidents(context.store, context.hub, context.clock)

    async def stop(self) -> None:
        """End."""

    def take(self, batches: Sequence[Batch]) -> None:
        """Take what has come; the verdicts stay."""

    def verdicts(self, service: str) -> tuple[TrendVerdict, ...]:
        """Return the verdicts about a service."""
        return tuple(self._by_service.get(service, ()))

    def capture(self, incident_id: str, actor: Actor | None) -> bool:  # noqa: ARG002 - the seam
        """Begin nothing: no agent listens."""
        return False

    def note(self, incident_id: str, text: str, by: str) -> bool:
        """Note something on an incident."""
        return self._kept().change(incident_id, text, by) is not None

    def resolve(self, incident_id: str, by: str) -> bool:
        """Close an incident."""
        return self._kept().resolve(incident_id, by)

    def _kept(self) -> Incidents:
        assert self._incidents is not None, "not started"
        return self._incidents


def verdicts(now_ms: float) -> tuple[TrendVerdict, ...]:
    """Return the verdicts about the fleet."""
    at = now_ms - 20_000
    found = [
        TrendVerdict(
            "heap-leak",
            "alarm",
            Subject("checkout", "2.4.1"),
            at,
            "The heap's floor grows by 7.6 MB per hour and does not level off, since release `2.4.1`",
            "critical",
            since_ms=now_ms - 41 * HOUR_MS,
            numbers={
                "slope_bytes_per_hour": 7.6 * MB,
                "growth_bytes_per_request": 52.0,
                "floor_bytes": 407 * MB,
                "observed_hours": 41.0,
            },
            evidence_for=(
                Evidence("rises", "The floor rose in 39 of the last 41 hours, in all 3 instances.", 0.95),
                Evidence("per-request", "It follows requests, not time: 52 bytes stay for each.", 52.0),
                Evidence("earlier-life", "Release 2.4.0 held 96 MB for 18 days under the same load.", 96.0),
            ),
            evidence_against=(Evidence("no-restart", "No process has reached its limit yet.", 0.0),),
            settles=("A capture of one instance names the holder.",),
            forecast=Forecast("heap", 512 * MB, Range(11.5, 16.2)),
        ),
        TrendVerdict(
            "oom-kills",
            "alarm",
            Subject("media-worker", "1.9.3"),
            at,
            "Killed for its memory every 31 hours, 23 times in 30 days; each life grows by 9.5 MB per hour",
            "critical",
            since_ms=now_ms - 30 * DAY_MS,
            numbers={"kills_total": 23.0, "life_hours": 31.0, "slope_bytes_per_hour": 9.5 * MB},
            evidence_for=(
                Evidence("kills", "The kernel counted 23 kills in its container.", 23.0),
                Evidence("native", "RSS grows, the heap does not: native memory or buffers.", 9.5),
            ),
            forecast=Forecast("container", 512 * MB, Range(9.8, 13.1)),
        ),
        TrendVerdict(
            "latency-regression",
            "alarm",
            Subject("search-api", "5.13.0"),
            at,
            "Release `5.13.0` is 15 ms slower at p50 than `5.12.0` under the same load",
            since_ms=now_ms - 9 * HOUR_MS,
            numbers={"p50_before_ms": 58.0, "p50_after_ms": 73.0, "smallest_visible_ms": 3.1},
            evidence_for=(
                Evidence("canary", "Side by side for 4 hours: +15 ms, 95 % within 12 to 18 ms.", 15.0),
            ),
        ),
        TrendVerdict(
            "loop-blocked",
            "alarm",
            Subject("sessions"),
            at,
            "`renderReport` at src/report.js:88 blocks the event loop for up to 340 ms",
            "warning",
            numbers={"longest_ms": 340.0, "blocks_total": 42.0},
            evidence_for=(Evidence("profile", "93 % of the stalls' time is in it.", 0.93),),
        ),
        TrendVerdict(
            "heap-leak",
            "undecided",
            Subject("notifications"),
            at,
            "The floor rises, but the process is 3 hours old: warm-up looks the same",
            "info",
            numbers={"slope_bytes_per_hour": 3.1 * MB, "smallest_visible_bytes_per_hour": 4.0 * MB},
            evidence_against=(Evidence("young", "The rise slows down from hour to hour.", 0.4),),
            settles=("5 more hours under load.",),
        ),
    ]
    found += [
        TrendVerdict(
            "heap-leak",
            "clear",
            Subject(name),
            at,
            "The floor is level: a leak of 0.4 MB per hour would have shown",
            "info",
            numbers={"smallest_visible_bytes_per_hour": 0.4 * MB},
        )
        for name in ("gateway", "accounts", "catalog", "search-api", "sessions")
    ]
    found += [
        TrendVerdict(
            "gc-pauses", "clear", Subject("checkout"), at, "No pause was longer than 100 ms", "info"
        ),
        TrendVerdict(
            "latency-regression",
            "undecided",
            Subject("checkout", "2.4.1"),
            at,
            "Releases 2.4.0 and 2.4.1 never ran side by side, and load has changed since",
            "info",
            numbers={"smallest_visible_ms": 6.0},
            settles=("2 hours of both under the same load.",),
        ),
    ]
    return tuple(found)


def incidents(now_ms: float) -> tuple[Incident, ...]:
    """Return the incidents of the fleet."""
    by_kind: dict[tuple[str, str], TrendVerdict] = {
        (one.subject.service, one.kind): one for one in verdicts(now_ms)
    }
    hour = HOUR_MS

    def of(number: str, service: str, kind: str, opened_h: float, **more: Any) -> Incident:
        verdict = by_kind[service, kind]
        return Incident(
            id=number,
            service=service,
            release=verdict.subject.release,
            signature=verdict.signature,
            kind=kind,
            severity=verdict.severity,
            state="open",
            title=verdict.title,
            opened_ms=now_ms - opened_h * hour,
            updated_ms=now_ms - 30_000,
            verdict=verdict_json(verdict),
            **more,
        )

    return (
        of(
            "inc-checkout-leak",
            "checkout",
            "heap-leak",
            22.0,
            report=report(),
            snapshots=("snap-1", "snap-2", "snap-3"),
            notes=(
                {"at_ms": now_ms - 22 * hour, "text": "Opened: leak likely", "by": "heapsleuth"},
                {"at_ms": now_ms - 21.9 * hour, "text": "Told Slack and PagerDuty", "by": "heapsleuth"},
                {"at_ms": now_ms - 1.6 * hour, "text": "Capture asked for", "by": "maria"},
                {
                    "at_ms": now_ms - 1.1 * hour,
                    "text": "Three snapshots of `checkout-1` arrived",
                    "by": "heapsleuth",
                },
                {
                    "at_ms": now_ms - 1.0 * hour,
                    "text": "Analysed: 1 cause, `Map quotesByBasket`",
                    "by": "heapsleuth",
                },
            ),
        ),
        of("inc-media-oom", "media-worker", "oom-kills", 20 * 24.0),
        of("inc-search-slow", "search-api", "latency-regression", 3.5),
        replace(
            of("inc-sessions-old", "sessions", "loop-blocked", 90.0),
            state="resolved",
            resolved_ms=now_ms - 80 * hour,
        ),
    )


def snapshots(now_ms: float) -> tuple[SnapshotRecord, ...]:
    """Return the snapshots of the fleet's first incident."""
    return tuple(
        SnapshotRecord(
            id=f"snap-{n}",
            service="checkout",
            release="2.4.1",
            instance="checkout-1",
            kind="snapshot",
            taken_ms=now_ms - (1.6 - 0.2 * n) * HOUR_MS,
            bytes=411_000_000 + 3_200_000 * n,
            sha256=f"{n:064x}",
            work=2_000_000.0 + 40_000 * n,
            incident="inc-checkout-leak",
            key=f"checkout/snap-{n}",
        )
        for n in (1, 2, 3)
    )


def verdict_json(verdict: TrendVerdict) -> dict[str, Any]:
    """Return a verdict as incidents keep it."""

    def facts(items: Sequence[Evidence]) -> list[dict[str, Any]]:
        return [{"code": one.code, "text": one.text, "value": one.value} for one in items]

    subject, forecast = verdict.subject, verdict.forecast
    return {
        "kind": verdict.kind,
        "state": verdict.state,
        "subject": {"service": subject.service, "release": subject.release, "instance": subject.instance},
        "at_ms": verdict.at_ms,
        "title": verdict.title,
        "severity": verdict.severity,
        "since_ms": verdict.since_ms,
        "detail": verdict.detail,
        "numbers": dict(verdict.numbers),
        "evidence_for": facts(verdict.evidence_for),
        "evidence_against": facts(verdict.evidence_against),
        "settles": list(verdict.settles),
        "forecast": None
        if forecast is None
        else {
            "limit": forecast.limit,
            "limit_bytes": forecast.limit_bytes,
            "hours": {"low": forecast.hours.low, "high": forecast.hours.high},
        },
    }


def report(name: str = "quotesByBasket") -> dict[str, Any]:
    """Return the analysis of three snapshots with one cause, as report JSON; `name` is the holder's."""
    place = {"file": "src/cache/quotes.js", "line": 5, "column": 22, "function": None, "generated": False}
    adds = {**place, "line": 20, "function": "quoteFor"}
    code = [
        {"number": 18, "text": "  if (!found) {", "marked": False},
        {"number": 19, "text": "    found = new Quote(basket, rules);", "marked": False},
        {"number": 20, "text": f"    {name}.set(basket, found);", "marked": True},
        {"number": 21, "text": "  }", "marked": False},
    ]
    declared = [
        {
            "number": 3,
            "text": "// A quote costs two calls to the tax service, so each is kept.",
            "marked": False,
        },
        {"number": 5, "text": f"const {name} = new Map();", "marked": True},
        {"number": 7, "text": "class Quote {", "marked": False},
    ]
    works = (2_040_000, 2_080_000, 2_120_000)
    return {
        "format": "heapsleuth/report",
        "version": 1,
        "tool": {"name": "heapsleuth", "version": "0.1.0", "confidence_model": "2026-11"},
        "mode": "identity",
        "verdict": "leak",
        "inputs": [
            {
                "path": f"checkout-1-{n}.heapsnapshot",
                "bytes": 411_000_000,
                "nodes": 5_100_000,
                "edges": 21_000_000,
                "heap_bytes": 398_000_000 + 2_100_000 * n,
                "work": work,
                "runtime": "node",
            }
            for n, work in enumerate(works)
        ],
        "findings": [
            {
                "signature": "9f2c41d7a0b35e68",
                "category": "cache",
                "verdict": "leak",
                "confidence": 0.97,
                "title": f"Map `{name}` gains 0.05 Quote per request and never loses one",
                "holder": {"name": name, "kind": "Map", "node_id": 4711, "location": place, "package": None},
                "members": {
                    "class": "Quote",
                    "location": {**place, "line": 8, "function": "Quote"},
                    "counts": [102_000, 104_000, 106_000],
                    "retained_bytes": [106_080_000, 108_160_000, 110_240_000],
                    "count_per_work": 0.05,
                    "bytes_per_work": 52.0,
                },
                "exclusive_bytes": 110_240_000,
                "path": [
                    {"edge": "system / Context", "node": "native context", "id": 9, "suspect": False},
                    {"edge": "quotes.js module", "node": "Context", "id": 77, "suspect": False},
                    {"edge": name, "node": "Map", "id": 4711, "suspect": True},
                    {"edge": '"basket-88213"', "node": "Quote", "id": 991_201, "suspect": False},
                ],
                "evidence": {
                    "for": [
                        {
                            "code": "grows-every-round",
                            "text": "It gained members in both intervals, as many as work was done.",
                            "value": 1.0,
                        },
                        {
                            "code": "no-removal",
                            "text": "Nothing in the program takes a member out.",
                            "value": 1.0,
                        },
                    ],
                    "against": [],
                },
                "also_retained": [],
                "also_retained_by": [],
                "related": [],
                "sites": [
                    {"role": "holder", "location": place, "package": None, "code": declared},
                    {"role": "added", "location": adds, "package": None, "code": code},
                ],
                "stacks": [],
                "settles": None,
                "fix": {
                    "summary": f"Give `{name}` a bound, or delete each key when its work is done.",
                    "before": f"const {name} = new Map();",
                    "after": f"const {name} = new LRUCache({{ max: 5000, ttl: 600_000 }});",
                    "doc": "docs/leaks/cache.md",
                },
                "suppressed": None,
            }
        ],
        "bounded": [],
        "warnings": [],
        "comparison": None,
        "snapshot": None,
    }
