"""Fetches metrics of programs without our agent, from endpoints in Prometheus' text format.

Such a process has no floor after collections; what is used at the first scrape after a major one stands in
for it. It lies above the floor by what was allocated since, at most one interval's worth.
"""

from __future__ import annotations

import asyncio
import logging
import random
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from heapsleuth._version import __version__
from heapsleuth.server.ingest import Overloaded
from heapsleuth.server.scrape_names import translate
from heapsleuth.server.scrape_text import MalformedExposition, parse_exposition
from heapsleuth.store.model import Batch, Instance

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from heapsleuth.server.config import ScrapeTarget
    from heapsleuth.server.context import Context
    from heapsleuth.server.counts import Counts
    from heapsleuth.server.ingest import Ingest
    from heapsleuth.server.scrape_names import Scraped

__all__ = ["Scraper", "Target"]

_log = logging.getLogger("heapsleuth.scrape")
_TIMEOUT_S = 10.0
_MAX_BYTES = 16 * 1024 * 1024
_SAME_START_MS = 2000.0
"""prom-client rounds the start to seconds; two scrapes of one process may differ by one."""
_UNNAMED = re.compile(r"[^A-Za-z0-9._-]+")
_COUNTERS = ("cpu_user_ms", "gc_count", "requests_total")
_ACCEPT = "text/plain;version=0.0.4, */*;q=0.1"


class ScrapeFailed(Exception):
    """Nothing usable came; the text says why, without the token."""


class Target:
    """One endpoint, and what is known of the process behind it."""

    def __init__(self, config: ScrapeTarget) -> None:
        self.config = config
        url = urlsplit(config.url)
        self.host = url.netloc.rpartition("@")[2]
        self._slug = _UNNAMED.sub("-", f"{self.host}{url.path.removesuffix('/metrics')}").strip("-.")[:80]
        self._started_ms = 0.0
        self._first_ms = 0.0
        self._last: dict[str, float] = {}
        self._floor: float | None = None
        self.problem = ""

    def batch(self, scraped: Scraped, now_ms: float) -> Batch:
        """
        Return a scrape as the store takes it.

        Raises:
            ScrapeFailed: It says nothing about a Node.js process.
        """
        row = dict(scraped.row)
        if "heap_used_bytes" not in row and "rss_bytes" not in row:
            raise ScrapeFailed("expected metrics of prom-client or OpenTelemetry, found neither")
        self._follow(scraped, row, now_ms)
        row.setdefault("uptime_ms", max(now_ms - self._started_ms, 0.0))
        self._stand_in(row)
        self._last = row
        return Batch(
            Instance(
                name=f"{self._slug or 'endpoint'}@{int(self._started_ms / 1000)}",
                service=self.config.service,
                release=self.config.release,
                host=self.host,
                node=scraped.node,
                source="scrape",
                started_ms=self._started_ms,
                first_seen_ms=self._first_ms,
                last_seen_ms=now_ms,
            ),
            0,
            now_ms,
            ({**row, "at_ms": now_ms},),
        )

    def _follow(self, scraped: Scraped, row: dict[str, float], now_ms: float) -> None:
        """Notice a new process: by its start, or by totals that fell."""
        said_ms = scraped.started_ms
        if said_ms is None and "uptime_ms" in row:
            said_ms = now_ms - row["uptime_ms"]
        if said_ms is not None:
            anew = abs(said_ms - self._started_ms) > _SAME_START_MS
        else:
            anew = not self._last or any(
                name in row and row[name] < self._last.get(name, 0.0) for name in _COUNTERS
            )
            said_ms = now_ms
        if anew:
            self._started_ms = said_ms
            self._first_ms = now_ms
            self._last = {}
            self._floor = None

    def _stand_in(self, row: dict[str, float]) -> None:
        used = row.get("heap_used_bytes")
        majors = row.get("gc_major_count")
        if used is None or majors is None:
            return
        if majors > self._last.get("gc_major_count", majors):
            self._floor = used
        elif self._floor is not None:
            self._floor = min(self._floor, used)
        if self._floor is not None:
            row["floor_bytes"] = self._floor


class Scraper:
    """Scrapes every target at its interval, each by itself."""

    def __init__(
        self, targets: Sequence[ScrapeTarget], ingest: Ingest, counts: Counts, clock: Callable[[], float]
    ) -> None:
        self._targets = [Target(target) for target in targets]
        self._ingest = ingest
        self._counts = counts
        self._clock = clock

    async def run(self, _context: Context) -> None:
        """Scrape until cancelled."""
        if not self._targets:
            return
        # No redirects: they would carry the token to where nobody meant it to go.
        async with httpx.AsyncClient(timeout=_TIMEOUT_S, follow_redirects=False) as client:
            await asyncio.gather(*(self._follow(client, target) for target in self._targets))

    async def _follow(self, client: httpx.AsyncClient, target: Target) -> None:
        # Spread, so that a hundred targets are not asked in one moment.
        await asyncio.sleep(random.random() * min(target.config.interval_s, 5.0))  # noqa: S311 - no secret
        loop = asyncio.get_running_loop()
        while True:
            began_s = loop.time()
            try:
                await self.once(client, target)
            except (ScrapeFailed, Overloaded) as error:
                self._counts.scrape_failures += 1
                if str(error) != target.problem:
                    _log.warning("%s: %s", target.host, error)
                target.problem = str(error)
            else:
                self._counts.scrapes += 1
                if target.problem:
                    _log.info("%s: scraped again", target.host)
                target.problem = ""
            await asyncio.sleep(max(target.config.interval_s - (loop.time() - began_s), 0.1))

    async def once(self, client: httpx.AsyncClient, target: Target) -> None:
        """
        Scrape a target and commit what it says.

        Raises:
            ScrapeFailed: Nothing usable came.
            Overloaded: The database does not keep up.
        """
        headers = {"Accept": _ACCEPT, "User-Agent": f"heapsleuth/{__version__}"}
        if target.config.token:
            headers["Authorization"] = f"Bearer {target.config.token}"
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                text = await _fetch(client, target.config.url, headers)
            scraped = await asyncio.to_thread(lambda: translate(parse_exposition(text)))
        except TimeoutError:
            raise ScrapeFailed(f"no answer within {_TIMEOUT_S:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ScrapeFailed(str(error) or type(error).__name__) from None
        except MalformedExposition as error:
            raise ScrapeFailed(str(error)) from None
        await self._ingest.submit(target.batch(scraped, self._clock()))


async def _fetch(client: httpx.AsyncClient, url: str, headers: dict[str, str]) -> str:
    async with client.stream("GET", url, headers=headers) as response:
        if response.status_code != httpx.codes.OK:
            raise ScrapeFailed(f"it answered {response.status_code}")
        chunks = []
        length = 0
        async for chunk in response.aiter_bytes():
            length += len(chunk)
            if length > _MAX_BYTES:
                raise ScrapeFailed(f"expected at most {_MAX_BYTES} bytes")
            chunks.append(chunk)
    return b"".join(chunks).decode("utf-8", "replace")
