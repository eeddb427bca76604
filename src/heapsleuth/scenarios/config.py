"""`heapsleuth.toml`: what a team would otherwise repeat on every command line.

The keys are one table, and so are the checks: unknown keys are named with the nearest known one,
wrong values with what was expected, what was found, and where.  Options on the command line win.
"""

from __future__ import annotations

import difflib
import math
import os
import tomllib
from dataclasses import dataclass, field, fields
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from heapsleuth.errors import UsageError
from heapsleuth.scenarios.criteria import ClassBudget, Limits
from heapsleuth.units import parse_bytes, parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "BUDGET_KEYS",
    "FILE_NAME",
    "SCRAPE_KEYS",
    "SECTIONS",
    "SERVE_KEYS",
    "Config",
    "Key",
    "Kind",
    "limits",
    "load",
]

FILE_NAME = "heapsleuth.toml"
_NEAR = 0.5
"""How alike a wrong name must be to a known one to be taken for it, from 0 to 1."""


class Kind(Enum):
    """What a key's value must be; the words are those of the error."""

    TEXT = "a text"
    TEXTS = "a text or a list of texts"
    TABLE = "a table of texts"
    WHOLE = "a whole number above 0"
    COUNT = "a whole number, 0 or more"
    NUMBER = "a number above 0"
    FLAG = "true or false"
    SHARE = "a number from 0 to 1"
    DURATION = 'seconds, or a text such as "90s" or "5min"'
    BYTES = 'bytes, or a text such as "1.5kB" or "200MiB"'
    PATH = "a path"
    """Relative to the folder of the file it stands in; `-` is standard output."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the file; one that can be turned off also takes `false`."""

    kind: Kind
    meaning: str
    can_be_off: bool = False


SECTIONS: Mapping[str, Mapping[str, Key]] = {
    "check": {
        "target": Key(Kind.PATH, "the module to drive"),
        "command": Key(Kind.TEXTS, "the program to drive instead, with its arguments"),
        "cwd": Key(Kind.PATH, "the folder it runs in"),
        "node": Key(Kind.TEXT, "the Node.js binary: a path, or a name to be found"),
        "rounds": Key(Kind.WHOLE, "rounds to run at least"),
        "max-time": Key(Kind.DURATION, "time after which it is undecided"),
        "baseline": Key(Kind.PATH, "the file of accepted findings"),
    },
    "load": {
        "url": Key(Kind.TEXTS, "what is requested: paths, or addresses"),
        "replay": Key(Kind.PATH, "a HAR file or an access log, sent instead"),
        "pace": Key(Kind.NUMBER, "of a replay: 1 as recorded; as fast as it is answered when not given"),
        "command": Key(Kind.TEXT, "a load generator of your own"),
        "requests": Key(Kind.WHOLE, "requests in a round"),
        "connections": Key(Kind.WHOLE, "connections kept open"),
        "rate": Key(Kind.NUMBER, "requests per second; as many as it answers when not given"),
        "timeout": Key(Kind.DURATION, "time after which a request failed"),
        "method": Key(Kind.TEXT, "GET when not given"),
        "headers": Key(Kind.TABLE, "sent with every request"),
        "body": Key(Kind.TEXT, "sent with every request"),
    },
    "criteria": {
        "fail-on": Key(Kind.SHARE, "confidence from which a leak fails the check", can_be_off=True),
        "stable-within": Key(
            Kind.DURATION, "time of a soak after which the floor must not rise", can_be_off=True
        ),
        "peak-factor": Key(
            Kind.NUMBER, "memory must stay below this many times the baseline", can_be_off=True
        ),
        "crash": Key(Kind.FLAG, "fail when the program ends early or tells of a heap error"),
        "non-2xx": Key(Kind.SHARE, "share of requests that may fail", can_be_off=True),
    },
    "reports": {
        "json": Key(Kind.PATH, "the whole report"),
        "html": Key(Kind.PATH, "a page to read in a browser"),
        "markdown": Key(Kind.PATH, "a summary for a pull request"),
        "junit": Key(Kind.PATH, "test results"),
        "sarif": Key(Kind.PATH, "code scanning results"),
        "base-dir": Key(Kind.PATH, "the repository, to which places are relative"),
    },
}
"""Every section but `budgets`, whose keys are names of classes, and those of `serve`."""

