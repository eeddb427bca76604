"""Source evidence of a text alone, for tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapsleuth.heap.declarations import SourceText, property_declaration, visible_declaration
from heapsleuth.leaks.source.evidence import source_facts
from heapsleuth.leaks.source.tree import SyntaxTree
from heapsleuth.places import SourceLocation

if TYPE_CHECKING:
    from heapsleuth.leaks.source.model import SourceFacts


def facts_of(code: str, name: str, near: str | None = None, language: str = "js") -> SourceFacts:
    """Return what *code* says about *name*; of several, about the first one after the text *near*."""
    source = SourceText(code)
    declared = visible_declaration(source.outline, name, None) or property_declaration(
        source.outline, name, None
    )
    if near is not None:
        made = source.outline.declarations[name]
        declared = next(one for one in made if one.offset > code.index(near))
    assert declared is not None

    def place(offset: int) -> SourceLocation:
        line, column = source.position(offset)
        return SourceLocation(f"/a.{language}", line + 1, column)

    return source_facts(source, SyntaxTree(code, f"a.{language}"), declared, place)
