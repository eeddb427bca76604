"""From an incident to its cause: whom the collector asks, what it keeps, and what it says when that fails."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from running_collector import Running, ScriptedAgent, running_collector, wait_for

from heapsleuth.server.captures import candidates
from heapsleuth.server.capturing import wanted
from heapsleuth.server.config import ServerConfig, SnapshotConfig
from heapsleuth.store.model import Incident
from tests.leaks.case_heap import World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LEAK = {"reports": {"is": "Map", "each": {"is": "Report", "has": {"body": "string 200"}}}}
PROFILE = {
    "head": {
        "callFrame": {"functionName": "(root)", "url": "", "lineNumber": -1},
        "selfSize": 0,
        "children": [
            {
                "callFrame": {"functionName": "render", "url": "src/report.js", "lineNumber": 87},
                "selfSize": 900,
                "children": [],
            },
            {
                "callFrame": {"functionName": "", "url": "", "lineNumber": 0},
                "selfSize": 100,
                "children": [],
            },
        ],
    }
}


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    # Accelerated, so that rounds are seconds apart.
    config = ServerConfig(data=tmp_path_factory.mktemp("collector"), time_scale=10_000.0)
    with running_collector(config) as running:
        yield running


@pytest.fixture(scope="module")
def snapshots(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return World(LEAK).play(tmp_path_factory.mktemp("snapshots"), rounds=4)


def an_incident(running: Running, service: str, **values: object) -> Incident:
    now = running.context.clock()
    incident = Incident(
        f"incident-{service}", service, "1.0", "heap-leak", "heap-leak", "warning", "open", "a leak", now, now
    )
    incident = replace(incident, **values)  # type: ignore[arg-type]
    running.context.store.put_incident(incident)
    return incident


def capture(running: Running, incident: Incident, last: str) -> Incident:
    """Ask for a capture as the button does; return the incident once a note begins with *last*."""
    with running.client("operator") as client:
        answer = client.post(f"/incidents/{incident.id}/capture", follow_redirects=False)
        assert answer.status_code < 400, answer.text
    wait_for(
        lambda: any(note.startswith(last) for note in running.notes(incident.id)),
        f"the note `{last}…`",
    )
    found = running.context.store.incident(incident.id)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def captured(collector: Running, snapshots: list[str]) -> tuple[Incident, ScriptedAgent]:
    """A capture that went well, though it was asked for three times."""
    incident = an_incident(collector, "shop")
    with ScriptedAgent(collector, "shop-1", snapshots=snapshots) as agent:
        with collector.client("operator") as client:
            for _ in range(2):
                client.post(f"/incidents/{incident.id}/capture", follow_redirects=False)
        return capture(collector, incident, "the snapshots "), agent


def test_four_rounds_of_snapshots_name_the_holder_of_the_leak(
    captured: tuple[Incident, ScriptedAgent],
) -> None:
    incident, _ = captured

    assert str(incident.notes[-1]["text"]).startswith("the snapshots show 1 leak: Map `reports` gains")
    assert incident.report is not None
    assert incident.report["verdict"] == "leak"
    assert incident.report["findings"][0]["holder"]["name"] == "reports"


def test_snapshots_are_kept_with_their_work_and_their_incident(
    collector: Running, captured: tuple[Incident, ScriptedAgent]
) -> None:
    incident, _ = captured
    records = [collector.context.store.snapshot(one) for one in incident.snapshots]

    assert [record.work for record in records if record] == [100, 200, 300, 400]
    assert incident.report is not None
    assert [one["work"] for one in incident.report["inputs"]] == [100, 200, 300, 400]
    assert {record.incident for record in records if record} == {incident.id}


def test_a_service_is_captured_once_at_a_time(captured: tuple[Incident, ScriptedAgent]) -> None:
    assert captured[1].asked == ["snapshot"] * 4


def test_every_snapshot_is_in_the_audit_log_with_who_asked(
    collector: Running, captured: tuple[Incident, ScriptedAgent]
) -> None:
    entries = [one for one in collector.context.store.audit() if one.target == captured[1].instance]

    assert [one.action for one in entries] == ["capture.snapshot"] * 4
    assert {one.actor for one in entries} == {"operator of the tests"}
    assert {one.outcome for one in entries} == {"done"}


def test_the_least_loaded_instance_is_asked_and_only_one(collector: Running, snapshots: list[str]) -> None:
    with (
        ScriptedAgent(
            collector, "busy", "two", host="web-1", snapshots=snapshots, requests_per_s=900
        ) as busy,
        ScriptedAgent(
            collector, "calm", "two", host="web-2", snapshots=snapshots, requests_per_s=200
        ) as calm,
        ScriptedAgent(collector, "idle", "two", host="web-3", snapshots=snapshots, requests_per_s=0) as idle,
    ):
        wait_for(
            lambda: (
                [one.name for one in candidates(collector.context, an_incident(collector, "two"))]
                == ["calm", "busy", "idle"]
            ),
            "the order calm, busy, idle",
        )
        capture(collector, an_incident(collector, "two"), "snapshot 2 of 4 of calm")

    assert busy.asked == idle.asked == []
    assert len(calm.asked) >= 2


def test_the_next_instance_is_asked_when_the_first_cannot_bear_it(
    collector: Running, snapshots: list[str]
) -> None:
    with (
        ScriptedAgent(collector, "full", "next", requests_per_s=27, refuses=("memory", "310 MB are free")),
        ScriptedAgent(collector, "free", "next", host="web-2", requests_per_s=90, snapshots=snapshots),
    ):
        wait_for(
            lambda: (
                [one.name for one in candidates(collector.context, an_incident(collector, "next"))]
                == ["full", "free"]
            ),
            "the order full, free",
        )
        found = capture(collector, an_incident(collector, "next"), "snapshot 1 of 4 of free")

    texts = [str(note["text"]) for note in found.notes]
    assert texts[0].startswith("no snapshot of full: ")
    assert "310 MB are free" in texts[0]
    assert texts[1].startswith("snapshot 1 of 4 of free: ")


def test_a_sampling_profile_is_taken_where_no_snapshot_fits(collector: Running) -> None:
    profile = json.dumps(PROFILE).encode()
    refusal = ("memory", "a snapshot of this heap needs about 1.2 GB")
    with ScriptedAgent(collector, "tight-1", "tight", refuses=refusal, profile=profile) as agent:
        found = capture(collector, an_incident(collector, "tight"), "a sampling heap profile of tight-1")

    assert agent.asked == ["snapshot", "profile.start", "profile.stop"]
    assert str(found.notes[-1]["text"]).endswith("render (src/report.js:88) 90%; (anonymous) 10%")
    record = collector.context.store.snapshot(found.snapshots[0])
    assert record is not None
    assert record.kind == "profile"


def test_snapshots_that_cannot_be_analysed_are_noted_and_kept(collector: Running, tmp_path: Path) -> None:
    broken = []
    for number in range(4):
        path = tmp_path / f"{number}.heapsnapshot"
        path.write_text('{"snapshot":{"meta":{}},"nodes":[1]}')
        broken.append(str(path))
    with ScriptedAgent(collector, "broken-1", "broken", snapshots=broken):
        found = capture(collector, an_incident(collector, "broken"), "the capture failed")

    assert "the analysis failed" in str(found.notes[-1]["text"])
    assert len(found.snapshots) == 4
    assert found.report is None


def test_without_an_instance_to_ask_that_is_noted(collector: Running) -> None:
    found = capture(collector, an_incident(collector, "nobody"), "no capture: no instance")

    assert found.snapshots == ()


def test_an_agent_that_went_away_is_noted(collector: Running, snapshots: list[str]) -> None:
    with ScriptedAgent(collector, "gone-1", "gone", snapshots=snapshots[:2]):
        found = capture(collector, an_incident(collector, "gone"), "snapshot 2 of 4")

    assert len(found.snapshots) == 2


def test_nothing_is_captured_without_asking_unless_an_operator_turned_it_on(tmp_path: Path) -> None:
    with running_collector(ServerConfig(data=tmp_path)) as running:
        context, incident = running.context, an_incident(running, "shop")

        assert not wanted(context, incident)
        context.store.set_setting("snapshots.automatic", "on")
        assert wanted(context, incident)
        assert not wanted(context, replace(incident, kind="gc-pauses", signature="gc-pauses"))
        context.store.set_setting("snapshots.automatic:shop", "off")
        assert not wanted(context, incident)
        context.store.set_setting("snapshots.automatic:shop", "")
        context.store.set_setting("capture.last:shop", str(context.clock() - 3_600_000))
        assert not wanted(context, incident)
        context.store.set_setting("capture.last:shop", str(context.clock() - 7 * 3_600_000))
        assert wanted(context, incident)


def test_the_configuration_can_turn_it_on_for_all(tmp_path: Path) -> None:
    config = ServerConfig(data=tmp_path, snapshots=SnapshotConfig(automatic=True))
    with running_collector(config) as running:
        assert wanted(running.context, an_incident(running, "shop"))