BUDGET_KEYS: Mapping[str, Key] = {
    "max-count": Key(Kind.COUNT, "objects at the end"),
    "bytes-per-work": Key(Kind.BYTES, "growth per unit of work"),
}

SERVE_KEYS: Mapping[str, Mapping[str, Key]] = {
    "serve": {
        "host": Key(Kind.TEXT, "the address to listen on; 127.0.0.1 when not given"),
        "port": Key(Kind.WHOLE, "the port"),
        "data": Key(Kind.PATH, "the folder of everything that is kept"),
        "database": Key(Kind.TEXT, "a file for SQLite, or a URL such as postgresql://host/name"),
        "keep-raw": Key(Kind.DURATION, "how long samples are kept as they came"),
        "keep": Key(Kind.DURATION, "how long everything else is kept"),
        "tls-cert": Key(Kind.PATH, "the certificate, with those between it and the root"),
        "tls-key": Key(Kind.PATH, "its key"),
        "insecure-http": Key(Kind.FLAG, "listen to other machines without TLS, as behind a proxy"),
        "remote-write": Key(Kind.TEXT, "where metrics are forwarded (Prometheus remote write)"),
        "remote-write-token": Key(Kind.TEXT, "bearer token for it"),
        "heap-alert-share": Key(Kind.SHARE, "of the heap limit, from which memory is short"),
        "gc-pause": Key(Kind.DURATION, "what counts as a long pause"),
        "loop-delay": Key(Kind.DURATION, "what counts as a slow event loop, at the 99th percentile"),
        "time-scale": Key(Kind.NUMBER, "for demonstrations: how much longer times count than they were"),
    },
    "serve.snapshots": {
        "automatic": Key(Kind.FLAG, "ask an instance for snapshots when a leak is likely"),
        "vault": Key(Kind.TEXT, "a folder, or a URL such as s3://bucket/prefix"),
        "redact": Key(Kind.FLAG, "keep redacted copies only"),
        "keep-count": Key(Kind.WHOLE, "snapshots to keep at most"),
        "keep": Key(Kind.DURATION, "how long"),
        "keep-bytes": Key(Kind.BYTES, "how much together"),
        "max-bytes": Key(Kind.BYTES, "largest snapshot that is taken, unpacked"),
    },
    "serve.alerts": {
        "receivers": Key(Kind.TEXTS, "URLs of who is told"),
        "resend": Key(Kind.DURATION, "time after which a firing alert is sent again"),
        "external-url": Key(Kind.TEXT, "how people reach the dashboard"),
    },
}
"""Of `heapsleuth serve`."""

SCRAPE_KEYS: Mapping[str, Key] = {
    "url": Key(Kind.TEXT, "an endpoint in Prometheus' text format"),
    "service": Key(Kind.TEXT, "whose it is"),
    "release": Key(Kind.TEXT, "its release"),
    "interval": Key(Kind.DURATION, "time between scrapes"),
    "token": Key(Kind.TEXT, "bearer token for it"),
}
"""Of each `[[serve.scrape]]`."""


