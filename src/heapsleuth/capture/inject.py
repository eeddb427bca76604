"""Puts the agent into a Node.js program by its environment, without a change to the program.

`NODE_OPTIONS=--require "…/register.cjs"` is the one form that Node 18 to 26 take for CommonJS, ES
modules and TypeScript alike, and that child processes, cluster workers and worker threads inherit.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from heapsleuth.errors import AgentFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["REGISTER", "AgentSettings", "agent_folder", "injected", "node_options", "register_file"]

REGISTER = "register.cjs"
"""The file of the agent that is preloaded."""

_PACKAGE = Path(__file__).resolve().parent.parent
_INSTALLED = _PACKAGE / "_agent"
_CHECKOUT = _PACKAGE.parent.parent / "agents" / "node"


@dataclass(frozen=True)
class AgentSettings:
    """
    What the agent is told; None leaves what the environment already says, or the agent's default.

    Attributes:
        collector: Address it reports to, `http://127.0.0.1:PORT`.
        token: Sent with every report.
        service: Name of the program in reports and file names.
        release: Version of the program in reports and file names.
        interval_ms: Between two samples.
        snapshot_dir: Where its snapshots go.
        snapshot_signal: `SIGUSR2`, another signal, or `none`.
        snapshot_threshold: Share of the heap limit at which it takes a snapshot by itself; 0 is never.
    """

    collector: str | None = None
    token: str | None = None
    service: str | None = None
    release: str | None = None
    interval_ms: int | None = None
    snapshot_dir: str | None = None
    snapshot_signal: str | None = None
    snapshot_threshold: float | None = None

    def variables(self) -> dict[str, str]:
        """Return the settings that are set, as environment variables."""
        given = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {
            f"HEAPSLEUTH_{name.upper()}": f"{value:g}" if isinstance(value, float) else str(value)
            for name, value in given
            if value is not None
        }


def agent_folder() -> Path:
    """
    Return the folder of the agent: in the installed package, or in a source checkout.

    Raises:
        AgentFailed: It is in neither.
    """
    for folder in (_INSTALLED, _CHECKOUT):
        if (folder / REGISTER).is_file():
            return folder
    raise AgentFailed(
        f"expected the agent at {_INSTALLED / REGISTER}, found no such file; install heapsleuth again"
    )


def register_file(agent: Path | None = None) -> Path:
    """
    Return the file to preload.

    Args:
        agent: A folder with a copy of the agent; None is the one that came with heapsleuth.

    Raises:
        AgentFailed: The file is not there.  Node.js would refuse to start, with a message that does
            not name heapsleuth.
    """
    path = (agent_folder() if agent is None else agent.absolute()) / REGISTER
    if not path.is_file():
        raise AgentFailed(f"expected the agent at {path}, found no such file")
    return path


def node_options(existing: str, register: Path) -> str:
    """
    Return NODE_OPTIONS with the agent in front of what the user had.

    In front, because what is loaded first sees everything the others do; and so that text after an
    unfinished quote of the user's own cannot swallow it.
    """
    quoted = str(register).replace("\\", "\\\\").replace('"', '\\"')
    ours = f'--require "{quoted}"'
    theirs = existing.replace(ours, "").strip()
    return f"{ours} {theirs}" if theirs else ours


def injected(
    base: Mapping[str, str], settings: AgentSettings, *, agent: Path | None = None
) -> dict[str, str]:
    """
    Return an environment in which every Node.js process loads the agent.

    Args:
        base: The environment to start from, usually `os.environ`.
        settings: What the agent is told.
        agent: As for `register_file`.

    Raises:
        AgentFailed: The agent's file is not there.
    """
    # A user's HEAPSLEUTH_OFF=1 is for their own shell; asking for a run is asking for the agent.
    kept = {name: value for name, value in base.items() if name != "HEAPSLEUTH_OFF"}
    options = node_options(kept.get("NODE_OPTIONS", ""), register_file(agent))
    return {**kept, **settings.variables(), "NODE_OPTIONS": options}
