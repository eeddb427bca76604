"""What of a key may be shown: names that people wrote, and no more than a hint of data.

Keys of Maps and property names of objects used as dictionaries can be e-mail addresses, tokens or file
names of customers.  A key of a Map is shown when it looks like a name in a program; a property that
does not is shortened, because its first characters are often what tells which dictionary it is.
"""

from __future__ import annotations

import re

__all__ = ["is_name", "shown_key", "shown_property"]

_WORDS = re.compile(r"[A-Za-z_$#][\w$]*(?:[-.:/][A-Za-z_$][\w$]*)*", re.ASCII)
_LONGEST_NAME = 32
_LONGEST_WORD = 16
_MOST_DIGITS = 2
_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_HEX = re.compile(r"[0-9a-fA-F]{8,}")
_SHORTENED_TO = 4


def is_name(text: str) -> bool:
    """Whether a key looks like a name that somebody wrote into a program: `content-type`, `userCache`."""
    if not _WORDS.fullmatch(text) or len(text) > _LONGEST_NAME or _HEX.search(text):
        return False
    parts = _PART.findall(text)
    digits = sum(len(part) for part in parts if part.isdigit())
    words = [part for part in parts if not part.isdigit()]
    # Random letters of both cases fall into many short parts, encoded data into one long part.
    scattered = len(words) > 3 and sum(map(len, words)) < 3 * len(words)
    return digits <= _MOST_DIGITS and not scattered and all(len(part) <= _LONGEST_WORD for part in words)


def shown_key(text: str | None) -> str:
    """Return a key in brackets: `["config"]` when it is a name, else `[…]`."""
    return f'["{text}"]' if text is not None and is_name(text) else "[…]"


def shown_property(name: str) -> str:
    """Return a property as code reaches it: `.items`, `["content-type"]`, and data shortened: `["sess…"]`."""
    if not is_name(name):
        shown = name[:_SHORTENED_TO] if len(name) > 2 * _SHORTENED_TO and not name.isdigit() else ""
        return f'["{shown}…"]' if shown else "[…]"
    return f".{name}" if name.replace("$", "_").lstrip("#").isidentifier() else f'["{name}"]'