@dataclass(frozen=True, slots=True)
class Config:
    """The checked contents of a file; durations in seconds, sizes in bytes, paths as to be opened."""

    path: str | None = None
    """None when there is no file."""
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By section and key; `False` for what is turned off."""
    budgets: tuple[ClassBudget, ...] = ()
    scrape: tuple[Mapping[str, Any], ...] = ()
    """Every `[[serve.scrape]]`; the other sections of `serve` are in `values`."""

    def get(self, section: str, key: str, flag: Any = None) -> Any:
        """
        Return the flag when it was given, else the file's value, else None.

        Raises:
            KeyError: There is no such key in `SECTIONS` or `SERVE_KEYS`.
        """
        if key not in (SECTIONS.get(section) or SERVE_KEYS[section]):
            raise KeyError(f"{section}.{key}")
        return self.values.get(section, {}).get(key) if flag is None else flag


def load(path: str | None = None) -> Config:
    """
    Return the checked contents of a file.

    Args:
        path: The file; None takes `heapsleuth.toml` of the current folder, if there is one.

    Raises:
        UsageError: It cannot be read, or something in it is unknown or wrong.
    """
    if path is None and not Path(FILE_NAME).is_file():
        return Config()
    named = FILE_NAME if path is None else path
    try:
        text = Path(named).read_text(encoding="utf-8")
        document = tomllib.loads(text)
    except FileNotFoundError:
        raise UsageError(f"{named}: expected a configuration file, found no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{named}: the configuration cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{named}: expected TOML: {error}") from error
    return _Reader(named).config(document)


def limits(config: Config, **flags: float | bool | None) -> Limits:
    """
    Return the limits to judge by: a flag wins over the file, the file over the default.

    Args:
        config: The file.
        flags: By field of `Limits`, without `budgets`; None for one that was not given, `False` for
            one that turns its criterion off.

    Raises:
        TypeError: A flag is no field of `Limits`.
    """
    chosen: dict[str, Any] = {}
    for name, key in _LIMIT_KEYS.items():
        value = config.get("criteria", key, flags.pop(name, None))
        if value is not None:
            chosen[name] = None if value is False and name != "crash" else value
    if flags:
        raise TypeError(f"no such limit: {', '.join(flags)}")
    return Limits(**chosen, budgets=config.budgets)


_LIMIT_KEYS = {
    "fail_on": "fail-on",
    "stable_within_s": "stable-within",
    "peak_factor": "peak-factor",
    "crash": "crash",
    "non_2xx_share": "non-2xx",
}
assert {*_LIMIT_KEYS, "budgets"} == {one.name for one in fields(Limits)}  # noqa: S101 - a limit without a key is noticed at import


_INNER = {where.partition(".")[2] for where in SERVE_KEYS} - {""}


class _Reader:
    """Checks one file; its name stands in every error."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._folder = os.path.dirname(path)  # noqa: PTH120 - Path would turn "" into "."

    def config(self, document: dict[str, Any]) -> Config:
        """Return the checked document."""
        values: dict[str, Mapping[str, Any]] = {}
        budgets: tuple[ClassBudget, ...] = ()
        scrape: tuple[Mapping[str, Any], ...] = ()
        for name, section in document.items():
            if name not in SECTIONS and name not in {"budgets", "serve"}:
                self._refuse_unknown("section", name, name, [*SECTIONS, "budgets", "serve"])
            if not isinstance(section, dict):
                self._refuse(name, f"a section [{name}]", section)
            if name == "budgets":
                budgets = tuple(self._budget(key, value) for key, value in section.items())
            elif name == "serve":
                scrape = self._scrape(section.pop("scrape", []))
                values |= self._serve(section)
            else:
                values[name] = self._section(name, section, SECTIONS[name])
        if {"target", "command"} <= values.get("check", {}).keys():
            raise UsageError(f"{self._path}: check: expected a target or a command, found both")
        return Config(self._path, values, budgets, scrape)

    def _serve(self, section: dict[str, Any]) -> dict[str, Mapping[str, Any]]:
        found: dict[str, Mapping[str, Any]] = {}
        known = [*SERVE_KEYS["serve"], *_INNER, "scrape"]
        for name in section:
            if name not in known:
                self._refuse_unknown("key", f"serve.{name}", name, known)
        for where, keys in SERVE_KEYS.items():
            _, _, inner = where.partition(".")
            part = section.pop(inner, {}) if inner else {k: v for k, v in section.items() if k not in _INNER}
            if not isinstance(part, dict):
                self._refuse(where, f"a section [{where}]", part)
            found[where] = self._section(where, part, keys)
        return found

    def _scrape(self, sections: Any) -> tuple[Mapping[str, Any], ...]:
        if not isinstance(sections, list):
            self._refuse("serve.scrape", "sections [[serve.scrape]]", sections)
        found = []
        for section in sections:
            if not isinstance(section, dict) or not {"url", "service"} <= section.keys():
                self._refuse("serve.scrape", "a section with url and service", section)
            found.append(self._section("serve.scrape", section, SCRAPE_KEYS))
        return tuple(found)

    def _section(self, where: str, section: dict[str, Any], keys: Mapping[str, Key]) -> dict[str, Any]:
        for name in section:
            if name not in keys:
                self._refuse_unknown("key", f"{where}.{name}", name, list(keys))
        return {name: self._value(f"{where}.{name}", value, keys[name]) for name, value in section.items()}

    def _budget(self, class_name: str, value: Any) -> ClassBudget:
        where = f"budgets.{class_name}"
        if not isinstance(value, dict) or not value:
            self._refuse(where, f"a table with {' or '.join(BUDGET_KEYS)}", value)
        found = self._section(where, value, BUDGET_KEYS)
        return ClassBudget(class_name, found.get("max-count"), found.get("bytes-per-work"))

    def _value(self, where: str, value: Any, key: Key) -> Any:
        if key.can_be_off and value is False:
            return False
        try:
            checked = _CHECKS[key.kind](value)
        except UsageError as error:
            raise UsageError(f"{self._path}: {where}: {error}") from error
        if checked is None:
            self._refuse(where, key.kind.value + (", or false" if key.can_be_off else ""), value)
        if key.kind is Kind.PATH and checked != "-":
            return os.path.join(self._folder, checked)  # noqa: PTH118 - Path would normalise what was written
        return checked

    def _refuse(self, where: str, expected: str, found: Any) -> NoReturn:
        raise UsageError(f"{self._path}: {where}: expected {expected}, found {_found(found)}")

    def _refuse_unknown(self, noun: str, where: str, name: str, known: list[str]) -> NoReturn:
        near = difflib.get_close_matches(name.replace("_", "-"), known, 1, _NEAR)
        advice = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
        raise UsageError(f"{self._path}: {where}: unknown {noun}; {advice}")


