"""
Forwarding samples by Prometheus remote write 1.0, so that they are in the time series database a team has.

`heap_used_bytes` becomes `heapsleuth_heap_used_bytes{instance, release, service}`.  The message is written
by hand: four kinds of fields of protobuf, and no dependency.  What the other side cannot take in time is
dropped, the oldest first, and counted; the collector itself never waits for it.
"""

from __future__ import annotations

import logging
import math
import random
import re
import threading
from collections import Counter, deque
from functools import lru_cache
from struct import Struct
from typing import TYPE_CHECKING

import httpx

from heapsleuth.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from heapsleuth.store.model import Batch, Instance, Row

    _Message = tuple[Instance, Sequence[Row]]

__all__ = ["RemoteWrite", "write_request"]

_log = logging.getLogger(__name__)

PREFIX = "heapsleuth_"

# Messages kept while the other side does not answer; about 200 MB at 45 metrics and one sample each.
MAX_QUEUED = 50_000

# Messages in one request: some 10,000 values, as Prometheus itself sends at most.
MAX_IN_REQUEST = 200

FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 60.0
TIMEOUT_S = 30.0

# Tries of one request; after an outage of an hour its samples are too old for most receivers.
MAX_TRIES = 60

# In protobuf's numbers, 7 bits a byte, the bit that says that another byte follows.
_MORE = 0x80

_DOUBLE = Struct("<d").pack
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_:]")


class RemoteWrite:
    """
    Sends messages of agents to one address from a thread of its own.

    Args:
        url: Where `POST`s go (`http://prometheus:9090/api/v1/write`).
        token: Sent as bearer token; none when empty.
        max_queued: Messages that are kept while the other side does not answer.
        first_wait_s: Time before the second try; it doubles up to a minute.

    Raises:
        UsageError: The extra `remote-write` is not installed, or the URL is none.
    """

    def __init__(
        self, url: str, *, token: str = "", max_queued: int = MAX_QUEUED, first_wait_s: float = FIRST_WAIT_S
    ) -> None:
        try:
            from cramjam import snappy  # noqa: PLC0415  (an extra that few need)
        except ImportError as error:
            raise UsageError(
                "remote write needs snappy. Install it with: pip install 'heapsleuth[remote-write]'"
            ) from error
        if not url.startswith(("http://", "https://")):
            raise UsageError(
                f"remote write: expected a URL such as http://prometheus:9090/api/v1/write, got {url}"
            )
        self._compress = snappy.compress_raw
        self._url = url
        self._first_wait_s = first_wait_s
        self._max_queued = max_queued
        self._queue: deque[_Message] = deque()
        self._wake = threading.Condition()
        self._closing = False
        self._sending = False
        self.counts: Counter[str] = Counter(sent=0, dropped=0, refused=0, retries=0)
        headers = {
            "Content-Type": "application/x-protobuf",
            "Content-Encoding": "snappy",
            "X-Prometheus-Remote-Write-Version": "0.1.0",
            "User-Agent": "heapsleuth",
        }
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._client = httpx.Client(headers=headers, timeout=TIMEOUT_S)
        self._thread = threading.Thread(target=self._run, name="remote-write", daemon=True)
        self._thread.start()

    def offer(self, batches: Iterable[Batch]) -> None:
        """Take messages to be sent; returns at once."""
        with self._wake:
            self._queue.extend((batch.instance, batch.samples) for batch in batches if batch.samples)
            while len(self._queue) > self._max_queued:
                self.counts["dropped"] += len(self._queue.popleft()[1])
            self._wake.notify_all()

    def drain(self, timeout_s: float) -> bool:
        """Wait until everything taken so far is sent or given up; False when it took too long."""
        with self._wake:
            return self._wake.wait_for(lambda: not self._queue and not self._sending, timeout_s)

    def close(self, timeout_s: float = 5.0) -> None:
        """Send what is left, for a while, and end."""
        self.drain(timeout_s)
        with self._wake:
            self._closing = True
            self._wake.notify_all()
        self._thread.join(TIMEOUT_S)
        self._client.close()

    def _run(self) -> None:
        while messages := self._next():
            samples = sum(len(rows) for _, rows in messages)
            try:
                self._send(bytes(self._compress(write_request(messages))), samples)
            except Exception:  # noqa: BLE001  (whatever it is, the thread must live for the next message)
                _log.exception("remote write: a message could not be sent")
                self.counts["dropped"] += samples
            with self._wake:
                self._sending = False
                self._wake.notify_all()

    def _next(self) -> list[_Message]:
        """Wait for messages; none when it is time to end."""
        with self._wake:
            self._wake.wait_for(lambda: self._queue or self._closing)
            if self._closing:
                self.counts["dropped"] += sum(len(rows) for _, rows in self._queue)
                return []
            self._sending = True
            return [self._queue.popleft() for _ in range(min(MAX_IN_REQUEST, len(self._queue)))]

    def _send(self, body: bytes, samples: int) -> None:
        wait_s = self._first_wait_s
        for _ in range(MAX_TRIES):
            try:
                response = self._client.post(self._url, content=body)
            except httpx.HTTPError as error:
                problem, after_s = f"{type(error).__name__}: {error}", 0.0
            else:
                if response.is_success:
                    self.counts["sent"] += samples
                    return
                problem = f"{response.status_code} {response.text[:200].strip()}"
                if response.is_client_error and response.status_code != httpx.codes.TOO_MANY_REQUESTS:
                    # The same again would be refused again.
                    _log.warning("remote write to %s: %d samples refused: %s", self._url, samples, problem)
                    self.counts["refused"] += samples
                    return
                after_s = _retry_after(response)
            self.counts["retries"] += 1
            _log.info("remote write to %s: trying again: %s", self._url, problem)
            if self._pause(max(after_s, wait_s * random.uniform(0.8, 1.2))):  # noqa: S311  (jitter, no secret)
                break
            wait_s = min(2 * wait_s, LONGEST_WAIT_S)
        self.counts["dropped"] += samples

    def _pause(self, seconds: float) -> bool:
        """Wait; True when it is time to end."""
        with self._wake:
            return self._wake.wait_for(lambda: self._closing, seconds)


