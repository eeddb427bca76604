"""Finds the running Node.js process a user means, by process id or by name."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import psutil

from heapsleuth.errors import CaptureFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["RunningNode", "find_running", "script_of"]

_NODE_PROGRAMS = {"node", "nodejs", "node.exe"}
_FLAGS_WITH_VALUE = {"-r", "--require", "--import", "--loader", "--experimental-loader", "-C", "--conditions"}
_SIGUSR1_BIT = 1 << (10 - 1)
_SHOWN = 10


@dataclass(frozen=True)
class RunningNode:
    """
    A Node.js process of this user.

    Attributes:
        pid: Process id.
        name: What it runs, for file names and messages: the service's name if it says one, else its script.
        command: Its command line as typed in a shell.
    """

    pid: int
    name: str
    command: str


def script_of(arguments: Sequence[str]) -> str | None:
    """Return the script of a Node.js command line, None where there is none (`node -e …`)."""
    rest = iter(arguments[1:])
    for argument in rest:
        if argument in {"-e", "--eval", "-p", "--print"}:
            return None
        if argument in _FLAGS_WITH_VALUE:
            next(rest, None)
        elif not argument.startswith("-"):
            return argument
    return None


def find_running(wanted: str) -> RunningNode:
    """
    Return the Node.js process with that id, or the only one with that name.

    Args:
        wanted: A process id; or a service's name (`HEAPSLEUTH_SERVICE`), the path or file name of a
            script with or without extension, or the folder it is in.

    Raises:
        CaptureFailed: There is none or more than one, it is no Node.js, or it belongs to another user.
    """
    if wanted.isdecimal():
        try:
            return _checked(psutil.Process(int(wanted)))
        except (psutil.NoSuchProcess, OverflowError) as error:
            raise CaptureFailed(f"expected the id of a running process, found no process {wanted}") from error
    running = [process for process in psutil.process_iter() if _is_node(process) and _is_ours(process)]
    described = [found for found in map(_described, running) if found is not None]
    matching = [found for found, names in described if wanted in names]
    if len(matching) == 1:
        return matching[0]
    rows = matching or [found for found, _ in described]
    listing = "".join(f"\n  {one.pid:>7}  {one.command[:100]}" for one in rows[:_SHOWN])
    if matching:
        raise CaptureFailed(
            f"expected one Node.js process named {wanted}, found {len(matching)}; "
            f"name one by its id:{listing}"
        )
    seen = f"; there are:{listing}" if listing else "; no Node.js process of this user is running"
    raise CaptureFailed(f"expected a Node.js process named {wanted}, found none{seen}")


def catches_sigusr1(pid: int) -> bool | None:
    """Return whether the process handles SIGUSR1, which would kill it otherwise; None if nobody can tell."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
        return any(
            int(line.split()[1], 16) & _SIGUSR1_BIT
            for line in status.splitlines()
            if line.startswith(("SigCgt:", "SigIgn:"))
        )
    except (OSError, ValueError, IndexError):
        return None


def _checked(process: psutil.Process) -> RunningNode:
    pid = process.pid
    if not _is_ours(process):
        raise CaptureFailed(
            f"process {pid} belongs to {_owner(process)}; its memory is only for them: "
            "run heapsleuth as that user"
        )
    found = _described(process) if _is_node(process) else None
    if found is None:
        raise CaptureFailed(
            f"expected a Node.js process, found {_command(process) or 'another program'} ({pid})"
        )
    return found[0]


def _described(process: psutil.Process) -> tuple[RunningNode, set[str]] | None:
    """Return the process and every name it goes by, None if it has just ended."""
    try:
        arguments = process.cmdline()
        environment = process.environ()
        folder = process.cwd()
    except psutil.Error:
        return None
    service = environment.get("HEAPSLEUTH_SERVICE", "")
    script = script_of(arguments)
    path = PurePath(folder, script) if script else None
    names = {service} if service else set()
    if path is not None and script is not None:
        names |= {script, str(path), path.name, path.stem, path.parent.name}
    name = service or (path.stem if path is not None else "node")
    return RunningNode(process.pid, name, shlex.join(arguments)), names


def _is_node(process: psutil.Process) -> bool:
    try:
        return PurePath(process.exe()).name in _NODE_PROGRAMS or process.name() in _NODE_PROGRAMS
    except psutil.Error:
        return False


def _is_ours(process: psutil.Process) -> bool:
    if not hasattr(os, "geteuid") or os.geteuid() == 0:
        return True
    try:
        return bool(process.uids().real == os.geteuid())
    except psutil.Error:
        return False


def _owner(process: psutil.Process) -> str:
    try:
        return str(process.username())
    except (psutil.Error, KeyError):
        return "another user"


def _command(process: psutil.Process) -> str:
    try:
        return shlex.join(process.cmdline())[:100] or str(process.name())
    except psutil.Error:
        return ""
