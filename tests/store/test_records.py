"""Events, incidents, snapshots' records, tokens, the audit log and settings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from store_messages import DAY, T, batch, instance

from heapsleuth.store.model import AuditEntry, Event, Incident, SnapshotRecord, Token
from heapsleuth.store.opening import open_store

if TYPE_CHECKING:
    from heapsleuth.store.sql_store import SqlStore

INCIDENT = Incident(
    "i1", "shop", "1.0", "heap-leak", "heap-leak", "critical", "open", "The heap of shop grows", T, T,
    verdict={"kind": "heap-leak", "numbers": {"slope": 1.5}}, report=None, snapshots=("s1",),
    notes=({"at_ms": T, "text": "seen", "by": ""},),
)  # fmt: skip
SNAPSHOT = SnapshotRecord("s1", "shop", "1.0", "web-1", "snapshot", T, 100, "ab" * 32, 5.0, incident="i1")
TOKEN = Token("t1", "cd" * 32, "viewer", "Ann", T, None, None)


def event(at_ms: float, kind: str, who: str = "web-1") -> Event:
    return Event(who, at_ms, kind, {"text": f"{kind} é", "list": [1, {"two": None}]})


def test_events_are_found_by_service_instance_type_and_time(store: SqlStore) -> None:
    shop = [event(T, "warning"), event(T + 1, "slow"), event(T + 2, "slow")]
    mail = [event(T + 3, "census", "mail-1")]
    store.append([batch(who=instance("web-1"), events=shop, received_ms=T)])
    store.append([batch(who=instance("mail-1", service="mail"), events=mail, received_ms=T)])

    assert store.events() == (*mail, *reversed(shop))
    assert store.events(service="mail") == tuple(mail)
    assert store.events(instance="web-1", types=["slow"]) == (shop[2], shop[1])
    assert store.events(service="shop", since_ms=T + 2) == (shop[2],)
    assert store.events(limit=2) == (mail[0], shop[2])
    assert store.events(service="shop", types=["none"]) == ()


def test_an_incident_takes_the_place_of_the_one_with_its_id(store: SqlStore) -> None:
    store.put_incident(INCIDENT)
    other = replace(INCIDENT, id="i2", service="mail", opened_ms=T + 5)
    store.put_incident(other)
    closed = replace(INCIDENT, state="resolved", resolved_ms=T + 9, updated_ms=T + 9, report={"findings": []})
    store.put_incident(closed)

    assert store.incident("i1") == closed
    assert store.incident("i3") is None
    assert store.incidents() == (other, closed)
    assert store.incidents(state="open") == (other,)
    assert store.incidents(service="shop") == (closed,)
    assert store.incidents(limit=1) == (other,)


def test_incidents_since_a_time_are_those_open_or_changed_then(store: SqlStore) -> None:
    ended = replace(INCIDENT, id="i2", state="resolved", updated_ms=T + 5)
    store.put_incident(INCIDENT)
    store.put_incident(ended)

    assert {found.id for found in store.incidents(since_ms=T + 5)} == {"i1", "i2"}
    assert {found.id for found in store.incidents(since_ms=T + 6)} == {"i1"}


def test_snapshots_are_found_and_forgotten(store: SqlStore) -> None:
    later = replace(SNAPSHOT, id="s2", taken_ms=T + 1, incident="")
    store.put_snapshot(SNAPSHOT)
    store.put_snapshot(later)

    assert store.snapshots() == (later, SNAPSHOT)
    assert store.snapshots(incident="i1") == (SNAPSHOT,)
    assert store.snapshots(service="mail") == ()
    assert store.snapshot("s2") == later
    assert store.delete_snapshot("s2")
    assert not store.delete_snapshot("s2")
    assert store.snapshot("s2") is None


def test_tokens_are_kept_changed_and_withdrawn(store: SqlStore) -> None:
    used = replace(TOKEN, last_used_ms=T + 1, expires_ms=T + DAY)
    store.put_token(TOKEN)
    store.put_token(replace(TOKEN, id="t2", created_ms=T + 1))
    store.put_token(used)

    assert store.tokens() == (used, replace(TOKEN, id="t2", created_ms=T + 1))
    assert store.delete_token("t1")
    assert not store.delete_token("t1")
    assert [token.id for token in store.tokens()] == ["t2"]


def test_the_audit_log_is_read_backwards_page_by_page(store: SqlStore) -> None:
    entries = [AuditEntry(T + at, "Ann", "admin", "gc", f"web-{at}", "done", "127.0.0.1") for at in range(5)]
    store.record(entries[:3])
    store.record(entries[3:])

    assert store.audit(limit=2) == (entries[4], entries[3])
    assert store.audit(before_ms=entries[3].at_ms) == (entries[2], entries[1], entries[0])


def test_settings_outlive_the_collector(database_url: str) -> None:
    store = open_store(database_url)
    assert store.setting("snapshots.automatic") is None
    store.set_setting("snapshots.automatic", "off")
    store.set_setting("snapshots.automatic", "on")
    store.close()

    again = open_store(database_url)
    assert again.setting("snapshots.automatic") == "on"
    again.close()


def test_old_records_go_but_open_incidents_tokens_and_settings_stay(store: SqlStore) -> None:
    store.append([batch(events=[event(T, "slow")], received_ms=T)])
    store.append([batch(events=[event(T + 40 * DAY, "slow")], received_ms=T + 40 * DAY)])
    store.put_incident(INCIDENT)
    store.put_incident(replace(INCIDENT, id="i2", state="resolved"))
    store.put_token(TOKEN)
    store.set_setting("a", "b")
    store.record([AuditEntry(T, "Ann", "admin", "gc", "web-1", "done")])
    store.maintain(T + 40 * DAY)

    assert [found.at_ms for found in store.events()] == [T + 40 * DAY]
    assert [found.id for found in store.incidents()] == ["i1"]
    assert store.audit() == ()
    assert store.tokens() == (TOKEN,)
    assert store.setting("a") == "b"
