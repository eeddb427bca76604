"""A part of the evaluation's page: a table and what is to be said about it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Section"]


@dataclass(frozen=True, slots=True)
class Section:
    """
    One table.

    Attributes:
        head: Titles of the columns; the first may be empty.
        rows: Cells, as many per row as there are titles.
        notes: Paragraphs below the table.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
