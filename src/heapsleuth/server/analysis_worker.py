"""The process that analyses: `python -m heapsleuth.server.analysis_worker --output REPORT SNAPSHOT…`.

Whatever a snapshot does to it, the collector goes on.  It exits with 0 and a report, or with 2 and the reason
as the last line of standard error.
"""

from __future__ import annotations

import argparse
import gzip
import os
import resource
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import orjson

from heapsleuth.errors import HeapsleuthError

__all__ = ["main"]

_NICE = 10
_MOST_FUNCTIONS = 5


def main(arguments: list[str]) -> int:
    """Analyse, and return the exit code."""
    parser = argparse.ArgumentParser(prog="heapsleuth-analysis-worker")
    parser.add_argument("--output", required=True, type=Path)
    parser.add_argument("--work", default="")
    parser.add_argument("--memory", type=int, default=0, help="most bytes of address space")
    parser.add_argument("--cpu", type=int, default=0, help="most seconds of CPU time")
    parser.add_argument("--profile", action="store_true", help="the file is a sampling profile")
    parser.add_argument("files", nargs="+")
    options = parser.parse_args(arguments)
    _limit(options.memory, options.cpu)
    try:
        report = _profile(options.files[0]) if options.profile else _report(options.files, options.work)
    except HeapsleuthError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except MemoryError:
        sys.stderr.write(f"it needs more than {options.memory} bytes of memory\n")
        return 2
    options.output.write_bytes(report)
    return 0


def _limit(memory_bytes: int, cpu_s: int) -> None:
    os.nice(_NICE)
    if memory_bytes:
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    if cpu_s:
        resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _report(files: list[str], work: str) -> bytes:
    from heapsleuth.leaks.analysis import analyze  # noqa: PLC0415 - numpy counts its memory from here on

    done = [float(one) for one in work.split(",")] if work else None
    return analyze(files, work=done, index=False).to_json().encode()


def _profile(file: str) -> bytes:
    """Return which functions had allocated most of what was alive."""
    raw = Path(file).read_bytes()
    body = orjson.loads(gzip.decompress(raw) if file.endswith(".gz") else raw)
    bytes_by_place: Counter[str] = Counter()
    waiting: list[Any] = [body["head"]]
    while waiting:
        node = waiting.pop()
        frame = node["callFrame"]
        name = frame["functionName"] or "(anonymous)"
        where = f" ({frame['url']}:{frame['lineNumber'] + 1})" if frame["url"] else ""
        bytes_by_place[name + where] += node["selfSize"]
        waiting.extend(node["children"])
    whole = sum(bytes_by_place.values())
    lines = [
        f"{place} {size / whole:.0%}" for place, size in bytes_by_place.most_common(_MOST_FUNCTIONS) if size
    ]
    return orjson.dumps({"lines": lines})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
