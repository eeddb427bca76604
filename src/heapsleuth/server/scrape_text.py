"""Prometheus' text format, read with care: what others expose is as long and as odd as they like."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["MalformedExposition", "Series", "parse_exposition"]

_MAX_SERIES = 200_000
_LINE = re.compile(
    r"""(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)
        (?:\{(?P<labels>(?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?
        [ \t]+(?P<value>[^ \t]+)
        (?:[ \t]+-?[0-9.]+)?      # a time, which is not taken: it is now
        (?:[ \t]*\#.*)?           # an exemplar of OpenMetrics
        [ \t]*""",
    re.VERBOSE,
)
_LABEL = re.compile(r'[ \t]*([a-zA-Z_][a-zA-Z0-9_]*)[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*(?:,|$)')
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"n": "\n"}
_SPECIAL = {"+Inf": math.inf, "-Inf": -math.inf, "NaN": math.nan}


class MalformedExposition(ValueError):
    """What came is not the text format; the text says in which line."""


class Series(NamedTuple):
    """One line."""

    name: str
    labels: Mapping[str, str]
    value: float


def parse_exposition(text: str) -> Iterator[Series]:
    """
    Yield the series of an exposition.

    Raises:
        MalformedExposition: A line is no series, or there are too many.
    """
    count = 0
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip("\r")  # noqa: PLW2901 - the same line
        if not line or line.isspace() or line.startswith("#"):
            continue
        count += 1
        if count > _MAX_SERIES:
            raise MalformedExposition(f"expected at most {_MAX_SERIES} series")
        found = _LINE.fullmatch(line)
        if found is None:
            raise MalformedExposition(f"line {number}: expected a series, got {line[:80]!r}")
        yield Series(found["name"], _labels(found["labels"], number), _value(found["value"], number))


def _labels(text: str | None, number: int) -> dict[str, str]:
    labels = {}
    at = 0
    while text and at < len(text):
        found = _LABEL.match(text, at)
        if found is None:
            raise MalformedExposition(f"line {number}: expected labels, got {text[at : at + 40]!r}")
        value = found[2]
        if "\\" in value:
            value = _ESCAPE.sub(lambda escape: _ESCAPED.get(escape[1], escape[1]), value)
        labels[found[1]] = value
        at = found.end()
    return labels


def _value(text: str, number: int) -> float:
    if text in _SPECIAL:
        return _SPECIAL[text]
    try:
        return float(text)
    except ValueError:
        raise MalformedExposition(f"line {number}: expected a number, got {text[:40]!r}") from None
