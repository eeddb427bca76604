"""Where a name is declared and where it is filled, read off source text.

V8 records no position for a Map or an Array, so the place a programmer wants to see, the declaration
of the variable or field that holds it, has to come from the text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, Literal

from heapsleuth.heap.js_outline import Declaration, DeclarationKind, Outline, ScopeKind, outline

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

__all__ = [
    "KindHint",
    "SourceText",
    "find_declaration",
    "growth_offsets",
    "growth_sites",
    "module_variable",
    "property_declaration",
    "scope_of_context",
    "visible_declaration",
]

KindHint = Literal["variable", "property"]
"""What is looked for: something bound in a scope, or a property of some object; None for either."""

_LINE_END = re.compile(r"\r\n|[\n\r\u2028\u2029]")
_GROWS_BY_CALL = frozenset(
    "set add push unshift on once addListener addEventListener enqueue append insert put".split()  # noqa: SIM905
)
_OWN_PROPERTIES = (DeclarationKind.FIELD, DeclarationKind.STATIC_FIELD, DeclarationKind.THIS_PROPERTY)
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")


class SourceText:
    """
    A source text with V8's idea of lines and columns.

    Lines are counted from 0 here and columns in UTF-16 units, as V8 does; offsets are in characters.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._line_starts = [0, *(found.end() for found in _LINE_END.finditer(text))]
        self._outline: Outline | None = None

    @property
    def outline(self) -> Outline:
        """Scopes and declarations, found when first asked for."""
        if self._outline is None:
            self._outline = outline(self.text)
        return self._outline

    def offset(self, line: int, column: int = 0) -> int | None:
        """Return the character offset of a 0-based position, None when there is no such place."""
        if not 0 <= line < len(self._line_starts):
            return None
        start = self._line_starts[line]
        end = self._line_starts[line + 1] if line + 1 < len(self._line_starts) else len(self.text)
        if column and _ASTRAL.search(self.text, start, min(start + column, end)):
            head = self.text[start:end].encode("utf-16-le", "surrogatepass")[: 2 * column]
            column = len(head.decode("utf-16-le", "replace"))
        return start + column if start + column < end else None

    def line_length(self, line: int) -> int:
        """Return the characters of a 0-based line, its break included; 0 when there is no such line."""
        starts = [*self._line_starts[line : line + 2], len(self.text)]
        return starts[1] - starts[0] if line < len(self._line_starts) else 0

    def position(self, offset: int) -> tuple[int, int]:
        """Return the 0-based line and column of a character offset."""
        line = bisect_right(self._line_starts, offset) - 1
        start = self._line_starts[line]
        # Files of one long line are nearly always ASCII; there a position must not cost a look at all of it.
        astral = 0 if self.text.isascii() else len(_ASTRAL.findall(self.text, start, offset))
        return line, offset - start + astral


def find_declaration(
    source_text: str, name: str, kind_hint: KindHint | None = None, near_line: int | None = None
) -> tuple[int, int] | None:
    """
    Find where *name* is declared.

    Args:
        source_text: JavaScript or TypeScript, whole or only its beginning.
        name: A variable, function, class, field or property; private ones with their `#`.
        kind_hint: Look only for bindings or only for properties.
        near_line: 1-based line from whose scope the name is seen; the innermost binding visible
            there wins.

    Returns:
        1-based line and 0-based column of the name; None when it is not there or when several
        declarations fit equally well.
    """
    source = SourceText(source_text)
    if name not in source_text:
        return None
    near = None
    if near_line is not None:
        near = source.offset(near_line - 1)
        near = None if near is None else near + len(_indent(source_text, near))
    found = None
    if kind_hint != "property":
        found = visible_declaration(source.outline, name, near)
    if found is None and kind_hint != "variable":
        found = property_declaration(source.outline, name, near)
    if found is None:
        return None
    line, column = source.position(found.offset)
    return line + 1, column


def visible_declaration(outline_: Outline, name: str, near: int | None) -> Declaration | None:
    """
    Return the binding of *name* that code at offset *near* sees.

    Without *near*: the module's own, else the only one there is.
    """
    if near is not None:
        for index in outline_.enclosing(outline_.scope_at(near)):
            if name in outline_.scopes[index].names:
                return outline_.scopes[index].names[name]
        return None
    if name in outline_.scopes[0].names:
        return outline_.scopes[0].names[name]
    bound = [made for made in outline_.declarations.get(name, ()) if made.kind.is_lexical]
    best = min((made.kind for made in bound), default=None)
    return _only([made for made in bound if made.kind == best])


def property_declaration(
    outline_: Outline, name: str, near: int | None, *, of_class_itself: bool = False
) -> Declaration | None:
    """
    Return where property *name* is first given to its object.

    Args:
        outline_: The outline of the text.
        name: The property.
        near: Offset in the class or constructor function of the object: then what other classes give
            to theirs does not count.
        of_class_itself: The object is the class, not an instance: static fields come first.
    """
    made = [one for one in outline_.declarations.get(name, ()) if not one.kind.is_lexical]
    if near is not None:
        maker = _maker_around(outline_, near)
        own = [one for one in made if one.kind in _OWN_PROPERTIES and _maker_of(outline_, one.scope) == maker]
        if own:
            return min(own, key=lambda one: (_is_static(one) != of_class_itself, one.kind, one.offset))
        # A method assigned to a prototype is a maker of its own; no class of this file may claim the name.
        loose = [one for one in made if one.kind == DeclarationKind.THIS_PROPERTY]
        if loose and not any(_is_in_class(outline_, one.scope) for one in loose):
            return min(loose, key=lambda one: one.offset)
        made = [one for one in made if one.kind == DeclarationKind.PROPERTY]
    own = [one for one in made if one.kind in _OWN_PROPERTIES]
    if own:
        makers = {_maker_of(outline_, one.scope) for one in own}
        return min(own, key=lambda one: (one.kind, one.offset)) if len(makers) == 1 else None
    best = min((one.kind for one in made), default=None)
    first = [one for one in made if one.kind == best]
    return first[0] if best == DeclarationKind.EXPORT else _only(first)


