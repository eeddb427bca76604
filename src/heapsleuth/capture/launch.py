"""Starts a command with the agent in it and a collector that the agent reports to."""

from __future__ import annotations

import os
import shlex
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from heapsleuth.capture.collector import Collector
from heapsleuth.capture.inject import AgentSettings, injected
from heapsleuth.capture.node import NodeBinary, find_node
from heapsleuth.capture.process import Program

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

__all__ = ["InjectedProgram", "Launch"]

_NODE_NAMES = {"node", "nodejs"}


@dataclass(frozen=True)
class Launch:
    """
    What to start and how.

    Attributes:
        command: The program and its arguments.
        folder: Where it runs; None is here.
        node: The Node.js to use instead of the one on the PATH.  It is put in front of the PATH, so that
            `npm start` uses it as well; its file must be called `node` for that.
        agent: What the agent is told, without the collector's address.
        agent_folder: A copy of the agent; None is the one that came with heapsleuth.
        environment: Variables beside those of this process.
    """

    command: tuple[str, ...]
    folder: Path | None = None
    node: str | None = None
    agent: AgentSettings = field(default_factory=AgentSettings)
    agent_folder: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return shlex.join(self.command)

    @property
    def names_node(self) -> bool:
        """Whether the command begins with Node.js itself."""
        return bool(self.command) and Path(self.command[0]).name in _NODE_NAMES

    def find_node(self) -> NodeBinary | None:
        """
        Return the Node.js it will run on; None if that is up to the command.

        Raises:
            ProgramFailed: It is not there, or too old.
        """
        if self.node is not None:
            return find_node(self.node)
        return find_node(self.command[0]) if self.names_node else None


class InjectedProgram:
    """
    A command that runs with the agent in it, from the beginning of the `with` block to its end.

    Args:
        launch: What to start.
        interval_ms: Time between samples.
        echo: As for `Program`.

    Raises:
        ProgramFailed: It cannot be started, or its Node.js is too old.
        AgentFailed: The agent's files are missing.
    """

    def __init__(
        self, launch: Launch, *, interval_ms: int, echo: Callable[[bytes, str], None] | None = None
    ) -> None:
        self.launch = launch
        self.node = launch.find_node()
        self._stack = ExitStack()
        self.collector = Collector(interval_ms=interval_ms)
        try:
            self._stack.enter_context(self.collector)
            settings = replace(
                launch.agent,
                collector=self.collector.url,
                token=self.collector.token,
                interval_ms=interval_ms,
            )
            base = {**os.environ, **launch.environment}
            command = launch.command
            if self.node is not None:
                if launch.names_node:
                    command = (self.node.path, *command[1:])
                folder = str(Path(self.node.path).absolute().parent)
                base["PATH"] = os.pathsep.join(part for part in (folder, base.get("PATH", "")) if part)
            environment = injected(base, settings, agent=launch.agent_folder)
            self.program = self._stack.enter_context(
                Program(command, environment=environment, folder=launch.folder, echo=echo)
            )
        except BaseException:
            self._stack.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the command and all it started, and stop listening; may be called again."""
        self._stack.close()
