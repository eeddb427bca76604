"""What agents send, protocol version 1: checked and brought into values before anything else sees it.

`agents/protocol/` has golden messages that both sides are tested against.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import orjson

__all__ = [
    "INSTANCE_NAME",
    "MAX_BODY_BYTES",
    "PROTOCOL",
    "AgentReport",
    "MalformedReport",
    "Sample",
    "parse_report",
]

PROTOCOL = 1
"""Version of the messages.  1: samples, events, counters; commands in the reply or by long poll."""

MAX_BODY_BYTES = 4 * 1024 * 1024
_MAX_ROWS = 2000
_MAX_METRICS = 200
_MAX_TEXT = 500
_MAX_COUNT = 2.0**53
_MAX_PID = 2**31 - 1
_MAX_SEQUENCE = 2**53

INSTANCE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}")
"""What an instance may be called; it ends up in file names and on terminals."""
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,99}")


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


@dataclass(frozen=True)
class AgentReport:
    """One `POST …/samples`, checked; texts are cut, numbers finite, counts bounded."""

    service: str
    release: str
    pid: int
    node: str
    role: str
    sequence: int
    samples: tuple[Sample, ...]
    events: tuple[dict[str, Any], ...]
    counters: dict[str, float]


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
    return AgentReport(
        service=_text(message, "service"),
        release=_text(message, "release"),
        pid=_integer(message, "pid", _MAX_PID),
        node=_text(message, "node"),
        role=_text(message, "role") or "main",
        sequence=_integer(message, "sequence", _MAX_SEQUENCE),
        samples=tuple(_sample(row) for row in _rows(message, "samples")),
        events=tuple(_rows(message, "events")),
        counters=_numbers(message.get("counters") or {}, "counters"),
    )


def _text(message: dict[str, Any], key: str) -> str:
    value = message.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MalformedReport(f"{key}: expected text, got {type(value).__name__}")
    return value[:_MAX_TEXT]


def _integer(message: dict[str, Any], key: str, most: int) -> int:
    value = message.get(key, 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise MalformedReport(f"{key}: expected a whole number from 0 to {most}")
    return value


def _rows(message: dict[str, Any], key: str) -> list[dict[str, Any]]:
    rows = message.get(key)
    if rows is None:
        return []
    if not isinstance(rows, list) or len(rows) > _MAX_ROWS:
        raise MalformedReport(f"{key}: expected a list of at most {_MAX_ROWS}")
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise MalformedReport(f"{key}[{number}]: expected an object, got {type(row).__name__}")
    return rows


def _sample(row: dict[str, Any]) -> Sample:
    numbers = _numbers(row, "samples")
    if "at_ms" not in numbers:
        raise MalformedReport("samples: expected at_ms in every row")
    return Sample(numbers.pop("at_ms"), numbers)


def _numbers(row: Any, where: str) -> dict[str, float]:
    """Return the finite numbers in a row; what a newer agent adds in other types is left out."""
    if not isinstance(row, dict):
        raise MalformedReport(f"{where}: expected an object, got {type(row).__name__}")
    if len(row) > _MAX_METRICS:
        raise MalformedReport(f"{where}: expected at most {_MAX_METRICS} measurements, got {len(row)}")
    kept = {}
    for name, value in row.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not _KEY.fullmatch(name):
            continue
        number = float(value)
        if math.isfinite(number) and abs(number) <= _MAX_COUNT:
            kept[name] = number
    return kept
