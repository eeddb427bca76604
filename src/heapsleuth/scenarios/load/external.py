"""Has a command of the user make the load, and reads what it prints: autocannon, k6, wrk, or JSON alike."""

from __future__ import annotations

import math
import os
import re
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any

import orjson

from heapsleuth.errors import UsageError
from heapsleuth.scenarios.load.result import PERCENTILES, Latency, LoadResult, percentile_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

__all__ = ["read_output", "run_external"]

_POLL_S = 0.05
_GRACE_S = 2.0
_MAX_OUTPUT = 16 * 1024 * 1024
_TAIL = 2000

_WRK_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}
_WRK_TIME = r"([\d.]+)(us|ms|s|m)"
_WRK_TOTAL = re.compile(rf"^\s*(\d+) requests in {_WRK_TIME}\b", re.MULTILINE)
_WRK_PERCENTILE = re.compile(rf"^\s*([\d.]+)%\s+{_WRK_TIME}\s*$", re.MULTILINE)
_WRK_LATENCY = re.compile(rf"^\s*Latency\s+{_WRK_TIME}\s+{_WRK_TIME}\s+{_WRK_TIME}", re.MULTILINE)
_WRK_ERRORS = re.compile(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)")
_WRK_NON_2XX = re.compile(r"Non-2xx or 3xx responses: (\d+)")


