"""Follows the program that `heapsleuth run` started: takes in samples, shows them, obeys keys."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING

from heapsleuth.errors import AgentFailed
from heapsleuth.units import format_bytes, format_duration

if TYPE_CHECKING:
    from pathlib import Path

    from heapsleuth.capture.collector import Instance
    from heapsleuth.capture.launch import InjectedProgram
    from heapsleuth.capture.process import Ending
    from heapsleuth.scenarios.live import Live

__all__ = ["Watch"]

_SNAPSHOT_S = 1800.0
_REFRESH_S = 0.25
_OUTPUT_LINES = 8


class Watch:
    """Follows the running program until it ends or is ended."""

    def __init__(self, running: InjectedProgram, folder: Path) -> None:
        self._running = running
        self._folder = folder
        self._began = time.monotonic()
        self._lives: dict[str, Live] = {}
        self._messages: list[str] = []
        self._snapshot: threading.Thread | None = None
        self._quit = threading.Event()

    def lines(self, interval_s: float) -> None:
        """Print a line per interval to standard error."""
        from heapsleuth.cli.run_view import line_of

        following = time.monotonic() + interval_s
        while self._running.program.wait(min(_REFRESH_S, interval_s)) is None:
            instance = self._look()
            if time.monotonic() < following:
                continue
            following += interval_s
            said = line_of(self._lives[instance.name], instance) if instance else "no agent has reported yet"
            print(f"heapsleuth: {said}", file=sys.stderr, flush=True)  # noqa: T201 - this is the command line
        self._look()

    def screen(self, *, show_output: bool) -> None:
        """Show the screen and obey keys."""
        from rich.console import Console
        from rich.live import Live as LiveScreen

        from heapsleuth.cli.keys import pressed_keys
        from heapsleuth.cli.run_view import Screen, memory_limit_bytes, screen_of

        program = self._running.program
        screen = Screen(str(self._running.launch), memory_limit_bytes=memory_limit_bytes())
        with (
            pressed_keys() as keys,
            LiveScreen(console=Console(), auto_refresh=False, transient=False, screen=False) as display,
        ):
            while program.wait(0) is None and not self._quit.is_set():
                instance = self._look()
                screen.instance = instance
                screen.live = self._lives.get(instance.name) if instance else None
                every = self._running.collector.instances()
                screen.others = [one for one in every if instance and one.name != instance.name]
                screen.uptime_s = time.monotonic() - self._began
                screen.messages = self._messages
                screen.output = program.tail.text(_OUTPUT_LINES) if show_output else ""
                display.update(screen_of(screen), refresh=True)
                self._obey(keys(_REFRESH_S), instance)

    def say_end(self, ending: Ending) -> None:
        """Say how it ended and what was seen, on standard error."""
        said = [f"the program {ending.describe()}"]
        if not self._lives:
            said.append("no agent has reported: NODE_OPTIONS did not reach a Node.js process")
        said += [leak.text for live in self._lives.values() if (leak := live.watch.potential_leak)]
        for text in said:
            print(f"heapsleuth: {text}", file=sys.stderr, flush=True)  # noqa: T201 - this is the command line

    def _look(self) -> Instance | None:
        """Take in new samples; return the instance to show: the one that has answered most requests."""
        from heapsleuth.scenarios.live import Live

        instances = [one for one in self._running.collector.instances() if one.sample is not None]
        for one in instances:
            live = self._lives.setdefault(one.name, Live())
            newest = live.sample.at_ms if live.sample else 0.0
            for sample in self._running.collector.samples(one.name):
                if sample.at_ms > newest:
                    live.add(sample)
        if not instances:
            return None
        return max(instances, key=lambda one: self._lives[one.name].get("requests_total") or 0.0)

    def _obey(self, key: str, instance: Instance | None) -> None:
        if key == "q":
            self._quit.set()
        if key != "s":
            return
        if instance is None:
            self._messages.append("no snapshot: no agent has reported yet")
        elif self._snapshot is not None and self._snapshot.is_alive():
            self._messages.append("a snapshot is being taken already")
        else:
            self._messages.append("taking a heap snapshot; the program stands still meanwhile …")
            self._snapshot = threading.Thread(target=self._take, args=(instance,), daemon=True)
            self._snapshot.start()

    def _take(self, instance: Instance) -> None:
        try:
            result = self._running.collector.command(
                instance.name,
                {"type": "snapshot", "dir": str(self._folder)},
                _SNAPSHOT_S,
                alive=lambda: self._running.program.running,
            )
        except AgentFailed as error:
            self._messages.append(str(error))
            return
        size, pause = result.get("bytes"), result.get("pause_ms")
        figures = [format_bytes(size)] if isinstance(size, int | float) else []
        if isinstance(pause, int | float):
            figures.append(f"the program stood still for {format_duration(pause / 1000)}")
        self._messages.append(f"written: {result.get('path')} ({', '.join(figures)})")