def _found(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'the text "{value}"'
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    return f"{value}" if isinstance(value, (int, float)) else "a date or time"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _texts(value: Any) -> tuple[str, ...] | None:
    listed = value if isinstance(value, list) else [value]
    return tuple(listed) if listed and all(isinstance(one, str) and one for one in listed) else None


def _table(value: Any) -> dict[str, str] | None:
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        return None
    return value


def _whole(value: Any, least: int) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= least else None


def _number(value: Any) -> float | None:
    return float(value) if _is_number(value) and value > 0 else None


def _share(value: Any) -> float | None:
    return float(value) if _is_number(value) and 0 <= value <= 1 else None


def _measure(value: Any, parse: Callable[[str], float]) -> float | None:
    if isinstance(value, str):
        return float(parse(value))
    return float(value) if _is_number(value) and value >= 0 else None


_CHECKS: Mapping[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: _text,
    Kind.TEXTS: _texts,
    Kind.TABLE: _table,
    Kind.WHOLE: lambda value: _whole(value, 1),
    Kind.COUNT: lambda value: _whole(value, 0),
    Kind.NUMBER: _number,
    Kind.FLAG: lambda value: value if isinstance(value, bool) else None,
    Kind.SHARE: _share,
    Kind.DURATION: lambda value: _measure(value, parse_duration),
    Kind.BYTES: lambda value: _measure(value, parse_bytes),
    Kind.PATH: _text,
}
"""By kind: the value as it is used, or None when it is not one."""
