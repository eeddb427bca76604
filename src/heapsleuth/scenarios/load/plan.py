"""What a load run sends: targets, how many, how fast, for how long.  Values only; the engine runs them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from heapsleuth.errors import UsageError

__all__ = ["LoadPlan", "Origin", "Target", "can_be_sent"]

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_NOT_IN_A_URL = re.compile(r"[\x00-\x20\x7f]")
_NOT_IN_A_HEADER = re.compile(r"[\x00\r\n]")
_DEFAULT_PORTS = {"http": 80, "https": 443}
# A run by count whose server crawls must end by itself.
_DEFAULT_CAP_S = 600.0


@dataclass(frozen=True)
class Origin:
    """The server a run talks to."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """What the `Host` header says; the scheme's own port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        """Return scheme, host and port as a URL has them."""
        return f"{self.scheme}://{self.authority}"


@dataclass(frozen=True)
class Target:
    """
    One request that is sent over and over.

    Args:
        url: An absolute http or https URL; a fragment is dropped.
        method: The method, sent as given.
        headers: Names and values, beside `Host`, `Content-Length` and `Accept`, which are added.
        body: The body; sent with `Content-Length` when it is not empty.
        weight: How often it is sent compared with the other targets of the plan.

    Raises:
        UsageError: A part that HTTP/1.1 cannot carry.
    """

    url: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not _TOKEN.fullmatch(self.method):
            raise UsageError(f"expected an HTTP method such as GET, got {self.method!r}")
        if not (math.isfinite(self.weight) and self.weight > 0):
            raise UsageError(f"expected a weight above 0 for {self.url}, got {self.weight}")
        for name, value in self.headers:
            if not can_be_sent(name, value):
                raise UsageError(f"expected a header of one line in Latin-1, got {name!r}: {value!r}")
        _ = self.origin

    @property
    def origin(self) -> Origin:
        """Scheme, host and port of the URL."""
        problem = f"expected a URL such as http://127.0.0.1:3000/path, got {self.url!r}"
        if _NOT_IN_A_URL.search(self.url):
            raise UsageError(f"{problem}; white space must be written as %20")
        try:
            parts = urlsplit(self.url)
            port = parts.port
        except ValueError as error:
            raise UsageError(f"{problem}: {error}") from error
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise UsageError(problem)
        return Origin(parts.scheme, parts.hostname, port or _DEFAULT_PORTS[parts.scheme])

    @property
    def path(self) -> str:
        """Path and query as they stand in the request line; other than ASCII is percent-encoded UTF-8."""
        parts = urlsplit(self.url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return "".join(c if c.isascii() else "".join(f"%{byte:02X}" for byte in c.encode()) for c in path)


def can_be_sent(name: str, value: str) -> bool:
    """Return whether HTTP/1.1 can carry a header."""
    is_latin1 = all(ord(c) < 256 for c in value)  # noqa: PLR2004 - the size of Latin-1
    return bool(_TOKEN.fullmatch(name)) and is_latin1 and not _NOT_IN_A_HEADER.search(value)


@dataclass(frozen=True)
class LoadPlan:
    """
    One load run against one server.

    Closed loop (no `rate`, no `offsets_s`): each connection sends the next request when it has the answer
    to the last.  Open loop: requests have intended starts, and latency counts from those, so that a server
    that stalls cannot hide it by being asked less (coordinated omission).

    Args:
        targets: What is sent, by weight; all on one server.
        connections: Connections kept open, and so the most requests under way at once.
        requests: Send until this many responses have come.  A request without response is replaced by
            another, at most once per request asked for; those of a `sequence` are not replaced.
        duration_s: Or send for so many seconds.  One of the two is needed, unless `sequence` is given.
        rate: Requests per second, over all connections; None for a closed loop.
        timeout_s: A response that is not complete after so many seconds is given up with its connection.
        warm_up_requests: Responses to be had first, which count nowhere.
        max_time_s: The run ends after so many seconds, whatever happens; None for `duration_s` plus
            `timeout_s`, or ten minutes when the run has no duration.
        sequence: Indices into `targets`, sent in this order instead of by weight, over and over when
            `requests` or `duration_s` asks for more.
        offsets_s: Intended start of each of `sequence`, in seconds, not falling; None for as fast as the
            connections allow.
        verify_tls: Whether certificates must be valid; None for "unless the host is this machine".
        ca_file: Certificates to trust beside the system's, in PEM.
        notes: What the reader of a log left out, in sentences.

    Raises:
        UsageError: Values that are wrong or contradict each other.
    """

    targets: tuple[Target, ...]
    connections: int = 10
    requests: int | None = None
    duration_s: float | None = None
    rate: float | None = None
    timeout_s: float = 10.0
    warm_up_requests: int = 0
    max_time_s: float | None = None
    sequence: tuple[int, ...] | None = None
    offsets_s: tuple[float, ...] | None = None
    verify_tls: bool | None = None
    ca_file: str | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.targets:
            raise UsageError("expected at least one URL to load, got none")
        origins = {target.origin for target in self.targets}
        if len(origins) > 1:
            names = ", ".join(sorted(str(origin) for origin in origins))
            raise UsageError(f"expected URLs of one server, got {names}; map them to one with a base URL")
        if self.requests is None and self.duration_s is None and self.sequence is None:
            raise UsageError("expected a number of requests or a duration, got neither")
        if self.requests is not None and self.duration_s is not None:
            raise UsageError("expected a number of requests or a duration, got both")
        for name in ("connections", "requests", "duration_s", "rate", "timeout_s", "max_time_s"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise UsageError(f"expected a value above 0 for {name}, got {value}")
        if self.warm_up_requests < 0:
            raise UsageError(f"expected 0 or more for warm_up_requests, got {self.warm_up_requests}")
        self._check_sequence()

    def _check_sequence(self) -> None:
        if self.sequence is None:
            if self.offsets_s is not None:
                raise UsageError("expected offsets_s together with a sequence, got them alone")
            return
        if not self.sequence:
            raise UsageError("expected at least one request to replay, got none")
        if min(self.sequence) < 0 or max(self.sequence) >= len(self.targets):
            raise UsageError(f"expected indices of {len(self.targets)} targets in sequence, got others")
        if self.offsets_s is None:
            return
        if self.rate is not None:
            raise UsageError("expected a rate or the pace of the log, got both")
        if len(self.offsets_s) != len(self.sequence):
            expected, got = len(self.sequence), len(self.offsets_s)
            raise UsageError(f"expected {expected} offsets, one for each request, got {got}")
        pairs = zip(self.offsets_s, self.offsets_s[1:], strict=False)
        if self.offsets_s[0] < 0 or any(later < earlier for earlier, later in pairs):
            raise UsageError("expected offsets from 0 on that do not fall, got others")

    @property
    def origin(self) -> Origin:
        """The server."""
        return self.targets[0].origin

    @property
    def wanted_requests(self) -> int | None:
        """How many requests the run is for; None when its duration decides."""
        if self.requests is None and self.duration_s is None and self.sequence is not None:
            return len(self.sequence)
        return self.requests

    @property
    def cap_s(self) -> float:
        """Seconds after which the run ends, whatever happens."""
        if self.max_time_s is not None:
            return self.max_time_s
        if self.duration_s is not None:
            return self.duration_s + self.timeout_s
        recorded = self.offsets_s[-1] if self.offsets_s else 0.0
        planned = (self.wanted_requests or 0) / self.rate if self.rate else 0.0
        return max(_DEFAULT_CAP_S, 2 * recorded, 2 * planned)
