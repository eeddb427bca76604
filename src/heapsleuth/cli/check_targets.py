"""What `heapsleuth check` is asked to drive: a workload module, or a command under load."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from heapsleuth.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from heapsleuth.scenarios.command import CommandLoad
    from heapsleuth.scenarios.config import Config
    from heapsleuth.scenarios.load import LoadPlan
    from heapsleuth.scenarios.target import Target

__all__ = ["load_options", "make_target"]

_MODULES = (".js", ".cjs", ".mjs", ".ts", ".mts", ".cts")
_PACE_HELP = "Pace of a replay: 1 as recorded, 2 twice as fast, 0 as fast as it answers.  [default: 0]"

_OPTIONS = (
    click.option("--url", "urls", metavar="URL", multiple=True, help="Requested; a path, or an address."),
    click.option("--requests", metavar="N", type=click.IntRange(min=1), help="Requests in a round."),
    click.option("--connections", metavar="N", type=click.IntRange(min=1), help="Connections kept open."),
    click.option(
        "--rate", metavar="N", type=float, help="Requests per second.  [default: as many as it takes]"
    ),
    click.option("--method", metavar="NAME", help="Of every request.  [default: GET]"),
    click.option(
        "--header", "headers", metavar="NAME: VALUE", multiple=True, help="Sent with every request."
    ),
    click.option("--body", metavar="TEXT", help="Sent with every request."),
    click.option("--timeout", metavar="DURATION", help="After which a request failed.  [default: 10s]"),
    click.option(
        "--replay", metavar="FILE", help="Send the requests of a HAR file or an access log instead."
    ),
    click.option("--pace", metavar="X", type=float, help=_PACE_HELP),
    click.option("--load", "load_command", metavar="COMMAND", help="A load generator of your own."),
)


def load_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of the load."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def make_target(
    words: tuple[str, ...], cwd: str | None, node: str | None, config: Config, load: dict[str, Any]
) -> Target:
    """
    Return what is to be driven.

    Raises:
        UsageError: Nothing, or nothing that exists, was named.
    """
    if not words:
        module = config.get("check", "target")
        command = config.get("check", "command")
        words = (module,) if module else tuple(command or ())
    if not words:
        raise UsageError("expected a workload module, or -- and a command, found neither")
    folder = Path(cwd or config.get("check", "cwd") or ".").resolve()
    if not folder.is_dir():
        raise UsageError(f"--cwd: expected a folder, found none: {cwd}")
    node = config.get("check", "node", node)
    if len(words) == 1 and words[0].endswith(_MODULES):
        return _module(words[0], folder, node)
    return _command(words, folder, node, _load(config, **load))


def _module(path: str, folder: Path, node: str | None) -> Target:
    from heapsleuth.capture.node import find_node
    from heapsleuth.scenarios.module import ModuleTarget

    workload = Path(path)
    if not workload.is_file():
        raise UsageError(f"expected a workload module, found no such file: {path}")
    return ModuleTarget(workload.resolve(), folder, find_node(node))


def _command(words: tuple[str, ...], folder: Path, node: str | None, load: CommandLoad) -> Target:
    from heapsleuth.scenarios.command import CommandTarget, Launch

    if len(words) == 1:
        words = tuple(shlex.split(words[0]))
    return CommandTarget(Launch(words, folder=folder, node=node), load)


def _load(
    config: Config,
    *,
    urls: tuple[str, ...],
    requests: int | None,
    connections: int | None,
    rate: float | None,
    method: str | None,
    headers: tuple[str, ...],
    body: str | None,
    timeout: str | None,
    replay: str | None,
    pace: float | None,
    load_command: str | None,
) -> CommandLoad:
    """Return the load; a flag wins over the file, the file over the default."""
    from heapsleuth.scenarios.command import CommandLoad
    from heapsleuth.units import parse_duration

    def chosen(key: str, flag: Any) -> Any:
        return config.get("load", key, flag)

    given = {
        "urls": tuple(chosen("url", urls or None) or ()),
        "requests": chosen("requests", requests),
        "connections": chosen("connections", connections),
        "rate": chosen("rate", rate),
        "method": chosen("method", method),
        "timeout_s": chosen("timeout", parse_duration(timeout) if timeout else None),
        "command": chosen("command", load_command),
        "replay": _replay(chosen("replay", replay), urls, chosen("pace", pace)),
    }
    named = dict(chosen("headers", None) or {}) | dict(_header(text) for text in headers)
    text = chosen("body", body)
    return CommandLoad(
        **{name: value for name, value in given.items() if value},
        headers=tuple(named.items()),
        body=text.encode() if text else b"",
    )


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise UsageError(f'--header: expected "Name: value", found {text!r}')
    return name.strip(), value.strip()


def _replay(path: str | None, urls: tuple[str, ...], pace: float | None) -> LoadPlan | None:
    from heapsleuth.scenarios.load import plan_from_access_log, plan_from_har

    if path is None:
        return None
    base = next((url for url in urls if not url.startswith("/")), None)
    speed = pace or None
    if path.endswith(".har"):
        return plan_from_har(path, base_url=base, pace=speed)
    return plan_from_access_log(path, base_url=base or "http://127.0.0.1", pace=speed)
