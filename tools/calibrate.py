"""Train the confidence model on labelled recordings and say how well it holds on cases it has not seen.

    python tools/calibrate.py [--rows]

Reads `calibration/rows.jsonl`, one line per growing candidate of a recorded case with its features and
label, and writes src/heapsleuth/leaks/confidence.json and docs/concepts/calibration.md.  With --rows the
rows are made anew from the recordings of tools/record_cases.py in .work/calibration: the shared corpus
(HEAPSLEUTH_SHARED names its parent) and the cases in calibration/.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from calibration.held_out import fit_rows, held_out
from calibration.rows import Row, rows_of

from calibration import page
from heapsleuth.leaks.confidence import load_model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from calibration.logistic import Weights

ROOT = Path(__file__).resolve().parent.parent
ROWS = ROOT / "calibration" / "rows.jsonl"
MODEL = ROOT / "src" / "heapsleuth" / "leaks" / "confidence.json"
PAGE = ROOT / "docs" / "concepts" / "calibration.md"
RECORDINGS = ROOT / ".work" / "calibration"
HELD_OUT = RECORDINGS / "held_out.json"
CASES = {
    "corpus": Path(os.environ.get("HEAPSLEUTH_SHARED", ROOT.parent / "shared")) / "corpus" / "cases",
    "calibration": ROOT / "calibration" / "cases",
}
VERSION = "1"
"""Raised whenever the weights change.

- 1: trained on 28 published and 80 written cases, Node 20, 22 and 24.
"""


def main() -> int:
    """Run what is asked for."""
    options = _parser().parse_args()
    if options.rows:
        rows = sorted(_recorded(options.jobs), key=_place)
        ROWS.write_text("".join(_line(row) for row in rows), encoding="utf-8")
    rows = read_rows()
    model = fit_rows(rows)
    MODEL.write_text(_document(model), encoding="utf-8")
    load_model.cache_clear()
    judged = held_out(rows)
    PAGE.write_text(page.render(rows, judged, model), encoding="utf-8")
    HELD_OUT.parent.mkdir(parents=True, exist_ok=True)
    HELD_OUT.write_text(json.dumps([_judged(one.row, one.confidence) for one in judged]), encoding="utf-8")
    print(page.summary(judged))
    print(f"wrote {MODEL.relative_to(ROOT)} and {PAGE.relative_to(ROOT)}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", action="store_true", help="make the rows anew from recordings")
    parser.add_argument("--jobs", type=int, default=2)
    return parser


def read_rows() -> list[Row]:
    """Return the labelled rows kept with the project."""
    return [Row(**json.loads(line)) for line in ROWS.read_text(encoding="utf-8").splitlines()]


def _recorded(jobs: int) -> Iterator[Row]:
    work = [
        (recording, cases / recording.parent.name)
        for corpus, cases in CASES.items()
        for recording in sorted((RECORDINGS / corpus).glob("*/*/*"))
        if (recording / "work.json").exists()
    ]
    if not work:
        sys.exit("no recordings in .work/calibration: run tools/record_cases.py first")
    with ProcessPoolExecutor(jobs) as pool:
        for rows in pool.map(rows_of, *zip(*work, strict=True)):
            yield from rows


def _place(row: Row) -> tuple[str, str, str, int, str]:
    return row.case, row.variant, row.node, row.window, row.title


def _line(row: Row) -> str:
    fields = asdict(row)
    fields["features"] = {name: round(value, 4) for name, value in row.features.items() if value}
    return json.dumps(fields) + "\n"


def _document(model: Weights) -> str:
    shipped = json.loads(MODEL.read_text(encoding="utf-8"))
    weights = {name: round(value, 4) + 0.0 for name, value in model.weights.items()}
    document = {
        "version": VERSION,
        "bias": round(model.bias, 4),
        "weights": weights,
        "leak_at": shipped["leak_at"],
        "drop_below": shipped["drop_below"],
    }
    return json.dumps(document, indent=2) + "\n"


def _judged(row: Row, confidence: float) -> dict[str, object]:
    return {
        "case": row.case,
        "package": row.group,
        "version": row.node,
        "variant": row.variant,
        "window": row.window,
        "confidence": round(confidence, 4),
        "label": row.is_leak,
    }


if __name__ == "__main__":
    sys.exit(main())
