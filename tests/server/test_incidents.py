"""Incidents: when they open, what is said while they last, when they are over."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from heapsleuth.server.hub import EventHub
from heapsleuth.server.incidents import Incidents, verdict_json
from heapsleuth.store.opening import open_store
from heapsleuth.trends.model import Forecast, Range, State, Subject, TrendVerdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from heapsleuth.store.base import Store
    from heapsleuth.store.model import Incident

MINUTE = 60_000.0
HOUR = 60 * MINUTE
NOON = 1_767_268_800_000.0


class Desk:
    """Incidents over a store of their own, a clock that tests set, and what people were told."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = NOON
        self.told: list[tuple[str, str]] = []
        self.incidents = Incidents(store, EventHub(), lambda: self.now, self)

    def notify(self, incident: Incident, change: str) -> None:
        self.told.append((change, incident.title))

    def judge(self, *verdicts: TrendVerdict, after_ms: float = MINUTE) -> tuple[Incident, ...]:
        self.now += after_ms
        return self.incidents.judge("shop", verdicts)

    def judge_for(self, hours: float, *verdicts: TrendVerdict) -> None:
        for _ in range(int(hours * 12)):
            self.judge(*verdicts, after_ms=5 * MINUTE)

    @property
    def all(self) -> tuple[Incident, ...]:
        return self.store.incidents()

    @property
    def only(self) -> Incident:
        (incident,) = self.all
        return incident

    @property
    def state(self) -> str:
        return self.only.state


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    store = open_store(tmp_path / "incidents.db")
    yield Desk(store)
    store.close()


def verdict(
    state: State = "alarm", *, release: str = "1.0", detail: str = "", title: str = "it grows"
) -> TrendVerdict:
    return TrendVerdict(
        "heap-leak",
        state,
        Subject("shop", release, "shop-1"),
        NOON,
        title,
        detail=detail,
        numbers={"slope_bytes_per_hour": 1e6, "smallest_visible_ms": float("inf")},
        forecast=Forecast("heap", 512e6, Range(5.0, float("inf"))),
    )


def test_an_alarm_opens_one_incident_however_long_it_lasts(desk: Desk) -> None:
    opened = desk.judge(verdict())
    desk.judge_for(3, verdict())

    assert [one.id for one in opened] == [desk.only.id]
    assert (desk.only.state, desk.only.service, desk.only.release, desk.only.instance) == (
        "open",
        "shop",
        "1.0",
        "shop-1",
    )
    assert desk.told == [("opened", "it grows")]


def test_releases_and_details_are_incidents_of_their_own(desk: Desk) -> None:
    desk.judge(verdict(), verdict(release="2.0"), verdict(detail="Bus 'message'"))

    assert len(desk.all) == 3


def test_the_verdict_is_kept_without_infinities(desk: Desk) -> None:
    desk.judge(verdict())

    kept = desk.only.verdict
    assert kept["signature"] == "heap-leak"
    assert kept["forecast"]["hours"] == {"low": 5.0, "high": None}
    assert kept["numbers"]["smallest_visible_ms"] is None
    assert kept["subject"] == {"service": "shop", "release": "1.0", "instance": "shop-1"}


def test_its_figures_follow_every_ten_minutes_and_people_are_told_when_it_gets_worse(desk: Desk) -> None:
    desk.judge(verdict())
    desk.judge(verdict(title="it grows by 2 MB"), after_ms=11 * MINUTE)
    desk.judge(replace(verdict(title="hours are left"), severity="critical"))

    assert desk.only.title == "hours are left"
    assert desk.told == [("opened", "it grows"), ("updated", "hours are left")]


def test_it_is_resolved_after_it_has_been_clear_for_a_while_and_not_before(desk: Desk) -> None:
    desk.judge(verdict())
    desk.judge(verdict("clear"))
    desk.judge(verdict("clear"), after_ms=15 * MINUTE)
    assert desk.state == "open"

    desk.judge(verdict("clear"), after_ms=6 * MINUTE)

    assert desk.state == "resolved"
    assert desk.only.resolved_ms == desk.now
    assert desk.told[-1] == ("resolved", "it grows")


def test_a_verdict_on_the_edge_is_one_incident(desk: Desk) -> None:
    for _ in range(20):
        desk.judge(verdict(), after_ms=10 * MINUTE)
        desk.judge(verdict("clear"), after_ms=10 * MINUTE)

    assert desk.state == "open"
    assert len(desk.told) == 1


