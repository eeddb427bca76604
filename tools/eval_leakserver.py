"""Judges a server with four known leaks and three look-alikes, on one Node.js version after the other.

Prints a row per version and leak; exit code 1 when anything differs from the truth.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from material import LEAK_SERVER_WORK, WORK, install_node, leak_server_snapshots, shared

ALLOWED_DEVIATION = 0.02


@dataclass(frozen=True)
class Leak:
    """A planted leak: how it is named, what marks its lines in the source, how many per request."""

    holder: str
    marks: tuple[str, ...]
    per_request: float


# A line that declares the holder, fills it, or defines the members' class or closure counts as right.
LEAKS = (
    Leak("reportCache", ("reportCache = new Map", "reportCache.set(", "class ReportEntry"), 1.0),
    Leak("bus", ("bus = new EventEmitter", "bus.on(", "class RequestCtx"), 0.5),
    Leak("heartbeat", ("setInterval(function heartbeatTick", "heartbeat(new Conn", "class Conn"), 0.05),
    Leak("waiters", ("waiters = []", "waiters.push(", "class RequestCtx", "afterWait"), 0.1),
)
LOOK_ALIKES = ("LruVal", "SessionVal", "ConfigRow", "`lru`", "`sessions`", "`config`", "__cfg")


def truth_lines(source: Path, leak: Leak) -> set[int]:
    """Return the 1-based lines of the source that count as right for a leak."""
    lines = source.read_text(encoding="utf-8").splitlines()
    return {n for n, line in enumerate(lines, 1) if any(mark in line for mark in leak.marks)}


def positions(finding: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the positions a finding states: the holder's and the members'."""
    found = [finding["holder"].get("location"), finding["members"].get("location")]
    return [position for position in found if position]


def said(finding: dict[str, Any]) -> str:
    """Return all names a finding states, to look for holders and look-alikes in."""
    return " ".join([finding["title"], finding["holder"]["name"], finding["members"]["class"]])


def judge_leak(findings: list[dict[str, Any]], leak: Leak, source: Path) -> tuple[bool, str]:
    """Return whether one planted leak is reported rightly, and what was seen."""
    matching = [finding for finding in findings if leak.holder in said(finding)]
    if len(matching) != 1:
        return False, f"{len(matching)} findings name it"
    finding = matching[0]
    rate = finding["members"]["count_per_work"]
    problems = []
    if abs(rate / leak.per_request - 1) > ALLOWED_DEVIATION:
        problems.append("rate")
    if not all(value > 0 for value in finding["members"]["retained_bytes"]):
        problems.append("no retained bytes")
    lines = truth_lines(source, leak)
    places = positions(finding)
    wrong = [
        place for place in places if Path(place["file"]).name != source.name or place["line"] not in lines
    ]
    if wrong or not places:
        problems.append("position")
    seen = ", ".join(f"{Path(place['file']).name}:{place['line']}" for place in places) or "no position"
    counts = "/".join(str(count) for count in finding["members"]["counts"])
    text = f"{rate:.4f} per request ({counts}), {seen}, confidence {finding['confidence']:.2f}"
    return not problems, text + (f"  WRONG: {', '.join(problems)}" if problems else "")


def judge(major: int) -> bool:
    """Analyse the snapshots of one Node.js version, print its rows, return whether all is right."""
    files = leak_server_snapshots(install_node(major), f"node{major}")
    report = WORK / "eval" / f"node{major}.json"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    work = ",".join(map(str, LEAK_SERVER_WORK))
    command = [
        sys.executable,
        "-m",
        "heapsleuth",
        "analyze",
        *map(str, files),
        "--work",
        work,
        "--json",
        str(report),
    ]
    outcome = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    if not report.exists():
        print(f"| {major} | | FAILED: exit code {outcome.returncode} |")
        return False
    findings = json.loads(report.read_text(encoding="utf-8"))["findings"]
    leaks = [finding for finding in findings if finding["verdict"] == "leak"]
    source = shared("heaps") / "leakserver.js"
    right = outcome.returncode == 1
    for leak in LEAKS:
        good, text = judge_leak(leaks, leak, source)
        right &= good
        print(f"| {major} | {leak.holder} | {text} |")
    named = [alike for alike in LOOK_ALIKES for finding in leaks if alike in said(finding)]
    verdict = "right" if right and len(leaks) == len(LEAKS) and not named else "WRONG"
    print(
        f"| {major} | {verdict} | {len(leaks)} leaks, look-alikes among them: {', '.join(named) or 'none'} |",
        flush=True,
    )
    return verdict == "right"


def main() -> int:
    """Judge every version asked for; return 1 when one of them differs from the truth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--node", type=int, action="append", help="major version, repeatable (18 20 22 24 26)"
    )
    options = parser.parse_args()
    print("| Node | leak | what heapsleuth says |\n|---|---|---|")
    results = [judge(major) for major in options.node or (18, 20, 22, 24, 26)]
    print("\nThis is one server with planted leaks; tools/eval_corpus.py judges real packages.")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
