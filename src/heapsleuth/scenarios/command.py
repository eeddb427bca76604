"""A command as the target of a check: starts it with the agent, drives it by HTTP, reads its memory."""

from __future__ import annotations

import contextlib
import itertools
import os
import shlex
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from heapsleuth.capture import ports
from heapsleuth.capture.inject import AgentSettings
from heapsleuth.capture.launch import InjectedProgram, Launch
from heapsleuth.errors import AgentFailed, HeapsleuthError, ProgramFailed
from heapsleuth.leaks.check_model import CheckTarget, LoadSummary, Round
from heapsleuth.scenarios.command_load import CommandLoad
from heapsleuth.scenarios.load import run_external, run_load, wait_until_listening
from heapsleuth.units import format_count, format_share

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from heapsleuth.capture.collector import Instance
    from heapsleuth.scenarios.load.result import LoadResult

__all__ = ["CommandLoad", "CommandTarget", "CommandWaits", "Launch"]

_INTERVAL_MS = 1000
_RUNS = itertools.count(1)
_OUTPUT_LINES = 15
_POLL_S = 0.05
_OTHER_PORTS_S = 0.2
"""How long after the first port others may open before one is chosen."""
_BAD_STATUS = 400
_MAX_SETTLES = 4
_SETTLED_BYTES = 32 * 1024
_SETTLED_SHARE = 0.001
_OTHERS_SHARE = 0.05
"""Of all requests: what instances beside the chosen one may have served without the work being divided."""


@dataclass(frozen=True)
class CommandWaits:
    """How long things may take, in seconds, and what share of the requests may fail."""

    start_s: float = 60.0
    """Until the server answers."""
    agent_s: float = 15.0
    """After that, until its agent has reported."""
    round_s: float = 600.0
    """A round of load."""
    idle_s: float = 0.3
    """Without load before memory is read, and between two looks whether it has settled."""
    command_s: float = 60.0
    """A garbage collection."""
    snapshot_s: float = 1800.0
    """A heap snapshot."""
    failed_share: float = 0.5
    """More failed requests than this, in [0, 1], and the round says nothing about the program."""


