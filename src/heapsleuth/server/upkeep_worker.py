"""The process that does the database's upkeep: `python -m heapsleuth.server.upkeep_worker`.

Beside ingest in one interpreter it would double the time until messages are acknowledged. It reads a line of
settings and then a line for each round, answers each, and ends with its standard input: when the collector
ends, however that is.
"""

from __future__ import annotations

import queue
import signal
import sys
import threading

import orjson

from heapsleuth.errors import StoreError
from heapsleuth.store.opening import open_upkeep

__all__ = ["main"]


def main() -> int:
    """Work until there is no more to read."""
    # Ctrl-C goes to all processes of a terminal; the collector ends first.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        upkeep = open_upkeep(**orjson.loads(sys.stdin.buffer.readline()))
    except StoreError as error:
        _answer({"failed": str(error)})
        return 2
    rounds: queue.SimpleQueue[float | None] = queue.SimpleQueue()

    def read() -> None:
        for line in sys.stdin.buffer:
            rounds.put(float(line))
        upkeep.stop()
        rounds.put(None)

    threading.Thread(target=read, daemon=True).start()
    while (now_ms := rounds.get()) is not None:
        try:
            _answer({"gone": sorted(upkeep.run(now_ms))})
        except StoreError as error:
            _answer({"failed": str(error)})
    upkeep.close()
    return 0


def _answer(answer: dict[str, object]) -> None:
    sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main())
