"""The dashboard in a real Chromium: what is drawn, live updates, keyboard, dark mode, hostile names."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from browser import browser_binary
from server import seed
from server.dashboard import Dashboard, serve

from heapsleuth.store.model import Batch, Instance

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from playwright.sync_api import Browser, ConsoleMessage, Page

    from heapsleuth.store.model import Role

NOW_MS = 1_767_225_600_000.0
EVIL = "x\"><img src=x onerror=alert(1)><script>alert(2)</script>'{{7*7}}"
WAIT_MS = 120_000
BINARY = browser_binary()

pytestmark = pytest.mark.skipif(BINARY is None, reason="needs Chromium")


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    folder = tmp_path_factory.mktemp("browser")
    with serve(folder, NOW_MS, seed.verdicts(NOW_MS)) as running:
        seed.seed(running.store, NOW_MS, days=2.2, fine_hours=1)
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=BINARY, args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
        )
        yield running
        running.close()


def is_complaint(message: ConsoleMessage) -> bool:
    # The tests read pixels back; pages do not.
    return message.type != "log" and "willReadFrequently" not in message.text


@contextmanager
def tab(
    chromium: Browser,
    dashboard: Dashboard,
    role: Role = "viewer",
    *,
    width: int = 1440,
    dark: bool = False,
    scripts: bool = True,
) -> Iterator[Page]:
    """Give a tab that is logged in; afterwards nothing may have been complained about in its console."""
    context = chromium.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
        java_script_enabled=scripts,
        timezone_id="America/New_York",
        locale="en-US",
    )
    context.set_default_timeout(WAIT_MS)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if is_complaint(message) else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
    try:
        page.goto(f"{dashboard.url}/login")
        page.fill("#token", dashboard.tokens[role])
        page.press("#token", "Enter")
        page.wait_for_url(f"{dashboard.url}/")
        yield page
        assert complaints == []
    finally:
        context.close()


def open_charts(page: Page, dashboard: Dashboard, path: str) -> None:
    page.goto(dashboard.url + path)
    page.wait_for_selector("html[data-charts]")


INK = """id => {
  const canvas = document.querySelector(`[data-panel="${id}"] canvas`);
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  const seen = new Set();
  for (let i = 0; i < pixels.length; i += 4) {
    if (pixels[i + 3] > 200) { seen.add(`${pixels[i]},${pixels[i + 1]},${pixels[i + 2]}`); }
  }
  return [...seen];
}"""
"""The opaque colours in a chart."""
COLOUR = """name => {
  const probe = document.createElement("i");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  return getComputedStyle(probe).color.match(/\\d+/g).slice(0, 3).join(",");
}"""


def has_near(ink: Iterable[str], colour: str) -> bool:
    """Whether a colour is drawn; marks are a little translucent, so one near it will do."""
    wanted = [int(part) for part in colour.split(",")]
    return any(
        sum(abs(int(part) - other) for part, other in zip(one.split(","), wanted, strict=True)) < 80
        for one in ink
    )


def test_the_fleet_lists_who_runs_out_of_memory_first(chromium: Browser, dashboard: Dashboard) -> None:
    with tab(chromium, dashboard) as page:
        names = page.locator("a.service").all_inner_texts()
        chips = page.locator("th .pill").all_inner_texts()

    assert names[:4] == ["media-worker", "checkout", "search-api", "sessions"]
    assert chips[:5] == ["Killed for memory", "Leak likely", "Slower release", "Loop blocked", "Undecided"]


def test_the_fleet_is_filtered_by_words_after_a_slash(chromium: Browser, dashboard: Dashboard) -> None:
    with tab(chromium, dashboard) as page:
        page.keyboard.press("/")
        page.keyboard.type("clear 3.2")
        shown = page.locator("tr[data-words]:visible a.service").all_inner_texts()
        said = page.inner_text("#filtered")
        page.keyboard.press("Escape")
        all_again = page.locator("tr[data-words]:visible").count()

    assert shown == ["accounts"]
    assert said == "1 of 8"
    assert all_again == 8


@pytest.mark.parametrize("dark", [False, True])
def test_charts_are_drawn_in_the_colours_of_the_theme(
    chromium: Browser, dashboard: Dashboard, dark: bool
) -> None:
    with tab(chromium, dashboard, dark=dark) as page:
        open_charts(page, dashboard, "/services/checkout?range=24h")
        drawn = {one: set(page.evaluate(INK, one)) for one in page.evaluate(
            "[...document.querySelectorAll('[data-panel]')].map(one => one.dataset.panel)"
        )}  # fmt: skip
        floor, incident = page.evaluate(COLOUR, "--line-0"), page.evaluate(COLOUR, "--mark-incident")

    assert len(drawn) == 11
    assert all(floor in ink for ink in drawn.values())
    assert has_near(drawn["heap"], incident)


def test_another_theme_draws_the_charts_anew(chromium: Browser, dashboard: Dashboard) -> None:
    with tab(chromium, dashboard) as page:
        open_charts(page, dashboard, "/services/checkout?range=6h")
        before = set(page.evaluate(INK, "heap"))
        page.click("#theme")
        page.click("#theme")
        assert page.get_attribute("html", "data-theme") == "dark"
        dark = page.evaluate(COLOUR, "--line-0")
        page.wait_for_function(f"id => ({INK})(id).includes('{dark}')", arg="heap")
        page.reload()
        page.wait_for_selector("html[data-charts]")

        assert page.get_attribute("html", "data-theme") == "dark"
        assert dark not in before


def test_deploys_restarts_and_incidents_are_marked_and_listed(
    chromium: Browser, dashboard: Dashboard
) -> None:
    with tab(chromium, dashboard) as page:
        open_charts(page, dashboard, "/services/checkout?range=7d")
        deploys = page.locator("#marker-list .deploy").all_inner_texts()
        ink = page.evaluate(INK, "memory")
        colour = page.evaluate(COLOUR, "--mark-deploy")
        listed = page.inner_text("#marker-list")
        open_charts(page, dashboard, "/services/media-worker?range=7d")
        restarts = page.inner_text("#marker-list")

    assert deploys == ["deploy"]
    assert "Release 2.4.1 first seen" in listed
    assert "floor grows" in listed
    assert "1 process started again" in restarts
    assert has_near(ink, colour)


def test_the_forecast_reaches_into_the_future_of_the_heap_chart_only(
    chromium: Browser, dashboard: Dashboard
) -> None:
    with tab(chromium, dashboard) as page:
        open_charts(page, dashboard, "/services/checkout?range=24h")
        data = page.evaluate("JSON.parse(document.getElementById('chart-data').textContent)")

    roles = {panel["id"]: {one["role"] for one in panel["series"]} for panel in data["panels"]}
    assert {"cone-low", "cone-high"} <= roles.pop("heap")
    assert all("cone-low" not in one for one in roles.values())
    assert data["until"] > NOW_MS / 1000 + 11 * 3600


def test_values_are_read_with_the_arrow_keys(chromium: Browser, dashboard: Dashboard) -> None:
    with tab(chromium, dashboard) as page:
        open_charts(page, dashboard, "/services/checkout?range=24h")
        plot, readout = page.locator('[data-panel="requests"]'), page.locator("#read-requests")
        assert "latest" in readout.inner_text()
        plot.focus()
        page.keyboard.press("End")
        last = readout.inner_text()
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
        before = readout.inner_text()
        spoken = readout.get_attribute("aria-live")
        page.keyboard.press("Home")
        first = readout.inner_text()
        page.keyboard.press("Escape")

        assert "latest" in readout.inner_text()
    assert len({last, before, first}) == 3
    assert spoken == "polite"
    assert "/s" in first


def test_the_keyboard_leads_from_the_skip_link_to_an_incident(
    chromium: Browser, dashboard: Dashboard
) -> None:
    with tab(chromium, dashboard) as page:
        page.goto(f"{dashboard.url}/")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.keyboard.press("Enter")
        for _ in range(10):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.className") == "service":
                break
        page.keyboard.press("Enter")
        page.wait_for_url("**/services/media-worker")
        link = page.locator("#incident-list a").first
        for _ in range(80):
            page.keyboard.press("Tab")
            if link.evaluate("one => one === document.activeElement"):
                break
        page.keyboard.press("Enter")
        page.wait_for_url("**/incidents/inc-media-oom")


def test_new_samples_and_verdicts_change_an_open_page_without_losing_the_focus(
    chromium: Browser, dashboard: Dashboard
) -> None:
    store, hub = dashboard.store, dashboard.context.hub
    incident = replace(seed.incidents(NOW_MS)[1], id="inc-live", title="Before")
    store.put_incident(incident)
    with tab(chromium, dashboard, "operator") as page:
        page.goto(f"{dashboard.url}/incidents/inc-live")
        page.wait_for_selector('#live[data-state="on"]')
        page.locator("#actions button", has_text="Resolve").focus()
        page.evaluate("document.getElementById('main').dataset.same = 'yes'")
        note = {"at_ms": NOW_MS, "text": "Somebody looked", "by": "maria"}
        store.put_incident(replace(incident, title="After", notes=(note,)))
        hub.publish("incident:inc-live", {"type": "incident", "id": "inc-live"})
        page.wait_for_selector("h1:has-text('After')")

        assert "Somebody looked" in page.inner_text("#history")
        assert page.get_attribute("#main", "data-same") == "yes"
        assert page.evaluate("document.activeElement.textContent") == "Resolve"
    store.put_incident(replace(incident, state="resolved"))


def test_charts_take_new_values_without_being_drawn_anew(chromium: Browser, dashboard: Dashboard) -> None:
    store, hub = dashboard.store, dashboard.context.hub
    instance = Instance(
        "growing-1", "growing", "1.0", "h", started_ms=NOW_MS - 9e6, first_seen_ms=NOW_MS - 9e6
    )

    def rows(first: int, last: int, value: float) -> Batch:
        found = tuple({"at_ms": NOW_MS - 60_000 * n, "floor_bytes": value} for n in range(first, last, -1))
        return Batch(replace(instance, last_seen_ms=NOW_MS), 0, NOW_MS, found)

    store.append([rows(90, 20, 1e8)])
    with tab(chromium, dashboard) as page:
        open_charts(page, dashboard, "/services/growing?range=6h")
        page.wait_for_selector('#live[data-state="on"]')
        page.evaluate("document.querySelector('[data-panel=heap] canvas').dataset.same = 'yes'")
        before = page.inner_text("#read-heap")
        store.append([rows(20, 0, 3e8)])
        hub.publish("service:growing", {"type": "verdicts", "service": "growing"})
        page.wait_for_function("was => document.getElementById('read-heap').innerText !== was", arg=before)

        assert "300 MB" in page.inner_text("#read-heap")
        assert page.get_attribute("[data-panel=heap] canvas", "data-same") == "yes"


def test_times_are_the_viewers_and_their_titles_utc(chromium: Browser, dashboard: Dashboard) -> None:
    with tab(chromium, dashboard) as page:
        page.goto(f"{dashboard.url}/incidents")
        one = page.locator("time").first
        text, title = one.inner_text(), one.get_attribute("title")

        assert "America/New_York" in page.inner_text("#zone")
    assert title is not None
    assert title.endswith(" UTC")
    assert text not in title


def test_without_scripts_everything_can_be_read(chromium: Browser, dashboard: Dashboard) -> None:
    with tab(chromium, dashboard, scripts=False) as page:
        assert page.locator("tr[data-words]").count() >= 8
        page.goto(f"{dashboard.url}/services/checkout?range=24h")
        page.click("#table-heap summary")
        table = page.inner_text("#rows-heap")

    assert "Floor after GC" in table
    assert "MB" in table
    assert "UTC" in table


def test_an_operators_button_asks_before_it_stops_a_process(chromium: Browser, dashboard: Dashboard) -> None:
    with tab(chromium, dashboard, "operator") as page:
        page.goto(f"{dashboard.url}/services/checkout")
        asked = page.evaluate(
            """() => {
              let question = null;
              window.confirm = (text) => { question = text; return false; };
              const buttons = [...document.querySelectorAll("#instance-list button")];
              buttons.find((one) => one.textContent === "Take a snapshot").click();
              return question;
            }"""
        )
        stays = page.url

    assert asked.startswith("Take a heap snapshot of checkout-")
    assert stays.endswith("/services/checkout")


def test_hostile_names_do_nothing_in_a_browser(chromium: Browser, dashboard: Dashboard) -> None:
    store = dashboard.store
    service = f"evil{EVIL}"
    instance = Instance("evil-1", service, EVIL, EVIL, started_ms=NOW_MS - 9e6, first_seen_ms=NOW_MS - 9e6)
    found = tuple(
        {"at_ms": NOW_MS - 60_000 * n, "floor_bytes": 1e8, "request_ms_p99": 5.0} for n in range(60, 0, -1)
    )
    store.append([Batch(replace(instance, last_seen_ms=NOW_MS), 0, NOW_MS, found)])
    incident = seed.incidents(NOW_MS)[0]
    store.put_incident(
        replace(incident, id="inc-evil", service=service, title=EVIL, release=EVIL, report=seed.report(EVIL))
    )
    with tab(chromium, dashboard, "admin") as page:
        for path in (
            "/",
            "/incidents",
            "/incidents/inc-evil",
            "/incidents/inc-evil/report",
            "/instances/evil-1",
        ):
            page.goto(dashboard.url + path)
        page.goto(f"{dashboard.url}/")
        page.locator("a.service", has_text="evil").click()
        page.wait_for_selector("html[data-charts]")

        assert EVIL[:20] in page.inner_text("#read-latency-p99")
        assert page.locator("img").count() == 0
    store.put_incident(replace(incident, id="inc-evil", state="resolved"))


PAGES = (
    "/",
    "/services/checkout?range=7d",
    "/incidents/inc-checkout-leak",
    "/incidents",
    "/admin/tokens",
    "/admin/audit",
    "/login",
)


def test_a_narrow_screen_shows_everything_without_scrolling_sideways(
    chromium: Browser, dashboard: Dashboard
) -> None:
    with tab(chromium, dashboard, "admin", width=390) as page:
        for path in PAGES:
            page.goto(dashboard.url + path)

            assert page.evaluate("document.documentElement.scrollWidth") <= 390, path


NAMELESS = """() => [...document.querySelectorAll("a, button, input, select, [role=group], [role=img]")]
  .filter((one) => one.type !== "hidden" && one.getAttribute("aria-hidden") !== "true")
  .filter((one) => !one.textContent.trim() && !one.ariaLabel && !one.labels?.length)
  .map((one) => one.outerHTML.slice(0, 120))"""
TWICE = """() => {
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  return ids.filter((id, at) => ids.indexOf(id) !== at);
}"""
DANGLING = """() => ["aria-labelledby", "aria-describedby", "for"].flatMap((name) =>
  [...document.querySelectorAll(`[${name}]`)].flatMap((one) => one.getAttribute(name).split(" "))
    .filter((id) => !document.getElementById(id)))"""


def test_every_page_has_names_for_what_assistive_technology_reads(
    chromium: Browser, dashboard: Dashboard
) -> None:
    with tab(chromium, dashboard, "admin") as page:
        for path in PAGES:
            page.goto(dashboard.url + path)

            assert page.evaluate(NAMELESS) == [], path
            assert page.evaluate(TWICE) == [], path
            assert page.evaluate(DANGLING) == [], path
            assert page.locator("h1").count() == 1, path
            assert page.get_attribute("html", "lang") == "en"