@dataclass
class CommandTarget:
    """
    Drives a command that serves HTTP; implements `scenarios.target.Target`.

    One process is measured, also of a cluster: the one that answers most requests.  `notes` says so.

    Attributes:
        launch: What to start; its `agent` settings lose signal and threshold, because snapshots are
            taken here only when the check asks for them.
        load: What to send in each round; `requests` may be overridden by `round_requests`.
        waits: Time limits.
        force_snapshots: Whether snapshots are taken even if the pre-flight advises against it.
        round_requests: Requests of the next round.
        work: Requests answered so far by the process that is measured.
        url: `http://host:port`; empty before `start`.
        loads: What each round of load came to, the warm-up first.
        notes: What the reader of the result should know, in sentences.
        runtime: `node 20.11.0`; empty until the agent has reported.
        rounds_wanted: Always 0: the strategy decides.
    """

    launch: Launch
    load: CommandLoad = field(default_factory=CommandLoad)
    waits: CommandWaits = field(default_factory=CommandWaits)
    force_snapshots: bool = False
    work: float = field(default=0.0, init=False)
    url: str = field(default="", init=False)
    loads: list[LoadResult] = field(default_factory=list, init=False)
    notes: list[str] = field(default_factory=list, init=False)
    runtime: str = field(default="", init=False)
    rounds_wanted: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.round_requests = self.load.requests
        self._running: InjectedProgram | None = None
        self._tail = ""
        self._instance = ""
        self._listening_pid: int | None = None
        self._by_agent = False
        self._counted = 0.0
        self._rounds = 0
        self._warmed = False
        self._began: float | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """
        Start the command and wait until it answers and its agent has reported.

        Raises:
            ProgramFailed: It ended, listens nowhere, or the address is taken by another program.
            AgentFailed: No agent reported.
        """
        origin = self.load.origin
        if origin is not None and wait_until_listening(origin, 0.01):
            raise ProgramFailed(f"another program listens at {origin} already; end it or use another port")
        agent = AgentSettings(
            # One snapshot at a time per service: other checks on this machine must not count as ours.
            service=self.launch.agent.service or f"check-{os.getpid()}-{next(_RUNS)}",
            release=self.launch.agent.release,
            snapshot_dir=self.launch.agent.snapshot_dir,
            snapshot_signal="none",
            snapshot_threshold=0.0,
        )
        self._running = InjectedProgram(
            Launch(
                self.launch.command,
                self.launch.folder,
                self.launch.node,
                agent,
                self.launch.agent_folder,
                self.launch.environment,
            ),
            interval_ms=_INTERVAL_MS,
        )
        try:
            deadline = time.monotonic() + self.waits.start_s
            self.url = (
                self._find_address(deadline) if origin is None else self._await_address(origin, deadline)
            )
            self._await_agent()
        except BaseException:
            self.stop()
            raise

    def warm_up(self) -> None:
        """
        Send the requests that count as warm-up, and choose the process to measure.

        Raises:
            ProgramFailed: The command ended or answers errors.
            AgentFailed: The process that answers has no agent.
        """
        requests = self.load.warm_up_requests
        result = self._drive(self.round_requests if requests is None else requests, "while it was warmed up")
        self._warmed = True
        self._choose()
        self._count(result)

    def run_round(self) -> Round:
        """
        Send one round of requests, let the program settle, collect its garbage, read its memory.

        Raises:
            ProgramFailed: The command ended or answers errors.
            AgentFailed: The agent does not answer.
        """
        self._rounds += 1
        result = self._drive(self.round_requests, f"in round {self._rounds}")
        if not self._instance:
            self._choose()
        sample = self._settle(f"after round {self._rounds}")
        self._count(result, sample)
        return self._round(sample)

    def read(self) -> Round:
        """
        Let the program settle, collect its garbage, read its memory.

        Raises:
            ProgramFailed: The command ended.
            AgentFailed: The agent does not answer.
        """
        if not self._instance:
            self._choose()
        return self._round(self._settle("while it was idle"))

    def _round(self, sample: dict[str, float]) -> Round:
        now = time.monotonic()
        self._began = now if self._began is None else self._began
        return Round(
            work=self.work,
            heap_used_bytes=int(sample["heap_used_bytes"]),
            external_bytes=int(sample["external_bytes"]),
            array_buffers_bytes=int(sample["array_buffers_bytes"]),
            rss_bytes=int(sample["rss_bytes"]),
            at_s=now - self._began,
        )

    def snapshot(self, path: Path) -> None:
        """
        Have the process write a heap snapshot to *path*.

        Raises:
            AgentFailed: The pre-flight refused, with its figures, or writing failed.
            ProgramFailed: The command ended.
        """
        command = {"type": "snapshot", "path": str(path.absolute()), "force": self.force_snapshots}
        result = self._command(
            self._instance, command, self.waits.snapshot_s, "while a heap snapshot was taken"
        )
        if result.get("kind", "snapshot") != "snapshot":
            raise AgentFailed(f"a heap snapshot was not safe; the agent wrote a {result['kind']} instead")

    def stop(self) -> None:
        """End the command and all it started; never raises, and may be called at any time."""
        if self._running is not None:
            with contextlib.suppress(HeapsleuthError, OSError):
                self._running.close()
            self._tail = self._running.program.tail.text(_OUTPUT_LINES)
            self._running = None

    def output_tail(self) -> str:
        """Return the last lines the command printed."""
        return self._running.program.tail.text(_OUTPUT_LINES) if self._running else self._tail

    def describe(self) -> CheckTarget:
        """Return what is driven, for the report."""
        options = [f"--url {shlex.quote(url)}" for url in self.load.urls]
        if self.load.command is not None:
            options.append(f"--load {shlex.quote(self.load.command)}")
        else:
            options += [f"--requests {self.round_requests}", f"--connections {self.load.connections}"]
        line = f"heapsleuth check {' '.join(options)} -- {self.launch}"
        return CheckTarget("command", str(self.launch), self.runtime, line)

    def load_summary(self) -> LoadSummary | None:
        """Return what the rounds after the warm-up came to; None before the first."""
        rounds = self.loads[1:] if self._warmed else self.loads
        if not rounds:
            return None
        statuses: Counter[int] = Counter()
        for result in rounds:
            statuses.update(result.status_counts)
        requests, duration_s = sum(one.requests for one in rounds), sum(one.duration_s for one in rounds)
        return LoadSummary(
            requests=requests,
            errors=sum(one.errors for one in rounds),
            timeouts=sum(one.timeouts for one in rounds),
            non_2xx=sum(one.non_2xx for one in rounds),
            duration_s=duration_s,
            requests_per_s=requests / duration_s if duration_s > 0 else 0.0,
            # Of one round: percentiles cannot be added up.
            latency_p50_ms=rounds[-1].latency[50],
            latency_p99_ms=rounds[-1].latency[99],
            statuses=tuple(sorted(statuses.items())),
        )

    @property
    def _live(self) -> InjectedProgram:
        if self._running is None:
            raise ProgramFailed(f"`{self.launch}` is not running")
        return self._running

    def _check_running(self, when: str) -> None:
        ending = self._live.program.wait(0)
        if ending is not None:
            raise ProgramFailed(f"`{self.launch}` {ending.describe()} {when}", self.output_tail())

    def _find_address(self, deadline: float) -> str:
        program = self._live.program
        seen = False
        while time.monotonic() < deadline:
            self._check_running("before it listened on a port")
            found = ports.listeners(program.tree())
            seen = seen or bool(found)
            if any(ports.base_url(one) for one in found):
                time.sleep(_OTHER_PORTS_S)
                return self._choose_port(ports.listeners(program.tree()))
            time.sleep(_POLL_S)
        what = "answers HTTP on none of its ports" if seen else "listens on no TCP port"
        raise ProgramFailed(
            f"`{self.launch}` {what} after {self.waits.start_s:g} s; name the address by --url",
            self.output_tail(),
        )

    def _choose_port(self, found: list[ports.Listener]) -> str:
        urls = {url: one for one in found if (url := ports.base_url(one)) is not None}
        if not urls:
            self._check_running("as soon as it listened")
            raise ProgramFailed(f"`{self.launch}` stopped listening at once", self.output_tail())
        url, listener = next(iter(urls.items()))
        self._listening_pid = listener.pid
        if len(urls) > 1:
            self.notes.append(f"the program listens at {', '.join(urls)}; {url} was driven (--url chooses)")
        return url

    def _await_address(self, origin: str, deadline: float) -> str:
        program = self._live.program
        while time.monotonic() < deadline:
            self._check_running(f"before it listened at {origin}")
            if wait_until_listening(origin, min(1.0, self.waits.start_s), alive=lambda: program.running):
                if ports.answers(origin, self.load.probe_path):
                    port = int(origin.rpartition(":")[2]) if origin.count(":") > 1 else None
                    own = [one for one in ports.listeners(program.tree()) if one.port == port]
                    self._listening_pid = own[0].pid if own else None
                    return origin
                time.sleep(_POLL_S)
        self._check_running(f"before it listened at {origin}")
        others = ", ".join(str(one.port) for one in ports.listeners(program.tree()))
        where = f"; it listens on port {others}" if others else ""
        raise ProgramFailed(
            f"`{self.launch}` does not answer at {origin} after {self.waits.start_s:g} s{where}",
            self.output_tail(),
        )

    def _await_agent(self) -> None:
        running = self._live
        reported = running.collector.wait_for(
            lambda: running.collector.instances() or None,
            self.waits.agent_s,
            alive=lambda: running.program.running,
        )
        self._check_running("before its agent had reported")
        if not reported:
            raise AgentFailed(self._no_agent("no agent has reported"))

    def _no_agent(self, problem: str) -> str:
        return (
            f"`{self.launch}` answers at {self.url}, but {problem} within {self.waits.agent_s:g} s: "
            "something between this command and the process that serves starts Node.js with an environment "
            "of its own (`env: {}`, `env -i`, `sudo`), so that NODE_OPTIONS and HEAPSLEUTH_* are lost, "
            "or it is no Node.js"
        )

    def _drive(self, requests: int, when: str) -> LoadResult:
        program = self._live.program
        self._check_running(f"before the requests {when.removeprefix('while ')}")
        if self.load.command is not None:
            environment = {**os.environ, "HEAPSLEUTH_URL": self.url}
            result = run_external(
                self.load.command,
                timeout_s=self.waits.round_s,
                env=environment,
                cancelled=lambda: not program.running,
            )
            if result.exit_code and program.running:
                raise ProgramFailed(
                    f"the load command ended with exit code {result.exit_code} {when}: {self.load.command}",
                    result.output_tail,
                )
        else:
            result = run_load(self.load.plan(self.url, requests), cancelled=lambda: not program.running)
        # A crash closes the connections before the process can be waited for.
        if result.errors and program.wait(0.5) is not None:
            self._check_running(when)
        self._check_running(when)
        self.loads.append(result)
        self._check_answers(result, when)
        return result

    def _check_answers(self, result: LoadResult, when: str) -> None:
        statuses = {status: n for status, n in result.status_counts.items() if status >= _BAD_STATUS}
        bad = sum(statuses.values()) if result.status_counts else result.non_2xx
        total = result.requests + result.errors
        if not total or (bad + result.errors) / total <= self.waits.failed_share:
            return
        kinds = list(result.first_errors)[:3] or [
            f"status {status} ×{format_count(count)}" for status, count in sorted(statuses.items())
        ]
        raise ProgramFailed(
            f"{format_share((bad + result.errors) / total)} of the requests to {self.url} failed {when} "
            f"({', '.join(kinds) or f'{result.errors} errors'})",
            self.output_tail(),
        )

    def _command(self, name: str, command: dict[str, Any], timeout_s: float, when: str) -> dict[str, Any]:
        running = self._live
        try:
            return running.collector.command(name, command, timeout_s, alive=lambda: running.program.running)
        except AgentFailed:
            self._check_running(when)
            raise

    def _choose(self) -> None:
        """Choose the process that has answered most requests; if none are counted, the one that listens."""
        samples = {one.name: self._sample(one) for one in self._live.collector.instances()}
        instances = {one.name: one for one in self._live.collector.instances() if samples.get(one.name)}
        if not instances:
            raise AgentFailed(self._no_agent("no agent has answered"))
        served = {name: (samples[name] or {}).get("requests_total", 0.0) for name in instances}
        name = max(served, key=lambda one: served[one])
        if not served[name]:
            name = self._uncounted(instances)
        chosen, total = instances[name], sum(served.values())
        self._instance = name
        self._counted = 0.0
        self.runtime = f"node {chosen.node.removeprefix('v')}" if chosen.node else ""
        self._by_agent = total > 0 and served[name] < total * (1 - _OTHERS_SHARE)
        if self._by_agent:
            serving = sum(1 for count in served.values() if count)
            self.notes.append(
                f"{serving} processes answer requests; process {chosen.pid} ({chosen.role}), which answered "
                f"{format_share(served[name] / total)} of them, is the one measured, by its own requests"
            )

    def _uncounted(self, instances: dict[str, Instance]) -> str:
        mains = {one.pid: name for name, one in instances.items() if one.role != "worker"}
        if self._listening_pid in mains:
            return mains[self._listening_pid]
        if self._listening_pid is not None and self.launch.command[0] != "docker":
            raise AgentFailed(
                self._no_agent(
                    f"process {self._listening_pid}, which listens there, has no agent that reported"
                )
            )
        return next(iter(mains.values()), next(iter(instances)))

    def _sample(self, instance: Instance) -> dict[str, float] | None:
        """Return a sample of now; None of an instance that does not answer, such as one that has ended."""
        try:
            return self._collect(instance.name, min(10.0, self.waits.command_s), "while it was idle")
        except AgentFailed:
            return None

    def _collect(self, name: str, timeout_s: float, when: str) -> dict[str, float]:
        sample = self._command(name, {"type": "gc"}, timeout_s, when).get("sample")
        needed = ("heap_used_bytes", "external_bytes", "array_buffers_bytes", "rss_bytes")
        numbers = {
            key: float(value)
            for key, value in (sample.items() if isinstance(sample, dict) else ())
            if isinstance(value, int | float)
        }
        missing = [key for key in needed if key not in numbers]
        if missing:
            raise AgentFailed(f"the agent's answer to `gc` has no {', '.join(missing)}")
        return numbers

    def _settle(self, when: str) -> dict[str, float]:
        """Collect garbage until nothing more goes away: timers and finalizers need a moment of idling."""
        lowest: dict[str, float] | None = None
        for _ in range(_MAX_SETTLES):
            time.sleep(self.waits.idle_s)
            sample = self._collect(self._instance, self.waits.command_s, when)
            if lowest is not None:
                gone = lowest["heap_used_bytes"] - sample["heap_used_bytes"]
                if gone <= max(_SETTLED_BYTES, _SETTLED_SHARE * sample["heap_used_bytes"]):
                    return sample if gone > 0 else lowest
            lowest = sample
        return lowest or {}

    def _count(self, result: LoadResult, sample: dict[str, float] | None = None) -> None:
        """Add the round's requests to the work: by the load, or by the process if it served a part."""
        if not self._by_agent and result.requests:
            self.work += result.requests
            return
        counted = (sample or self._collect(self._instance, self.waits.command_s, "while it was idle")).get(
            "requests_total", 0.0
        )
        self.work += max(0.0, counted - self._counted)
        self._counted = counted
