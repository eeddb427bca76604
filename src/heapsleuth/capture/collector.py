"""A collector for one run: agents on this machine report to it and are given commands.

It listens on 127.0.0.1 at a port the system chooses, keeps the latest of everything in bounded memory,
and trusts nothing: a request needs the run's token, and what it says is checked before it is kept.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self, TypeVar

from heapsleuth.capture.collector_http import CollectorServer
from heapsleuth.errors import AgentFailed

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from heapsleuth.capture.reports import AgentReport, Sample

__all__ = ["Collector", "Instance"]

_MAX_INSTANCES = 256
_MAX_SAMPLES = 3600
"""Per instance: an hour of one sample a second."""
_MAX_EVENTS = 500
_MAX_WAITING_COMMANDS = 32
_ALIVE_S = 0.2

T = TypeVar("T")


@dataclass(frozen=True)
class Instance:
    """
    A process or thread whose agent has reported.

    Attributes:
        name: As the agent calls it; unique within the run.
        pid: Process id.
        role: `main`, `worker`, `cluster-primary`, `cluster-worker`, …
        node: Version of Node.js.
        seen_at_s: When it last reported or asked for commands, by this process's monotonic clock.
        sample: Its latest measurements; None before the first.
        counters: What its agent counts about itself.
    """

    name: str
    pid: int
    role: str = "main"
    node: str = ""
    service: str = ""
    release: str = ""
    seen_at_s: float = 0.0
    sample: Sample | None = None
    counters: dict[str, float] = field(default_factory=dict)


class _Record:
    """All that is kept about one instance; its fields are guarded by the collector's lock."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.sequence = -1
        self.samples: deque[Sample] = deque(maxlen=_MAX_SAMPLES)
        self.events: deque[dict[str, Any]] = deque(maxlen=_MAX_EVENTS)
        self.commands: deque[dict[str, Any]] = deque()


