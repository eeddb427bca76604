from __future__ import annotations

import http.server
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from node_programs import node_binaries, version

from heapsleuth.capture.cdp import Inspector, InspectorGone, inspector_address
from heapsleuth.capture.inspector_port import attached
from heapsleuth.capture.targets import catches_sigusr1, find_running, script_of
from heapsleuth.cli.main import main
from heapsleuth.errors import CaptureFailed
from heapsleuth.heap.readers import read

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.node

NODES = node_binaries()
SERVER = """
class OnlyInThisProgram {}
globalThis.kept = [new OnlyInThisProgram()];
HOOK
require('node:http').createServer((_, response) => response.end('ok')).listen(0, '127.0.0.1', function () {
  console.log(this.address().port);
});
"""


@pytest.fixture
def port() -> int:
    return free_port()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def program(
    folder: Path,
    *,
    port: int,
    node: str = NODES[0] if NODES else "node",
    hook: str = "",
    name: str = "shop-server.js",
) -> Iterator[subprocess.Popen[str]]:
    """Run a small server without anything of ours in it."""
    script = folder / name
    script.write_text(SERVER.replace("HOOK", hook), encoding="utf-8")
    environment = {key: value for key, value in os.environ.items() if key != "NODE_OPTIONS"}
    process = subprocess.Popen(
        [node, f"--inspect-port={port}", str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()  # it listens: the port is printed
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def run(*arguments: str) -> int:
    return main(["snapshot", *arguments])


@pytest.mark.parametrize("node", NODES, ids=version)
def test_a_program_without_the_agent_gives_a_whole_snapshot_and_its_port_is_closed_again(
    node: str, tmp_path: Path, port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with program(tmp_path, port=port, node=node) as server:
        code = run(str(server.pid), "--out", str(out), "--port", str(port))
        deadline = time.monotonic() + 5
        while inspector_address(port) is not None and time.monotonic() < deadline:
            time.sleep(0.05)
        reopened = inspector_address(port)
        alive = server.poll()

    (snapshot,) = out.glob("*.heapsnapshot")
    columns = read(str(snapshot))
    sidecar = json.loads(snapshot.with_name(f"{snapshot.name}.json").read_text(encoding="utf-8"))
    printed = capsys.readouterr().out
    assert code == 0
    assert alive is None
    assert reopened is None
    assert columns.strings.find("OnlyInThisProgram") is not None
    assert sorted(path.name for path in out.iterdir()) == [snapshot.name, f"{snapshot.name}.json"]
    assert snapshot.name.startswith(f"shop_server-unknown-{server.pid}-")
    assert str(snapshot) in printed
    assert sidecar["format"] == "heapsleuth/sidecar"
    assert sidecar["pid"] == server.pid
    assert sidecar["node"] == version(node).removeprefix("v")
    assert sidecar["actual"]["bytes"] == snapshot.stat().st_size
    # What the program is made of hardly differs from an empty one, which the prediction knows best.
    assert sidecar["actual"]["nodes"] / 2 <= sidecar["predicted"]["nodes"] <= sidecar["actual"]["nodes"] * 2


@pytest.mark.parametrize("name", ["odd-name.js", "odd-name"])
def test_a_program_is_found_by_the_name_of_its_script(name: str, tmp_path: Path, port: int) -> None:
    with program(tmp_path, port=port, name="odd-name.js") as server:
        assert find_running(name).pid == server.pid


def test_two_programs_of_one_name_are_listed_to_choose_from(tmp_path: Path, port: int) -> None:
    with (
        program(tmp_path, port=port, name="twins.js") as one,
        program(tmp_path, port=port, name="twins.js") as other,
        pytest.raises(CaptureFailed, match=r"expected one Node\.js process named twins, found 2") as raised,
    ):
        find_running("twins")

    assert {str(one.pid), str(other.pid)} <= set(str(raised.value).split())


@pytest.mark.parametrize(
    ("command", "script"),
    [
        ("node server.js", "server.js"),
        ("node --require ./a.js -r b.js --max-old-space-size=100 src/server.js --port 1", "src/server.js"),
        ("node -e 1", None),
        ("node", None),
    ],
)
def test_the_script_of_a_command_line_is_told_from_its_flags(command: str, script: str | None) -> None:
    assert script_of(command.split()) == script


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("4194304999", "expected the id of a running process, found no process 4194304999"),
        ("SELF", "expected a Node.js process, found "),
        ("no-such-program", "expected a Node.js process named no-such-program, found none"),
    ],
)
def test_what_is_no_node_process_is_said_with_what_was_found(wanted: str, message: str) -> None:
    with pytest.raises(CaptureFailed) as raised:
        find_running(wanted.replace("SELF", str(os.getpid())))

    assert str(raised.value).startswith(message)


def test_a_port_that_is_somebody_elses_is_refused_before_any_signal(tmp_path: Path, port: int) -> None:
    hook = "process.on('exit', () => {});"
    with (
        http.server.HTTPServer(("127.0.0.1", port), http.server.BaseHTTPRequestHandler) as taken,
        program(tmp_path, port=free_port(), hook=hook) as server,
    ):
        threading.Thread(target=taken.serve_forever, daemon=True).start()
        with (
            pytest.raises(CaptureFailed, match=rf"port {port} to be free .* found process {os.getpid()}"),
            attached(find_running(str(server.pid)), port=port),
        ):
            pass
        taken.shutdown()
        assert server.poll() is None


def test_the_inspector_of_another_process_on_that_port_is_not_taken_for_the_wanted_one(
    tmp_path: Path, port: int
) -> None:
    with (
        program(tmp_path, port=port, name="one.js") as one,
        program(tmp_path, port=port, name="two.js") as two,
        attached(find_running(str(one.pid)), port=port),
    ):
        theirs = rf"inspector of process {two.pid} .* found that of process {one.pid}"
        with pytest.raises(CaptureFailed, match=theirs), attached(find_running(str(two.pid)), port=port):
            pass
        assert inspector_address(port) is not None, "the other one's inspector was closed"


def test_an_inspector_that_was_open_before_stays_open(tmp_path: Path, port: int) -> None:
    with program(tmp_path, port=port) as server:
        target = find_running(str(server.pid))
        with attached(target, port=port), attached(target, port=port) as second:
            assert second.evaluate("process.pid", timeout_s=10) == server.pid


def test_a_program_with_its_own_sigusr1_listener_is_told_so(
    tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("heapsleuth.capture.inspector_port._OPENS_WITHIN_S", 0.5)
    with (
        program(tmp_path, port=port, hook="process.on('SIGUSR1', () => {});") as server,
        pytest.raises(CaptureFailed, match=r"may have a SIGUSR1 listener of its own"),
        attached(find_running(str(server.pid)), port=port),
    ):
        pass


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_a_process_that_the_signal_would_kill_is_recognised(tmp_path: Path, port: int) -> None:
    sleeper = subprocess.Popen(["sleep", "30"])
    try:
        with program(tmp_path, port=port) as server:
            assert catches_sigusr1(sleeper.pid) is False
            assert catches_sigusr1(server.pid) is True
    finally:
        sleeper.kill()
        sleeper.wait()


def test_a_process_that_dies_midway_leaves_no_file_behind(
    tmp_path: Path, port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    hook = "for (let i = 0; i < 400000; i++) kept.push({ i, text: 'x' + i });"
    with program(tmp_path, port=port, hook=hook) as server:
        # Killed as soon as the first bytes, or the empty file before them, show that it has begun.
        ended = threading.Event()

        def kill_when_begun() -> None:
            while not ended.is_set() and not any(out.iterdir()):
                time.sleep(0.005)
            server.send_signal(signal.SIGKILL)

        killer = threading.Thread(target=kill_when_begun)
        killer.start()
        code = run(str(server.pid), "--out", str(out), "--port", str(port), "--force")
        ended.set()
        killer.join()

    assert code == 2
    assert f"process {server.pid} " in capsys.readouterr().err
    assert list(out.iterdir()) == []


def test_a_snapshot_that_would_not_fit_is_refused_with_figures(
    tmp_path: Path, port: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil_usage(free=100_000)
    monkeypatch.setattr("heapsleuth.capture.external.shutil.disk_usage", lambda _path: usage)
    with program(tmp_path, port=port) as server:
        asked = (str(server.pid), "--out", str(tmp_path / "a.heapsnapshot"), "--port", str(port))
        code = run(*asked)
        refused = capsys.readouterr().err
        forced = run(*asked, "--force", "-q")

    assert code == 2
    assert "the file would take about" in refused
    assert "and 100 kB are free on that disk" in refused
    assert "docs/errors.md#capture-refused" in refused
    assert forced == 0
    assert (tmp_path / "a.heapsnapshot").stat().st_size > 1_000_000


def shutil_usage(*, free: int) -> Any:
    return shutil._ntuple_diskusage(1, 1, free)  # type: ignore[attr-defined]


def test_a_folder_that_does_not_exist_is_said_before_the_process_is_touched(
    tmp_path: Path, port: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with program(tmp_path, port=port) as server:
        code = run(str(server.pid), "--out", f"{tmp_path}/nowhere/a.heapsnapshot", "--port", str(port))
        opened = inspector_address(port)

    assert code == 2
    assert "nowhere: no such folder; create it first" in capsys.readouterr().err
    assert opened is None


def test_a_process_of_another_user_is_named_as_theirs(tmp_path: Path, port: int) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs the right to become another user")
    with program(tmp_path, port=port) as server:
        # In a child, because nobody gets their rights back.
        child = os.fork()
        if child == 0:
            os.setuid(65534)
            try:
                find_running(str(server.pid))
            except CaptureFailed as error:
                os._exit(0 if f"process {server.pid} belongs to root" in str(error) else 3)
            os._exit(4)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_partial_files_of_dead_processes_go_with_the_next_snapshot(tmp_path: Path, port: int) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    host = socket.gethostname().replace("-", "_")
    stale = tmp_path / f"a.heapsnapshot.{host}-{dead.pid}.partial"
    alive = tmp_path / f"b.heapsnapshot.{host}-{os.getpid()}.partial"
    for file in (stale, alive):
        file.touch()
    with program(tmp_path, port=port) as server:
        assert run(str(server.pid), "--out", str(tmp_path / "c.heapsnapshot"), "--port", str(port), "-q") == 0

    assert not psutil.pid_exists(dead.pid)
    assert not stale.exists()
    assert alive.exists()


def test_what_the_process_throws_and_a_lost_connection_are_told_apart(tmp_path: Path, port: int) -> None:
    with program(tmp_path, port=port) as server, attached(find_running(str(server.pid)), port=port):
        address = inspector_address(port)
        assert address is not None
        with Inspector(address) as inspector:
            with pytest.raises(CaptureFailed, match="ReferenceError: nowhere is not defined"):
                inspector.evaluate("nowhere.at", timeout_s=10)
            with pytest.raises(
                CaptureFailed, match=r"No\.Such: the inspector answered 'No.Such' wasn't found"
            ):
                inspector.call("No.Such", timeout_s=10)
            server.kill()
            with pytest.raises(InspectorGone):
                inspector.call("Runtime.enable", timeout_s=10)
