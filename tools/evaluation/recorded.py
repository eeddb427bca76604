"""The analysis alone, on snapshots of every variant: no flat floor keeps it from looking at a correct one.

The recordings are those of `tools/record_cases.py`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from material import WORK

from evaluation.corpus import code_fingerprint

if TYPE_CHECKING:
    from evaluation.corpus import Job

__all__ = ["Analysis", "analyze", "recording"]

RECORDINGS = WORK / "calibration"
RESULTS = WORK / "evaluation"
SNAPSHOTS = 4
"""As many as a check takes unless it is undecided."""


@dataclass(frozen=True)
class Analysis:
    """An analysis of recorded snapshots."""

    seconds: float
    report: dict[str, Any]


def recording(job: Job) -> list[tuple[Path, float]]:
    """Return the recorded snapshots of a job with the work done at each; empty when there is none."""
    for folder in sorted((RECORDINGS / job.corpus).glob(f"v{job.major}.*")):
        manifest = folder / job.case.name / job.variant / "work.json"
        if manifest.exists():
            document = json.loads(manifest.read_text(encoding="utf-8"))
            return [(manifest.parent / one["file"], one["work"]) for one in document["snapshots"]]
    return []


def analyze(job: Job, *, again: bool, stale: bool) -> Analysis | None:
    """Return the analysis of a recording, made unless there is one; None without a recording."""
    snapshots = recording(job)[:SNAPSHOTS]
    if not snapshots:
        return None
    path = RESULTS / job.corpus / f"recorded-{job.major}" / f"{job.name}.json"
    if not again and path.exists():
        found = json.loads(path.read_text(encoding="utf-8"))
        current = stale or found["code"] == code_fingerprint()
        if current and found["report"]["verdict"] != "error":
            return Analysis(found["seconds"], found["report"])
    began = time.monotonic()
    report = _analyze(snapshots)
    analysis = Analysis(round(time.monotonic() - began, 1), report)
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = {"code": code_fingerprint(), "seconds": analysis.seconds, "report": report}
    path.write_text(json.dumps(kept), encoding="utf-8")
    return analysis


def _analyze(snapshots: list[tuple[Path, float]]) -> dict[str, Any]:
    work = ",".join(str(int(done)) for _, done in snapshots)
    program = str(Path(sys.executable).with_name("heapsleuth"))
    command = [program, "analyze", *(str(file) for file, _ in snapshots), "--work", work, "--json", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if not done.stdout:
        return {"verdict": "error", "reason": done.stderr[-2000:]}
    document: dict[str, Any] = json.loads(done.stdout)
    return document
