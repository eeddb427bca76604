"""How long snapshots are kept."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("obstore")
pytest.importorskip("sqlalchemy")

from heapsleuth.store.model import Incident, SnapshotRecord
from heapsleuth.store.opening import open_store
from heapsleuth.store.vault.opening import open_vault
from heapsleuth.store.vault.retention import Retention, expired, sweep

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

DAY_MS = 86_400_000.0
NOW = 1000 * DAY_MS


def record(name: str, age_days: float, size: int = 10) -> SnapshotRecord:
    return SnapshotRecord(
        id=name,
        service="shop",
        release="1",
        instance="i",
        kind="snapshot",
        taken_ms=NOW - age_days * DAY_MS,
        bytes=size,
        sha256="",
    )


@pytest.mark.parametrize(
    ("rules", "gone"),
    [
        (Retention(count=10, days=100, size=1000), []),
        (Retention(count=2, days=100, size=1000), ["c", "b"]),
        (Retention(count=10, days=2.5, size=1000), ["c", "b"]),
        (Retention(count=10, days=100, size=30), ["c"]),
        (Retention(count=0, days=100, size=1000), ["c", "b", "a", "z"]),
    ],
)
def test_the_oldest_go_first(rules: Retention, gone: list[str]) -> None:
    records = [record("a", 2), record("c", 4), record("b", 3), record("z", 1)]

    assert [each.id for each in expired(records, rules, NOW)] == gone


def test_snapshots_of_open_incidents_stay_and_count() -> None:
    records = [record("old", 90), record("a", 2), record("b", 3)]

    gone = expired(records, Retention(count=2, days=30, size=1000), NOW, needed={"old"})

    assert [each.id for each in gone] == ["b"]


ages = st.lists(st.tuples(st.floats(0, 60), st.integers(0, 50), st.booleans()), max_size=12)


@given(ages, st.integers(0, 6), st.integers(0, 120))
def test_nothing_older_outlives_something_younger(
    drawn: list[tuple[float, int, bool]], count: int, size: int
) -> None:
    records = [record(str(number), age, length) for number, (age, length, _) in enumerate(drawn)]
    needed = {str(number) for number, (_, _, open_) in enumerate(drawn) if open_}
    rules = Retention(count=count, days=30, size=size)

    gone = {each.id for each in expired(records, rules, NOW, needed)}

    kept = [each for each in records if each.id not in gone]
    free = [each for each in kept if each.id not in needed]
    assert not gone & needed
    assert all(NOW - each.taken_ms <= 30 * DAY_MS for each in free)
    if free:
        assert len(kept) <= count
        assert sum(each.bytes for each in kept) <= size
        youngest_gone = max((each.taken_ms for each in records if each.id in gone), default=0)
        assert min(each.taken_ms for each in free) >= youngest_gone


def test_a_sweep_removes_objects_and_records_but_not_those_of_open_incidents(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "a.db"))
    vault = open_vault(str(tmp_path / "vault"))

    async def bytes_of_one() -> AsyncIterator[bytes]:
        yield b"{}"

    async def scenario() -> tuple[list[str], tuple[str, ...]]:
        for name, age in (("old", 40), ("needed", 41), ("new", 1)):
            await vault.put(f"shop/{name}", bytes_of_one())
            store.put_snapshot(replace(record(name, age), key=f"shop/{name}"))
        gone = await sweep(store, vault, Retention(), NOW)
        return [each.id for each in gone], await vault.keys()

    store.put_incident(
        Incident(
            "i", "shop", "1", "heap-leak", "heap-leak", "warning", "open", "t", 0, 0, snapshots=("needed",)
        )
    )
    gone, kept = asyncio.run(scenario())
    left = {each.id for each in store.snapshots()}
    store.close()

    assert gone == ["old"]
    assert kept == ("shop/needed", "shop/new")
    assert left == {"needed", "new"}
