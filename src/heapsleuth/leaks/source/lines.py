"""A few lines of a source text, fit to be printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapsleuth.leaks.model import CodeLine

if TYPE_CHECKING:
    from heapsleuth.heap.declarations import SourceText

__all__ = ["code_lines"]

_NEIGHBOURS = 2
_WIDEST = 160
_BEFORE = 60


def code_lines(text: SourceText, line: int, column: int = 0) -> tuple[CodeLine, ...]:
    """
    Return a line of *text* with two neighbours on each side.

    Args:
        text: The text.
        line: 1-based; nothing is returned for a line that is not there.
        column: 0-based, in UTF-16 units; long lines are cut around it.
    """
    found = []
    for number in range(max(line - _NEIGHBOURS, 1), line + _NEIGHBOURS + 1):
        start = text.offset(number - 1)
        if start is None:
            continue
        whole = text.text[start : start + text.line_length(number - 1)].rstrip("\r\n\u2028\u2029")
        is_marked = number == line
        at = (text.offset(number - 1, column) or start) - start if is_marked else 0
        found.append(CodeLine(number, _cut(whole, at), is_marked))
    return tuple(found) if any(one.marked for one in found) else ()


def _cut(line: str, column: int) -> str:
    if len(line) <= _WIDEST:
        return line
    first = max(0, min(column - _BEFORE, len(line) - _WIDEST + 1))
    head = "…" if first else ""
    tail = "…" if first + _WIDEST < len(line) else ""
    return f"{head}{line[first : first + _WIDEST - len(head) - len(tail)]}{tail}"
