"""Commands of the user: their output, how they end, and that nothing of them is left running."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from heapsleuth.capture.process import Ending, OutputTail, Program
from heapsleuth.errors import ProgramFailed

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]


def shell(script: str) -> Program:
    return Program(["/bin/sh", "-c", script])


def until(condition: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def is_running(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_the_tail_keeps_the_end_of_a_long_output_and_no_more() -> None:
    tail = OutputTail(limit_bytes=1000)
    for number in range(5000):
        tail.add(f"line {number}\n".encode())

    assert tail.text(2) == "line 4998\nline 4999"
    assert 900 < len(tail.text()) <= 1000
    assert sum(map(len, tail._chunks)) < 1100


def test_a_heap_error_is_seen_even_when_it_comes_in_pieces_and_is_pushed_out() -> None:
    tail = OutputTail(limit_bytes=100)
    tail.add(b"<--- JS stacktrace --->\nFATAL ERROR: Reached heap limit Alloc", "stderr")
    tail.add(b"a log line of the other stream\n", "stdout")
    tail.add(b"ation failed - JavaScript heap out of memory\n", "stderr")
    tail.add(b"x" * 5000)

    assert (
        tail.heap_error == "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory"
    )


@pytest.mark.parametrize(
    ("ending", "text", "shell_code"),
    [
        (Ending(0), "ended with exit code 0", 0),
        (Ending(3), "ended with exit code 3", 3),
        (Ending(-11), "was ended by SIGSEGV", 139),
        (Ending(139), "was ended by SIGSEGV", 139),
        (Ending(-9), "was ended by SIGKILL (the kernel does that when memory runs out)", 137),
        (Ending(-6, "FATAL ERROR: heap"), "ran out of heap (FATAL ERROR: heap)", 134),
        (Ending(-15, stopped=True), "was stopped", 143),
    ],
)
def test_an_ending_says_code_signal_or_heap_error(ending: Ending, text: str, shell_code: int) -> None:
    assert (ending.describe(), ending.shell_code) == (text, shell_code)


def test_output_is_passed_on_by_stream_and_kept_with_the_exit_code() -> None:
    seen: dict[str, bytes] = {"stdout": b"", "stderr": b""}

    def echo(data: bytes, stream: str) -> None:
        seen[stream] += data

    with Program(["/bin/sh", "-c", "echo out; echo err >&2; exit 3"], echo=echo) as program:
        ending = program.wait(10)

    assert ending == Ending(3)
    assert seen == {"stdout": b"out\n", "stderr": b"err\n"}
    assert sorted(program.tail.text().split()) == ["err", "out"]


def test_waiting_ends_without_an_answer_while_the_program_runs() -> None:
    with shell("sleep 30") as program:
        assert program.wait(0.05) is None
        assert program.running


def test_a_command_that_does_not_exist_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ProgramFailed, match="cannot start no-such-program --flag: No such file"):
        Program(["no-such-program", "--flag"])
    with pytest.raises(ProgramFailed, match="expected a folder to run in"):
        Program(["true"], folder=tmp_path / "missing")


def test_stopping_ends_children_that_ignore_it_and_those_in_a_session_of_their_own() -> None:
    # A shell that ignores SIGTERM, a grandchild in the group, and one that left the session.
    program = shell("trap '' TERM; sleep 60 & setsid sleep 61 & echo $!; wait; sleep 60")
    assert until(lambda: len(program.tree()) == 3)
    pids = [one.pid for one in program.tree()]
    ending = program.stop(grace_s=0.3)

    assert ending.stopped
    assert until(lambda: not any(is_running(pid) for pid in pids))
    assert not psutil.pid_exists(program.pid), "a zombie is left"
    assert program.stop() == ending


def test_a_worker_that_outlives_its_parent_is_ended_as_well() -> None:
    program = shell("sleep 60 & sleep 0.5; exit 0")
    assert until(lambda: any("60" in one.cmdline() for one in program.tree()))
    orphan = next(one.pid for one in program.tree() if "60" in one.cmdline())
    assert program.wait(10) == Ending(0)
    assert is_running(orphan)
    program.stop()

    assert until(lambda: not is_running(orphan))


def test_a_program_that_answers_sigterm_may_finish_its_work() -> None:
    program = shell("trap 'echo goodbye; exit 0' TERM; echo ready; while :; do sleep 0.05; done")
    assert until(lambda: "ready" in program.tail.text())
    ending = program.stop()

    # The shell may add that its `sleep` was terminated: the signal goes to the whole group.
    assert ending.code == 0
    assert "goodbye" in program.tail.text().splitlines()


def test_ctrl_c_leaves_no_process_behind() -> None:
    code = (
        "import sys; from heapsleuth.capture.process import Program, ending_on_signals\n"
        "with ending_on_signals(), Program(['/bin/sh', '-c', 'sleep 60 & sleep 61']) as program:\n"
        "    import time; time.sleep(0.3); print(*[p.pid for p in program.tree()], flush=True)\n"
        "    program.wait()\n"
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        outer = subprocess.Popen(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        )
        assert outer.stdout is not None
        with outer.stdout:
            pids = [int(part) for part in outer.stdout.readline().split()]
        assert len(pids) == 3
        outer.send_signal(number)
        outer.wait(10)

        assert until(lambda pids=pids: not any(is_running(pid) for pid in pids))  # type: ignore[misc]


@pytest.mark.node
def test_node_running_out_of_heap_is_told_from_other_crashes() -> None:
    node = shutil.which("node")
    if node is None and not os.environ.get("CI"):
        pytest.skip("no Node.js on this machine")
    script = "const all = []; for (;;) all.push(new Array(1000).fill({}))"
    with Program([node or "node", "--max-old-space-size=20", "-e", script]) as program:
        ending = program.wait(60)

    assert ending is not None
    assert ending.out_of_heap
    assert ending.signal_name in {"SIGABRT", "SIGTRAP", "SIGILL"}
    assert ending.describe().startswith("ran out of heap (FATAL ERROR: ")
