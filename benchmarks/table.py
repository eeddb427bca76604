"""The result tables: what `run.py` measured, as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from measure import Runs

__all__ = ["BASE", "as_markdown"]

BASE = "heapsleuth, first look"
GIGABYTE, MEGABYTE = 10**9, 10**6


def _size(count: float) -> str:
    return f"{count / GIGABYTE:.2f} GB" if count >= GIGABYTE else f"{count / MEGABYTE:.0f} MB"


def _rows(runs: list[Runs], file_bytes: int) -> list[str]:
    base = next((run for run in runs if run.program == BASE and not run.failure), None)
    rows = []
    for run in runs:
        if run.failure:
            rows.append(f"| {run.program} | {run.failure} | | | | | | |")
            continue
        cpu, peak = run.median("cpu_seconds"), run.median("peak_bytes")
        if base and run is not base:
            ratios = f"{cpu / base.median('cpu_seconds'):.1f} | {peak / base.median('peak_bytes'):.1f}"
        else:
            ratios = "1 | 1"
        rows.append(
            f"| {run.program} | {run.median('wall_seconds'):.2f} | {cpu:.2f} "
            f"| {file_bytes / MEGABYTE / cpu:,.0f} | {_size(peak)} | {peak / file_bytes:.2f} | {ratios} |"
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
        "accounting (`wait4`). Ratios are to heapsleuth's first look."
    )
    tasks = (
        "What runs: heapsleuth `analyze FILE` (sizes, distances, dominators, classes, suspects, census); "
        "its second look has the index of the first. The DevTools engine loads the file and makes its class "
        "table. memlab runs `analyze object-size`."
    )
    lines = ["# Benchmark results", "", measured_on, "", method, "", tasks, ""]
    for name, size in files.items():
        lines += [
            f"## {name} ({_size(size)})",
            "",
            "| program | wall s | CPU s | MB / CPU s | peak memory | peak/file | CPU ratio | memory ratio |",
            "|---|---:|---:|---:|---:|---:|---:|---:|",
            *_rows([run for run in runs if run.file == name], size),
            "",
        ]
    lines += ["## Small commands", "", "| command | wall s (median of 9) |", "|---|---:|"]
    lines += [f"| {name} | {seconds:.3f} |" for name, seconds in commands.items()]
    return "\n".join(lines) + "\n"
