"""Judge trend verdicts on simulated services and on recordings, and write docs/concepts/trends-evaluation.md.

    python tools/eval_trends.py [--part leaks,recordings,…] [--seed 214095000] [--seeds 240] [--jobs 2]
        [--classes diurnal,…] [--leaks 0.5,1,2,5] [--simulator PATH] [--print] [--quick]

Resumable: a service is not simulated again unless the rules' version or the simulator has changed.
The page is written when all parts were run with the usual numbers; else the tables go to standard output.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from material import ROOT, WORK

from heapsleuth.trends.leak_rules import RULES_VERSION
from trends import attribution, forecast, latency, leaks, recordings
from trends.heap_simulator import GIVEN, simulator
from trends.page import page, section_text
from trends.running import outcomes
from trends.services import jobs

if TYPE_CHECKING:
    from collections.abc import Callable

    from trends.section import Section

__all__ = ["main"]

PAGE = ROOT / "docs" / "concepts" / "trends-evaluation.md"
_SEED = 214_095_000
_SEEDS = 240
_LEAKS = "0.5,1,2,5"
_STRESS_SHARE = 4
_LEAK_SHARE = 10
_SENSITIVE_SHARE = 8


def main() -> int:
    """Run what is asked for."""
    options = _parser().parse_args()
    if options.simulator:
        os.environ[GIVEN] = str(options.simulator.resolve())
    parts: dict[str, Callable[[argparse.Namespace], list[Section]]] = {
        "leaks": _leaks,
        "recordings": lambda _: [recordings.run()],
        "forecast": lambda _: [forecast.run()],
        "latency": _latency,
        "attribution": lambda _: [attribution.run()],
    }
    wanted = options.part.split(",") if options.part else list(parts)
    unknown = set(wanted) - set(parts)
    if unknown:
        print(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(parts)}", file=sys.stderr)
        return 2
    sections = [section for name in parts if name in wanted for section in parts[name](options)]
    usual = not (options.part or options.classes or options.quick) and options.leaks == _LEAKS
    if usual and not options.print:
        seeds = f"from {options.seed:,} on"
        PAGE.write_text(page(sections, version=RULES_VERSION, seeds=seeds), encoding="utf-8")
    else:
        print("\n".join(section_text(section) for section in sections))
    return 0


def _leaks(options: argparse.Namespace) -> list[Section]:
    seeds = 1 if options.quick else options.seeds
    wanted = jobs(
        options.seed,
        healthy=seeds,
        stress=max(1, seeds // _STRESS_SHARE),
        leaking=max(1, seeds // _LEAK_SHARE),
        leaks=[float(leak) for leak in options.leaks.split(",")],
        kinds=[kind for kind in options.classes.split(",") if kind],
        sensitive=seeds // _SENSITIVE_SHARE,
    )
    source = simulator().__file__
    digest = hashlib.sha256(Path(source or "").read_bytes()).hexdigest()[:8]
    kept = WORK / "eval-trends" / f"rules{RULES_VERSION}-{digest}.jsonl"
    found = outcomes(wanted, kept, options.jobs, lambda line: print(line, file=sys.stderr, flush=True))
    stress = simulator().STRESS
    return [
        leaks.false_alarms(found, stress),
        leaks.detection(found),
        leaks.false_alarms_of_others(found, stress),
        leaks.states(found),
    ]


def _latency(options: argparse.Namespace) -> list[Section]:
    few = {"without": 6, "changed": 1} if options.quick else {}
    with ProcessPoolExecutor(options.jobs) as pool:
        return [latency.run(latency.SEED, pool, **few)]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", default="", help="only these, separated by commas")
    parser.add_argument("--seed", type=int, default=_SEED, help="first of the seeds")
    parser.add_argument("--seeds", type=int, default=_SEEDS, help="services of each class without a leak")
    parser.add_argument("--classes", default="", help="only these classes of services")
    parser.add_argument("--leaks", default=_LEAKS, help="MB/h")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time")
    parser.add_argument("--simulator", type=Path, help="another heapsim.py")
    parser.add_argument("--quick", action="store_true", help="one service of each kind, to see that it works")
    parser.add_argument("--print", action="store_true", help="to standard output instead of the page")
    return parser
