"""How the interpreter is set for the collector."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import asyncio, gc, sys, weakref
from heapsleuth.server import interpreter

class Node: pass

def cycle():
    one = Node()
    one.itself = one
    return weakref.ref(one)

interpreter.settle()
assert sys.getswitchinterval() < 0.001
before = gc.get_stats()
kept = [[] for _ in range(1_000_000)]
assert [one["collections"] for one in gc.get_stats()] == [one["collections"] for one in before]

async def work():
    interpreter._YOUNG_EVERY_S = 0.05
    task = asyncio.create_task(interpreter.collect_cycles(None))
    found = cycle()
    async with asyncio.timeout(30):
        while found() is not None:
            await asyncio.sleep(0.01)
    task.cancel()

asyncio.run(work())
assert gc.get_stats()[2]["collections"] == before[2]["collections"], "all objects were searched"
"""


def test_only_young_objects_are_searched_for_cycles() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
