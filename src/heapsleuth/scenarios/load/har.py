"""Reads a HAR 1.2 archive, as browsers and proxies save it, into a plan that replays it."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import orjson

from heapsleuth.errors import UsageError
from heapsleuth.scenarios.load.replay import Recorded, parse_time, plan_of

if TYPE_CHECKING:
    from heapsleuth.scenarios.load.plan import LoadPlan

__all__ = ["plan_from_har"]

_MAX_BYTES = 512 * 10**6


def plan_from_har(
    path: str | Path,
    *,
    base_url: str | None = None,
    hosts: tuple[str, ...] | None = None,
    pace: float | None = 1.0,
    connections: int = 10,
    **settings: Any,
) -> LoadPlan:
    """
    Return a plan that sends the requests of a HAR file in the order of their starts.

    Args:
        path: The file.
        base_url: Server that all requests go to instead of the recorded ones, such as
            `http://127.0.0.1:3000`; its path is put before theirs.
        hosts: Only requests to these hosts (`api.example.com`); None for all.
        pace: 1 for the recorded pace, 2 for twice as fast, None for as fast as the connections allow.
        connections: Connections kept open; 1 also keeps answers in order.
        settings: Further fields of `LoadPlan`.

    Raises:
        UsageError: No HAR file, no request left, or requests to several hosts without a base URL.
    """
    name = str(path)
    entries = _entries(Path(path), name)
    recorded: list[Recorded] = []
    skipped = 0
    for number, entry in enumerate(entries):
        try:
            request = entry["request"]
            url, method = str(request["url"]), str(request["method"])
            at_s = parse_time(entry["startedDateTime"])
        except (KeyError, TypeError, ValueError) as error:
            raise UsageError(f"{name}: expected url, method and startedDateTime in entry {number}") from error
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or (hosts is not None and parts.hostname not in hosts):
            skipped += 1
            continue
        recorded.append(Recorded(at_s, method, url, _headers(request), _body(request, name, number)))
    notes = [f"{skipped:,} of {len(entries):,} requests left out: other hosts or no http"] if skipped else []
    return plan_of(
        recorded, name, base_url=base_url, pace=pace, connections=connections, notes=notes, **settings
    )


def _entries(path: Path, name: str) -> list[Any]:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise UsageError(f"{name}: expected a HAR file of at most 512 MB")
        document = orjson.loads(path.read_bytes())
        entries = document["log"]["entries"]
    except OSError as error:
        raise UsageError(f"{name}: expected a HAR file, cannot read it: {error.strerror}") from error
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise UsageError(
            f"{name}: expected a HAR file (JSON with log.entries), got something else"
        ) from error
    if not isinstance(entries, list):
        raise UsageError(f"{name}: expected a list in log.entries")
    return entries


def _headers(request: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    listed = request.get("headers") or []
    pairs = [(str(header.get("name", "")), str(header.get("value", ""))) for header in listed]
    return tuple(pairs)


def _body(request: dict[str, Any], name: str, number: int) -> bytes:
    data = request.get("postData") or {}
    text = data.get("text")
    if not text and data.get("params"):
        pairs = [(str(param.get("name", "")), str(param.get("value", ""))) for param in data["params"]]
        return urlencode(pairs).encode()
    if data.get("encoding") == "base64":
        try:
            return base64.b64decode(text or "", validate=True)
        except (binascii.Error, ValueError) as error:
            raise UsageError(f"{name}: expected base64 in the body of entry {number}") from error
    return str(text or "").encode()
