"""Source evidence and lines of code for the objects of a heap."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapsleuth.leaks.source.evidence import intents_at, source_facts
from heapsleuth.leaks.source.lines import code_lines
from heapsleuth.leaks.source.tree import SyntaxTree
from heapsleuth.places import SourceLocation

if TYPE_CHECKING:
    from heapsleuth.heap.declarations import SourceText
    from heapsleuth.heap.sources import Sources
    from heapsleuth.leaks.model import CodeLine
    from heapsleuth.leaks.source.model import Intent, SourceFacts

__all__ = ["SourceReader"]


class SourceReader:
    """
    Reads what the sources of a heap say about its variables and fields.

    Every file is parsed once.  Never fails: what cannot be read has no facts and no lines.  Not safe to
    share between threads.

    Args:
        sources: Source locations of the heap.
    """

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._trees: dict[int, tuple[SourceText, SyntaxTree]] = {}
        self._texts: dict[str, SourceText] = {}
        self._facts: dict[tuple[int, str], SourceFacts | None] = {}

    def facts(self, owner: int, name: str) -> SourceFacts | None:
        """
        Return what the file that declares a variable or property says about it.

        Args:
            owner: The node that holds it, as of `Sources.declaration`.
            name: The variable or property.

        Returns:
            None when its declaration is not found.
        """
        if (owner, name) not in self._facts:
            self._facts[owner, name] = self._find(owner, name)
        return self._facts[owner, name]

    def _find(self, owner: int, name: str) -> SourceFacts | None:
        found = self._sources.declared_in(owner, name)
        if found is None:
            return None
        tree = self._tree(found.text, found.file)
        return source_facts(found.text, tree, found.declaration, found.place, whole=found.is_whole)

    def lines(self, location: SourceLocation | None) -> tuple[CodeLine, ...]:
        """Return the line of a location with its neighbours, empty when its text is not at hand."""
        if location is None or location.line is None:
            return ()
        text = self._text_of(location)
        return () if text is None else code_lines(text, location.line, location.column or 0)

    def intents(self, location: SourceLocation | None) -> tuple[tuple[Intent, ...], tuple[str, ...]]:
        """Return what comments beside a location claim, and directives there that are not followed."""
        text = None if location is None or location.line is None else self._text_of(location)
        if location is None or location.line is None or text is None:
            return (), ()
        offset = text.offset(location.line - 1, location.column or 0)
        if offset is None:
            return (), ()

        def place(at: int) -> SourceLocation:
            line, column = text.position(at)
            return SourceLocation(location.file, line + 1, column)

        return intents_at(text, self._tree(text, location.file), offset, place)

    def _text_of(self, location: SourceLocation) -> SourceText | None:
        """Return the text of a location; hundreds of holders alike ask for the same few files."""
        text = self._texts.get(location.file) or self._sources.text_of(location)
        if text is not None:
            self._texts[location.file] = text
        return text

    def _tree(self, text: SourceText, file: str) -> SyntaxTree:
        if id(text) not in self._trees:
            self._trees[id(text)] = (
                text,
                SyntaxTree(text.text, file),
            )  # the text too, so that ids stay its own
        return self._trees[id(text)][1]
