"""Cells and rows of Markdown tables; text that comes from a heap is made harmless."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["code", "codes", "place", "table"]


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: str = "") -> str:
    """Return a table; *numbers* has an `r` for each column set to the right."""
    rule = ["---:" if number == "r" else "---" for number in numbers.ljust(len(head))]
    lines = [head, rule, *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def place(finding: Mapping[str, Any]) -> str:
    """Return the headline place of a finding: `app.js:3`."""
    for location in (finding["holder"]["location"], finding["members"]["location"]):
        if location:
            return f"{PurePosixPath(location['file']).name}:{location['line']}"
    return ""


def code(text: str, most: int = 48) -> str:
    """Return text of a heap as code that cannot end its cell."""
    short = text if len(text) <= most else text[: most - 1] + "…"
    plain = "".join("?" if char in "|`\n\r" else char for char in short)
    return f"`{plain}`" if plain else ""


def codes(words: Iterable[str]) -> str:
    """Return several of them, sorted."""
    return ", ".join(code(word) for word in sorted(words))
