"""The pace of upkeep."""

from __future__ import annotations

import time

import pytest
from store_messages import HOUR, MINUTE, T, batch, every, instance

from heapsleuth.store import rolling
from heapsleuth.store.opening import open_store
from heapsleuth.store.pacing import Pace, Stopped


def test_a_step_is_followed_by_rest() -> None:
    pace = Pace()
    began_s = time.perf_counter()
    with pace.step():
        time.sleep(0.02)

    assert time.perf_counter() - began_s >= 0.08


def test_no_step_begins_once_it_is_stopped() -> None:
    pace = Pace()
    with pace.step():
        pace.stop()

    with pytest.raises(Stopped), pace.step():
        pytest.fail("it began")


def test_a_round_of_upkeep_ends_early_when_the_store_is_closed_and_loses_nothing(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rolling, "CHUNK", 1)
    store = open_store(database_url)
    for number in range(10):
        store.append([batch(every(MINUTE, HOUR), who=instance(f"web-{number}"))])
    original = store._upkeep._rolling._roll_chunk
    seen = []

    def once(instances: list[int], cutoff: float) -> None:
        original(instances, cutoff)
        seen.extend(instances)
        if len(seen) == 3:
            store._upkeep.stop()

    monkeypatch.setattr(store._upkeep._rolling, "_roll_chunk", once)
    store.maintain(T + 3 * HOUR)
    store.close()
    assert len(seen) == 3

    again = open_store(database_url)
    assert all(len(again.rows(f"web-{number}", T - 1, T + HOUR)) == 60 for number in range(10))
    again.close()
