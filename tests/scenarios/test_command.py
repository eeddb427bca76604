"""Commands driven through rounds with the real agent: what is measured, and how failures are told."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from heapsleuth.errors import AgentFailed, ProgramFailed, UsageError
from heapsleuth.scenarios.command import CommandLoad, CommandTarget, CommandWaits, Launch
from heapsleuth.scenarios.load.plan import LoadPlan, Target

if TYPE_CHECKING:
    from heapsleuth.scenarios import target as seam

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "leaks"
WAITS = CommandWaits(start_s=20, agent_s=8, round_s=30, idle_s=0.05)
LOAD = CommandLoad(requests=200, connections=4)

SERVE = """
const http = require('node:http');
const serve = (handler) => http.createServer(handler).listen(process.env.PORT || 0, '127.0.0.1');
"""

pytestmark = pytest.mark.node


@pytest.fixture(autouse=True)
def node() -> str:
    found = shutil.which("node")
    if found is None and not os.environ.get("CI"):
        pytest.skip("no Node.js on this machine")
    return found or "node"


def program(folder: Path, script: str) -> Launch:
    path = folder / "program.js"
    path.write_text(SERVE + script, encoding="utf-8")
    return Launch(("node", str(path)))


def example(name: str, file: str = "server.js") -> Launch:
    return Launch(("node", str(EXAMPLES / name / file)))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def growth_per_request(launch: Launch) -> float:
    load = CommandLoad(requests=500, connections=4, warm_up_requests=3000)
    with CommandTarget(launch, load, WAITS) as target:
        target.warm_up()
        first, *_, last = (target.run_round() for _ in range(3))
        return (last.heap_used_bytes - first.heap_used_bytes) / (last.work - first.work)


def test_a_round_is_exactly_its_requests_and_the_leak_shows_in_the_floor(tmp_path: Path) -> None:
    path = tmp_path / "a.heapsnapshot"
    # Compiled code counts as heap: the warm-up is where most of it comes into being.
    with CommandTarget(example("cache"), replace(LOAD, warm_up_requests=3000), WAITS) as target:
        whole: seam.Target = target
        target.round_requests = 500
        target.warm_up()
        assert target.work == 3000
        rounds = [whole.run_round() for _ in range(3)]
        whole.snapshot(path)
        again = whole.read()
        described, summary = whole.describe(), whole.load_summary()

    assert [one.work for one in rounds] == [3500, 4000, 4500]
    assert again.work == 4500
    # A quote of 8 lines is some 900 bytes.
    assert 400 < (rounds[2].heap_used_bytes - rounds[0].heap_used_bytes) / 1000 < 1500
    assert rounds[0].at_s == 0 < rounds[1].at_s < rounds[2].at_s
    assert min(rounds[0].external_bytes, rounds[0].rss_bytes) > 100_000
    assert path.read_bytes().rstrip().endswith(b"]}")
    assert b"quotesByBasket" in path.read_bytes()
    assert described.runtime.startswith("node ")
    assert described.reproduce.endswith(f"-- node {EXAMPLES / 'cache' / 'server.js'}")
    assert summary is not None
    assert (summary.requests, summary.statuses) == (1500, ((200, 1500),))
    assert target.output_tail().startswith("listening on ")


def test_an_example_grows_and_its_cured_twin_does_not() -> None:
    assert growth_per_request(example("timer")) > 600
    assert growth_per_request(example("timer", "server.fixed.js")) < 350


def test_an_address_that_is_given_is_used_and_urls_are_sent_by_weight(tmp_path: Path) -> None:
    port = free_port()
    launch = program(
        tmp_path,
        "const seen = {}; serve((q, r) => { seen[q.url] = (seen[q.url] || 0) + 1; r.end() });"
        "process.on('SIGTERM', () => { console.log(JSON.stringify(seen)); process.exit() })",
    )
    urls = (f"http://127.0.0.1:{port}/a", "/b?x=1")
    with CommandTarget(
        replace(launch, environment={"PORT": str(port)}), replace(LOAD, urls=urls, weights=(3, 1)), WAITS
    ) as target:
        assert target.url == f"http://127.0.0.1:{port}"
        target.run_round()
    seen = dict(zip(("a", "b"), target.output_tail().split(","), strict=True))

    # One more of the first: whether it answers.
    assert seen == {"a": '{"/a":151', "b": '"/b?x=1":50}'}


def test_a_port_that_is_taken_is_told_before_anything_is_started(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        url = f"http://127.0.0.1:{other.getsockname()[1]}/"
        launch = program(tmp_path, "require('fs').writeFileSync('started', '')")
        target = CommandTarget(replace(launch, folder=tmp_path), replace(LOAD, urls=(url,)), WAITS)
        with pytest.raises(ProgramFailed, match=f"another program listens at {url[:-1]} already"):
            target.start()

    assert not (tmp_path / "started").exists()


def test_a_program_that_ends_at_once_is_told_with_its_exit_code_and_last_words(tmp_path: Path) -> None:
    launch = program(tmp_path, "console.error('no database'); process.exit(3)")
    with pytest.raises(ProgramFailed) as failure:
        CommandTarget(launch, LOAD, WAITS).start()

    assert failure.value.summary.endswith("ended with exit code 3 before it listened on a port")
    assert str(failure.value).endswith("; its last output:\n  | no database")


def test_a_program_that_listens_nowhere_or_elsewhere_is_told(tmp_path: Path) -> None:
    soon = replace(WAITS, start_s=1.0)
    with pytest.raises(ProgramFailed, match="listens on no TCP port after 1 s; name the address by --url"):
        CommandTarget(program(tmp_path, "setInterval(() => {}, 1000)"), LOAD, soon).start()

    url, elsewhere = f"http://127.0.0.1:{free_port()}/", free_port()
    launch = replace(program(tmp_path, "serve((q, r) => r.end())"), environment={"PORT": str(elsewhere)})
    with pytest.raises(
        ProgramFailed, match=f"does not answer at .* after 1 s; it listens on port {elsewhere}"
    ):
        CommandTarget(launch, replace(LOAD, urls=(url,)), soon).start()


def test_a_crash_in_a_round_is_told_with_round_and_output(tmp_path: Path) -> None:
    launch = program(
        tmp_path,
        "let n = 0; serve((q, r) => { if (++n > 450) { console.log('lost it'); process.exit(7) } r.end() })",
    )
    with CommandTarget(launch, LOAD, WAITS) as target:
        target.warm_up()
        target.run_round()
        with pytest.raises(
            ProgramFailed, match=r"ended with exit code 7 in round 2; its last output"
        ) as failure:
            target.run_round()

    assert failure.value.output.endswith("lost it")


def test_running_out_of_heap_is_called_by_its_name(tmp_path: Path) -> None:
    launch = program(
        tmp_path,
        "const all = []; let n = 0;"
        "serve((q, r) => { if (++n > 210) for (let i = 0; i < 1e5; i++) all.push({ i }); r.end() })",
    )
    launch = Launch(("node", "--max-old-space-size=40", launch.command[1]))
    with CommandTarget(launch, LOAD, WAITS) as target:
        target.warm_up()
        with pytest.raises(ProgramFailed, match=r"ran out of heap \(FATAL ERROR: .*\) in round 1"):
            target.run_round()


def test_answers_that_are_mostly_errors_end_the_round_with_their_status(tmp_path: Path) -> None:
    launch = program(tmp_path, "serve((q, r) => { r.statusCode = 503; r.end() }); console.log('no cache')")
    with CommandTarget(launch, LOAD, WAITS) as target:
        with pytest.raises(ProgramFailed, match=r"100 % of the requests to .* failed while it was warmed up"):
            target.warm_up()
        assert target.loads[0].status_counts == {503: 200}
        assert target.output_tail() == "no cache"


def test_an_environment_that_is_cut_off_is_the_reason_named_for_a_missing_agent(tmp_path: Path) -> None:
    server = program(tmp_path, "serve((q, r) => r.end())")
    (tmp_path / "wrapper.js").write_text(
        f"require('child_process').spawn(process.execPath, [{server.command[1]!r}],"
        "{ env: {}, stdio: 'inherit' })"
    )
    cut_off = r"process \d+, which listens there, has no agent .*`env: {}`"
    with (
        CommandTarget(Launch(("node", str(tmp_path / "wrapper.js"))), LOAD, WAITS) as target,
        pytest.raises(AgentFailed, match=cut_off),
    ):
        target.warm_up()
    launch = Launch(("/bin/sh", "-c", f"exec env -i PATH=$PATH node {server.command[1]}"))
    with pytest.raises(AgentFailed, match=r"no agent has reported within 1 s: .*`env -i`"):
        CommandTarget(launch, LOAD, replace(WAITS, agent_s=1.0)).start()


def test_of_a_cluster_one_worker_is_measured_by_its_own_requests(tmp_path: Path) -> None:
    launch = program(
        tmp_path,
        "const cluster = require('node:cluster');"
        "if (cluster.isPrimary) { cluster.fork(); cluster.fork() } else serve((q, r) => r.end())",
    )
    with CommandTarget(launch, replace(LOAD, requests=400), WAITS) as target:
        target.warm_up()
        before = target.work
        after = target.run_round().work

    assert 100 <= after - before <= 300
    assert len(target.notes) == 1
    assert "2 processes answer requests" in target.notes[0]
    assert "(cluster-worker)" in target.notes[0]


def test_a_users_own_load_command_drives_the_rounds(tmp_path: Path) -> None:
    script = tmp_path / "load.py"
    script.write_text(
        "import os, urllib.request\n"
        "for _ in range(20): urllib.request.urlopen(os.environ['HEAPSLEUTH_URL'] + '/x').read()\n"
        "print('done')\n"
    )
    command = shlex.join([sys.executable, str(script)])
    with CommandTarget(example("cache"), CommandLoad(command=command), WAITS) as target:
        target.warm_up()
        before = target.work
        # Its output has no count, so the process's own counts.
        assert target.run_round().work - before == 20

    bad = CommandLoad(command="echo broken >&2; exit 4")
    with (
        CommandTarget(example("cache"), bad, WAITS) as target,
        pytest.raises(ProgramFailed, match=r"the load command ended with exit code 4 .*\n.*broken"),
    ):
        target.warm_up()


def test_stopping_at_any_time_leaves_nothing_running() -> None:
    target = CommandTarget(example("timer"), LOAD, WAITS)
    target.stop()
    target.start()
    pids = [one.pid for one in target._live.program.tree()]
    target.stop()
    target.stop()

    assert pids
    assert not any(psutil.pid_exists(pid) for pid in pids)
    with pytest.raises(ProgramFailed, match="is not running"):
        target.run_round()


def test_a_replay_goes_to_the_server_that_was_started() -> None:
    replay = LoadPlan(
        (Target("https://shop.example/a?x=1"), Target("https://shop.example/b")), sequence=(0, 1)
    )
    plan = CommandLoad(replay=replay).plan("http://127.0.0.1:81", 7)

    assert [one.url for one in plan.targets] == ["http://127.0.0.1:81/a?x=1", "http://127.0.0.1:81/b"]
    assert (plan.requests, plan.sequence) == (7, (0, 1))


def test_urls_and_weights_that_do_not_fit_are_refused() -> None:
    with pytest.raises(UsageError, match="expected 2 weights, one per URL, got 1"):
        CommandLoad(urls=("/a", "/b"), weights=(1,))
    with pytest.raises(UsageError, match="or a path, got 'localhost:3000'"):
        CommandLoad(urls=("localhost:3000",))
