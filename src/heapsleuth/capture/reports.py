"""What agents send, protocol version 1: checked and brought into values before anything else sees it.

`agents/protocol/` has golden messages that both sides are tested against.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import orjson

__all__ = [
    "INSTANCE_NAME",
    "MAX_BODY_BYTES",
    "PROTOCOL",
    "AgentReport",
    "HttpInterval",
    "MalformedReport",
    "Sample",
    "parse_report",
]

PROTOCOL = 1
"""Version of the messages.  1: samples, events, counters; commands in the reply or by long poll."""

MAX_BODY_BYTES = 4 * 1024 * 1024
_MAX_ROWS = 2000
_MAX_METRICS = 200
_MAX_ROUTES = 64
_MAX_TEXT = 500
_MAX_COUNT = 2.0**53
_MAX_PID = 2**31 - 1
_MAX_THREAD = 2**31 - 1
_MAX_SEQUENCE = 2**53
_MAX_BUCKET = 1023
"""2**(1023 / 16 - 10) ms are 500 years."""

INSTANCE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}")
"""What an instance may be called; it ends up in file names and on terminals."""
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,99}")
_STATUSES = frozenset(("1xx", "2xx", "3xx", "4xx", "5xx"))
_WHOLE = frozenset((int,))

_known_keys: set[str] = set()
"""Names that `_KEY` has matched: asking the pattern 45 times a message is a third of its cost."""
_MAX_KNOWN_KEYS = 1000


class MalformedReport(ValueError):
    """A message that is not protocol version 1; the text says where and what was expected."""


@dataclass(frozen=True)
class Sample:
    """
    One row of measurements.

    Attributes:
        at_ms: When, by the agent's clock, in milliseconds since 1970.
        metrics: Numbers by name; the unit is in the name.
    """

    at_ms: float
    metrics: dict[str, float]

    def get(self, name: str) -> float | None:
        """Return a measurement, None if this row has none of that name."""
        return self.metrics.get(name)


class HttpInterval(NamedTuple):
    """
    Requests of one route in the time before a sample.

    Attributes:
        at_ms: The sample's time.
        route: Empty for all routes together.
        requests: How many there were.
        statuses: Requests by class of status (`2xx`).
        buckets: Requests by number of bucket, as in `agents/protocol`.
    """

    at_ms: float
    route: str
    requests: int
    statuses: dict[str, int]
    buckets: dict[int, int]


@dataclass(frozen=True)
class AgentReport:
    """
    One `POST …/samples`, checked; texts are cut and printable, numbers finite, counts bounded.

    Attributes:
        rows: Numbers by metric, `at_ms` among them.
        started_ms: When the process began; 0 when it does not say.
    """

    service: str
    release: str
    pid: int
    node: str
    role: str
    sequence: int
    rows: tuple[dict[str, float], ...]
    events: tuple[dict[str, Any], ...]
    counters: dict[str, float]
    http: tuple[HttpInterval, ...] = ()
    host: str = ""
    ppid: int = 0
    thread: int = 0
    agent: str = ""
    started_ms: float = 0.0

    @cached_property
    def samples(self) -> tuple[Sample, ...]:
        """The rows with their time apart."""
        return tuple(
            Sample(row["at_ms"], {name: value for name, value in row.items() if name != "at_ms"})
            for row in self.rows
        )


def parse_report(body: bytes) -> AgentReport:
    """
    Return what an agent sent.

    Raises:
        MalformedReport: It is no JSON, no object, of another protocol version, or a field has
            another type than the protocol says.
    """
    try:
        message = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedReport(f"expected JSON: {error}") from None
    if not isinstance(message, dict):
        raise MalformedReport("expected a JSON object")
    if message.get("protocol") != PROTOCOL:
        raise MalformedReport(f"expected protocol {PROTOCOL}, got {str(message.get('protocol'))[:20]!r}")
    rows = []
    http: list[HttpInterval] = []
    for sample in _objects(message, "samples"):
        routes = sample.pop("http", None)
        row = _numbers(sample, "samples")
        if "at_ms" not in row:
            raise MalformedReport("samples: expected at_ms in every row")
        rows.append(row)
        if routes is not None:
            http.extend(_http(routes, row["at_ms"]))
    return AgentReport(
        service=_text(message, "service"),
        release=_text(message, "release"),
        pid=_integer(message, "pid", _MAX_PID),
        node=_text(message, "node"),
        role=_text(message, "role") or "main",
        sequence=_integer(message, "sequence", _MAX_SEQUENCE),
        rows=tuple(rows),
        events=tuple(_objects(message, "events")),
        counters=_numbers(message.get("counters") or {}, "counters"),
        http=tuple(http),
        host=_text(message, "host"),
        ppid=_integer(message, "ppid", _MAX_PID),
        thread=_integer(message, "thread", _MAX_THREAD),
        agent=_text(message, "agent"),
        started_ms=_time(message, "started_ms"),
    )


def _text(message: dict[str, Any], key: str) -> str:
    value = message.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MalformedReport(f"{key}: expected text, got {type(value).__name__}")
    # Databases refuse NUL, terminals obey escapes; nobody's service has either in its name.
    return value[:_MAX_TEXT] if value.isprintable() else "".join(filter(str.isprintable, value))[:_MAX_TEXT]


def _integer(message: dict[str, Any], key: str, most: int) -> int:
    value = message.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise MalformedReport(f"{key}: expected a whole number from 0 to {most}")
    return value


def _time(message: dict[str, Any], key: str) -> float:
    value = message.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MAX_COUNT:
        raise MalformedReport(f"{key}: expected milliseconds since 1970")
    return float(value)


def _objects(message: dict[str, Any], key: str) -> list[dict[str, Any]]:
    rows = message.get(key)
    if rows is None:
        return []
    if not isinstance(rows, list) or len(rows) > _MAX_ROWS:
        raise MalformedReport(f"{key}: expected a list of at most {_MAX_ROWS}")
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise MalformedReport(f"{key}[{number}]: expected an object, got {type(row).__name__}")
    return rows


def _numbers(row: Any, where: str) -> dict[str, float]:
    """Return the finite numbers in a row; what a newer agent adds in other types is left out."""
    if not isinstance(row, dict):
        raise MalformedReport(f"{where}: expected an object, got {type(row).__name__}")
    if len(row) > _MAX_METRICS:
        raise MalformedReport(f"{where}: expected at most {_MAX_METRICS} measurements, got {len(row)}")
    # `orjson` gives exactly int and float, and neither NaN nor infinity.
    return {
        name: float(value)
        for name, value in row.items()
        if (type(value) is int or type(value) is float)
        and (name in _known_keys or _is_key(name))
        and -_MAX_COUNT <= value <= _MAX_COUNT
    }


def _is_key(name: str) -> bool:
    if not _KEY.fullmatch(name):
        return False
    if len(_known_keys) < _MAX_KNOWN_KEYS:
        _known_keys.add(name)
    return True


def _http(routes: Any, at_ms: float) -> list[HttpInterval]:
    if not isinstance(routes, list) or len(routes) > _MAX_ROUTES:
        raise MalformedReport(f"http: expected a list of at most {_MAX_ROUTES}")
    found = []
    for entry in routes:
        if not isinstance(entry, dict):
            raise MalformedReport(f"http: expected an object, got {type(entry).__name__}")
        statuses = entry.get("statuses") or {}
        if not isinstance(statuses, dict) or not _STATUSES.issuperset(statuses) or not _counts(statuses):
            raise MalformedReport("http: expected statuses such as 2xx with whole numbers")
        count = _integer(entry, "count", _MAX_SEQUENCE)
        found.append(HttpInterval(at_ms, _text(entry, "route"), count, statuses, _buckets(entry)))
    return found


def _buckets(entry: dict[str, Any]) -> dict[int, int]:
    pairs = entry.get("buckets") or []
    try:
        # Texts of two letters would pass for pairs, but not for whole numbers.
        buckets = dict(pairs) if isinstance(pairs, list) else None
    except (TypeError, ValueError):
        buckets = None
    if (
        buckets is None
        or len(buckets) != len(pairs)
        or not _WHOLE.issuperset(map(type, buckets))
        or not _counts(buckets)
        or (buckets and not 0 <= min(buckets) <= max(buckets) <= _MAX_BUCKET)
    ):
        raise MalformedReport(f"http: expected buckets as pairs of a number up to {_MAX_BUCKET} and a count")
    return buckets


def _counts(counts: dict[Any, Any]) -> bool:
    """Whether all values are whole numbers that can be counts."""
    values = counts.values()
    return not values or (
        _WHOLE.issuperset(map(type, values)) and 0 <= min(values) <= max(values) <= _MAX_SEQUENCE
    )
