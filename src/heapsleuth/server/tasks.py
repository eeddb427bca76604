"""Background tasks: each runs until the collector stops, whatever happens in it."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from heapsleuth.server.context import Context
    from heapsleuth.server.counts import Counts

__all__ = ["run_task"]

_log = logging.getLogger("heapsleuth.server")
_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
_WELL_S = 300.0


async def run_task(task: Callable[[Context], Awaitable[None]], context: Context, counts: Counts) -> None:
    """Run a task until it returns; after a failure it is begun again, after growing pauses."""
    pause_s = _FIRST_PAUSE_S
    loop = asyncio.get_running_loop()
    while True:
        began_s = loop.time()
        try:
            await task(context)
        except Exception:  # noqa: BLE001 - one that is not known must not end the others
            counts.task_failures += 1
            _log.exception("%s failed; it begins again in %g s", getattr(task, "__qualname__", task), pause_s)
        else:
            return
        await asyncio.sleep(pause_s)
        pause_s = _FIRST_PAUSE_S if loop.time() - began_s > _WELL_S else min(pause_s * 2, _LONGEST_PAUSE_S)
