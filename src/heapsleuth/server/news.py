"""Tells open pages that samples have come: at most every two seconds, and only who listens."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapsleuth.server.context import Context, Hub
    from heapsleuth.store.model import Batch

__all__ = ["News"]

_PAUSE_S = 2.0


class News:
    """Collects which services have news between two announcements."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._services: set[str] = set()

    def take(self, batches: Sequence[Batch]) -> None:
        """Note whose samples have come."""
        self._services.update([batch.instance.service for batch in batches])

    async def run(self, _context: Context) -> None:
        """Announce, until cancelled."""
        while True:
            await asyncio.sleep(_PAUSE_S)
            services, self._services = self._services, set()
            for service in services:
                self._hub.publish(f"service:{service}", {"type": "samples", "service": service})
            if services:
                self._hub.publish("fleet", {"type": "samples"})
