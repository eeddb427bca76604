"""Runs a load plan: keeps connections busy by a schedule, counts what comes back, ends by itself."""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
import ssl
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

from heapsleuth.errors import UsageError
from heapsleuth.scenarios.load.histogram import Histogram
from heapsleuth.scenarios.load.http1 import Connection, WireRequest, tls_context
from heapsleuth.scenarios.load.result import Latency, LoadResult
from heapsleuth.scenarios.load.schedule import mix, schedule_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from heapsleuth.scenarios.load.plan import LoadPlan

__all__ = ["Progress", "run_load"]

_TICK_S = 0.05
_PROGRESS_S = 0.25
# An app that restarts is waited for so long; after that nobody will listen any more.
_UNREACHABLE_S = 5.0
_LONGEST_PAUSE_S = 0.25
# The loop's timers ring in whole milliseconds: a start that is this late by them is not the server's fault.
_TIMER_S = 0.002
# Node closes idle connections after 5 s: used just then, one would fail through nobody's fault.
_STALE_AFTER_S = 4.0
_KINDS_OF_ERROR = 8


@dataclass(frozen=True)
class Progress:
    """How far a run is; `wanted_requests` is None when its duration decides."""

    elapsed_s: float
    requests: int
    errors: int
    wanted_requests: int | None
    duration_s: float | None


