"""`heapsleuth run` and `heapsleuth agent` as a user types them, with a real program."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVER = (
    "require('http').createServer((q, r) => r.end()).listen(0, function () {"
    "console.log('port ' + this.address().port) })"
)
ENVIRONMENT = {
    **os.environ,
    "PYTHONPATH": str(ROOT / "src"),
    "TERM": "xterm",
    "COLUMNS": "120",
    "LINES": "50",
}


def heapsleuth(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "heapsleuth", *arguments]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        heapsleuth(*arguments), capture_output=True, text=True, check=False, timeout=60, env=ENVIRONMENT
    )


@pytest.fixture
def node() -> str:
    found = shutil.which("node")
    if found is None and not os.environ.get("CI"):
        pytest.skip("no Node.js on this machine")
    return found or "node"


@pytest.mark.node
def test_the_programs_output_and_exit_code_are_its_own(node: str) -> None:
    done = run("run", "--", node, "-e", "console.log('out'); console.error('err'); process.exit(7)")

    assert (done.returncode, done.stdout) == (7, "out\n")
    assert "err\n" in done.stderr
    assert "heapsleuth: the program ended with exit code 7\n" in done.stderr


@pytest.mark.node
def test_without_a_terminal_there_is_a_line_per_interval(node: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = "console.log('hello'); setTimeout(() => {}, 2500)"
    done = run("run", "--interval", "1s", "--log", str(log), "--", node, "-e", script)

    lines = [line for line in done.stderr.splitlines() if re.search(r"heap [\d.]+ MB, floor .* rss ", line)]
    assert len(lines) in {1, 2, 3}
    assert (done.returncode, done.stdout, log.read_text()) == (0, "", "hello\n")


@pytest.mark.node
def test_sigterm_ends_the_program_as_well(node: str) -> None:
    outer = subprocess.Popen(
        heapsleuth("run", "--", node, "-e", SERVER),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=ENVIRONMENT,
    )
    assert outer.stdout is not None
    with outer.stdout:
        port = int(outer.stdout.readline().split()[1])
        outer.send_signal(signal.SIGTERM)
        assert outer.wait(20) == 128 + signal.SIGTERM
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5)


@pytest.mark.node
def test_the_screen_shows_figures_takes_a_snapshot_and_quits_by_keys(node: str, tmp_path: Path) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(  # noqa: S606 - the child of this very process
            sys.executable,
            heapsleuth("run", "--snapshots", str(tmp_path), "--", node, "-e", SERVER),
            ENVIRONMENT,
        )
    seen, wanted = "", [("Event loop", b"s"), ("written:", b"q")]
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 0.2)[0]:
            continue
        try:
            data = os.read(terminal, 65536)
        except OSError:
            break
        seen += data.decode("utf-8", "replace")
        if wanted and wanted[0][0] in seen:
            os.write(terminal, wanted.pop(0)[1])
    os.close(terminal)

    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    for word in ("Heap", "Floor", "External", "RSS", "Collections", "Handles", "Requests", "port ", "q quit"):
        assert word in seen
    assert len(list(tmp_path.glob("*.heapsnapshot"))) == 1


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((), "expected a command after --, found none"),
        (("--interval", "1ms", "--", "true"), "--interval: expected 100ms to 1h, got 1ms"),
        (("--snapshots", "/no/such", "--", "true"), "--snapshots: expected a folder"),
        (("--", "no-such-program"), "cannot start no-such-program: No such file"),
        (("--node", "/no/node", "--", "true"), "found no program /no/node"),
    ],
)
def test_what_cannot_be_run_ends_in_a_message_and_code_2(arguments: tuple[str, ...], problem: str) -> None:
    done = run("run", *arguments)

    assert done.returncode == 2
    assert problem in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.node
def test_the_copied_agent_is_complete_and_can_be_preloaded(node: str, tmp_path: Path) -> None:
    copied = run("agent", "copy", str(tmp_path / "agent"))
    register = copied.stdout.strip()

    assert (copied.returncode, register) == (0, str(tmp_path / "agent" / "register.cjs"))
    script = "console.log(Object.keys(require(process.argv[1] + '/index.cjs').metrics()).length > 10)"
    command = [node, "--require", register, "-e", script, str(tmp_path / "agent")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert (done.stdout, done.stderr) == ("true\n", "")
    assert run("agent", "copy", str(tmp_path / "agent")).returncode == 0


def test_the_agent_is_not_copied_over_something_else(tmp_path: Path) -> None:
    (tmp_path / "theirs.txt").write_text("x")
    done = run("agent", "copy", str(tmp_path))

    assert done.returncode == 2
    assert "expected an empty folder or an older copy of the agent" in done.stderr


@pytest.mark.parametrize("form", ["shell", "docker", "kubernetes", "systemd", "pm2"])
def test_each_starter_of_programs_has_its_lines(form: str) -> None:
    done = run("agent", "env", "--for", form, "--service", "shop", "--dir", "/opt/agent")

    assert done.returncode == 0
    assert "NODE_OPTIONS" in done.stdout
    assert "/opt/agent/register.cjs" in done.stdout
    assert "shop" in done.stdout


@pytest.mark.node
def test_the_lines_for_a_shell_work_in_a_shell(node: str, tmp_path: Path) -> None:
    folder = tmp_path / "it's an agent"
    run("agent", "copy", str(folder))
    lines = run("agent", "env", "--dir", str(folder)).stdout
    script = "console.log(Symbol.for('heapsleuth.agent') in globalThis, process.env.HEAPSLEUTH_SERVICE)"
    shell = f'{lines}\n{node} -e "{script}"'
    done = subprocess.run(["/bin/sh", "-c", shell], capture_output=True, text=True, check=False, timeout=30)

    assert done.stdout == "true my-service\n"