def test_a_restarted_process_is_too_young_to_end_an_incident(desk: Desk) -> None:
    desk.judge(verdict())
    desk.judge_for(5, verdict("undecided"))
    assert desk.state == "open"

    desk.judge_for(1.5, verdict("undecided"))
    assert desk.state == "resolved"


def test_a_release_that_is_gone_ends_its_incidents(desk: Desk) -> None:
    desk.judge(verdict())
    desk.judge_for(2.2, verdict("clear", release="2.0"))

    assert desk.state == "resolved"
    assert "nothing of this release has reported" in str(desk.only.notes[-1]["text"])


def test_an_incident_about_a_detail_ends_when_its_kind_is_clear(desk: Desk) -> None:
    desk.judge(verdict(detail="Bus 'message'"))
    desk.judge(verdict("clear"))
    desk.judge(verdict("clear"), after_ms=21 * MINUTE)

    assert desk.state == "resolved"


def test_what_comes_back_soon_opens_the_same_incident_again(desk: Desk) -> None:
    desk.judge(verdict())
    desk.judge_for(1, verdict("clear"))
    opened = desk.judge(verdict())

    assert opened == ()
    assert desk.state == "open"
    assert desk.only.resolved_ms is None
    assert [change for change, _ in desk.told] == ["opened", "resolved", "opened"]


def test_what_comes_back_after_hours_is_a_new_incident(desk: Desk) -> None:
    desk.judge(verdict())
    desk.judge_for(4, verdict("clear"))
    desk.judge(verdict())

    assert len(desk.all) == 2


def test_what_somebody_resolved_stays_so_for_two_hours_and_opens_again_if_it_goes_on(desk: Desk) -> None:
    desk.judge(verdict())

    assert desk.incidents.resolve(desk.only.id, "ada")
    assert not desk.incidents.resolve(desk.only.id, "ada")
    desk.judge_for(1.9, verdict())
    assert desk.state == "resolved"
    assert desk.only.notes[-1]["by"] == "ada"

    desk.judge_for(0.2, verdict())
    assert sorted(one.state for one in desk.all) == ["open", "resolved"]


def test_what_was_resolved_in_the_store_itself_counts_as_resolved_by_hand(desk: Desk) -> None:
    desk.judge(verdict())
    desk.store.put_incident(replace(desk.only, state="resolved", resolved_ms=desk.now))
    desk.judge_for(1, verdict())

    assert desk.state == "resolved"
    assert desk.told[-1] == ("resolved", "it grows")


def test_what_was_open_before_a_restart_goes_on(desk: Desk) -> None:
    desk.judge(verdict())
    again = Desk(desk.store)
    again.incidents.load()
    again.judge(verdict())

    assert again.state == "open"
    assert again.told == []

    again.judge_for(1, verdict("clear"))
    assert again.state == "resolved"


def test_alarms_that_only_inform_open_nothing(desk: Desk) -> None:
    assert desk.judge(replace(verdict(), severity="info")) == ()
    assert desk.all == ()


def test_notes_and_fields_are_changed_in_one_step(desk: Desk) -> None:
    desk.judge(verdict())
    changed = desk.incidents.change(
        desk.only.id,
        "a snapshot",
        "ada",
        snapshots=lambda incident: (*incident.snapshots, "s1"),
        report={"findings": []},
    )

    assert changed == desk.only
    assert desk.only.snapshots == ("s1",)
    assert desk.only.notes[-1] == {"at_ms": desk.now, "text": "a snapshot", "by": "ada"}
    assert desk.incidents.change("nobody", "a note") is None


def test_notes_stay_few_and_the_first_is_kept(desk: Desk) -> None:
    desk.judge(verdict())
    for number in range(300):
        desk.incidents.change(desk.only.id, f"note {number}")

    assert len(desk.only.notes) == 201
    assert str(desk.only.notes[0]["text"]).startswith("opened")
    assert desk.only.notes[-1]["text"] == "note 299"


def test_in_accelerated_time_everything_is_as_much_quicker(tmp_path: Path) -> None:
    store = open_store(tmp_path / "quick.db")
    desk = Desk(store)
    desk.incidents = Incidents(store, EventHub(), lambda: desk.now, desk, pace=720.0)
    desk.judge(verdict())
    desk.judge(verdict("clear"), after_ms=100)
    desk.judge(verdict("clear"), after_ms=2000)

    assert desk.state == "resolved"
    store.close()


def test_a_verdict_as_json_has_plain_values_only() -> None:
    body = verdict_json(verdict())

    assert isinstance(body["evidence_for"], list)
    assert body["kind"] == "heap-leak"
