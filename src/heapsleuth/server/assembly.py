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
from heapsleuth.server.watching import Watcher
from heapsleuth.store.opening import open_store
from heapsleuth.store.vault.opening import open_vault
from heapsleuth.store.vault.retention import Retention, sweep

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from heapsleuth.server.config import ServerConfig
    from heapsleuth.store.base import Store

__all__ = ["Assembly", "assemble", "open_configured_store"]

_log = logging.getLogger("heapsleuth.server")
_SWEEP_S = 3600.0


@dataclass(frozen=True)
class Assembly:
    """
    The parts of a collector, and what runs beside its routes.

    Attributes:
        tasks: Each runs from start to stop, and is begun again when it fails.
    """

    context: Context
    tasks: tuple[Callable[[Context], Awaitable[None]], ...]

    def close(self) -> None:
        """Let go of the database."""
        self.context.store.close()


def open_configured_store(config: ServerConfig) -> Store:
    """
    Return the store that the settings name.

    Raises:
        StoreError: It cannot be opened.
    """
    where = config.database or config.data / "collector.db"
    return open_store(where, raw_hours=config.raw_hours, keep_days=config.keep_days)


def assemble(config: ServerConfig) -> Assembly:
    """
    Return a collector's parts.

    Raises:
        StoreError: The database cannot be opened.
        VaultError: The vault cannot be opened.
        UsageError: A receiver of alerts is not understood.
    """
    vault = open_vault(config.snapshots.vault or str(config.data / "vault"))
    store = open_configured_store(config)
    try:
        hub = EventHub()
        alerts = Dispatcher(config.alerts, store, now_ms)
        watching = Watcher(config, store, hub, now_ms, alerts)
    except BaseException:
        store.close()
        raise
    context = Context(config, store, vault, hub, AgentCommands(), watching)

    async def send_alerts(_context: Context) -> None:
        await alerts.run()

    return Assembly(context, (send_alerts, _sweep_vault))


async def _sweep_vault(context: Context) -> None:
    """Remove the snapshots that are kept no longer."""
    kept = context.config.snapshots
    rules = Retention(kept.keep_count, kept.keep_days, kept.keep_bytes)
    while True:
        removed = await sweep(context.store, context.vault, rules, context.clock())
        if removed:
            _log.info("%d snapshots are kept no longer", len(removed))
        await asyncio.sleep(_SWEEP_S)