def scope_of_context(
    outline_: Outline, variables: Collection[str], witnesses: Sequence[int], having: str | None = None
) -> int | None:
    """
    Return the scope in the text that a V8 context stands for.

    Args:
        outline_: The outline of the text the context's function is in.
        variables: Names of the context's variables.
        witnesses: Offsets of functions created inside the scope; the scope is around all of them.
            Empty when none is known: then only a scope that fits better than all others is taken.
        having: A variable the scope must declare.
    """
    if witnesses:
        chains = [set(outline_.enclosing(outline_.scope_at(offset))) for offset in witnesses]
        candidates = set.intersection(*chains)
    else:
        candidates = {
            made.scope
            for name in variables
            for made in outline_.declarations.get(name, ())
            if made.kind.is_lexical
        }
    # Most of the context's variables first; of equals the inner scope, which shadows the outer one.
    ranked = sorted(
        (
            (sum(name in outline_.scopes[index].names for name in variables), index)
            for index in candidates
            if having is None or having in outline_.scopes[index].names
        ),
        reverse=True,
    )
    if not ranked or not ranked[0][0]:
        return None
    if not witnesses and len(ranked) > 1 and ranked[0][0] == ranked[1][0]:
        return None
    return ranked[0][1]


def module_variable(outline_: Outline, name: str) -> Declaration | None:
    """Return a variable of an ES module by its own name or the one it is exported as."""
    names = outline_.scopes[0].names
    if name in names:
        return names[name]
    texts = outline_.tokens.texts
    for index, text in enumerate(texts[:-1]):
        if text == "as" and texts[index + 1] == name and index and texts[index - 1] in names:
            return names[texts[index - 1]]
        if name == "default" and text == "export" and texts[index + 1] == name:
            return Declaration(name, DeclarationKind.EXPORT, outline_.tokens.starts[index + 1], 0)
    return None


def growth_sites(source_text: str, name: str) -> tuple[int, ...]:
    """
    Return the 1-based lines where *name* is filled, in order.

    Filled means `NAME.set(`, `.add(`, `.push(`, `.on(` and the like, `NAME[…] =`, `NAME +=` and
    `NAME = [...NAME, …]`; NAME may be a property (`this.NAME.push(`).
    """
    source = SourceText(source_text)
    return tuple(sorted({source.position(offset)[0] + 1 for offset in growth_offsets(source, name)}))


def growth_offsets(source: SourceText, name: str) -> tuple[int, ...]:
    """Return the offsets where *name* is filled; see `growth_sites`."""
    if name not in source.text:
        return ()
    tokens = source.outline.tokens
    texts = [*tokens.texts, "", "", "", ""]
    return tuple(
        tokens.starts[index]
        for index, text in enumerate(tokens.texts)
        if text == name and _grows(texts, tokens.partners, index)
    )


def _grows(texts: list[str], partners: Sequence[int], index: int) -> bool:
    following = texts[index + 1]
    if following in (".", "?."):
        return texts[index + 2] in _GROWS_BY_CALL and texts[index + 3] == "("
    if following == "[":
        after = max(partners[index + 1], index + 1) + 1
        return texts[after] in ("=", "||=", "??=", "+=")
    if following == "=":
        # NAME = [...NAME, x], NAME = {...NAME, k: v}, NAME = NAME.concat(x)
        spread = texts[index + 2] in ("[", "{") and texts[index + 3 : index + 5] == ["...", texts[index]]
        return spread or texts[index + 2 : index + 5] == [texts[index], ".", "concat"]
    return following == "+="


def _indent(text: str, offset: int) -> str:
    found = re.compile(r"[ \t]*").match(text, offset)
    return found.group() if found else ""


def _is_in_class(outline_: Outline, scope: int) -> bool:
    return any(outline_.scopes[index].kind is ScopeKind.CLASS for index in outline_.enclosing(scope))


def _maker_around(outline_: Outline, offset: int) -> int:
    return _maker_of(outline_, outline_.scope_at(offset))


def _maker_of(outline_: Outline, scope: int) -> int:
    """Return the class around a scope, else the outermost function: what `this` is made by."""
    maker = 0
    for index in outline_.enclosing(scope):
        if outline_.scopes[index].kind is ScopeKind.CLASS:
            return index
        if outline_.scopes[index].kind is ScopeKind.FUNCTION:
            maker = maker or index
    return maker


def _is_static(made: Declaration) -> bool:
    return made.kind == DeclarationKind.STATIC_FIELD


def _only(made: list[Declaration]) -> Declaration | None:
    return made[0] if len(made) == 1 else None
