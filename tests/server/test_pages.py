"""The dashboard over HTTP: who sees what, what buttons do, and that nothing from outside is markup."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from server import seed
from server.dashboard import Dashboard, serve

from heapsleuth.server.pages.viewer import ACTIONS
from heapsleuth.store.model import Batch, Event, Instance

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from heapsleuth.store.model import Role

NOW_MS = 1_767_225_600_000.0
EVIL = '"><script>alert(1)</script>{{7*7}}<img src=x onerror=alert(2)>\u202e\x1b[31m'
PAGES = (
    "/",
    "/incidents",
    "/incidents/inc-checkout-leak",
    "/incidents/inc-checkout-leak/report",
    "/incidents/inc-search-slow",
    "/services/checkout?range=6h",
    "/services/checkout?range=24h",
    "/services/checkout?range=7d",
    "/services/checkout?range=30d",
    "/services/media-worker",
    "/services/notifications",
)
BUTTONS = (
    "/incidents/inc-checkout-leak/gc",
    "/incidents/inc-checkout-leak/capture",
    "/incidents/inc-checkout-leak/acknowledge",
    "/incidents/inc-checkout-leak/resolve",
    "/incidents/inc-checkout-leak/automatic-on",
    "/incidents/inc-checkout-leak/automatic-off",
    "/instances/INSTANCE/gc",
    "/instances/INSTANCE/snapshot",
)


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    folder = tmp_path_factory.mktemp("dashboard")
    with serve(folder, NOW_MS, seed.verdicts(NOW_MS)) as running:
        seed.seed(running.store, NOW_MS, days=2.2, fine_hours=2)
        yield running


@contextmanager
def browser(dashboard: Dashboard, role: Role | None = None) -> Iterator[httpx.Client]:
    """Give a client that is logged in with that role, and asks for pages as browsers do."""
    with httpx.Client(base_url=dashboard.url, headers={"Accept": "text/html"}, timeout=60) as client:
        if role:
            assert client.post("/login", data={"token": dashboard.tokens[role]}).status_code == 303
        yield client


def instance_of(dashboard: Dashboard, service: str = "checkout") -> str:
    return dashboard.store.instances(service, NOW_MS - 200_000)[-1].name


def csrf_of(page: str) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', page)
    assert found
    return found[1]


@pytest.fixture(scope="module")
def seen(dashboard: Dashboard) -> dict[str, httpx.Response]:
    """What a viewer sees, by path."""
    with browser(dashboard, "viewer") as client:
        return {path: client.get(path) for path in (*PAGES, f"/instances/{instance_of(dashboard)}")}


@pytest.mark.parametrize("path", PAGES)
def test_a_viewer_may_look_at_every_page_of_services(seen: dict[str, httpx.Response], path: str) -> None:
    reply = seen[path]

    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("text/html")
    policy = reply.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("path", [*PAGES, "/admin/tokens", "/admin/audit"])
def test_who_is_not_logged_in_is_sent_to_the_login_and_then_back(dashboard: Dashboard, path: str) -> None:
    with browser(dashboard) as client:
        reply = client.get(path)
        assert reply.status_code == 303
        assert "<td" not in reply.text
        login = client.get(reply.headers["location"])
        action = re.search(r'<form method="post" action="([^"]+)"', login.text)
        assert action
        back = client.post(action[1].replace("&amp;", "&"), data={"token": dashboard.tokens["admin"]})

    assert back.headers["location"] == path


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("operator", 403), ("admin", 200)])
@pytest.mark.parametrize("path", ["/admin/tokens", "/admin/audit"])
def test_only_admins_see_tokens_and_the_audit_log(
    dashboard: Dashboard, path: str, role: Role, status: int
) -> None:
    with browser(dashboard, role) as client:
        assert client.get(path).status_code == status
        assert (f'href="{path}"' in client.get("/").text) == (status == 200)


@pytest.mark.parametrize("path", BUTTONS)
def test_a_viewer_is_refused_where_a_button_would_lead(dashboard: Dashboard, path: str) -> None:
    with browser(dashboard, "viewer") as client:
        token = csrf_of(client.get("/incidents").text)
        target = path.replace("INSTANCE", instance_of(dashboard))
        reply = client.post(target, data={"csrf": token})

    assert reply.status_code == 403


def test_a_viewer_sees_no_button_and_no_download(seen: dict[str, httpx.Response]) -> None:
    pages = [reply.text for reply in seen.values()]

    assert {found for page in pages for found in re.findall(r'action="([^"]+)"', page)} == {"/logout"}
    assert "Download" not in "".join(pages)
    assert any("operators may download" in page for page in pages)


@pytest.mark.parametrize("path", BUTTONS)
@pytest.mark.parametrize("sent", [{}, {"csrf": "0" * 64}])
def test_a_form_of_another_site_does_nothing(dashboard: Dashboard, path: str, sent: dict[str, str]) -> None:
    with browser(dashboard, "operator") as client:
        reply = client.post(path.replace("INSTANCE", instance_of(dashboard)), data=sent)

    assert reply.status_code == 403


def test_every_button_an_operator_sees_leads_somewhere(dashboard: Dashboard) -> None:
    with browser(dashboard, "operator") as client:
        pages = [
            client.get(one).text
            for one in (
                "/incidents/inc-checkout-leak",
                "/services/checkout",
                f"/instances/{instance_of(dashboard)}",
            )
        ]
        targets = {found for page in pages for found in re.findall(r'action="([^"]+)"', page)} - {"/logout"}
        verbs = {target.rsplit("/", 1)[-1] for target in targets}
        refused = {client.post(target).status_code for target in targets}

    # Without the token of the form each is refused, but none is unknown.
    assert refused == {403}
    assert verbs == set(ACTIONS) - {"automatic-off"}


def press(client: httpx.Client, page: str, path: str) -> httpx.Response:
    """Press a button of a page; returns the page one is sent back to."""
    reply = client.post(path, data={"csrf": csrf_of(client.get(page).text)})
    assert reply.status_code == 303, reply.text
    return client.get(reply.headers["location"])


def test_an_operator_acknowledges_and_resolves_and_both_are_in_history_and_audit_log(
    dashboard: Dashboard,
) -> None:
    store = dashboard.store
    incident = next(one for one in seed.incidents(NOW_MS) if one.id == "inc-media-oom")
    store.put_incident(replace(incident, id="inc-resolve"))
    page = "/incidents/inc-resolve"
    with browser(dashboard, "operator") as client:
        acknowledged = press(client, page, f"{page}/acknowledge")
        resolved = press(client, page, f"{page}/resolve")

    assert "Acknowledged." in acknowledged.text
    assert ">Resolve<" not in resolved.text
    assert [note["by"] for note in store.incident("inc-resolve").notes] == ["operator of the tests"] * 2  # type: ignore[union-attr]
    assert {"incident.acknowledge", "incident.resolve"} <= {one.action for one in store.audit()}
    store.put_incident(replace(incident, id="inc-resolve", state="resolved"))


def test_automatic_snapshots_are_off_until_an_operator_turns_them_on_for_the_service(
    dashboard: Dashboard,
) -> None:
    page = "/incidents/inc-search-slow"
    with browser(dashboard, "operator") as client:
        before = client.get(page).text
        on = press(client, page, f"{page}/automatic-on").text
        off = press(client, page, f"{page}/automatic-off").text

    assert "are <b>off</b>" in before
    assert "are <b>on</b>" in on
    assert "are <b>off</b>" in off
    assert dashboard.store.setting("snapshots.automatic:search-api") == "off"


def test_the_reason_why_an_instance_cannot_be_asked_stands_on_the_page(dashboard: Dashboard) -> None:
    name = instance_of(dashboard)
    with browser(dashboard, "operator") as client:
        page = press(client, f"/instances/{name}", f"/instances/{name}/gc")

    assert page.status_code == 200
    assert "has not asked for commands" in page.text


def test_what_is_left_after_a_collection_stands_on_the_page(dashboard: Dashboard) -> None:
    name = instance_of(dashboard, "gateway")
    bearer = {"Authorization": f"Bearer {dashboard.add_token('agent')}"}
    done = threading.Event()

    def answer() -> None:
        with httpx.Client(base_url=dashboard.url, headers=bearer, timeout=60) as agent:
            while not done.is_set():
                take(agent)

    def take(agent: httpx.Client) -> None:
        for command in agent.get(f"/v1/agents/{name}/commands", params={"wait": 5}).json()["commands"]:
            result = {
                "at_ms": NOW_MS,
                "type": "command-result",
                "id": command["id"],
                "ok": True,
                "sample": {"at_ms": NOW_MS, "heap_used_bytes": 91_500_000},
            }
            body = message("gateway", result)
            assert agent.post(f"/v1/agents/{name}/samples", json=body).is_success
            done.set()

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        with browser(dashboard, "operator") as client:
            for _ in range(200):
                page = press(client, f"/instances/{name}", f"/instances/{name}/gc").text
                if "has not asked" not in page:
                    break
    finally:
        done.set()
        thread.join(30)

    assert "91.5 MB are left on the heap" in page


def message(service: str, *events: dict[str, Any]) -> dict[str, Any]:
    return {
        "protocol": 1, "sequence": 10**9, "agent": "0.4.0", "node": "v22.11.0", "service": service,
        "release": "7.1.0", "pid": 1, "ppid": 0, "thread": 0, "role": "main", "host": "h",
        "started_ms": NOW_MS - 60_000, "samples": [], "events": list(events), "counters": {},
    }  # fmt: skip


def test_a_new_token_is_shown_once_and_counts_until_it_is_withdrawn(dashboard: Dashboard) -> None:
    with browser(dashboard, "admin") as client:
        before = client.get("/admin/tokens").text
        token = csrf_of(before)
        form = {"csrf": token, "name": EVIL[:60], "role": "viewer", "days": "30"}
        made = client.post("/admin/tokens", data=form)
        secret = re.search(r"hs_[\w-]{40,}", made.text)
        assert secret
        assert "<script>alert" not in made.text
        again = client.get("/admin/tokens").text
        buttons = r"/admin/tokens/[0-9a-f]+/withdraw"
        (newest,) = set(re.findall(buttons, again)) - set(re.findall(buttons, before))
        with httpx.Client(base_url=dashboard.url, headers={"Authorization": f"Bearer {secret[0]}"}) as holder:
            assert holder.get("/").status_code == 200
            withdrawn = client.post(newest, data={"csrf": token})
            assert holder.get("/").status_code == 401

    assert secret[0] not in again
    assert withdrawn.status_code == 303


@pytest.mark.parametrize("form", [{"role": "root"}, {"days": "-1"}, {"name": ""}, {"name": "x" * 81}])
def test_a_token_that_the_form_does_not_offer_is_not_made(dashboard: Dashboard, form: dict[str, str]) -> None:
    before = len(dashboard.store.tokens())
    with browser(dashboard, "admin") as client:
        token = csrf_of(client.get("/admin/tokens").text)
        fields = {"csrf": token, "name": "x", "role": "viewer", "days": "", **form}
        assert client.post("/admin/tokens", data=fields).status_code == 422

    # The session is a token, too.
    assert len(dashboard.store.tokens()) == before + 1


@pytest.mark.parametrize("problem", ["token", "wait", EVIL])
def test_the_login_says_what_was_wrong_and_nothing_that_an_address_made_up(
    dashboard: Dashboard, problem: str
) -> None:
    with browser(dashboard) as client:
        page = client.get("/login", params={"problem": problem, "next": EVIL}).text

    assert ('role="alert"' in page) == (problem != EVIL)
    assert "alert(1)" not in page.replace("%3Cscript%3Ealert%281%29", "")


def test_no_text_from_a_service_is_markup_on_any_page(dashboard: Dashboard) -> None:
    store = dashboard.store
    service = f"svc{EVIL}/x"
    instance = Instance(
        "evil-1", service, EVIL, EVIL, 1, node=EVIL, started_ms=NOW_MS - 9e6, first_seen_ms=NOW_MS - 9e6
    )
    rows = tuple(
        {"at_ms": NOW_MS - 60_000 * n, "floor_bytes": 1e8, "request_ms_p99": 5.0} for n in range(9, 0, -1)
    )
    census = {
        "listeners": [{"emitter": EVIL, "event": EVIL, "count": 1, "grown": 1, "added": EVIL}],
        "timers": {"by": [{"callback": EVIL, "interval_ms": 1, "count": 1}]},
        "resources": {EVIL: 1},
    }
    blocked = {"ms": 100, "frames": [{"function": EVIL, "file": EVIL, "line": 1, "share": 1.0}]}
    events = (Event("evil-1", NOW_MS - 5, "census", census), Event("evil-1", NOW_MS - 4, "blocked", blocked))
    store.append([Batch(instance, 1, NOW_MS, rows, events)])
    leak = next(one for one in seed.verdicts(NOW_MS) if one.kind == "heap-leak")
    verdict = seed.verdict_json(replace(leak, title=EVIL, settles=(EVIL,), detail=EVIL, numbers={EVIL: 1.0}))
    store.put_incident(
        replace(
            seed.incidents(NOW_MS)[0],
            id="inc-evil",
            service=service,
            release=EVIL,
            title=EVIL,
            instance="evil-1",
            severity=EVIL,
            verdict=verdict,
            report=seed.report(EVIL),
            notes=({"at_ms": 1, "text": EVIL, "by": EVIL},),
        )
    )
    paths = ("/", "/incidents", "/incidents/inc-evil", "/incidents/inc-evil/report", "/instances/evil-1")
    with browser(dashboard, "admin") as client:
        fleet = client.get("/").text
        link = re.search(r'href="(/services/svc[^"]+)"', fleet)
        assert link
        pages = {path: client.get(path).text for path in (*paths, link[1], "/admin/audit")}

    for path, page in pages.items():
        assert "<script>alert" not in page, path
        assert "<img src=x" not in page, path
        assert "\u202e" not in page, path
        assert "\x1b" not in page, path
        assert "svc49" not in page, path
    assert "checkout" not in pages[link[1]]
    store.put_incident(replace(seed.incidents(NOW_MS)[3], id="inc-evil"))


def test_what_is_not_there_is_not_found(dashboard: Dashboard) -> None:
    with browser(dashboard, "admin") as client:
        for path in (
            "/services/none",
            "/incidents/none",
            "/instances/none",
            "/incidents/inc-media-oom/report",
        ):
            assert client.get(path).status_code == 404, path
        assert client.get("/static/..%2fapp.py").status_code == 404
        assert client.get("/static/none.js").status_code == 404


def test_styles_and_scripts_are_kept_for_good_under_their_hash(dashboard: Dashboard) -> None:
    with browser(dashboard, "viewer") as client:
        page = client.get("/services/checkout").text
        found = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
        replies = {path: client.get(path) for path in found}
        module = client.get("/static/charts.js")
        again = client.get("/static/charts.js", headers={"If-None-Match": module.headers["etag"]})

    assert {path.split("?")[0] for path in found} >= {
        "/static/watch.css",
        "/static/watch.js",
        "/static/report.css",
    }
    assert all("immutable" in reply.headers["cache-control"] for reply in replies.values())
    assert module.headers["cache-control"] == "no-cache"
    assert again.status_code == 304


def test_an_empty_fleet_tells_how_to_connect_the_first_service(tmp_path: Path) -> None:
    with serve(tmp_path, NOW_MS) as dashboard, browser(dashboard, "admin") as client:
        page = client.get("/").text

    assert f"HEAPSLEUTH_COLLECTOR={dashboard.url}" in page
    assert "[[serve.scrape]]" in page
    assert 'href="/admin/tokens"' in page
