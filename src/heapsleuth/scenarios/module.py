"""A workload module, run in a Node process of its own: `iterate(n)` and a few optional exports."""

from __future__ import annotations

import contextlib
import json
import os
import select
import shlex
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from heapsleuth.capture.inject import agent_folder
from heapsleuth.capture.process import Program
from heapsleuth.errors import ProgramFailed, UsageError
from heapsleuth.leaks.check_model import CheckTarget, Round

if TYPE_CHECKING:
    from pathlib import Path

    from heapsleuth.capture.node import NodeBinary
    from heapsleuth.leaks.check_model import LoadSummary

__all__ = ["ModuleTarget", "Params"]

_WARM_UP = 200
_ROUND = 500
_LONGEST_ANSWER = 1 << 20
_START_S = 60.0
# Without a `k` of its own a workload gets rounds of about this long.
_ROUND_S = 1.0
_MOST_PER_ROUND = 200_000


@dataclass(frozen=True, slots=True)
class Params:
    """What a workload asks for by its export `params`; None is left to the strategy."""

    warmup: int
    k: int | None
    rounds: int
    pre_round: bool

    @classmethod
    def of(cls, given: Any, path: str) -> Params:
        """
        Check the export.

        Raises:
            UsageError: It is not an object of whole numbers.
        """
        if not isinstance(given, dict):
            raise UsageError(f"{path}: expected params to be an object, found {type(given).__name__}")
        for name in ("warmup", "k", "rounds"):
            value = given.get(name)
            if value is not None and (not isinstance(value, int | float) or value < 0):
                raise UsageError(f"{path}: expected params.{name} to be a number from 0, found {value!r}")
        k = given.get("k")
        return cls(
            warmup=int(given.get("warmup", _WARM_UP)),
            k=max(1, int(k)) if k else None,
            rounds=int(given.get("rounds") or 0),
            pre_round=not given.get("noPreRound"),
        )


