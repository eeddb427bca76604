"""Strings from a heap, made safe to show.

Names, property keys and file paths come out of somebody's process and can hold anything: terminal
escapes, line breaks, marks that turn the reading direction, megabytes.  Every renderer passes
every string of a report through here.
"""

from __future__ import annotations

import unicodedata

__all__ = ["ascii_only", "clean", "clean_block", "shorten"]

_LONGEST_BLOCK = 8000
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"})
"""Categories that are invisible or steer the output device: controls, direction marks, surrogates,
private use, unassigned, separators other than the blank."""
_SHORT_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_PLAIN = str.maketrans(
    {
        "…": "...", "→": "->", "←": "<-", "×": "x", "·": "-", "–": "-", "—": "-", "−": "-",
        "≤": "<=", "≥": ">=", "±": "+/-", "‘": "'", "’": "'", "“": '"', "”": '"', "\u00a0": " ",
    }
)  # fmt: skip


def clean(text: str, limit: int = 200) -> str:
    r"""
    Return a text on one line in which nothing is hidden or acts on a terminal.

    Controls, direction marks and the like become visible escapes (`\x1b`, `\u202e`); what is longer than
    `limit` characters loses its middle.
    """
    # Cut first: escaping a megabyte to show eighty characters of it would be work for nothing.
    cut = shorten(text, limit)
    return cut if cut.isascii() and cut.isprintable() else "".join(map(_visible, cut))


def clean_block(text: str, limit: int = 300) -> list[str]:
    """Return the lines of a text such as code, each cleaned and cut to `limit`; tabs become spaces."""
    return [clean(line, limit) for line in text[:_LONGEST_BLOCK].expandtabs(4).split("\n")] if text else []


def shorten(text: str, limit: int) -> str:
    """Return the text with its middle replaced by `…` where it is longer than `limit` characters."""
    if len(text) <= limit:
        return text
    head = max(limit - 1, 0) * 2 // 3
    tail = max(limit - 1 - head, 0)
    return text[:head] + "…" + (text[-tail:] if tail else "")


def ascii_only(text: str) -> str:
    r"""Return the text in ASCII: common punctuation by its like, everything else as `\u00e9` escapes."""
    if text.isascii():
        return text
    return text.translate(_PLAIN).encode("ascii", "backslashreplace").decode("ascii")


def _visible(char: str) -> str:
    if char == " " or unicodedata.category(char) not in _HIDDEN:
        return char
    return _SHORT_ESCAPES.get(char) or char.encode("ascii", "backslashreplace").decode("ascii").replace(
        char, f"\\x{ord(char):02x}"
    )
