"""Check the labels of calibration/cases by measurement and write the figures into each truth.json.

    python tools/verify_cases.py [--only TEXT] [--dry]

Reads what tools/record_cases.py has recorded, of every Node.js there is.  A leak holds when it grows at
least four times as fast per operation as its correct twin, over all rounds.  A look-alike holds when it
settles in the long run: no new highs in the last third worth mentioning.  Returns 1 if a label does not.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
CASES = ROOT / "calibration" / "cases"
RECORDINGS = ROOT / ".work" / "calibration" / "calibration"

TIMES_THE_TWIN = 4.0

NOISE_BYTES_PER_ROUND = 12_000
"""What a program without a leak gains: compiled code and caches of the runtime (see scenarios/floor.py)."""

SETTLED_SHARE = 0.1
"""New highs of the last third over all growth before it, at most."""

SETTLED_BYTES_PER_ROUND = 4_000
"""New highs of this size say nothing either: code still warms up after twenty rounds."""

_FIELDS = {"heapUsed": "heap_used_bytes", "arrayBuffers": "array_buffers_bytes"}


def main() -> int:
    """Judge every case; return 1 when a label does not hold."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", help="cases whose name has this text")
    parser.add_argument("--dry", action="store_true", help="write nothing")
    options = parser.parse_args()
    wrong = 0
    for case in sorted(path for path in CASES.iterdir() if options.only in path.name):
        wrong += not _verify(case, write=not options.dry)
    return 1 if wrong else 0


def _verify(case: Path, *, write: bool) -> bool:
    path = case / "truth.json"
    truth = json.loads(path.read_text(encoding="utf-8"))
    judge = _leak if "leaky" in truth["verdict"] else _look_alike
    by_node = {
        folder.name: figures
        for folder in sorted(RECORDINGS.iterdir())
        if (figures := judge(folder / case.name, _FIELDS[truth["metric"]])) is not None
    }
    held = [node for node, figures in by_node.items() if figures["holds"]]
    for node, figures in by_node.items():
        said = "  ".join(f"{name} {value}" for name, value in figures.items() if name != "holds")
        print(f"{case.name:34} {node:10} {'holds' if figures['holds'] else 'DOES NOT HOLD':14} {said}")
    if not by_node:
        print(f"{case.name:34} not recorded")
    if write and by_node:
        first = next(iter(by_node.values()))
        truth |= {name: value for name, value in first.items() if name != "holds"}
        truth |= {"node_versions": held, "verified": bool(by_node) and len(held) == len(by_node)}
        path.write_text(json.dumps(truth, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return bool(by_node) and len(held) == len(by_node)


def _leak(recording: Path, field: str) -> dict[str, Any] | None:
    leaky, fixed = (_series(recording / variant / "work.json", field) for variant in ("leaky", "fixed"))
    if leaky is None or fixed is None:
        return None
    fast, slow = _slope(*leaky), _slope(*fixed)
    work, _ = leaky
    per_round = fast * (work[-1] - work[0]) / (len(work) - 1)
    return {
        "bytes_per_iteration": round(fast, 1),
        "fixed_bytes_per_iteration": round(slow, 1),
        "holds": bool(fast >= TIMES_THE_TWIN * max(slow, 0.0) and per_round > NOISE_BYTES_PER_ROUND),
    }


def _look_alike(recording: Path, field: str) -> dict[str, Any] | None:
    series = _series(recording / "clean" / "long.json", field)
    if series is None:
        return None
    work, values = series
    third = len(values) // 3
    before, last = values[:-third], values[-third:]
    new_highs = max(0.0, float(last.max() - before.max()))
    growth = float(before.max() - values[0])
    return {
        "rounds": len(values) - 1,
        "bytes_per_iteration_first_six_rounds": _rate(work[:7], values[:7]),
        "bytes_per_iteration_last_third": _rate(work[-third:], values[-third:]),
        "new_highs_last_third_bytes": round(new_highs),
        "growth_before_bytes": round(growth),
        "holds": bool(new_highs <= max(SETTLED_SHARE * growth, SETTLED_BYTES_PER_ROUND * third)),
    }


def _series(path: Path, field: str) -> tuple[np.ndarray, np.ndarray] | None:
    if not path.exists():
        return None
    rounds = json.loads(path.read_text(encoding="utf-8"))["rounds"]
    return np.array([one["work"] for one in rounds]), np.array([one[field] for one in rounds], dtype=float)


def _slope(work: np.ndarray, values: np.ndarray) -> float:
    """Return the least-squares slope: single rounds of a true leak may be flat."""
    return float(np.polyfit(work, values, 1)[0])


def _rate(work: np.ndarray, values: np.ndarray) -> float:
    return round(float((values[-1] - values[0]) / (work[-1] - work[0])), 1)


if __name__ == "__main__":
    sys.exit(main())
