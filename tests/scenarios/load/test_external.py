"""Commands of the user: what they print is read, whatever they leave behind is ended."""

from __future__ import annotations

import os
import shlex
import sys
import time
from pathlib import Path

import pytest

from heapsleuth.errors import UsageError
from heapsleuth.scenarios.load import run_external
from heapsleuth.scenarios.load.external import read_output

DATA = Path(__file__).parent / "data"


def printing(name: str) -> list[str]:
    return [sys.executable, "-c", "import sys; print(open(sys.argv[1]).read())", str(DATA / name)]


def test_the_json_of_autocannon_is_read() -> None:
    result = run_external(printing("autocannon.json"))

    assert (result.requests, result.errors, result.timeouts, result.non_2xx) == (2000, 7, 5, 3)
    assert (result.duration_s, result.bytes_read, result.connections) == (1.01, 180_000, 5)
    assert result.status_counts == {200: 2000}
    assert (result.latency.mean_ms, result.latency[99], result.latency[99.9]) == (0.38, 8, 24)
    assert (result.exit_code, result.stopped_by, result.url) == (0, "command", "http://127.0.0.1:3000/")
    assert result.is_complete
    assert result.notes == ()


def test_what_is_written_for_autocannon_is_read_back_alike() -> None:
    text = (DATA / "autocannon.json").read_text(encoding="utf-8")
    first = read_output(text, exit_code=0, duration_s=9)
    import orjson

    written = first.to_autocannon()
    again = read_output(orjson.dumps(written).decode(), exit_code=0, duration_s=9)

    assert again == first
    # The reader of autocannon's JSON finds every key it may look for.
    theirs = orjson.loads(text)
    assert set(theirs) - set(written) == {"sampleInt", "start", "finish"}
    assert set(theirs["requests"]) - set(written["requests"]) == set()


def test_the_summary_of_k6_is_read() -> None:
    result = run_external(printing("k6.json"))

    assert (result.requests, result.non_2xx, result.bytes_read) == (1200, 30, 180_000)
    assert (result.latency.mean_ms, result.latency[50], result.latency[95], result.latency[99]) == (
        4.5,
        4,
        9.5,
        None,
    )


def test_the_text_of_wrk_is_read() -> None:
    result = run_external(printing("wrk.txt"))

    assert (result.requests, result.errors, result.timeouts, result.non_2xx) == (1_121_232, 10, 4, 17)
    assert result.duration_s == pytest.approx(10.03)
    assert (result.latency.mean_ms, result.latency.max_ms) == pytest.approx((0.63591, 1200))
    assert (result.latency[50], result.latency[99]) == pytest.approx((0.4, 4.03))


@pytest.mark.parametrize(
    "output",
    [
        '{"requests": 12}',
        'Running…\n{"requests": 12}\n',
        'x\n{\n "requests": {"total": 12}\n}\ndone\n',
        '{"a":1}\n{"count":12}',
    ],
)
def test_json_is_found_among_other_output(output: str) -> None:
    assert read_output(output, exit_code=0, duration_s=3).requests == 12


@pytest.mark.parametrize(
    "output", ["", "{", "[1]", "null", '{"requests": "many"}', '{"requests": NaN}', "{" * 5000]
)
def test_output_that_says_nothing_leaves_a_note(output: str) -> None:
    result = read_output(output, exit_code=0, duration_s=3)

    assert (result.requests, result.duration_s, result.is_complete) == (0, 3, True)
    assert result.notes == ("the command did not say how many requests it made",)


def test_a_failing_command_gives_its_exit_code_and_last_words() -> None:
    result = run_external("echo working; echo 'no such host' >&2; exit 7")

    assert (result.exit_code, result.output_tail) == (7, "no such host")
    assert not result.is_complete


def test_a_command_that_cannot_be_started_is_an_error_of_use() -> None:
    with pytest.raises(UsageError, match="cannot start"):
        run_external(["/nowhere/at-all"])


def test_a_command_runs_in_the_folder_and_environment_given(tmp_path: Path) -> None:
    result = run_external(
        'pwd >&2; echo "$MARK" >&2', cwd=tmp_path, env={"MARK": "here", "PATH": os.environ["PATH"]}
    )

    assert result.output_tail.split() == [str(tmp_path.resolve()), "here"]


def test_a_command_that_takes_too_long_is_ended_with_all_it_started(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "print(child.pid, file=sys.stderr, flush=True)\n"
        "time.sleep(60)\n",
        encoding="utf-8",
    )
    began = time.monotonic()
    result = run_external(f"{shlex.quote(sys.executable)} {shlex.quote(str(program))}", timeout_s=1.5)

    assert time.monotonic() - began < 6
    assert (result.stopped_by, result.is_complete) == ("time cap", False)
    assert not is_alive(int(result.output_tail))


def is_alive(process: int) -> bool:
    """Say whether a process runs; one that waits for its parent to notice its end does not."""
    for _ in range(40):
        try:
            state = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
        except OSError:
            return False
        if state in "ZX":
            return False
        time.sleep(0.05)
    return True


def test_a_command_can_be_cancelled() -> None:
    began = time.monotonic()
    result = run_external([sys.executable, "-c", "import time; time.sleep(30)"], cancelled=lambda: True)

    assert result.stopped_by == "cancelled"
    assert time.monotonic() - began < 5