def _retry_after(response: httpx.Response) -> float:
    try:
        return min(float(response.headers.get("Retry-After", "0")), LONGEST_WAIT_S)
    except ValueError:
        return 0.0


def write_request(messages: Sequence[_Message]) -> bytes:
    """Return a `WriteRequest`: one series for each metric of each instance, its samples in order of time."""
    by_instance: dict[str, list[_Message]] = {}
    for message in messages:
        by_instance.setdefault(message[0].name, []).append(message)
    request: list[bytes] = []
    for found in by_instance.values():
        who = found[-1][0]
        labels = b"".join(
            _label(name, value)
            for name, value in (("instance", who.name), ("release", who.release), ("service", who.service))
            # An empty label is no label.
            if value
        )
        rows = sorted((row for _, samples in found for row in samples), key=lambda row: row.get("at_ms", 0.0))
        for name, samples in _samples(rows).items():
            series = _name_label(name) + labels + samples
            request.append(b"\x0a" + _varint(len(series)) + series)
    return b"".join(request)


def _samples(rows: Sequence[Mapping[str, float]]) -> dict[str, bytes]:
    """Return the packed samples of each metric."""
    found: dict[str, list[bytes]] = {}
    for row in rows:
        if "at_ms" not in row:
            continue
        at = b"\x10" + _varint(int(row["at_ms"]))
        head = b"\x12" + _varint(9 + len(at)) + b"\x09"
        for name, value in row.items():
            if name != "at_ms" and math.isfinite(value):
                found.setdefault(name, []).append(head + _DOUBLE(value) + at)
    return {name: b"".join(parts) for name, parts in found.items()}


@lru_cache(maxsize=4096)
def _name_label(metric: str) -> bytes:
    # Labels must be in order, and `__name__` comes before all letters.
    return _label("__name__", PREFIX + _NOT_IN_NAMES.sub("_", metric))


def _label(name: str, value: str) -> bytes:
    field = _text(1, name) + _text(2, value)
    return b"\x0a" + _varint(len(field)) + field


def _text(number: int, value: str) -> bytes:
    data = value.encode()
    return bytes([number << 3 | 2]) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    data = bytearray()
    while value >= _MORE:
        data.append(value & _MORE - 1 | _MORE)
        value >>= 7
    data.append(value)
    return bytes(data)
