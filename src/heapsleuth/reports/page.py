"""A page of terminal text: cleaned strings, hanging indents, columns, colour if the device has it.

Nothing here knows about leaks.  Strings are never read as rich markup; lines have no trailing
blanks and never exceed the page's width.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Literal

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from heapsleuth.reports.untrusted import ascii_only, clean

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

__all__ = ["Column", "Page", "Symbols"]

_DEFAULT_WIDTH, _MIN_WIDTH, _MAX_WIDTH = 80, 40, 110
_INDENT = 2
_LABEL = 9
_GAP = 2
_MOST_BARS = 12
_NARROWEST = 3
_LEGIBLE = 7
"""Cells of a column in which one still reads something."""


@dataclass(frozen=True, slots=True)
class Symbols:
    """The few drawing characters, in Unicode or in ASCII."""

    arrow: str
    back: str
    rule: str
    ellipsis: str
    suspect: str
    levels: str
    """Bar heights from nothing to full."""


UNICODE = Symbols(arrow="→", back="←", rule="━", ellipsis="…", suspect="◀ suspect", levels=" ▁▂▃▄▅▆▇█")
ASCII = Symbols(arrow="->", back="<-", rule="=", ellipsis="..", suspect="<- suspect", levels=" ._-=+*%#")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; `flexible` ones are cut, from the side not kept, when the page is too narrow."""

    title: str
    right: bool = False
    flexible: bool = False
    keep: Literal["start", "end"] = "start"
    style: str = ""
    worth: int = 0
    """Cells by which it may be wider than other flexible columns before it is cut."""
    optional: int = 0
    """Left out of a page that is too narrow to read it; the largest first, never those with 0."""


