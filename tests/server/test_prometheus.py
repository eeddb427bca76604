"""Alert rules and the dashboard for Prometheus and Grafana, checked by Prometheus' own tool."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from heapsleuth.cli.main import cli
from heapsleuth.server.prometheus.dashboard import PANELS, dashboard
from heapsleuth.server.prometheus.rules import GROUPS, Thresholds, render

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")

LABELS = '{instance="a",job="shop"}'
CONTAINER = '{namespace="n",pod="p",container="c"}'

CASES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    # Alert: series that raise it, series that do not. "a+bxN" is a, N steps of b, each a minute; M = N-6.
    "NodeGcPausesLong": (
        {
            'nodejs_gc_duration_seconds_sum{kind="major",instance="a"}': "0+1.2xN",
            'nodejs_gc_duration_seconds_count{kind="major",instance="a"}': "0+6xN",
        },
        {
            'nodejs_gc_duration_seconds_sum{kind="minor",instance="a"}': "0+1.2xN",
            'nodejs_gc_duration_seconds_count{kind="minor",instance="a"}': "0+6xN",
            'nodejs_gc_duration_seconds_sum{kind="major",instance="b"}': "0+0xN",
            'nodejs_gc_duration_seconds_count{kind="major",instance="b"}': "0+0xN",
        },
    ),
    "NodeGcTimeShareHigh": (
        {
            'nodejs_gc_duration_seconds_sum{kind="major",instance="a"}': "0+4xN",
            'nodejs_gc_duration_seconds_sum{kind="minor",instance="a"}': "0+4xN",
        },
        {'nodejs_gc_duration_seconds_sum{kind="major",instance="a"}': "0+4xN"},
    ),
    "NodeEventLoopSlow": (
        {f"nodejs_eventloop_lag_p99_seconds{LABELS}": "0.07xN"},
        {f"nodejs_eventloop_lag_p99_seconds{LABELS}": "0.055xN"},
    ),
    "NodeHandlesGrowing": (
        {f"nodejs_active_handles_total{LABELS}": "500+1xN"},
        {f"nodejs_active_handles_total{LABELS}": "3000xN"},
    ),
    "ContainerNearMemoryLimit": (
        {
            f"container_memory_working_set_bytes{CONTAINER}": "950xN",
            f"container_spec_memory_limit_bytes{CONTAINER}": "1000xN",
        },
        {
            f"container_memory_working_set_bytes{CONTAINER}": "950xN",
            f"container_spec_memory_limit_bytes{CONTAINER}": "0xN",
        },
    ),
    "ContainerOomKilled": (
        {
            f"kube_pod_container_status_restarts_total{CONTAINER}": "0xM 1x10",
            'kube_pod_container_status_last_terminated_reason{namespace="n",pod="p",container="c",'
            'reason="OOMKilled"}': "1xN",
        },
        {
            f"kube_pod_container_status_restarts_total{CONTAINER}": "0xM 1x10",
            'kube_pod_container_status_last_terminated_reason{namespace="n",pod="p",container="c",'
            'reason="Completed"}': "1xN",
        },
    ),
    "NodeHeapNearLimit": (
        {f"heapsleuth_heap_floor_bytes{LABELS}": "75xN", f"heapsleuth_heap_limit_bytes{LABELS}": "100xN"},
        {f"heapsleuth_heap_floor_bytes{LABELS}": "65xN", f"heapsleuth_heap_limit_bytes{LABELS}": "100xN"},
    ),
    "NodeContainerNearMemoryLimit": (
        {
            f"heapsleuth_container_working_set_bytes{LABELS}": "95xN",
            f"heapsleuth_container_limit_bytes{LABELS}": "100xN",
        },
        {f"heapsleuth_container_working_set_bytes{LABELS}": "95xN"},
    ),
    "NodeContainerOomKill": (
        {f"heapsleuth_container_oom_kill_total{LABELS}": "0xM 1x10"},
        {f"heapsleuth_container_oom_kill_total{LABELS}": "3xN"},
    ),
    "NodeHeapLimitAboveContainer": (
        {
            f"heapsleuth_heap_limit_bytes{LABELS}": "262xN",
            f"heapsleuth_container_limit_bytes{LABELS}": "256xN",
        },
        {
            f"heapsleuth_heap_limit_bytes{LABELS}": "192xN",
            f"heapsleuth_container_limit_bytes{LABELS}": "256xN",
        },
    ),
    "NodeLoopStalled": (
        {f"heapsleuth_eventloop_stalled_seconds_total{LABELS}": "0+12xN"},
        {f"heapsleuth_eventloop_stalled_seconds_total{LABELS}": "0+3xN"},
    ),
    "HeapsleuthIncident": (
        {'heapsleuth_incidents_open{service="s",release="1",kind="heap-leak",severity="critical"}': "1xN"},
        {'heapsleuth_incidents_open{service="s",release="1",kind="heap-leak",severity="critical"}': "0xN"},
    ),
    "HeapsleuthCollectorLosing": (
        {"heapsleuth_collector_refused_total": "0+2xN"},
        {"heapsleuth_collector_refused_total": "7xN"},
    ),
}


def promtool(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *arguments], cwd=cwd, capture_output=True, text=True, check=False)


def test_the_rules_are_valid(tmp_path: Path) -> None:
    printed = CliRunner().invoke(cli, ["rules"])
    (tmp_path / "rules.yml").write_text(printed.output)

    done = promtool("check", "rules", "rules.yml", cwd=tmp_path)

    assert printed.exit_code == 0
    assert f"{sum(len(rules) for _, rules in GROUPS)} rules found" in done.stdout, done.stderr


def test_each_rule_has_a_case() -> None:
    assert set(CASES) == {rule.alert for _, rules in GROUPS for rule in rules}


@pytest.mark.parametrize("alert", CASES)
def test_a_rule_fires_when_it_should_and_only_then(alert: str, tmp_path: Path) -> None:
    group = next(name for name, rules in GROUPS if alert in {rule.alert for rule in rules})
    (tmp_path / "rules.yml").write_text(render((group,), Thresholds()))
    minutes = 1500 if alert == "NodeHandlesGrowing" else 60
    firing, quiet = (
        [
            {"series": name, "values": values.replace("N", str(minutes)).replace("M", str(minutes - 6))}
            for name, values in each.items()
        ]
        for each in CASES[alert]
    )
    query = f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})'
    at = f"{minutes}m"
    tests: list[dict[str, Any]] = [
        {
            "interval": "1m",
            "input_series": series,
            "promql_expr_test": [{"expr": query, "eval_time": at, "exp_samples": expected}],
        }
        for series, expected in ((firing, [{"labels": "{}", "value": 1}]), (quiet, []))
    ]
    (tmp_path / "test.yml").write_text(json.dumps({"rule_files": ["rules.yml"], "tests": tests}))

    done = promtool("test", "rules", "test.yml", cwd=tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr


def test_thresholds_are_taken_over() -> None:
    printed = CliRunner().invoke(cli, ["rules", "--group", "prom-client", "--loop-p99", "200ms"])

    assert "nodejs_eventloop_lag_p99_seconds - 0.01 > 0.2" in printed.output
    assert "container_memory" not in printed.output


@pytest.mark.parametrize("option", [("--loop-p99", "0"), ("--group", "nothing"), ("--heap-share", "7")])
def test_thresholds_that_make_no_sense_are_refused(option: tuple[str, str]) -> None:
    assert CliRunner().invoke(cli, ["rules", *option]).exit_code != 0


def test_every_query_of_the_dashboard_is_valid(tmp_path: Path) -> None:
    exprs = [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]
    rules = [{"record": f"r{number}", "expr": expr} for number, expr in enumerate(exprs)]
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "g", "rules": rules}]}))

    done = promtool("check", "rules", "rules.yml", cwd=tmp_path)

    assert f"{len(exprs)} rules found" in done.stdout, done.stdout + done.stderr


def test_panels_of_the_dashboard_do_not_overlap() -> None:
    places = [panel["gridPos"] for panel in json.loads(CliRunner().invoke(cli, ["grafana"]).output)["panels"]]
    cells = [
        (x, y)
        for place in places
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]

    assert len(places) == len(PANELS)
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) == 23
