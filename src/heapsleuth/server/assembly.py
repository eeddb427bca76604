"""Puts the collector together from its settings: store, vault, hub, commands, watching, alerts."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heapsleuth.server.alerts.dispatch import Dispatcher
from heapsleuth.server.commands import AgentCommands
from heapsleuth.server.context import Context, now_ms
from heapsleuth.server.hub import EventHub
from heapsleuth.server.opening import open_configured_store
from heapsleuth.server.watching import Watcher
from heapsleuth.store.remote_write import RemoteWrite
from heapsleuth.store.vault.opening import open_vault
from heapsleuth.store.vault.retention import Retention, sweep

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from heapsleuth.server.config import ServerConfig
    from heapsleuth.store.model import Batch

__all__ = ["Assembly", "assemble"]

_log = logging.getLogger("heapsleuth.server")
_SWEEP_S = 3600.0


@dataclass(frozen=True)
class Assembly:
    """
    The parts of a collector, and what runs beside its routes.

    Attributes:
        tasks: Each runs from start to stop, and is begun again when it fails.
        takers: Each is given what was committed, and only queues it.
    """

    context: Context
    tasks: tuple[Callable[[Context], Awaitable[None]], ...]
    takers: tuple[Callable[[Sequence[Batch]], None], ...]
    remote_write: RemoteWrite | None = None

    def close(self) -> None:
        """Forward what is left, for a moment, and let go of the database."""
        if self.remote_write is not None:
            self.remote_write.close()
        self.context.store.close()


def assemble(config: ServerConfig) -> Assembly:
    """
    Return a collector's parts.

    Raises:
        StoreError: The database cannot be opened.
        VaultError: The vault cannot be opened.
        UsageError: A receiver of alerts is not understood, or an extra is not installed.
    """
    vault = open_vault(config.snapshots.vault or str(config.data / "vault"))
    store = open_configured_store(config)
    try:
        hub = EventHub()
        alerts = Dispatcher(config.alerts, store, now_ms)
        watching = Watcher(config, store, hub, now_ms, alerts)
        forward = (
            RemoteWrite(config.remote_write, token=config.remote_write_token) if config.remote_write else None
        )
    except BaseException:
        store.close()
        raise
    context = Context(config, store, vault, hub, AgentCommands(), watching)

    async def send_alerts(_context: Context) -> None:
        await alerts.run()

    takers = (watching.take,) if forward is None else (watching.take, forward.offer)
    return Assembly(context, (send_alerts, _sweep_vault), takers, forward)


async def _sweep_vault(context: Context) -> None:
    """Remove the snapshots that are kept no longer."""
    kept = context.config.snapshots
    rules = Retention(kept.keep_count, kept.keep_days, kept.keep_bytes)
    while True:
        removed = await sweep(context.store, context.vault, rules, context.clock())
        if removed:
            _log.info("%d snapshots are kept no longer", len(removed))
        await asyncio.sleep(_SWEEP_S)