def run_external(
    command: str | Sequence[str],
    *,
    timeout_s: float = 600.0,
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> LoadResult:
    """
    Run a command to its end and return what its output says of the load it made.

    `requests` is 0 when the output does not tell; `notes` says so.  At the end of the time the command and
    all it started are ended.

    Args:
        command: A list of arguments, or a text for the shell.
        timeout_s: Seconds after which it is ended.
        cwd: Folder to run in.
        env: Its whole environment; None for ours.
        cancelled: Asked 20 times a second; the command is ended when it says yes.

    Raises:
        UsageError: The command cannot be started.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.monotonic()
        try:
            process = subprocess.Popen(  # noqa: S603 - the user's own command, as in a shell
                command,
                shell=isinstance(command, str),
                cwd=cwd,
                env=None if env is None else dict(env),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        except OSError as error:
            raise UsageError(
                f"expected a command that makes load, cannot start {command!r}: {error}"
            ) from error
        try:
            stopped_by = _wait(process, began + timeout_s, cancelled)
        finally:
            _end_group(process)
        duration_s = time.monotonic() - began
        output, errors = _read(out), _read(err)
    tail = (errors[-_TAIL:] if errors.strip() else output[-_TAIL:]).strip()
    return read_output(
        output, exit_code=process.returncode, duration_s=duration_s, stopped_by=stopped_by, tail=tail
    )


def _wait(process: subprocess.Popen[bytes], deadline: float, cancelled: Callable[[], bool] | None) -> str:
    while True:
        try:
            process.wait(_POLL_S)
        except subprocess.TimeoutExpired:
            pass
        else:
            return "command"
        if cancelled is not None and cancelled():
            return "cancelled"
        if time.monotonic() >= deadline:
            return "time cap"


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End the command and what it left behind: its session's group is ours to end."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE_S)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _read(file: IO[bytes]) -> str:
    """Return the end of the output, where results are."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _MAX_OUTPUT))
    return file.read(_MAX_OUTPUT).decode("utf-8", "replace")


def read_output(
    output: str, *, exit_code: int, duration_s: float, stopped_by: str = "command", tail: str = ""
) -> LoadResult:
    """
    Return what the output of a load tool says.

    Args:
        output: Its standard output.
        exit_code: Its exit code; negative for a signal.
        duration_s: How long it ran, in seconds; what the output says is preferred.
        stopped_by: As in `LoadResult`.
        tail: Its last output, for error messages.
    """
    found = _read_json(output) or _read_wrk(output) or {}
    notes = () if found.get("requests") else ("the command did not say how many requests it made",)
    found = {"duration_s": duration_s} | found
    return LoadResult(stopped_by=stopped_by, exit_code=exit_code, output_tail=tail, notes=notes, **found)


def _read_json(output: str) -> dict[str, Any] | None:
    """Read the whole output as JSON, or what begins with a brace at the start of a line: the last such."""
    starts = [match.start() for match in re.finditer(r"^\{", output, re.MULTILINE)]
    for start in [0, *reversed(starts[-20:])]:
        text = output[start:].strip()
        for candidate in (text, text.partition("\n")[0], text[: text.rfind("}") + 1]):
            try:
                document = orjson.loads(candidate)
            except orjson.JSONDecodeError:
                continue
            if isinstance(document, dict) and (found := _read_document(document)):
                return found
    return None


def _read_document(document: dict[str, Any]) -> dict[str, Any] | None:
    if isinstance(metrics := document.get("metrics"), dict) and "http_reqs" in metrics:
        return _read_k6(metrics)
    requests = _number(document, ("requests", "total"), ("requests",), ("totalRequests",), ("count",))
    if requests is None:
        return None
    statuses = document.get("statusCodeStats")
    status_counts = {
        int(status): int(_number(stats, ("count",)) or 0)
        for status, stats in (statuses.items() if isinstance(statuses, dict) else ())
        if str(status).isdigit()
    }
    found = {
        "requests": int(requests),
        "errors": int(_number(document, ("errors",), ("totalErrors",)) or 0),
        "timeouts": int(_number(document, ("timeouts",)) or 0),
        "non_2xx": int(_number(document, ("non2xx",), ("non_2xx",)) or 0),
        "bytes_read": int(_number(document, ("throughput", "total"), ("bytes",)) or 0),
        "connections": int(_number(document, ("connections",)) or 0),
        "url": str(document.get("url") or ""),
        "status_counts": status_counts,
    }
    duration_s = _number(document, ("duration",), ("duration_s",))
    if duration_s:
        found["duration_s"] = duration_s
    if isinstance(latency := document.get("latency"), dict):
        known = {percent: _number(latency, (percentile_key(percent),)) for percent in PERCENTILES}
        found["latency"] = Latency(
            count=int(_number(latency, ("totalCount",)) or requests),
            mean_ms=_number(latency, ("average",), ("mean",)) or 0.0,
            deviation_ms=_number(latency, ("stddev",)) or 0.0,
            min_ms=_number(latency, ("min",)) or 0.0,
            max_ms=_number(latency, ("max",)) or 0.0,
            percentiles={percent: ms for percent, ms in known.items() if ms is not None},
        )
    return found


def _read_k6(metrics: dict[str, Any]) -> dict[str, Any]:
    """Read k6's summary, whose values stand beside the names or under `values`."""

    def values(name: str) -> dict[str, Any]:
        metric = metrics.get(name)
        inner = metric.get("values", metric) if isinstance(metric, dict) else {}
        return inner if isinstance(inner, dict) else {}

    requests = int(_number(values("http_reqs"), ("count",)) or 0)
    # A rate of failure: `value` or `rate` is the share, and what failed has a status or none.
    failed_share = _number(values("http_req_failed"), ("rate",), ("value",)) or 0.0
    duration = values("http_req_duration")
    names = {50: ("med",), 90: ("p(90)",), 95: ("p(95)",), 99: ("p(99)",)}
    known = {float(percent): _number(duration, path) for percent, path in names.items()}
    return {
        "requests": requests,
        "non_2xx": round(failed_share * requests),
        "bytes_read": int(_number(values("data_received"), ("count",)) or 0),
        "latency": Latency(
            count=requests,
            mean_ms=_number(duration, ("avg",)) or 0.0,
            min_ms=_number(duration, ("min",)) or 0.0,
            max_ms=_number(duration, ("max",)) or 0.0,
            percentiles={percent: ms for percent, ms in known.items() if ms is not None},
        ),
    }


def _number(document: Any, *paths: tuple[str, ...]) -> float | None:
    """Return the first finite number that one of the paths leads to."""
    for path in paths:
        value: Any = document
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    return None


def _read_wrk(output: str) -> dict[str, Any] | None:
    """Read the text of wrk and wrk2."""
    total = _WRK_TOTAL.search(output)
    if total is None:
        return None
    errors, non_2xx, row = (pattern.search(output) for pattern in (_WRK_ERRORS, _WRK_NON_2XX, _WRK_LATENCY))
    known = {
        float(percent): float(value) * _WRK_UNITS[unit]
        for percent, value, unit in _WRK_PERCENTILE.findall(output)
    }
    mean, deviation, largest = (
        (float(row[n]) * _WRK_UNITS[row[n + 1]] for n in (1, 3, 5)) if row else (0.0, 0.0, 0.0)
    )
    return {
        "requests": int(total[1]),
        "duration_s": float(total[2]) * _WRK_UNITS[total[3]] / 1000,
        "errors": sum(int(count) for count in errors.groups()) if errors else 0,
        "timeouts": int(errors[4]) if errors else 0,
        "non_2xx": int(non_2xx[1]) if non_2xx else 0,
        "latency": Latency(int(total[1]), mean, deviation, 0.0, largest, known),
    }
