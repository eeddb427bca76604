"""The result tables: what `run.py` measured, as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from measure import Runs

__all__ = ["ANALYZE", "ENGINE", "as_markdown"]

ANALYZE = "heapsleuth analyze, first look"
ENGINE = "heapsleuth engine"
GIGABYTE, MEGABYTE = 10**9, 10**6


def _size(count: float) -> str:
    return f"{count / GIGABYTE:.2f} GB" if count >= GIGABYTE else f"{count / MEGABYTE:.0f} MB"


def _ratios(run: Runs, base: Runs | None) -> str:
    """Return how many times the base's CPU time and memory a program took."""
    if base is None or base.failure or run is base:
        return "1, 1" if run is base else "-"
    cpu = run.median("cpu_seconds") / base.median("cpu_seconds")
    memory = run.median("peak_bytes") / base.median("peak_bytes")
    return f"{cpu:.1f}, {memory:.1f}"


def _rows(runs: list[Runs], file_bytes: int) -> list[str]:
    by_program = {run.program: run for run in runs}
    rows = []
    for run in runs:
        if run.failure:
            rows.append(f"| {run.program} | {run.failure} | | | | | | |")
            continue
        cpu, peak = run.median("cpu_seconds"), run.median("peak_bytes")
        rows.append(
            f"| {run.program} | {run.median('wall_seconds'):.2f} | {cpu:.2f} "
            f"| {file_bytes / MEGABYTE / cpu:,.0f} | {_size(peak)} | {peak / file_bytes:.2f} "
            f"| {_ratios(run, by_program.get(ENGINE))} | {_ratios(run, by_program.get(ANALYZE))} |"
        )
    return rows


def as_markdown(
    facts: dict[str, Any], files: dict[str, int], runs: list[Runs], commands: dict[str, float]
) -> str:
    """Return the page: one table per input file, then the small commands (median wall seconds)."""
    peers = f"memlab {facts['memlab']}, DevTools engine of chrome-devtools-mcp {facts['chrome-devtools-mcp']}"
    measured_on = (
        f"Written by `make bench` on {facts['date']}: heapsleuth {facts['heapsleuth']} on Python "
        f"{facts['python']}; peers on Node.js {facts['peer_node']} ({peers}); {facts['cores']} cores, "
        f"{facts['memory']} of memory."
    )
    method = (
        f"Medians of {facts['rounds']} rounds; in each round every program ran once, one after the other, "
        "on the same file. Time and memory are of the whole process with its children, by the kernel's "
        "accounting (`wait4`). The last two columns say how many times the CPU time and the memory of "
        "heapsleuth's engine, and of its `analyze`, a program took."
    )
    tasks = (
        "What runs: the heapsleuth engine, as the DevTools engine, reads the file, computes all shallow and "
        "retained sizes and distances and makes the class table (`benchmarks/engine.py`, no index). memlab "
        "runs `analyze object-size`. heapsleuth `analyze FILE` does all of that and looks for suspects, "
        "listeners, timers, promises and waste, and writes the index that its second look uses."
    )
    lines = ["# Benchmark results", "", measured_on, "", method, "", tasks, ""]
    for name, size in files.items():
        lines += [
            f"## {name} ({_size(size)})",
            "",
            "| program | wall s | CPU s | MB / CPU s | peak memory | peak/file | to engine | to analyze |",
            "|---|---:|---:|---:|---:|---:|---:|---:|",
            *_rows([run for run in runs if run.file == name], size),
            "",
        ]
    lines += ["## Small commands", "", "| command | wall s (median of 9) |", "|---|---:|"]
    lines += [f"| {name} | {seconds:.3f} |" for name, seconds in commands.items()]
    return "\n".join(lines) + "\n"
