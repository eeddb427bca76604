"""The services of examples/frameworks as targets: installed by npm, so slow."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from heapsleuth.scenarios.command import CommandLoad, CommandTarget, CommandWaits, Launch

FRAMEWORKS = Path(__file__).parents[2] / "examples" / "frameworks"
LOAD = CommandLoad(urls=("/order?id=7",), requests=1500, connections=4, warm_up_requests=6000)
WAITS = CommandWaits(idle_s=0.1)
_ORDER_BYTES = 150
"""An order with its two lines takes some 250 bytes and a place in the Map."""

pytestmark = [pytest.mark.node, pytest.mark.slow]


@pytest.fixture(scope="module", params=["http", "express", "fastify", "nest"])
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("frameworks") / str(request.param)
    shutil.copytree(FRAMEWORKS / request.param, folder)
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, check=True, timeout=300)
    return folder


def growth_per_request(command: tuple[str, ...], folder: Path, leak: str) -> float:
    launch = Launch(command, folder=folder, environment={"LEAK": leak})
    with CommandTarget(launch, LOAD, WAITS) as target:
        target.warm_up()
        first, *_, last = (target.run_round() for _ in range(4))
        return (last.heap_used_bytes - first.heap_used_bytes) / (last.work - first.work)


def test_each_framework_is_driven_and_its_leak_stands_out(service: Path) -> None:
    command = ("node", "server.js")

    assert growth_per_request(command, service, "1") > _ORDER_BYTES
    assert growth_per_request(command, service, "0") < _ORDER_BYTES


def test_a_service_started_by_npm_is_driven_and_npm_itself_is_left_alone(service: Path) -> None:
    launch = Launch(("npm", "start"), folder=service)
    with CommandTarget(launch, CommandLoad(urls=("/health",), requests=50, connections=2), WAITS) as target:
        target.run_round()
        assert [one.pid for one in target._live.collector.instances()] == [target._listening_pid]
