"""
Reads access logs into a plan that replays them.

Common, combined, virtual-host and nginx's default format share one core, `[time] "METHOD path HTTP/1.1"`;
whatever stands around it is skipped.  Lines that begin with a brace are JSON, with the names that nginx,
Apache, pino-http, Caddy and others give to method, path, time, headers and body.
"""

from __future__ import annotations

import gzip
import re
import zlib
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from heapsleuth.errors import UsageError
from heapsleuth.scenarios.load.replay import MAX_REQUESTS, Recorded, parse_time, plan_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from heapsleuth.scenarios.load.plan import LoadPlan

__all__ = ["plan_from_access_log"]

_LINE = re.compile(r'\[(?P<time>[^\]]+)\]\s+"(?P<method>[A-Z]+) (?P<path>\S+)(?: HTTP/[0-9.]+)?"')
# Combined: status, bytes, "referer", "user agent".
_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_AGENT = re.compile(rf'"\s+\d{{3}}\s+\S+\s+{_QUOTED}\s+{_QUOTED}')
_TIME = "%d/%b/%Y:%H:%M:%S %z"
_MAX_LINE = 1024 * 1024

_REQUEST_KEYS = ("request", "req")
_METHOD_KEYS = ("method", "request_method", "requestMethod", "http_method", "verb")
_PATH_KEYS = ("request_uri", "url", "uri", "originalUrl", "path", "requestUrl", "http_path")
_TIME_KEYS = ("time", "timestamp", "@timestamp", "ts", "msec", "time_iso8601", "time_local", "date")
_BODY_KEYS = ("request_body", "body")
_UNSAFE = re.compile(r"[\x00-\x20\x7f]")


def plan_from_access_log(
    path: str | Path,
    *,
    base_url: str,
    pace: float | None = 1.0,
    connections: int = 10,
    **settings: Any,
) -> LoadPlan:
    """
    Return a plan that sends the requests of an access log in the order of their times.

    Args:
        path: The log; `.gz` is unpacked.  At most 200,000 requests are read.
        base_url: Server that all requests go to, whatever hosts the log names; its path is put before theirs.
        pace: 1 for the recorded pace, 2 for twice as fast, None for as fast as the connections allow.
        connections: Connections kept open; 1 also keeps answers in order.
        settings: Further fields of `LoadPlan`.

    Raises:
        UsageError: The file cannot be read or none of its lines is a request.
    """
    name = str(path)
    recorded: list[Recorded] = []
    unread, first_unread = 0, ""
    try:
        for line in _lines(Path(path)):
            text = line.strip()
            if not text or text.startswith("#"):
                continue
            one = _from_json(text) if text.startswith("{") else _from_text(text)
            if one is None:
                unread += 1
                first_unread = first_unread or text
            else:
                recorded.append(one)
            if len(recorded) == MAX_REQUESTS:
                break
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{name}: expected an access log, cannot read it: {error}") from error
    if not recorded:
        got = f"got {first_unread[:120]!r}" if first_unread else "found no line"
        raise UsageError(f'{name}: expected lines such as … [time] "GET /path HTTP/1.1" … or JSON, {got}')
    notes = []
    if unread:
        notes.append(f"{unread:,} lines left out that are no request, the first: {first_unread[:120]}")
    if len(recorded) == MAX_REQUESTS:
        notes.append(f"only the first {MAX_REQUESTS:,} requests are replayed")
    return plan_of(
        recorded, name, base_url=base_url, pace=pace, connections=connections, notes=notes, **settings
    )


def _lines(path: Path) -> Iterator[str]:
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        while line := file.readline(_MAX_LINE):
            yield line.decode("utf-8", "replace")


def _from_text(line: str) -> Recorded | None:
    match = _LINE.search(line)
    if match is None:
        return None
    try:
        at_s = _log_time(match["time"])
    except ValueError:
        return None
    headers = []
    agent = _AGENT.match(line, match.end() - 1)
    if agent is not None:
        pairs = (("User-Agent", agent[2]), ("Referer", agent[1]))
        headers = [(key, value.replace('\\"', '"')) for key, value in pairs if value not in {"", "-"}]
    return _recorded(at_s, match["method"], match["path"], tuple(headers), b"")


def _from_json(line: str) -> Recorded | None:
    try:
        fields = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(fields, dict):
        return None
    request = next((fields[key] for key in _REQUEST_KEYS if key in fields), None)
    if isinstance(request, dict):
        # pino-http and Caddy nest it; what the outer object says about the log stays outside.
        fields = {**fields, **request}
    method, path = _first(fields, _METHOD_KEYS), _first(fields, _PATH_KEYS)
    if isinstance(request, str) and len(words := request.split(" ")) > 1:
        method, path = words[0], words[1]
    if not isinstance(method, str) or not isinstance(path, str):
        return None
    body = _first(fields, _BODY_KEYS)
    if isinstance(body, (dict, list)):
        body = orjson.dumps(body).decode()
    return _recorded(
        _time_of(_first(fields, _TIME_KEYS)),
        method,
        path,
        _headers(fields.get("headers")),
        body.encode() if isinstance(body, str) and body != "-" else b"",
    )


def _log_time(text: str) -> float:
    return datetime.strptime(text, _TIME).timestamp()  # noqa: DTZ007 - the format has %z


def _time_of(value: object) -> float | None:
    try:
        return parse_time(value)
    except (ValueError, OverflowError):
        pass
    try:
        return _log_time(str(value))
    except ValueError:
        return None


def _headers(given: object) -> tuple[tuple[str, str], ...]:
    """Return the headers; Caddy has lists of values."""
    if not isinstance(given, dict):
        return ()
    return tuple(
        (str(key), str(value))
        for key, values in given.items()
        for value in (values if isinstance(values, list) else [values])
    )


def _recorded(
    at_s: float | None, method: str, path: str, headers: tuple[tuple[str, str], ...], body: bytes
) -> Recorded | None:
    """Return the request, None for those that name no path: `CONNECT host:443`, `OPTIONS *`."""
    if "://" in path:
        parts = urlsplit(path)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.startswith("/") or _UNSAFE.search(path) or not method.isalpha():
        return None
    return Recorded(at_s, method.upper(), path, headers, body)


def _first(fields: dict[str, Any], keys: tuple[str, ...]) -> Any:
    return next((fields[key] for key in keys if fields.get(key) not in {None, ""}), None)
