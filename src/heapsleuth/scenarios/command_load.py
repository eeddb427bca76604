"""What is sent to a command in each round: URLs, a replay, or a command of the user that makes the load."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urljoin, urlsplit, urlunsplit

from heapsleuth.errors import UsageError
from heapsleuth.scenarios.load.plan import LoadPlan, Target

__all__ = ["CommandLoad"]


@dataclass(frozen=True)
class CommandLoad:
    """
    The load of one round.

    Attributes:
        urls: Addresses, or paths such as `/order?id=1` of a server whose port is found out.
        weights: How often each URL is sent compared with the others; empty for alike.
        method: Method of all requests.
        headers: Their names and values.
        body: Their body.
        requests: Responses per round.
        warm_up_requests: Responses before the first round; None for as many as in a round.
        connections: Kept open at once.
        rate: Requests per second; None for as fast as the connections allow.
        timeout_s: After which a response is given up.
        replay: Requests of a log, sent in their order instead of the URLs; its server is replaced by
            the one that was started if none of `urls` is an address.
        command: A command line that makes the load of one round; it finds the address in the variable
            HEAPSLEUTH_URL.
    """

    urls: tuple[str, ...] = ("/",)
    weights: tuple[float, ...] = ()
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    requests: int = 1000
    warm_up_requests: int | None = None
    connections: int = 10
    rate: float | None = None
    timeout_s: float = 10.0
    replay: LoadPlan | None = None
    command: str | None = None

    def __post_init__(self) -> None:
        if self.weights and len(self.weights) != len(self.urls):
            raise UsageError(f"expected {len(self.urls)} weights, one per URL, got {len(self.weights)}")
        for url in self.urls:
            if not url.startswith(("/", "http://", "https://")):
                raise UsageError(f"expected a URL such as http://127.0.0.1:3000/ or a path, got {url!r}")

    @property
    def origin(self) -> str | None:
        """`http://host:port` of the first URL that is an address; None if the port is to be found out."""
        for url in self.urls:
            if not url.startswith("/"):
                return str(Target(url).origin)
        return None

    @property
    def probe_path(self) -> str:
        """A path that may be asked for to see whether the server answers."""
        if self.method != "GET" or self.replay is not None:
            return "/"
        return Target(urljoin("http://x", self.urls[0])).path

    def plan(self, base: str, requests: int) -> LoadPlan:
        """
        Return the load as a plan.

        Args:
            base: `http://host:port` of the server.
            requests: How many responses.
        """
        if self.replay is not None:
            targets = tuple(
                replace(target, url=_moved(target.url, base)) if self.origin is None else target
                for target in self.replay.targets
            )
            return replace(self.replay, targets=targets, requests=requests, duration_s=None)
        weights = self.weights or (1.0,) * len(self.urls)
        targets = tuple(
            Target(urljoin(base, url), self.method, self.headers, self.body, weight)
            for url, weight in zip(self.urls, weights, strict=True)
        )
        return LoadPlan(
            targets,
            connections=min(self.connections, requests),
            requests=requests,
            rate=self.rate,
            timeout_s=self.timeout_s,
        )


def _moved(url: str, base: str) -> str:
    there, here = urlsplit(base), urlsplit(url)
    return urlunsplit((there.scheme, there.netloc, here.path, here.query, ""))
