"""Measures the collector under simulated agents: CPU share, memory, latency, and the most it takes.

Writes collector.md.  Two runs: 10,000 agents with one sample each 10 s, and as fast as it answers.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent
MB = 1_000_000


@contextmanager
def collector(folder: Path, database: str | None = None) -> Iterator[tuple[psutil.Process, int, str]]:
    """Run a collector; give its process, port and a token of an agent."""
    base = [sys.executable, "-m", "heapsleuth", "serve", "--data", str(folder)]
    if database:
        base += ["--database", database]
    token = subprocess.run(
        [*base, "token", "add", "--role", "agent", "load"], check=True, capture_output=True, text=True
    ).stdout.strip()
    log = (folder / "log.txt").open("w")
    with subprocess.Popen([*base, "--port", "0"], stdout=subprocess.PIPE, stderr=log, text=True) as process:
        assert process.stdout is not None  # noqa: S101 - for the type checker
        port = int(process.stdout.readline().rpartition(":")[2])
        yield psutil.Process(process.pid), port, token
        process.terminate()
        process.wait(60)


def family(process: psutil.Process) -> list[psutil.Process]:
    """Return the collector's processes: itself, and the one for upkeep."""
    # Between its fork and its start a child seems to have all of the collector's memory.
    return [process, *(one for one in process.children() if any("upkeep" in part for part in one.cmdline()))]


def cpu_s(process: psutil.Process) -> float:
    """Return the CPU time of all of them."""
    return float(sum(times.user + times.system for times in (one.cpu_times() for one in family(process))))


def run(folder: Path, database: str | None, arguments: list[str]) -> dict[str, Any]:
    """Run the load against a fresh collector; return what both sides measured."""
    with collector(folder, database) as (process, port, token):
        command = [sys.executable, str(HERE / "collector_load.py"), "--port", str(port), "--token", token]
        peak = 0
        stop = threading.Event()

        def watch() -> None:
            nonlocal peak
            while not stop.wait(0.2):
                peak = max(peak, sum(one.memory_info().rss for one in family(process)))

        watcher = threading.Thread(target=watch)
        watcher.start()
        with subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True) as load:
            assert load.stdout is not None  # noqa: S101 - for the type checker
            load.stdout.readline()
            load.stdout.readline()
            before_s = cpu_s(process)
            result: dict[str, Any] = json.loads(load.stdout.readline())
            after_s = cpu_s(process)
        stop.set()
        watcher.join()
    result["cpu_s"] = after_s - before_s
    result["cpu_us_per_message"] = result["cpu_s"] / max(result["answered"], 1) * 1e6
    result["peak_rss_mb"] = peak / MB
    result["database_mb"] = sum(one.stat().st_size for one in folder.glob("collector.db*")) / MB
    return result


def main() -> None:
    """Measure and print; with --write also write collector.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--agents", type=int, default=10_000)
    parser.add_argument("--polls", type=int, default=9_000, help="agents that also wait for commands")
    parser.add_argument("--seconds", type=float, default=240)
    parser.add_argument("--database")
    parser.add_argument("--only", choices=["steady", "most"])
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    runs = {
        # Warm: all have come at once, which no deployment does, and have been looked at once.
        "steady": f"--agents {options.agents} --polls {options.polls} --rate {options.agents / 10} --warm 90",
        "most": "--agents 400 --rate 0 --warm 5",
    }
    results = {}
    for name, arguments in runs.items():
        if options.only in {None, name}:
            with tempfile.TemporaryDirectory() as folder:
                results[name] = run(
                    Path(folder), options.database, [*arguments.split(), "--seconds", str(options.seconds)]
                )
            results[name]["cpu_share"] = results[name]["cpu_s"] / options.seconds
            print(name, json.dumps(results[name], indent=1))
    if options.write:
        (HERE / "collector.md").write_text(page(results, options.seconds), encoding="utf-8")


def page(results: dict[str, dict[str, Any]], seconds: float) -> str:
    """Return the results as a page."""
    rows = [
        ("messages a second, acknowledged", "per_s", "{:,.0f}"),
        ("CPU, share of one core", "cpu_share", "{:.2f}"),
        ("CPU per message, µs", "cpu_us_per_message", "{:.0f}"),
        ("latency p50, ms", "p50_ms", "{:.1f}"),
        ("latency p99, ms", "p99_ms", "{:.1f}"),
        ("peak memory, MB", "peak_rss_mb", "{:.0f}"),
    ]
    lines = [
        "# The collector under load",
        "",
        "Written by `python benchmarks/collector.py --write`. A message has one sample of 46 metrics and the",
        "latencies of 5 routes; it is acknowledged when it is committed (SQLite). Steady: 10,000 agents with",
        "one message each 10 s, 9,000 of which also wait for commands; from 90 s after all came at once, for",
        f"{seconds:.0f} s. Most: 400 connections, each as fast as it is answered. CPU and memory are of",
        "the collector and its process for upkeep; the generator shares the machine's two cores with them.",
        "",
        "| | " + " | ".join(results) + " |",
        "|---|" + "---:|" * len(results),
    ]
    lines += [
        f"| {text} | " + " | ".join(form.format(result[key]) for result in results.values()) + " |"
        for text, key, form in rows
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
