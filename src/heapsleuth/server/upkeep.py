"""Has the database's upkeep done, in a process of its own."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE
from typing import TYPE_CHECKING

import orjson

from heapsleuth.errors import StoreError
from heapsleuth.server.opening import store_settings

if TYPE_CHECKING:
    from heapsleuth.server.context import Context

__all__ = ["keep_up"]

_WORKER = "heapsleuth.server.upkeep_worker"
_EVERY_S = 60.0
_MOST_ANSWER = 16 * 1024 * 1024


async def keep_up(context: Context, *, every_s: float = _EVERY_S) -> None:
    """
    Have a round of upkeep done each minute, until cancelled.

    Raises:
        StoreError: A round failed, or its process ended.
    """
    await asyncio.sleep(every_s)
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-m", _WORKER, stdin=PIPE, stdout=PIPE, limit=_MOST_ANSWER
    )
    assert worker.stdin is not None  # noqa: S101 - for the type checker
    assert worker.stdout is not None  # noqa: S101
    try:
        worker.stdin.write(orjson.dumps(store_settings(context.config)) + b"\n")
        while True:
            worker.stdin.write(b"%.0f\n" % context.clock())
            await worker.stdin.drain()
            answer = orjson.loads(await worker.stdout.readline() or b'{"failed":"its process ended"}')
            if "failed" in answer:
                raise StoreError(f"the database's upkeep failed: {answer['failed']}")
            await asyncio.to_thread(context.store.maintained, set(answer["gone"]))
            await asyncio.sleep(every_s)
    finally:
        # What a step has not committed is done by the next round.
        if worker.returncode is None:
            worker.kill()
        await worker.wait()
