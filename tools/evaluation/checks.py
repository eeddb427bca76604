"""Runs `heapsleuth check` over the cases, once per state of the code, and keeps results and snapshots."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from material import WORK

from evaluation.corpus import code_fingerprint, node_version

if TYPE_CHECKING:
    from evaluation.corpus import Job

__all__ = ["Run", "run_check"]

RESULTS = WORK / "evaluation"
TIMEOUT_S = 300


@dataclass(frozen=True)
class Run:
    """A check that was run."""

    job: Job
    node: str
    """`v20.1.2`."""
    code: str
    """State of the code, as `code_fingerprint` gives it."""
    seconds: float
    """Wall time of the whole command."""
    report: dict[str, Any]
    """The JSON of the check; with the keys `verdict` (`error`) and `reason` alone if it wrote none."""

    @property
    def snapshots(self) -> list[Path]:
        """The snapshots it took, in order; none when the floor was flat."""
        folder = _folder(self.job, self.node) / "snapshots" / self.job.name
        rounds = self.report.get("check", {}).get("rounds", ())
        files = [folder / Path(one["snapshot"]).name for one in rounds if one["snapshot"]]
        return files if all(file.exists() for file in files) else []

    @property
    def floors(self) -> list[int]:
        """Heap used after every round, in bytes."""
        return [one["heap_used_bytes"] for one in self.report.get("check", {}).get("rounds", ())]


def run_check(job: Job, *, again: bool, stale: bool) -> Run:
    """
    Return the result of a check; run it unless there is one.

    Args:
        job: What to check.
        again: Run it even if there is a result.
        stale: Take a result of another state of the code too.
    """
    try:
        job.install()
    except subprocess.CalledProcessError as error:
        return Run(job, f"v{job.major}", code_fingerprint(), 0.0, _failure(f"npm: {error.stderr.decode()}"))
    node = job.node()
    version = node_version(node)
    path = _folder(job, version) / f"{job.name}.json"
    if not again and path.exists():
        found = json.loads(path.read_text(encoding="utf-8"))
        current = stale or found["code"] == code_fingerprint()
        if current and found["report"]["verdict"] != "error":
            return _run_of(job, version, found)
    snapshots = path.parent / "snapshots" / job.name
    shutil.rmtree(snapshots, ignore_errors=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    report = _check(job, node, snapshots)
    result = {
        "code": code_fingerprint(),
        "seconds": round(time.monotonic() - began, 1),
        "report": report,
    }
    scratch = path.with_suffix(".tmp")
    scratch.write_text(json.dumps(result), encoding="utf-8")
    scratch.replace(path)
    return _run_of(job, version, result)


def _run_of(job: Job, version: str, result: dict[str, Any]) -> Run:
    return Run(job, version, result["code"], result["seconds"], result["report"])


def _folder(job: Job, version: str) -> Path:
    return RESULTS / job.corpus / version


def _check(job: Job, node: Path, snapshots: Path) -> dict[str, Any]:
    program = str(Path(sys.executable).with_name("heapsleuth"))
    target = [str(job.case / "workload.js"), "--cwd", str(job.folder), "--node", str(node)]
    command = [program, "check", *target, "--keep", str(snapshots), "--quiet", "--json", "-"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return _failure(f"no answer within {TIMEOUT_S} s")
    if not done.stdout:
        return _failure(done.stderr)
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def _failure(reason: str) -> dict[str, Any]:
    return {"verdict": "error", "reason": reason[-2000:]}
