"""Event loops that come round late."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from simulated_life import SimulatedLife, a_life, history_of, steady

from heapsleuth.trends.loop import Blocked, judge_loop
from heapsleuth.trends.settings import Thresholds

if TYPE_CHECKING:
    from heapsleuth.trends.model import TrendVerdict

BLOCKED: dict[str, Any] = {
    "ms": 1200.0,
    "frames": [
        {"function": "renderReport", "file": "src/report.js", "line": 88, "share": 0.9},
        {"function": "format", "file": "src/format.js", "line": 3, "share": 0.1},
    ],
}


def judged(simulated: SimulatedLife, blocked: Blocked | None = None) -> TrendVerdict:
    history = history_of(simulated)
    return judge_loop(a_life(), history, blocked or Blocked(), Thresholds(), history.last_ms)


def test_a_slow_loop_is_an_alarm_that_asks_for_the_function() -> None:
    verdict = judged(SimulatedLife(3, shapes={"loop_delay_p99_ms": steady(80)}))

    assert verdict.state == "alarm"
    assert verdict.title == "the event loop is blocked for up to 80 ms"
    assert "blocked" in verdict.settles[0]


def test_the_function_that_ran_is_in_the_title() -> None:
    blocked = Blocked()
    for _ in range(3):
        blocked.add(BLOCKED)

    verdict = judged(SimulatedLife(3, shapes={"loop_delay_max_ms": steady(1300)}), blocked)

    assert verdict.title == "the event loop is blocked for up to 1.3 s, by renderReport (src/report.js:88)"
    assert verdict.evidence_for[-2].text.startswith("renderReport (src/report.js:88) ran in 90 %")
    assert verdict.settles == ()


def test_stalls_that_p99_hides_are_seen() -> None:
    # 200 ms each 5 s: 4 % of the time, and nearly all turns of the loop are quick.
    verdict = judged(SimulatedLife(3, totals_per_hour={"loop_stalled_ms_total": steady(144_000)}))

    assert verdict.state == "alarm"
    assert abs(verdict.numbers["stalled_share"] - 0.04) < 0.001


def test_a_snapshot_of_ours_is_not_what_blocks_the_loop() -> None:
    blocked = Blocked()
    file = "node_modules/heapsleuth/lib/snapshot/heap-file.cjs"
    blocked.add({"ms": 900, "frames": [{"function": "writeHeap", "file": file, "line": 39, "share": 1.0}]})

    assert blocked.worst() == []
    assert blocked.stalls == 0


def test_stalls_that_are_collections_are_not_blamed_on_a_function() -> None:
    blocked = Blocked()
    blocked.add(BLOCKED)
    totals = {"loop_stalled_ms_total": steady(144_000), "gc_major_ms_total": steady(130_000)}

    verdict = judged(SimulatedLife(3, totals_per_hour=totals), blocked)

    assert "renderReport" not in verdict.title
    assert "by-collections" in [one.code for one in verdict.evidence_for]


def test_a_quick_loop_is_clear_and_a_young_one_undecided() -> None:
    assert judged(SimulatedLife(3)).state == "clear"
    assert judged(SimulatedLife(0.3)).state == "undecided"


def test_an_hour_long_gone_is_forgiven() -> None:
    simulated = SimulatedLife(6, shapes={"loop_delay_p99_ms": lambda hours, _: 90 if hours < 3 else 4})

    assert judged(simulated).state == "clear"


def test_the_table_of_functions_stays_small() -> None:
    blocked = Blocked()
    for number in range(500):
        blocked.add({"ms": 100, "frames": [{"function": f"f{number}", "share": 1.0}]})
        blocked.add(BLOCKED)

    assert blocked.stalls == 1000
    assert len(blocked._ms_by_place) <= 40
    assert blocked.worst(1)[0][0] == "renderReport (src/report.js:88)"


def test_events_of_another_form_are_skipped() -> None:
    blocked = Blocked()
    blocked.add({"ms": "long", "frames": "none"})
    blocked.add({"frames": [3, {"function": None, "share": "all"}]})

    assert blocked.worst() == []