class Page:
    """
    Collects lines, then gives them as one text.

    Args:
        width: In cells.
        ascii_symbols: Write nothing but ASCII, because the device cannot show more.
        base_dir: Absolute path of a folder; paths inside lose it wherever they stand. Empty: none do.
    """

    def __init__(
        self, width: int = _DEFAULT_WIDTH, *, ascii_symbols: bool = False, base_dir: str = ""
    ) -> None:
        self.width = width
        self.symbols = ASCII if ascii_symbols else UNICODE
        self._ascii = ascii_symbols
        self._folder = f"{base_dir.rstrip('/')}/" if base_dir.rstrip("/") else ""
        self._lines: list[Text] = []
        self._console = Console(file=StringIO(), width=width, color_system=None, legacy_windows=False)

    @classmethod
    def for_stream(cls, out: TextIO, width: int | None = None, *, base_dir: str = "") -> Page:
        """Return an empty page that suits the stream: its encoding and, for a terminal, its width."""
        encoding = (getattr(out, "encoding", None) or "utf-8").lower().replace("-", "")
        if width is None:
            width = _DEFAULT_WIDTH
            if _is_terminal(out):
                width = min(max(Console(file=out).width, _MIN_WIDTH), _MAX_WIDTH)
        return cls(width, ascii_symbols=not encoding.startswith("utf"), base_dir=base_dir)

    def text(self, value: str, limit: int = 200) -> str:
        """Return a string of the report as it may be shown here."""
        shown = clean(value.replace(self._folder, "") if self._folder else value, limit)
        return ascii_only(shown) if self._ascii else shown

    def fit(self, value: str, cells: int, keep: Literal["start", "end"] = "start") -> str:
        """Return a shown string cut to so many cells, with an ellipsis where it was cut."""
        if cell_len(value) <= cells:
            return value
        room = cells - cell_len(self.symbols.ellipsis)
        if room <= 0:
            return self.symbols.ellipsis[: max(cells, 0)]
        chars = value if keep == "start" else value[::-1]
        taken = used = 0
        for char in chars:
            used += cell_len(char)
            if used > room:
                break
            taken += 1
        if keep == "start":
            return value[:taken] + self.symbols.ellipsis
        return self.symbols.ellipsis + value[len(value) - taken :]

    def bars(self, values: Sequence[float]) -> str:
        """Return a bar per value, from zero (empty) to the largest (full); of many values, some."""
        count = len(values)
        if count > _MOST_BARS:
            values = [values[(i + 1) * count // _MOST_BARS - 1] for i in range(_MOST_BARS)]
        top = max(values, default=0)
        if top <= 0:
            return ""
        steps = len(self.symbols.levels) - 1
        # Rounded up: what is there at all is seen.
        return "".join(self.symbols.levels[max(0, -int(-value * steps // top))] for value in values)

    def series(self, values: Sequence[str], cells: int) -> str:
        """Return values joined by arrows; middle ones give way until it fits."""
        joint = f" {self.symbols.arrow} "
        for kept in range(len(values), 2, -1):
            tail = values[len(values) - kept + 1 :]
            middle = (self.symbols.ellipsis,) if kept < len(values) else ()
            line = joint.join((values[0], *middle, *tail))
            if cell_len(line) <= cells:
                return line
        return joint.join(values if len(values) <= 2 else (values[0], self.symbols.ellipsis, values[-1]))  # noqa: PLR2004 - first and last

    def blank(self) -> None:
        """Add an empty line, unless there just was one."""
        if self._lines and self._lines[-1].plain:
            self._lines.append(Text())

    def add(self, line: Text, indent: int = 0, hanging: int = 0) -> None:
        """Add text wrapped to the page; lines after the first are indented by `hanging` more."""
        for position, piece in enumerate(self._wrap(line, self.width - indent, hanging)):
            margin = indent + hanging if position else indent
            self._lines.append(Text(" " * margin).append_text(piece) if piece.plain else Text())

    def rule(self, left: Text, right: str) -> None:
        """Add a line across the page with text at its left and right."""
        dash = self.symbols.rule
        # The left part says what the block is about; the right one gives way.
        right = self.fit(right, max(self.width - left.cell_len - 6, _NARROWEST))
        right_part = f" {right}" if right else ""
        left.truncate(max(self.width - cell_len(right_part) - 5, 0), overflow="crop")
        room = self.width - left.cell_len - cell_len(right_part) - 4
        end = " " + dash * max(room, 1) + right_part
        self._lines.append(Text.assemble((f"{dash * 2} ", "dim"), left, (end, "dim")))

    def heading(self, title: str, note: str = "") -> None:
        """Add a section's heading with a note after it."""
        self.blank()
        self.add(Text.assemble((title, "bold"), (f"  {note}" if note else "", "dim")))

    def field(self, label: str, value: Text, hanging: int = 0) -> None:
        """Add a value beside its label; wrapped lines stay in the value's column."""
        for position, piece in enumerate(self._wrap(value, self.field_width, hanging)):
            if position:
                line = Text(" " * (self._field_start + hanging))
            else:
                line = Text().append(" " * _INDENT + label.ljust(_LABEL + _GAP), "dim")
            line.append_text(piece).rstrip()
            self._lines.append(line)

    @property
    def field_width(self) -> int:
        """Cells beside a field's label."""
        return self.width - self._field_start

    def table(
        self,
        columns: Sequence[Column],
        rows: Sequence[Sequence[str]],
        *,
        header: bool = True,
        gap: int = _GAP,
    ) -> None:
        """Add rows of shown strings as columns `gap` cells apart, cut to the page's width."""
        shown = [columns[i].title for i in range(len(columns))]
        cells = [shown, *rows] if header else list(rows)
        # A column with nothing in it is not worth its place.
        used = [i for i in range(len(columns)) if any(row[i] for row in rows)]
        widths = {i: max(cell_len(row[i]) for row in cells) for i in used}
        used = self._legible(columns, widths, gap)
        widths = {i: widths[i] for i in used}
        self._shrink(columns, widths, gap)
        for position, row in enumerate(cells):
            line = Text(" " * _INDENT)
            for i in used:
                column = columns[i]
                cell = self.fit(row[i], widths[i], column.keep)
                padding = " " * (widths[i] - cell_len(cell))
                style = "dim" if header and position == 0 else column.style
                if column.right:
                    line.append(padding)
                line.append(cell, style)
                line.append(" " * gap if column.right else padding + " " * gap)
            line.rstrip()
            self._lines.append(line)

    def to_text(self, *, colour: bool = False) -> str:
        """Return the page as one string, with ANSI colours if asked for."""
        console = Console(
            file=StringIO(),
            width=self.width,
            color_system="standard" if colour else None,
            force_terminal=colour,
            no_color=not colour,
            legacy_windows=False,
            _environ={},
        )
        with console.capture() as captured:
            for line in self._lines:
                console.print(line, no_wrap=True, overflow="ignore", crop=False, highlight=False)
        return captured.get()

    @property
    def _field_start(self) -> int:
        return _INDENT + _LABEL + _GAP

    def _wrap(self, line: Text, width: int, hanging: int) -> list[Text]:
        """Return the line's pieces: the first up to `width` cells wide, the others `hanging` cells less."""
        pieces = self._pieces(line, width)
        if hanging and len(pieces) > 1:
            start = len(pieces[0].plain)
            start += len(line.plain[start:]) - len(line.plain[start:].lstrip(" "))
            pieces[1:] = self._pieces(line[start:], width - hanging)
        return pieces

    def _pieces(self, line: Text, width: int) -> list[Text]:
        pieces = list(line.wrap(self._console, max(width, 1), overflow="fold")) or [Text()]
        for piece in pieces:
            piece.rstrip()
        return pieces

    def _legible(self, columns: Sequence[Column], widths: dict[int, int], gap: int) -> list[int]:
        """Return the columns that can be read side by side: optional ones give way on a narrow page."""
        used = list(widths)
        while _INDENT + sum(min(widths[i], _LEGIBLE) + gap for i in used) - gap > self.width:
            least = max(used, key=lambda i: columns[i].optional)
            if not columns[least].optional:
                break
            used.remove(least)
        return used

    def _shrink(self, columns: Sequence[Column], widths: dict[int, int], gap: int) -> None:
        excess = _INDENT + sum(widths.values()) + gap * (len(widths) - 1) - self.width
        # Numbers are cut only when nothing else is left to cut.
        for candidates in ([i for i in widths if columns[i].flexible], list(widths)):
            while excess > 0:
                wide = [i for i in candidates if widths[i] > _NARROWEST]
                if not wide:
                    break
                widest = max(wide, key=lambda i: widths[i] - columns[i].worth)
                widths[widest] -= 1
                excess -= 1


def wants_colour(out: TextIO) -> bool:
    """Return whether colours should be sent there: a terminal that is not dumb, and no `NO_COLOR`."""
    return (
        _is_terminal(out)
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM", "").lower() not in {"dumb", "unknown"}
    )


def _is_terminal(out: TextIO) -> bool:
    try:
        return out.isatty()
    except (AttributeError, ValueError):  # not a stream, or closed
        return False
