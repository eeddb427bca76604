"""What all recordings become: requests in order with their times, made into a plan."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from heapsleuth.errors import UsageError
from heapsleuth.scenarios.load.plan import LoadPlan, Target, can_be_sent

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MAX_REQUESTS", "Recorded", "parse_time", "plan_of"]

# Bounds memory: a request unlike all others takes about a kilobyte.
MAX_REQUESTS = 200_000
# Epoch times above this are milliseconds: in seconds it would be the year 5138.
_MILLISECONDS_FROM = 1e11


class Recorded(NamedTuple):
    """One request of a recording; `at_s` are seconds since 1970, None when the recording has no times."""

    at_s: float | None
    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


def parse_time(value: object) -> float:
    """
    Return seconds since 1970 of an ISO 8601 text or an epoch number in seconds or milliseconds.

    Raises:
        ValueError: Something else.
    """
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            moment = datetime.fromisoformat(value)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        number = float(value)
    else:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"expected a time, got {value!r}")
    return number / 1000 if abs(number) > _MILLISECONDS_FROM else number


def plan_of(
    recorded: Sequence[Recorded],
    name: str,
    *,
    base_url: str | None,
    pace: float | None,
    connections: int,
    notes: Sequence[str] = (),
    **settings: Any,
) -> LoadPlan:
    """
    Return the plan that replays a recording in the order of its times.

    Raises:
        UsageError: Nothing to replay, or values a plan refuses.
    """
    if not recorded:
        raise UsageError(f"{name}: expected requests to replay, found none")
    if pace is not None and not (math.isfinite(pace) and pace > 0):
        raise UsageError(f"expected a pace above 0, such as 2 for twice as fast, got {pace}")
    timed = all(one.at_s is not None for one in recorded)
    # Servers log a request when it ends; sorting is stable, so equal times keep the order of the file.
    ordered = sorted(recorded, key=lambda one: one.at_s or 0.0) if timed else list(recorded)
    indices: dict[Target, int] = {}
    sequence = []
    for one in ordered:
        target = Target(_mapped(one.url, base_url), one.method, _headers(one.headers, base_url), one.body)
        sequence.append(indices.setdefault(target, len(indices)))
    offsets_s = None
    all_notes = list(notes)
    if pace is not None and not timed:
        all_notes.append("replayed as fast as the connections allow: the recording has no times")
    elif pace is not None:
        times = _spread([one.at_s or 0.0 for one in ordered])
        offsets_s = tuple((time - times[0]) / pace for time in times)
    return LoadPlan(
        targets=tuple(indices),
        connections=connections,
        sequence=tuple(sequence),
        offsets_s=offsets_s,
        notes=tuple(all_notes),
        **settings,
    )


def _mapped(url: str, base_url: str | None) -> str:
    if base_url is None:
        return url
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return base_url.rstrip("/") + path


def _headers(headers: tuple[tuple[str, str], ...], base_url: str | None) -> tuple[tuple[str, str], ...]:
    """Return what can be sent: HTTP/2's `:path` cannot, and the old host must not."""
    return tuple(
        (name, value)
        for name, value in headers
        if can_be_sent(name, value) and not (base_url is not None and name.lower() == "host")
    )


def _spread(times: list[float]) -> list[float]:
    """Spread the requests of each second over it when a log has whole seconds only."""
    if any(time % 1 for time in times):
        return times
    spread: list[float] = []
    begin = 0
    for position in range(1, len(times) + 1):
        if position == len(times) or times[position] != times[begin]:
            count = position - begin
            spread += [times[begin] + k / count for k in range(count)]
            begin = position
    return spread
