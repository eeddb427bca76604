"""The watch inside the collector: what comes in becomes verdicts and incidents, also after a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from running_collector import Running, running_collector, wait_for
from simulated_life import HOUR_MS, MB, START_MS, SimulatedLife, steady

from heapsleuth.server.config import ServerConfig
from heapsleuth.server.timescale import TimeScale
from heapsleuth.store.model import Batch, Event, HttpBucket, Instance

if TYPE_CHECKING:
    from pathlib import Path

    from heapsleuth.trends.model import TrendVerdict

FULL = {"floor_bytes": steady(500 * MB)}
SCALE = 7200.0
"""Two hours in a second."""


def batches(simulated: SimulatedLife, *, name: str = "shop-1", ends_ms: float) -> list[Batch]:
    """Return what an agent would have sent, its last sample now, in the time of the clock."""
    rows = list(simulated.rows())
    last = rows[-1]["at_ms"]
    began_ms = ends_ms - simulated.hours * HOUR_MS / SCALE
    instance = Instance(name, "shop", "1.0", host="web-1", started_ms=began_ms, last_seen_ms=ends_ms)
    moved = [{**row, "at_ms": ends_ms - (last - row["at_ms"]) / SCALE} for row in rows]
    return [Batch(instance, number + 1, ends_ms, (row,)) for number, row in enumerate(moved)]


def feed(running: Running, simulated: SimulatedLife, *, name: str = "shop-1") -> None:
    sent = batches(simulated, name=name, ends_ms=running.context.clock())
    running.context.store.append(sent)
    running.context.watching.take(sent)


def verdict_of(running: Running, service: str, kind: str) -> TrendVerdict | None:
    found = running.context.watching.verdicts(service)
    return next((one for one in found if one.kind == kind and one.state != "undecided"), None)


def test_samples_become_a_verdict_an_incident_and_an_answer_of_the_api(tmp_path: Path) -> None:
    with running_collector(ServerConfig(data=tmp_path, time_scale=SCALE)) as running:
        before = running.context.clock()
        feed(running, SimulatedLife(2, shapes=FULL))
        verdict = wait_for(lambda: verdict_of(running, "shop", "memory-pressure"), "the verdict")
        (incident,) = wait_for(lambda: running.context.store.incidents(service="shop"), "the incident")
        with running.client("viewer") as client:
            told = client.get("/v1/services/shop/verdicts").json()

        assert verdict.state == "alarm"
        # Judged in accelerated time, told in that of the clock.
        assert before <= verdict.at_ms <= running.context.clock()
        assert (incident.kind, incident.state, incident.instance) == ("memory-pressure", "open", "shop-1")
        assert any(one["kind"] == "memory-pressure" and one["state"] == "alarm" for one in told)


def test_after_a_restart_the_watch_knows_what_was_before(tmp_path: Path) -> None:
    config = ServerConfig(data=tmp_path, time_scale=SCALE)
    with running_collector(config) as running:
        feed(running, SimulatedLife(2, shapes=FULL))
        (incident,) = wait_for(lambda: running.context.store.incidents(service="shop"), "the incident")
    with running_collector(config) as running:
        # Nothing new has come: what it says, it has from the store.
        wait_for(lambda: verdict_of(running, "shop", "memory-pressure"), "the verdict")
        (again,) = running.context.store.incidents(service="shop")

        assert (again.id, again.state) == (incident.id, "open")


def test_an_incident_is_noted_and_resolved_by_hand(tmp_path: Path) -> None:
    with running_collector(ServerConfig(data=tmp_path, time_scale=SCALE)) as running:
        feed(running, SimulatedLife(2, shapes=FULL))
        (incident,) = wait_for(lambda: running.context.store.incidents(service="shop"), "the incident")
        watching = running.context.watching

        assert watching.note(incident.id, "looking", "ada")
        assert watching.resolve(incident.id, "ada")
        assert not watching.resolve(incident.id, "ada")
        assert not watching.note("nobody", "looking", "ada")
        assert running.notes(incident.id)[-2:] == ["looking", "resolved by ada"]


def test_pages_are_told_when_verdicts_change(tmp_path: Path) -> None:
    with (
        running_collector(ServerConfig(data=tmp_path, time_scale=SCALE)) as running,
        running.client("viewer") as client,
        client.stream("GET", "/events?topic=service:shop") as news,
    ):
        feed(running, SimulatedLife(2, shapes=FULL))
        told = next(line for line in news.iter_lines() if '"verdicts"' in line)

    assert '"service":"shop"' in told


def test_a_message_without_sense_does_not_end_the_watch(tmp_path: Path) -> None:
    with running_collector(ServerConfig(data=tmp_path, time_scale=SCALE)) as running:
        instance = Instance("shop-1", "shop")
        nonsense = Batch(
            instance, 1, 0.0, ({"floor_bytes": 1.0},), (Event("shop-1", 0.0, "census", {"handles": 3}),)
        )
        running.context.watching.take([nonsense])
        feed(running, SimulatedLife(2, shapes=FULL), name="shop-2")

        wait_for(lambda: verdict_of(running, "shop", "memory-pressure"), "the verdict")


def test_time_is_multiplied_for_every_value_and_back() -> None:
    scale = TimeScale(720.0)
    instance = Instance("i", "shop", "1.0", host="web-1", role="worker", thread=3, started_ms=1000.0)
    bucket = HttpBucket(2000.0, "", 3)

    assert scale.row({"at_ms": 2.0, "floor_bytes": 5.0}) == {"at_ms": 1440.0, "floor_bytes": 5.0}
    assert scale.bucket(bucket).at_ms == 1_440_000.0
    assert scale.life(instance).started_ms == 720_000.0
    assert scale.life(instance).slot == "web-1/worker/3"
    assert scale.body(Event("i", 2.0, "census", {"handles": {}})) == {"handles": {}, "at_ms": 1440.0}
    assert scale.real(scale.at(START_MS)) == START_MS


def test_real_time_leaves_values_alone() -> None:
    row = {"at_ms": 2.0}

    assert TimeScale().row(row) is row
