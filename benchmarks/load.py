"""Measures the load generator beside autocannon: requests per CPU second against a trivial server.

Writes load.md.  The server has one core, the generators take turns on another; about a minute.
"""

from __future__ import annotations

import argparse
import datetime as dt
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from measure import run_once

from heapsleuth.scenarios.load import LoadPlan, Target, run_load

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
OURS, PLAIN, AUTOCANNON = "heapsleuth", "heapsleuth without uvloop", "autocannon"
GENERATOR_CORE, SERVER_CORE = "0", "1"


def pinned(core: str, *command: str) -> list[str]:
    """Return a command that stays on one core, where the system can do that."""
    return ["taskset", "-c", core, *command] if shutil.which("taskset") else list(command)


@contextmanager
def server() -> Iterator[str]:
    """Run the server; give its URL."""
    command = pinned(SERVER_CORE, "node", str(HERE / "load_server.cjs"))
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None  # noqa: S101 - for the type checker
        assert process.stdout is not None  # noqa: S101 - for the type checker
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/"
        process.stdin.close()


def generate(url: str, requests: int, connections: int, *, with_uvloop: bool) -> None:
    """Be the generator; runs in a process of its own."""
    if not with_uvloop:
        sys.modules["uvloop"] = None  # type: ignore[assignment]
    result = run_load(LoadPlan((Target(url),), connections, requests, max_time_s=120))
    if result.requests != requests or result.errors:
        sys.exit(f"expected {requests} responses: {result}")


def measure(requests: int, connections: int, rounds: int, autocannon: str | None) -> dict[str, list[float]]:
    """Return requests per CPU second of the whole process, with its start, of each round."""
    counts = ["--requests", str(requests), "--connections", str(connections)]
    found: dict[str, list[float]] = {}
    with server() as url, tempfile.TemporaryDirectory() as folder:
        commands = {
            OURS: [sys.executable, __file__, *counts, "--generate", url],
            PLAIN: [sys.executable, __file__, *counts, "--generate", url, "--without-uvloop"],
        }
        if autocannon:
            options = ["-j", "-c", str(connections), "-a", str(requests), "-p", "1"]
            commands[AUTOCANNON] = [autocannon, *options, url]
        for _ in range(rounds):
            for name, command in commands.items():
                log = Path(folder, "log")
                run = run_once(pinned(GENERATOR_CORE, *command), log, timeout_seconds=150)
                if run.exit_code:
                    sys.exit(f"{name} failed: {log.read_text(encoding='utf-8')[-500:]}")
                found.setdefault(name, []).append(requests / run.cpu_seconds)
                print(f"{name:28} {requests / run.cpu_seconds:10,.0f} requests per CPU second", flush=True)
    return found


def as_markdown(found: dict[str, list[float]], requests: int, connections: int) -> str:
    """Return the page."""
    rounds = len(found[OURS])
    ours = statistics.median(found[OURS])
    versions = f"Python {platform.python_version()}, " + ", ".join(
        f"{name} {version(name)}" for name in ("uvloop", "httptools")
    )
    method = (
        f"{requests:,} requests over {connections} kept-alive connections, one at a time on each, to a "
        "Node.js `net` server with a fixed answer. Server and generator have a core each; the generators "
        "take turns. "
        f"CPU time is that of the whole process with its start (`wait4`); medians of {rounds} rounds."
    )
    lines = [
        "# Load generator",
        "",
        f"Written by `benchmarks/load.py` on {dt.datetime.now(dt.UTC).date()}: {versions}.",
        "",
        method,
        "",
        "| generator | requests / CPU s | lowest | highest | to heapsleuth |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, rates in found.items():
        median = statistics.median(rates)
        lines.append(
            f"| {name} | {median:,.0f} | {min(rates):,.0f} | {max(rates):,.0f} | {median / ours:.2f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Read the options; measure, or be what is measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--autocannon", default=shutil.which("autocannon"), help="its program; default: PATH")
    parser.add_argument("--generate", metavar="URL", help=argparse.SUPPRESS)
    parser.add_argument("--without-uvloop", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.generate:
        generate(
            options.generate,
            options.requests,
            options.connections,
            with_uvloop=not options.without_uvloop,
        )
        return
    found = measure(options.requests, options.connections, options.rounds, options.autocannon)
    page = as_markdown(found, options.requests, options.connections)
    (HERE / "load.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
