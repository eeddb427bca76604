"""Finds the Node.js that will run, and refuses one that the agent cannot live in."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from heapsleuth.errors import ProgramFailed

__all__ = ["OLDEST_MAJOR", "NodeBinary", "find_node"]

OLDEST_MAJOR = 18
"""First version whose `--require`, `perf_hooks` and snapshot functions are what the agent needs."""

_TIMEOUT_S = 20
_VERSION = re.compile(r"v(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True)
class NodeBinary:
    """A Node.js program file and the version it says it is."""

    path: str
    version: tuple[int, int, int]

    def __str__(self) -> str:
        return f"Node.js {'.'.join(map(str, self.version))} ({self.path})"

    @property
    def major(self) -> int:
        """The first number of the version."""
        return self.version[0]


def find_node(asked: str | None = None, *, search_path: str | None = None) -> NodeBinary:
    """
    Return the Node.js to run.

    Args:
        asked: A path or a name on the PATH, as given by `--node`; None is `node`.
        search_path: Folders to look in, as in PATH; None is PATH.

    Raises:
        ProgramFailed: There is none, it is no Node.js, or it is older than 18.
    """
    name = asked or "node"
    if asked and Path(asked).is_dir():
        raise ProgramFailed(f"expected a Node.js program, found a folder: {asked}")
    path = shutil.which(name, path=search_path)
    if path is None:
        where = f"found no program {asked}" if asked else "found no `node` on the PATH"
        raise ProgramFailed(f"needs Node.js {OLDEST_MAJOR} or later; {where}; name one by --node")
    found = NodeBinary(path, _version(path))
    if found.major < OLDEST_MAJOR:
        raise ProgramFailed(f"needs Node.js {OLDEST_MAJOR} or later, found {found}; name another by --node")
    return found


def _version(path: str) -> tuple[int, int, int]:
    # A NODE_OPTIONS that this version refuses must not hide which version it is.
    environment = {name: value for name, value in os.environ.items() if name != "NODE_OPTIONS"}
    try:
        done = subprocess.run(  # noqa: S603 - the program that the user asked for
            [path, "--version"],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=_TIMEOUT_S,
            stdin=subprocess.DEVNULL,
            env=environment,
        )
    except subprocess.TimeoutExpired as error:
        raise ProgramFailed(f"{path} --version: no answer within {_TIMEOUT_S} s") from error
    except OSError as error:
        raise ProgramFailed(f"cannot start {path}: {error.strerror or error}") from error
    match = _VERSION.fullmatch(done.stdout.strip())
    if match is None:
        said = (done.stdout.strip() or done.stderr.strip() or "nothing").splitlines()[0][:200]
        raise ProgramFailed(f"{path} --version: expected a version such as v20.11.0, got {said!r}")
    return int(match[1]), int(match[2]), int(match[3])
