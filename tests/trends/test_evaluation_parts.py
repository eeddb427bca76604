"""The parts of the evaluation that judge releases, stalls and forecasts, on little of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest
from trends import attribution, forecast, latency
from trends.latency_simulator import deployment

if TYPE_CHECKING:
    from pathlib import Path

MIB = 2.0**20


def leaking(seed: int = 0) -> forecast.Life:
    """A life that leaks 30 MB/h from 50 MB on and ends at 480 MB, with collections now and then."""
    random = np.random.default_rng(seed)
    end_ms = (480 - 50) / 30 * 3_600_000.0
    at_ms = np.sort(random.uniform(0, end_ms, 60))
    floors = (50 + 30 * at_ms / 3_600_000.0 + random.normal(size=60)) * MIB
    return forecast.Life("20.20.2", 560 * MIB, at_ms, floors, end_ms)


@pytest.mark.parametrize("point", forecast.POINTS)
def test_a_straight_rise_is_told_where_the_interval_holds_its_end(point: float) -> None:
    told = forecast.tell(leaking(), point)

    assert told.low < 1 < told.high
    assert told.straight > 1


def test_a_few_floors_tell_nothing() -> None:
    life = leaking()

    assert np.isnan(forecast.tell(life, life.at_ms[3] / life.death_ms).low)


def test_intervals_hold_the_ends_of_recorded_lives() -> None:
    lives = forecast.recorded_lives(forecast.LIVES)
    told = [forecast.tell(life, point) for life in lives for point in forecast.POINTS]
    known = [one for one in told if not np.isnan(one.low)]

    assert len(lives) >= 40
    assert len(known) > 0.5 * len(told)
    assert np.mean([one.low <= 1 <= one.high for one in known]) >= 0.95


def test_a_recording_becomes_the_event_that_an_agent_sends(tmp_path: Path) -> None:
    waits = [(0.0, 10.0, 10.0, 0.0)] * 9 + [(100.0, 150.0, 10.0, 0.0)]
    np.savez(
        tmp_path / "one.npz",
        req=np.array(waits).ravel(),
        stall=np.array([110.0, 150.0, 200.0, 203.0]),
        gc_observer=np.array([[105.0, 15.0, 4, 0, 0, 0, 0, 0]]),
    )

    requests, event = attribution.slow_event(tmp_path / "one.npz")

    assert event["median_ms"] == 10
    assert event["requests"] == [{"at_ms": 100.0, "ms": 50.0}]
    assert event["stalls"] == [{"at_ms": 110.0, "ms": 40.0, "gc_ms": 10.0}]
    assert attribution.true_share(requests, 10.0) == 1.0


def test_a_simulated_deployment_has_both_releases_in_order() -> None:
    rows, deployed_ms = deployment([1], 1.0, 0.0, hours=1, days=1)

    times = [row.at_ms for row in rows]
    assert times == sorted(times)
    assert {row.release for row in rows if row.at_ms <= deployed_ms} == {"1.0"}
    assert {row.release for row in rows if row.at_ms > deployed_ms} == {"2.0"}
    assert sum(sum(row.buckets.values()) for row in rows) == pytest.approx(25 * 3600 * 20, rel=0.3)


def test_what_was_judged_is_not_judged_again(tmp_path: Path) -> None:
    work = [("canary, 4 + 4 hosts", [1, 2], 0.4, latency.ADDED_MS)]
    kept = tmp_path / "outcomes.jsonl"
    with ThreadPoolExecutor(1) as pool:
        first = latency._judged(work, pool, kept)
        written = kept.read_text(encoding="utf-8")
        again = latency._judged(work, pool, kept)

    assert first == again
    assert kept.read_text(encoding="utf-8") == written
    assert any(one.alarm for one in first if one.quantile == "p50")
