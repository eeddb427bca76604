"""Progress is for long work that somebody watches."""

from __future__ import annotations

import io
import re
import sys
import time

import pytest

from heapsleuth.cli.progress import ProgressLine


class FakeTerminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def watch(monkeypatch: pytest.MonkeyPatch) -> FakeTerminal:
    """Make standard error a terminal; no fixture, because capturing would undo it before the test."""
    for name in ("NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    stream = FakeTerminal()
    monkeypatch.setattr(sys, "stderr", stream)
    return stream


def wait_for(text: str, stream: io.StringIO) -> None:
    deadline = time.monotonic() + 10
    while text not in stream.getvalue():
        assert time.monotonic() < deadline, stream.getvalue()
        time.sleep(0.01)


def test_long_work_shows_its_phases_and_cleans_up_after_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = watch(monkeypatch)
    with ProgressLine(patience_seconds=0.0) as line:
        line.report("edges of [b]a.heapsnapshot", 1, 4)
        wait_for("edges of [b]a.heapsnapshot", watched)
        line.report("dominators", 0, None)
        wait_for("dominators", watched)

    assert re.search(r"edges of \[b\]a\.heapsnapshot .*?0 s", watched.getvalue())
    assert watched.getvalue().endswith("\x1b[2K")


def test_work_that_no_longer_counts_its_steps_is_not_shown_as_the_phase_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watched = watch(monkeypatch)
    with ProgressLine(patience_seconds=0.0) as line:
        line.report("strings", 4, 4)
        wait_for("strings", watched)
        wait_for("analysing", watched)

    assert watched.getvalue().index("strings") < watched.getvalue().index("analysing")


def test_short_work_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = watch(monkeypatch)
    with ProgressLine(patience_seconds=30.0) as line:
        line.report("edges", 1, 4)

    assert watched.getvalue() == ""


@pytest.mark.parametrize("quiet", [True, False])
def test_nothing_is_shown_when_nobody_watches_or_quiet_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, quiet: bool
) -> None:
    watched = watch(monkeypatch)
    if not quiet:
        monkeypatch.setenv("TERM", "dumb")

    with ProgressLine(quiet=quiet, patience_seconds=0.0) as line:
        line.report("edges", 1, 4)
        time.sleep(0.2)

    assert watched.getvalue() == ""


def test_the_work_ends_while_the_line_is_being_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    watched = watch(monkeypatch)
    for _ in range(20):
        with ProgressLine(patience_seconds=0.001) as line:
            line.report("edges", 1, 4)
            time.sleep(0.001)
    ended = len(watched.getvalue())
    time.sleep(0.3)

    assert len(watched.getvalue()) == ended
    assert re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", watched.getvalue()).count("Traceback") == 0
