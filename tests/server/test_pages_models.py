"""What the dashboard's pages say, from plain values."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import orjson
import pytest
from server import seed

from heapsleuth.reports.json import document
from heapsleuth.server.incidents import verdict_json
from heapsleuth.server.pages.fleet import fleet
from heapsleuth.server.pages.forecast import with_cone
from heapsleuth.server.pages.incident import Past, incident_page, shown_since
from heapsleuth.server.pages.instance import blocked_functions
from heapsleuth.server.pages.markers import markers, releases_by_age
from heapsleuth.server.pages.panels import PANELS, Panel, panels
from heapsleuth.server.pages.report_values import report_from
from heapsleuth.server.pages.verdicts import ordered, verdict_from
from heapsleuth.server.pages.words import KINDS, figure, hours_text, state_of
from heapsleuth.store.model import Chart, Event, Instance, Line, ServiceSummary
from heapsleuth.trends.model import Forecast, Kind, Range, Subject, TrendVerdict

HOUR_MS = 3_600_000.0
NOW_MS = 1_767_225_600_000.0


def summary(name: str, **latest: float) -> ServiceSummary:
    return ServiceSummary(name, ("1.0",), 2, NOW_MS - HOUR_MS, NOW_MS, latest)


def alarm(service: str, kind: Kind = "heap-leak", low: float | None = None, **more: object) -> TrendVerdict:
    forecast = None if low is None else Forecast("heap", 5e8, Range(low, low * 2))
    made = TrendVerdict(kind, "alarm", Subject(service), NOW_MS, f"{kind} of {service}", forecast=forecast)
    return replace(made, **more)  # type: ignore[arg-type]


def chart_of(values: list[float], label: str = "", metric: str = "floor_bytes") -> Chart:
    array = np.array(values)
    times = NOW_MS - HOUR_MS * np.arange(len(values))[::-1]
    return Chart(metric, HOUR_MS, times, (Line(label, array, array - 1e6, array + 1e6),))


EMPTY = Chart("", HOUR_MS, np.array([]), ())


def test_the_service_that_runs_out_of_memory_first_comes_first() -> None:
    verdicts = {
        "late": (alarm("late", low=90.0),),
        "soon": (alarm("soon", low=3.0),),
        "slow": (alarm("slow", "latency-regression"),),
        "well": (replace(alarm("well"), state="clear"),),
        "unsure": (replace(alarm("unsure"), state="undecided"),),
    }
    page = fleet([summary(name) for name in sorted(verdicts)], verdicts, [], {}, NOW_MS)

    assert [row.service for row in page.rows] == ["soon", "late", "slow", "unsure", "well"]
    assert [row.chip.word for row in page.rows] == [
        "Leak likely", "Leak likely", "Slower release", "Undecided", "Clear",
    ]  # fmt: skip
    assert page.headline == "3 services need attention: `soon` runs out of memory in 3 to 6 h."


def test_a_forecast_of_what_is_not_alarming_does_not_sort_a_service_up() -> None:
    maybe = replace(alarm("maybe", low=1.0), state="undecided")
    page = fleet([summary("maybe")], {"maybe": (maybe,)}, [], {}, NOW_MS)

    assert page.rows[0].hours == ""
    assert page.rows[0].low_hours == math.inf


def test_without_forecasts_more_open_incidents_come_first() -> None:
    open_ = [one for one in seed.incidents(NOW_MS) if one.service == "checkout"]
    page = fleet([summary("a"), summary("checkout")], {}, open_, {}, NOW_MS)

    assert [row.service for row in page.rows] == ["checkout", "a"]
    assert page.rows[0].severity == "critical"


def test_bars_say_how_full_heap_and_container_are() -> None:
    row = summary("x", heap_used_bytes=90.0, heap_limit_bytes=100.0, container_limit_bytes=0.0)
    page = fleet([row], {}, [], {}, NOW_MS)

    assert [(bar.label, bar.percent, bar.tone) for bar in page.rows[0].bars] == [("Heap", "90 %", "leak")]


def test_every_kind_of_verdict_has_words() -> None:
    assert set(KINDS) == set(Kind.__args__)  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_an_alarm_of_any_kind_is_said_of_its_service(kind: Kind) -> None:
    chip = state_of([alarm("x", kind), replace(alarm("x", "heap-leak"), state="clear")])

    assert (chip.word, chip.tone) == (KINDS[kind].alarm, "leak")


def test_doubt_about_releases_is_no_doubt_about_leaks() -> None:
    doubt = replace(alarm("x", "latency-regression"), state="undecided")

    assert state_of([doubt, replace(alarm("x"), state="clear")]).word == "Clear"
    assert state_of([]).word == "Collecting"


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (6.0, 9.2, "6 to 9.2 h"),
        (11.5, 16.2, "12 to 16 h"),
        (30, 60, "1.2 to 2.5 days"),
        (80, math.inf, "over 3.3 days"),
        (5, 5, "5 h"),
        (-1, 2, "0 to 2 h"),
        (3000, math.inf, "over 3 months"),
    ],
)
def test_hours_are_said_as_people_do(low: float, high: float, text: str) -> None:
    assert hours_text(Range(low, high)) == text


def test_figures_take_their_unit_from_their_name() -> None:
    assert figure("slope_bytes_per_hour", 7.6e6) == ("slope", "+7.60 MB/h")
    assert figure("smallest_visible_ms", 3.14) == ("smallest visible", "3.1 ms")
    assert figure("life_hours", 31.0) == ("life", "31 h")
    assert figure("kills_total", 23.0) == ("kills", "23")
    assert figure("limit_bytes", math.inf) == ("limit", "unbounded")
    assert figure("smallest_visible_ms", math.inf) == ("smallest visible", "not yet known")
    assert figure("slope_low_bytes_per_hour", -2e6) == ("slope low", "-2.00 MB/h")
    assert figure("stall_share_high", 0.31) == ("stall high", "31 %")
    assert figure("slope_per_hour", 12.345) == ("slope", "+12.3/h")
    assert figure("hours", 60.0) == ("observed", "2.5 days")
    assert figure("instances_concerned", 3.0) == ("instances concerned", "3")


def test_scores_are_for_programs_only() -> None:
    assert [figure(name, 1.0) for name in ("z", "score", "rows")] == [None, None, None]


def test_verdicts_come_alarms_first_and_clear_ones_last() -> None:
    one = alarm("x", "gc-pauses", severity="warning")
    found = [
        replace(one, state="clear"),
        one,
        replace(one, state="undecided"),
        alarm("x", "oom-kills", severity="critical"),
    ]

    assert [(shown.verdict.state, shown.verdict.kind) for shown in ordered(found)] == [
        ("alarm", "oom-kills"), ("alarm", "gc-pauses"), ("undecided", "gc-pauses"), ("clear", "gc-pauses"),
    ]  # fmt: skip


@pytest.mark.parametrize("verdict", seed.verdicts(NOW_MS), ids=lambda one: f"{one.kind}-{one.state}")
def test_the_verdict_of_an_incident_is_read_as_it_was_written(verdict: TrendVerdict) -> None:
    assert verdict_from(orjson.loads(orjson.dumps(verdict_json(verdict)))) == verdict


def test_an_endless_forecast_survives_json() -> None:
    endless = replace(alarm("x"), forecast=Forecast("container", 1e9, Range(40.0, math.inf)))

    assert verdict_from(orjson.loads(orjson.dumps(verdict_json(endless)))) == endless


@pytest.mark.parametrize(
    "body", [{}, {"kind": "x"}, {"subject": 3}, {"subject": {"service": "a"}, "at_ms": "b"}]
)
def test_a_verdict_that_cannot_be_read_is_none(body: dict[str, object]) -> None:
    assert verdict_from(body) is None


def heap_panel(values: list[float]) -> Panel:
    made = panels(lambda metric, _: chart_of(values) if metric == "floor_bytes" else EMPTY)
    assert [one.spec.id for one in made] == ["heap"]
    return made[0]


def test_the_cone_reaches_the_limit_between_its_hours() -> None:
    panel = with_cone(heap_panel([100e6] * 100), Forecast("heap", 500e6, Range(10.0, 20.0)), NOW_MS)
    soon, late = (next(one for one in panel.series if one.role == role) for role in ("cone-high", "cone-low"))
    hours = (panel.times - NOW_MS / 1000) / 3600

    assert soon.values[-1] == late.values[-1] == 500e6
    assert np.all(soon.values[(hours >= 10) & (hours > 0)] == 500e6)
    assert np.all(late.values[(hours > 0) & (hours < 20)] < 500e6)
    # The cone begins at the worst instance, and the past is as it was.
    assert late.values[np.isfinite(late.values)][0] == 101e6
    assert len(panel.series[0].values) == len(panel.times)


def test_no_cone_is_drawn_into_the_chart_of_another_limit() -> None:
    panel = heap_panel([100e6] * 10)

    assert with_cone(panel, Forecast("container", 5e8, Range(1, 2)), NOW_MS) is panel
    assert with_cone(panel, None, NOW_MS) is panel


def test_an_endless_forecast_takes_at_most_sixty_percent_of_the_past_for_the_future() -> None:
    panel = with_cone(heap_panel([1e8] * 101), Forecast("heap", 5e8, Range(50.0, math.inf)), NOW_MS)

    assert panel.times[-1] - NOW_MS / 1000 == pytest.approx(60 * 3600)


def test_a_release_has_one_colour_in_all_charts() -> None:
    def chart(metric: str, by: str) -> Chart:
        if by != "release":
            return EMPTY
        lines = [chart_of([1.0, 2.0], name, metric).lines[0] for name in ("1.0", "2.0")]
        # The second metric knows the new release only.
        return replace(chart_of([1.0, 2.0]), lines=tuple(lines if metric.endswith("p99") else lines[1:]))

    made = panels(chart, ["2.0", "1.0"])

    assert [[(one.label, one.tone) for one in panel.series] for panel in made] == [
        [("2.0", "release-0"), ("1.0", "release-1")],
        [("2.0", "release-0")],
    ]


def life(host: str, release: str, begin_h: float, end_h: float, **more: object) -> Instance:
    began, ended = NOW_MS - begin_h * HOUR_MS, NOW_MS - end_h * HOUR_MS
    made = Instance(
        f"{host}-{begin_h}", "x", release, host, started_ms=began, first_seen_ms=began, last_seen_ms=ended
    )
    return replace(made, **more)  # type: ignore[arg-type]


def test_a_release_after_another_is_a_deploy_and_a_second_life_a_restart() -> None:
    lives = [
        life("a", "1.0", 40, 20),
        life("a", "1.0", 19.9, 10),
        life("a", "2.0", 9.9, 0),
        life("b", "2.0", 9, 0),
    ]
    found = markers(lives, (), NOW_MS - 30 * HOUR_MS, NOW_MS)

    assert [(one.kind, one.label) for one in found] == [("restart", "1 restart"), ("deploy", "2.0")]
    assert list(releases_by_age(lives)) == ["2.0", "1.0"]


def test_processes_beside_each_other_are_no_restarts() -> None:
    lives = [life("a", "1.0", 20 - n, 0) for n in range(4)]

    assert markers(lives, (), NOW_MS - 30 * HOUR_MS, NOW_MS) == ()


def test_restarts_close_together_are_one_mark() -> None:
    lives = [
        one
        for n in range(5)
        for one in (life(f"h{n}", "1.0", 20, 10), life(f"h{n}", "1.0", 9.9 - n / 100, 0))
    ]
    found = markers(lives, (), NOW_MS - 24 * HOUR_MS, NOW_MS)

    assert [one.text for one in found] == ["5 processes started again"]


def test_a_report_is_read_as_it_was_written() -> None:
    report = report_from(seed.report())
    assert report is not None
    again = document(report)

    assert again["findings"] == seed.report()["findings"]
    assert again["inputs"] == seed.report()["inputs"]


@pytest.mark.parametrize(
    "change", [{"version": 2}, {"format": "x"}, {"findings": [{}]}, {"verdict": "maybe"}]
)
def test_a_report_of_another_format_is_not_guessed_at(change: dict[str, object]) -> None:
    assert report_from({**seed.report(), **change}) is None


def test_the_incident_shows_the_charts_of_its_kind_since_before_it_began() -> None:
    incident = next(one for one in seed.incidents(NOW_MS) if one.kind == "latency-regression")
    asked: list[tuple[str, str]] = []

    def chart(metric: str, by: str) -> Chart:
        asked.append((metric, by))
        return chart_of([1.0, 2.0], "1.0", metric)

    page = incident_page(incident, (), Past(chart, ()), automatic=False, instance="", now_ms=NOW_MS)

    assert {metric for metric, _ in asked} == {"request_ms_p50", "request_ms_p99"}
    assert NOW_MS - shown_since(incident, NOW_MS) == pytest.approx(9 * 1.5 * HOUR_MS)
    assert not page.can_capture


def test_blocking_functions_are_listed_once_with_their_longest_block() -> None:
    def event(ms: float, function: str) -> Event:
        frames = [
            {"function": "idle", "file": "a.js", "line": 1, "share": 0.1},
            {"function": function, "file": "b.js", "line": 2, "share": 0.9},
        ]
        return Event("i", NOW_MS - ms, "blocked", {"ms": ms, "frames": frames})

    found = blocked_functions([event(100, "render"), event(300, "parse"), event(200, "render")])

    assert [(one.function, one.place, one.longest, one.times) for one in found] == [
        ("parse", "b.js:2", "300 ms", 1), ("render", "b.js:2", "200 ms", 2),
    ]  # fmt: skip


def test_every_chart_has_its_own_name_and_says_how_to_read_it() -> None:
    assert len({one.id for one in PANELS}) == len(PANELS)
    assert all(one.about.endswith(".") for one in PANELS)