class ModuleTarget:
    """
    Drives a workload module.

    Args:
        workload: The module's file, CommonJS or ESM.
        folder: Where it runs; also given to it as VARIANT_DIR.
        node: The Node.js to run it with.
        answer_s: How long a single step may take.
    """

    def __init__(self, workload: Path, folder: Path, node: NodeBinary, *, answer_s: float = 120.0) -> None:
        self.work = 0.0
        self.rounds_wanted = 0
        self.notes: list[str] = []
        self._workload = workload
        self._folder = folder
        self._node = node
        self._answer_s = answer_s
        self._program: Program | None = None
        self._write_fd = self._read_fd = -1
        self._pending = b""
        self._next_id = 0
        self._params = Params(_WARM_UP, None, 0, pre_round=True)
        self._k = _ROUND
        self._began = time.monotonic()

    def describe(self) -> CheckTarget:
        """Return what is driven, for the report."""
        version = ".".join(map(str, self._node.version))
        command = shlex.join(["heapsleuth", "check", str(self._workload), "--cwd", str(self._folder)])
        return CheckTarget("module", str(self._workload), f"node {version}", command)

    def start(self) -> None:
        """Start Node, load the module and call its `setup`."""
        child_reads, self._write_fd = os.pipe()
        self._read_fd, child_writes = os.pipe()
        environment = {
            **os.environ,
            "VARIANT_DIR": str(self._folder),
            "VARIANT": self._folder.name,
            "HEAPSLEUTH_RUNNER_FDS": f"{child_reads},{child_writes}",
        }
        runner = agent_folder() / "runner.cjs"
        try:
            self._program = Program(
                [self._node.path, "--no-warnings", str(runner)],
                environment=environment,
                folder=self._folder,
                pass_fds=(child_reads, child_writes),
            )
        finally:
            os.close(child_reads)
            os.close(child_writes)
        answer = self._ask("load", timeout_s=_START_S, file=str(self._workload))
        self._params = Params.of(answer.get("params"), str(self._workload))
        self._k = self._params.k or _ROUND
        self.rounds_wanted = self._params.rounds

    def warm_up(self) -> None:
        """Do the warm-up and, unless the workload asks not to, one round that is not measured."""
        ms = self._iterate(self._params.warmup) if self._params.warmup else 0.0
        if self._params.k is None and ms > 0:
            fitting = int(_ROUND_S * 1000 * self._params.warmup / ms)
            self._k = max(1, min(_MOST_PER_ROUND, fitting))
        if self._params.pre_round:
            self._iterate(self._k)
        self._began = time.monotonic()

    def run_round(self) -> Round:
        """Do one round of work and read."""
        self._iterate(self._k)
        return self.read()

    def read(self) -> Round:
        """Let the program settle, collect its garbage, and read it."""
        answer = self._ask("read")
        return Round(
            work=self.work,
            heap_used_bytes=int(answer["heap_used"]),
            external_bytes=int(answer["external"]),
            array_buffers_bytes=int(answer["array_buffers"]),
            rss_bytes=int(answer["rss"]),
            at_s=round(time.monotonic() - self._began, 3),
        )

    def snapshot(self, path: Path) -> None:
        """Write a heap snapshot to *path*."""
        self._ask("snapshot", file=str(path))

    def load_summary(self) -> LoadSummary | None:
        """There is no load but the module's own work."""
        return None

    def output_tail(self) -> str:
        """Return the program's last output."""
        return "" if self._program is None else self._program.tail.text(40)

    def stop(self) -> None:
        """Call the workload's `teardown` and end the process."""
        if self._program is None:
            return
        with contextlib.suppress(ProgramFailed, OSError):
            if self._program.running:
                self._ask("teardown", timeout_s=3.0)
        self._program.stop(grace_s=1.0)
        for fd in (self._write_fd, self._read_fd):
            with contextlib.suppress(OSError):
                os.close(fd)
        self._program = None

    def _iterate(self, count: int) -> float:
        """Do *count* operations; return milliseconds."""
        ms = float(self._ask("iterate", n=count)["ms"])
        self.work += count
        return ms

    def _ask(self, kind: str, *, timeout_s: float | None = None, **arguments: Any) -> dict[str, Any]:
        """
        Send one command and return its answer.

        Raises:
            ProgramFailed: The workload threw, ended or took too long.
        """
        self._next_id += 1
        line = json.dumps({"id": self._next_id, "type": kind, **arguments}) + "\n"
        with contextlib.suppress(BrokenPipeError):  # the reading side says how it ended
            os.write(self._write_fd, line.encode())
        answer = self._answer(kind, self._answer_s if timeout_s is None else timeout_s)
        if not answer.get("ok"):
            error = answer.get("error", {})
            step = {"load": "could not be loaded", "iterate": "threw in iterate"}.get(
                kind, f"failed in {kind}"
            )
            what = f"{self._workload} {step}: {error.get('code')}: {error.get('text')}"
            raise ProgramFailed(what, error.get("stack") or self.output_tail())
        return answer

    def _answer(self, kind: str, timeout_s: float) -> dict[str, Any]:
        deadline = time.monotonic() + timeout_s
        while b"\n" not in self._pending:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._read_fd], [], [], left)[0]:
                raise ProgramFailed(
                    f"{self._workload} did not finish `{kind}` within {timeout_s:g} s", self.output_tail()
                )
            data = os.read(self._read_fd, 1 << 16)
            if not data:
                # The pipe closes a moment before the process is gone; stopping it would hide how it ended.
                ending = (self._program.wait(2.0) or self._program.stop()) if self._program else None
                how = ending.describe() if ending else "ended"
                raise ProgramFailed(f"{self._workload} {how} during `{kind}`", self.output_tail())
            self._pending += data
            if len(self._pending) > _LONGEST_ANSWER:
                raise ProgramFailed(f"{self._workload}: the runner's answer is too long")
        line, _, self._pending = self._pending.partition(b"\n")
        found = json.loads(line)
        if not isinstance(found, dict) or found.get("id") != self._next_id:
            raise ProgramFailed(f"{self._workload}: the runner answered out of turn")
        return found