def run_load(
    plan: LoadPlan,
    *,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> LoadResult:
    """
    Run a plan in an event loop of its own and return what was measured.

    A server that fails is a result, not an error: see `LoadResult.stopped_by` and `first_errors`.

    Args:
        plan: What to send.
        progress: Called about four times a second.
        cancelled: Asked 20 times a second; the run ends when it says yes.

    Raises:
        UsageError: The extra `load` is not installed, or a file of the plan cannot be read.
    """
    try:
        import httptools  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise UsageError(
            "the built-in load generator needs httptools: pip install 'heapsleuth[load]', "
            "or give a command that makes the load"
        ) from error
    notes = list(plan.notes)
    loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    try:
        import uvloop  # noqa: PLC0415 - an extra, and not there on every system

        loop_factory = uvloop.new_event_loop
    except ImportError:
        notes.append("without uvloop the load generator needs about a quarter more CPU time")
    parser = partial(
        Connection,
        parser_type=httptools.HttpResponseParser,
        errors=(httptools.HttpParserError, httptools.HttpParserUpgrade),
    )
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        if plan.warm_up_requests:
            warm_up = replace(
                plan,
                requests=plan.warm_up_requests,
                warm_up_requests=0,
                duration_s=None,
                max_time_s=plan.cap_s,
            )
            before = runner.run(_Run(warm_up, parser, None, cancelled).run())
            if not before.is_complete:
                notes.append(f"the warm-up ended early: {before.stopped_by}")
                return replace(before, notes=tuple(notes))
        result = runner.run(_Run(plan, parser, progress, cancelled).run())
    return replace(result, notes=tuple(notes))


class _Run:
    """One run; lives in one event loop.  Times are `perf_counter` seconds."""

    def __init__(
        self,
        plan: LoadPlan,
        connection_type: Callable[[_Run], Connection],
        progress: Callable[[Progress], None] | None,
        cancelled: Callable[[], bool] | None,
    ) -> None:
        self._plan = plan
        self._connection_type = connection_type
        self._progress = progress
        self._cancelled = cancelled
        self._origin = plan.origin
        self._address = self._origin.host
        self._tls = tls_context(plan, self._origin)
        requests = [WireRequest(target) for target in plan.targets]
        order = plan.sequence or mix([target.weight for target in plan.targets])
        self._next_request = itertools.cycle([requests[index] for index in order]).__next__
        self._schedule = schedule_of(plan)
        self._is_open_loop = self._schedule.is_open
        # Requests still to be started; endless when the duration decides.
        self._left: float = float("inf") if plan.wanted_requests is None else plan.wanted_requests
        # A log is replayed as it is: what failed in it is not sent again.
        self._replacements = 0 if plan.sequence else (plan.wanted_requests or 0)
        self._under_way = 0
        self._free_slots = plan.connections
        self._live: set[Connection] = set()
        self._idle: list[Connection] = []
        self._opening: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._ended_by: str | None = None

        self.bytes_read = 0
        self._latencies: list[float] = []
        self._histogram = Histogram()
        self._statuses: Counter[int] = Counter()
        self._errors = 0
        self._timeouts = 0
        self._problems: Counter[str] = Counter()
        self._samples: list[tuple[int, int]] = []
        self._failures_in_a_row = 0
        self._refused_since: float | None = None
        self._began = 0.0
        self._last_end = 0.0

    async def run(self) -> LoadResult:
        self._loop = asyncio.get_running_loop()
        self._done: asyncio.Future[None] = self._loop.create_future()
        self._began = self._last_end = perf_counter()
        ticker = self._loop.create_task(self._tick())
        ticker.add_done_callback(self._check)
        self._loop.set_exception_handler(self._broken)
        if self._plan.duration_s is not None:
            self._deadline = self._loop.call_later(self._plan.duration_s, self._stop, "duration")
        try:
            self._dispatch(self._began)
            await self._done
        finally:
            await self._close(ticker)
        return self._result()

    def _opened(self, task: asyncio.Task[None]) -> None:
        self._opening.discard(task)
        self._check(task)

    def _check(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._broken(self._loop, {"exception": error})

    def _broken(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """End the run with an error of ours or of the caller's functions, rather than wait for ever."""
        error = context.get("exception")
        if isinstance(error, OSError):
            # A transport's or TLS's own; its connection is told as well.
            return
        if isinstance(error, Exception) and not self._done.done():
            self._done.set_exception(error)
        elif not self._done.done():
            loop.default_exception_handler(context)

    # -- starting requests ------------------------------------------------------------------------------

    def _take(self, now: float) -> float | None:
        """Return the intended start of the next request if it is due and wanted, and count it as taken."""
        if self._left <= 0 or self._ended_by is not None:
            return None
        if self._is_open_loop:
            intended = self._began + self._schedule.next_at
            if intended > now:
                return None
            self._schedule.take()
        else:
            intended = now
        self._left -= 1
        self._under_way += 1
        return intended

    def _dispatch(self, now: float) -> None:
        """Start what is due while there are connections, then see when the next is due."""
        while self._idle or self._free_slots:
            intended = self._take(now)
            if intended is None:
                break
            # No connection had to be waited for, so what is late is the timer.
            if now - intended <= _TIMER_S:
                intended = now
            self._start(self._next_request(), intended, now)
        if self._left <= 0 or self._ended_by is not None:
            self._end_if_idle()
        elif self._is_open_loop and self._timer is None and (self._idle or self._free_slots):
            delay = max(0.0, self._began + self._schedule.next_at - now)
            self._timer = self._loop.call_later(delay, self._ring)

    def _ring(self) -> None:
        self._timer = None
        self._dispatch(perf_counter())

    def _start(self, request: WireRequest, intended: float, now: float) -> None:
        while self._idle:
            connection = self._idle.pop()
            if now - connection.idle_since > _STALE_AFTER_S:
                connection.abort()
            if connection.is_open:
                connection.send(request, intended, now)
                return
            # Closing, but not closed yet: its place is taken by a new one.
            self._live.discard(connection)
            self._free_slots += 1
        self._free_slots -= 1
        task = self._loop.create_task(self._open(request, intended))
        self._opening.add(task)
        task.add_done_callback(self._opened)

    async def _open(self, request: WireRequest, intended: float) -> None:
        """Open a connection and send its first request; a server that fails all the time is given pauses."""
        rounds = self._failures_in_a_row // self._plan.connections
        if rounds:
            await asyncio.sleep(min(_LONGEST_PAUSE_S, 0.001 * 2 ** min(rounds, 10)))
        try:
            async with asyncio.timeout(self._plan.timeout_s):
                transport, connection = await self._loop.create_connection(
                    lambda: self._connection_type(self),
                    self._address,
                    self._origin.port,
                    ssl=self._tls,
                    server_hostname=self._origin.host if self._tls else None,
                )
        except (OSError, TimeoutError) as error:
            self._free_slots += 1
            now = perf_counter()
            self._refused_since = self._refused_since or now
            # An app that restarts is waited for; that no connection came uses up no replacement.
            self._replacements += 1
            if isinstance(error, TimeoutError):
                self.failed(request, f"no connection within {self._plan.timeout_s:g} s", timed_out=True)
            else:
                self.failed(request, f"cannot connect to {self._origin}: {_reason(error)}")
            if now - self._refused_since > _UNREACHABLE_S:
                self._stop("unreachable")
            return
        self._refused_since = None
        # Names are looked up once: a server that closes each connection would cost a look-up per request.
        self._address = transport.get_extra_info("peername")[0]
        if not connection.is_open:
            # Closed by the server before this task went on; `closed` found nothing to free.
            self._free_slots += 1
            self.failed(request, "connection closed before a response")
            return
        self._live.add(connection)
        now = perf_counter()
        connection.send(request, intended if self._is_open_loop else now, now)

    # -- what connections tell --------------------------------------------------------------------------

    def responded(self, connection: Connection, request: WireRequest, status: int, reusable: bool) -> None:
        """Count a response and have the connection send what is due."""
        now = perf_counter()
        self._latencies.append(now - connection.started)
        self._statuses[status] += 1
        self._last_end = now
        self._failures_in_a_row = 0
        self._under_way -= 1
        if not 200 <= status < 300:  # noqa: PLR2004 - what 2xx means
            self._note(f"{request.label} answered {status}")
        if not reusable:
            # Its slot is free when it is closed.
            return
        intended = self._take(now)
        if intended is not None:
            connection.send(self._next_request(), intended, now)
            return
        connection.idle_since = now
        self._idle.append(connection)
        self._dispatch(now)

    def failed(self, request: WireRequest, problem: str, *, timed_out: bool = False) -> None:
        """Count a request without response; in a run by count another takes its place."""
        self._errors += 1
        self._timeouts += timed_out
        self._failures_in_a_row += 1
        self._under_way -= 1
        self._last_end = perf_counter()
        self._note(f"{request.label}: {problem}")
        if self._plan.wanted_requests is not None and not self._plan.sequence:
            if self._replacements:
                self._replacements -= 1
                self._left += 1
            else:
                self._stop("errors")
        # Not from here: a server that refuses at once would be called from within its own refusal.
        self._loop.call_soon(self._ring_if_running)

    def closed(self, connection: Connection) -> None:
        """Free the slot of a connection that is gone."""
        if connection not in self._live:
            return
        self._live.discard(connection)
        with suppress(ValueError):
            self._idle.remove(connection)
        self._free_slots += 1
        self._dispatch(perf_counter())

    def _ring_if_running(self) -> None:
        if not self._done.done():
            self._dispatch(perf_counter())

    def _note(self, problem: str) -> None:
        if problem in self._problems or len(self._problems) < _KINDS_OF_ERROR:
            self._problems[problem] += 1

    # -- ending -----------------------------------------------------------------------------------------

    def _stop(self, reason: str) -> None:
        """Start nothing more; the run ends when nothing is under way."""
        self._ended_by = self._ended_by or reason
        self._end_if_idle()

    def _end_if_idle(self) -> None:
        if self._under_way == 0 and not self._done.done():
            self._done.set_result(None)

    async def _tick(self) -> None:
        """Do what takes no part in single requests: time-outs, deadlines, counts per second, progress."""
        next_second, next_progress = 1.0, _PROGRESS_S
        seen_requests = seen_bytes = 0
        tick_s = min(_TICK_S, self._plan.timeout_s / 10)
        while True:
            await asyncio.sleep(tick_s)
            now = perf_counter()
            elapsed = now - self._began
            self._flush()
            for connection in [c for c in self._live if c.request is not None]:
                if now - connection.sent_at > self._plan.timeout_s:
                    connection.time_out(self._plan.timeout_s)
            if elapsed >= next_second:
                self._samples.append((self._histogram.count - seen_requests, self.bytes_read - seen_bytes))
                seen_requests, seen_bytes = self._histogram.count, self.bytes_read
                next_second += 1.0
            if self._progress is not None and elapsed >= next_progress:
                self._progress(self._how_far(elapsed))
                next_progress = elapsed + _PROGRESS_S
            if self._cancelled is not None and self._cancelled():
                self._abandon("cancelled")
            elif elapsed >= self._plan.cap_s:
                self._abandon("time cap")

    def _abandon(self, reason: str) -> None:
        """End now; what is under way counts as timed out."""
        self._ended_by = self._ended_by or reason
        self._errors += self._under_way
        self._timeouts += self._under_way
        if self._under_way:
            self._note(f"{self._under_way} requests were under way when the run ended: {reason}")
        self._under_way = 0
        for task in self._opening:
            task.cancel()
        for connection in self._live:
            connection.request = None
            connection.abort()
        self._end_if_idle()

    async def _close(self, ticker: asyncio.Task[None]) -> None:
        """Leave nothing open, whatever ended the run."""
        self._ended_by = self._ended_by or "requests"
        for timer in (self._timer, self._deadline):
            if timer is not None:
                timer.cancel()
        for task in [ticker, *self._opening]:
            task.cancel()
        await asyncio.gather(ticker, *self._opening, return_exceptions=True)
        for connection in self._live:
            connection.request = None
            connection.abort()
        # Transports close in the next turns of the loop.
        for _ in range(3):
            await asyncio.sleep(0)

    # -- figures ----------------------------------------------------------------------------------------

    def _flush(self) -> None:
        latencies, self._latencies = self._latencies, []
        self._histogram.record(latencies)

    def _how_far(self, elapsed_s: float) -> Progress:
        plan = self._plan
        return Progress(elapsed_s, self._histogram.count, self._errors, plan.wanted_requests, plan.duration_s)

    def _result(self) -> LoadResult:
        self._flush()
        requests = self._histogram.count
        duration_s = self._last_end - self._began
        if self._progress is not None:
            self._progress(self._how_far(duration_s))
        non_2xx = sum(count for status, count in self._statuses.items() if not 200 <= status < 300)  # noqa: PLR2004
        return LoadResult(
            requests=requests,
            errors=self._errors,
            timeouts=self._timeouts,
            non_2xx=non_2xx,
            bytes_read=self.bytes_read,
            duration_s=duration_s,
            stopped_by=self._ended_by or "requests",
            latency=Latency.of(self._histogram),
            status_counts=dict(sorted(self._statuses.items())),
            first_errors=tuple(f"{text} ({count:,} times)" for text, count in self._problems.items()),
            unsent=self._unsent(),
            per_second=tuple(self._samples),
            connections=self._plan.connections,
            url=self._plan.targets[0].url,
        )

    def _unsent(self) -> int:
        """Return how many intended starts had passed when the run ended without being started."""
        if not self._is_open_loop:
            return 0
        until = self._last_end - self._began
        if self._plan.duration_s is not None:
            until = min(until, self._plan.duration_s)
        count = 0
        while self._left > 0 and self._schedule.next_at < until:
            self._schedule.take()
            self._left -= 1
            count += 1
        return count


def _reason(error: OSError) -> str:
    """Return what the system says, without numbers and addresses."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate not valid, {error.verify_message}"
    if error.errno and not isinstance(error, (ssl.SSLError, socket.gaierror)):
        return os.strerror(error.errno)
    return error.strerror or str(error)
