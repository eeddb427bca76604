"""Opens the store that the collector's settings name; apart, because `token` needs nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from heapsleuth.store.opening import open_store

if TYPE_CHECKING:
    from heapsleuth.server.config import ServerConfig
    from heapsleuth.store.base import Store

__all__ = ["open_configured_store", "store_settings"]


def open_configured_store(config: ServerConfig) -> Store:
    """
    Return the store.

    Raises:
        StoreError: It cannot be opened.
    """
    return open_store(**store_settings(config))


def store_settings(config: ServerConfig) -> dict[str, Any]:
    """Return the arguments of `open_store`, as JSON has them."""
    where = config.database or str(config.data / "collector.db")
    return {"where": where, "raw_hours": config.raw_hours, "keep_days": config.keep_days}