class Collector:
    """
    Receives what agents report; a context manager that listens while it is open.

    Args:
        interval_ms: Time between samples that agents are told in every reply; None leaves it to them.
    """

    def __init__(self, *, interval_ms: int | None = None) -> None:
        self.token = secrets.token_urlsafe(24)
        self.interval_ms = interval_ms
        self._changed = threading.Condition()
        self._records: dict[str, _Record] = {}
        self._results: dict[str, dict[str, Any] | None] = {}
        self._closed = False
        self._server = CollectorServer(self)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Address that agents report to."""
        return f"http://127.0.0.1:{self._server.port}"

    def close(self) -> None:
        """Stop listening; may be called again."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._server.stop()

    def instances(self) -> list[Instance]:
        """Return the instances that have reported, in the order of their first report."""
        with self._changed:
            return [record.instance for record in self._records.values()]

    def samples(self, name: str) -> list[Sample]:
        """Return the latest samples of an instance, oldest first; none of an unknown one."""
        with self._changed:
            record = self._records.get(name)
            return list(record.samples) if record else []

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the latest events of an instance but the results of commands, oldest first."""
        with self._changed:
            record = self._records.get(name)
            return list(record.events) if record else []

    def wait_for(
        self, condition: Callable[[], T | None], timeout_s: float, alive: Callable[[], bool] | None = None
    ) -> T | None:
        """
        Return the first result of *condition* that is not None.

        Args:
            condition: Asked whenever an agent has reported.
            timeout_s: After so many seconds the answer is None.
            alive: Asked a few times a second; once it says no, nothing will come any more.
        """
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while True:
                gone = alive is not None and not alive()
                result = condition()
                left = deadline - time.monotonic()
                if result is not None or left <= 0 or self._closed or gone:
                    return result
                self._changed.wait(left if alive is None else min(left, _ALIVE_S))

    def command(
        self,
        name: str,
        command: dict[str, Any],
        timeout_s: float = 30.0,
        *,
        alive: Callable[[], bool] | None = None,
    ) -> dict[str, Any]:
        """
        Have an instance do something and return its answer.

        Args:
            name: The instance.
            command: `type` and what belongs to it; the id is added here.
            timeout_s: How long to wait for the answer.
            alive: As for `wait_for`.

        Returns:
            The result's fields, without `type`, `id` and `ok`.

        Raises:
            AgentFailed: No such instance, no answer in time, or the agent refused; the message then
                has its reason and figures.
        """
        kind = str(command.get("type"))
        result = self._exchange(name, command, timeout_s, alive)
        if result is None and alive is not None and not alive():
            raise AgentFailed(f"the process of {name} ended before it answered `{kind}`")
        if result is None:
            raise AgentFailed(
                f"the agent in {name} did not answer `{kind}` within {timeout_s:g} s; "
                "its event loop may be blocked, or the process has ended"
            )
        if result.get("ok") is not True:
            raise AgentFailed(_refusal(name, kind, result.get("error")))
        return {key: value for key, value in result.items() if key not in {"type", "id", "ok"}}

    def _exchange(
        self, name: str, command: dict[str, Any], timeout_s: float, alive: Callable[[], bool] | None
    ) -> dict[str, Any] | None:
        number = secrets.token_hex(8)
        with self._changed:
            record = self._records.get(name)
            if record is None:
                raise AgentFailed(f"expected an instance that has reported, found none named {name}")
            if len(record.commands) >= _MAX_WAITING_COMMANDS:
                raise AgentFailed(f"the agent in {name} fetches no commands: {len(record.commands)} wait")
            sent = {**command, "id": number}
            record.commands.append(sent)
            self._results[number] = None
            self._changed.notify_all()
        try:
            return self.wait_for(lambda: self._results.get(number), timeout_s, alive)
        finally:
            with self._changed:
                del self._results[number]
                if sent in record.commands:
                    record.commands.remove(sent)

    def receive(self, name: str, report: AgentReport) -> bool:
        """
        Keep what an agent reported; repeats of a sequence number are dropped.

        Returns:
            False if there are too many instances to take a new one.
        """
        with self._changed:
            record = self._record(name, report)
            if record is None:
                return False
            fresh = report.sequence == 0 or report.sequence > record.sequence
            record.instance = replace(
                record.instance,
                seen_at_s=time.monotonic(),
                sample=report.samples[-1] if fresh and report.samples else record.instance.sample,
                counters=report.counters or record.instance.counters,
                role=report.role,
            )
            if fresh:
                record.sequence = report.sequence
                record.samples.extend(report.samples)
                for event in report.events:
                    self._take_event(record, event)
            self._changed.notify_all()
        return True

    def take_commands(
        self, name: str, wait_s: float, still_there: Callable[[], bool]
    ) -> list[dict[str, Any]]:
        """
        Return and forget the commands for an instance, waiting for one if there is none.

        Args:
            name: The instance; one that has not reported yet waits like any other.
            wait_s: How long to wait.
            still_there: Whether the one who asked still listens: commands are handed out once.
        """
        deadline = time.monotonic() + wait_s
        with self._changed:
            while True:
                record = self._records.get(name)
                if record is not None:
                    record.instance = replace(record.instance, seen_at_s=time.monotonic())
                    if record.commands:
                        return self._hand_out(record) if still_there() else []
                left = deadline - time.monotonic()
                if left <= 0 or self._closed:
                    return []
                self._changed.wait(left)

    def put_back(self, name: str, commands: list[dict[str, Any]]) -> None:
        """Keep commands for the next time, because handing them out failed."""
        with self._changed:
            record = self._records.get(name)
            if record is not None:
                record.commands.extendleft(reversed([c for c in commands if c["id"] in self._results]))
                self._changed.notify_all()

    @staticmethod
    def _hand_out(record: _Record) -> list[dict[str, Any]]:
        commands = list(record.commands)
        record.commands.clear()
        return commands

    def _record(self, name: str, report: AgentReport) -> _Record | None:
        record = self._records.get(name)
        if record is not None and record.instance.pid == report.pid:
            return record
        if record is None and len(self._records) >= _MAX_INSTANCES:
            oldest = min(self._records, key=lambda one: self._records[one].instance.seen_at_s)
            if time.monotonic() - self._records[oldest].instance.seen_at_s < 60:  # noqa: PLR2004 - a minute
                return None
            del self._records[oldest]
        # A known name with another pid is a restarted process: its numbers begin anew.
        instance = Instance(
            name, report.pid, report.role, report.node, report.service, report.release, time.monotonic()
        )
        self._records[name] = record = _Record(instance)
        return record

    def _take_event(self, record: _Record, event: dict[str, Any]) -> None:
        if event.get("type") != "command-result":
            record.events.append(event)
            return
        number = event.get("id")
        # Only answers to what was asked, or a lying agent could fill the memory.
        if isinstance(number, str) and number in self._results:
            self._results[number] = event


def _refusal(name: str, kind: str, error: Any) -> str:
    details = error if isinstance(error, dict) else {}
    text = str(details.get("text") or details.get("code") or "no reason given")[:1000]
    figures = details.get("figures")
    numbers = ""
    if isinstance(figures, dict):
        numbers = ", ".join(f"{key} {value}" for key, value in list(figures.items())[:20])
        numbers = f" ({numbers[:1000]})"
    return f"the agent in {name} did not do `{kind}`: {text}{numbers}"
