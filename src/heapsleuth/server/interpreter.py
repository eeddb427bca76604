"""How the interpreter is set for a process that answers a thousand messages a second and judges them."""

from __future__ import annotations

import asyncio
import gc
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heapsleuth.server.context import Context

__all__ = ["collect_cycles", "settle"]

_SWITCH_S = 0.0001
"""
After how long a thread that computes gives way.

The event loop lets go of the interpreter with each system call and waits so long to get it back: with
Python's 5 ms, 200 calls a second are all it gets while something is computed.
"""
_YOUNG_EVERY_S = 1.0
_FULL_EVERY = 3_600
_OLDER = 1


def settle() -> None:
    """Set it; from here on `collect_cycles` has to look for cycles."""
    sys.setswitchinterval(_SWITCH_S)
    gc.collect()
    gc.freeze()
    gc.disable()


async def collect_cycles(_context: Context) -> None:
    """
    Search the objects of the last second for cycles, and each hour all objects, until cancelled.

    By Python's own rule frees count against allocations, so where as much comes as goes young objects are
    searched by the hundred thousand, for 0.2 s; and all of them, for 0.5 s, several times a minute.
    """
    while True:
        for _ in range(_FULL_EVERY):
            await asyncio.sleep(_YOUNG_EVERY_S)
            gc.collect(_OLDER)
        gc.collect()
