"""A small JavaScript and TypeScript lexer: enough to find declarations, tolerant of anything.

Comments, strings, template literals (with `${}` nesting) and regular expressions are told apart from
code; nothing is evaluated and no text makes it fail.  What cannot be lexed (JSX text with a lone
apostrophe, say) is skipped character by character.
"""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass

__all__ = ["MAX_CHARS", "Tokens", "tokenize"]

MAX_CHARS = 6_000_000
"""Longest text that is lexed, in characters; about a second of CPU per 3 million."""

_LONG_LITERAL = 120  # longer strings cannot be property names anyone searches for
_LONGEST_REGEX = 20_000
# After that many literals that do not end, no more is read for the next ones: keeps odd input linear.
_MANY_STRAYS = 1000

# Groups are repeated inside `(?>…)` and never with `*+`: before Python 3.11.5 a possessive quantifier on a
# group with alternatives matches wrongly.  Each repetition costs memory until the match ends, hence the bound
# on strings: with more escapes than that, a string is lexed as if it did not end.
_CODE = re.compile(
    r"""
    (?P<blank>[\s\ufeff]++)
  | (?P<word>(?:[^\W\d]|[$\#])[\w$\u200c\u200d]*+)
  | (?P<number>\.?[0-9][\w.]*+)
  | (?P<string>"(?>(?:[^"\\\n\r]+|\\(?:\r\n|[\s\S])){0,50000})"
      |'(?>(?:[^'\\\n\r]+|\\(?:\r\n|[\s\S])){0,50000})')
  | (?P<comment>//[^\n\r\u2028\u2029]*+|/\*[\s\S]*?(?:\*/|\Z))
  | (?P<slash>/)
  | (?P<tick>`)
  | (?P<punct>=>|\.\.\.|\?\.(?![0-9])|[=!]==?|[<>]=|\*\*=?|&&=?|\|\|=?|\?\?=?|\+\+|--|[-+*%&|^]=|[^\w\s])
    """,
    re.VERBOSE,
)
_REGEX = re.compile(r"/(?>(?:[^/\\\[\n\r]+|\\[^\n\r]|\[(?>(?:[^\]\\\n\r]+|\\[^\n\r])*)\])+)/[\w$]*+")
_TEMPLATE_STOP = re.compile(r"[`\\]|\$\{")
_LINE_REST = re.compile(r"[^\n\r]*+")

_OPENS_OPERAND = frozenset(
    "return typeof case in of delete void throw new instanceof else do yield await extends default".split()  # noqa: SIM905
)
_CONDITION_HEADS = frozenset({"if", "while", "for", "with"})
_CLOSER_OF = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens of a text in order; parallel arrays, without blanks and comments."""

    texts: list[str]
    """The token; a template literal is a "`" and then the tokens inside its `${}`, a regular
    expression is "/x" (a "/" divides), a long string is only its delimiter."""
    starts: array[int]
    """Character offset of each token."""
    ends: array[int]
    """Character offset just after each token."""
    partners: array[int]
    """Index of the matching bracket of `(`, `[`, `{` and of their closers; the token's own index for
    other tokens; the last index for a bracket that is never closed."""


def tokenize(text: str) -> Tokens:
    """
    Split *text* into tokens.

    Returns an empty result for texts longer than `MAX_CHARS`.
    """
    return _Lexer(text).run()


class _Lexer:
    def __init__(self, text: str) -> None:
        self.text = text if len(text) <= MAX_CHARS else ""
        self.texts: list[str] = []
        self.starts = array("I")
        self.ends = array("I")
        self.partners = array("I")
        self.open: list[int] = []  # indexes of open brackets; ~i for the `${` of a template
        self.operand_next = True  # a `/` here would start a regular expression
        self.stray_quotes = 0
        self.lone_slashes = 0  # that should have begun a regular expression
        self.known: dict[str, str] = {}

    def run(self) -> Tokens:
        text, match, size = self.text, _CODE.match, len(self.text)
        at = _LINE_REST.match(text).end() if text.startswith("#!") else 0  # type: ignore[union-attr]
        while at < size:
            found = match(text, at)
            kind = found.lastgroup if found else None
            end = found.end() if found else at + 1
            if kind in ("blank", "comment"):
                at = end
            elif kind == "word":
                word = text[at:end]
                self._emit(word, at, end)
                self.operand_next = word in _OPENS_OPERAND and self._before_last() not in (".", "?.")
                at = end
            elif kind in ("number", "string"):
                self._emit(text[at:end] if end - at < _LONG_LITERAL else text[at], at, end)
                self.operand_next = False
                at = end
            elif kind == "tick":
                self._emit("`", at, end)
                at = self._template(end)
            elif kind == "slash":
                at = self._slash(at)
            else:
                at = self._punct(at, end)
        last = max(len(self.texts) - 1, 0)
        for index in self.open:
            self.partners[index if index >= 0 else ~index] = last
        return Tokens(self.texts, self.starts, self.ends, self.partners)

    def _emit(self, token: str, start: int, end: int) -> None:
        self.partners.append(len(self.texts))
        self.texts.append(self.known.setdefault(token, token))
        self.starts.append(start)
        self.ends.append(end)

    def _before_last(self) -> str:
        return self.texts[-2] if len(self.texts) > 1 else ""

    def _template(self, at: int) -> int:
        """Skip template text from *at*; return the offset after it, inside `${` if one opens."""
        while (found := _TEMPLATE_STOP.search(self.text, at)) and found[0] == "\\":
            at = found.end() + 1
        at = found.start() if found else len(self.text)
        if self.text.startswith("${", at):
            self._emit("{", at, at + 2)
            self.open.append(~(len(self.texts) - 1))
            self.operand_next = True
            return at + 2
        self.operand_next = False
        return at + 1

    def _slash(self, at: int) -> int:
        tries = self.operand_next and self.lone_slashes < _MANY_STRAYS
        found = _REGEX.match(self.text, at, at + _LONGEST_REGEX) if tries else None
        self.lone_slashes += tries and found is None
        end = found.end() if found else at + (2 if self.text.startswith("/=", at) else 1)
        self._emit("/x" if found else self.text[at:end], at, end)
        self.operand_next = found is None
        return end

    def _punct(self, at: int, end: int) -> int:
        token = self.text[at:end]
        if token in ("'", '"'):  # a string that does not end on its line
            self.stray_quotes += 1
            if self.stray_quotes > _MANY_STRAYS:
                rest = _LINE_REST.match(self.text, at)
                return rest.end() if rest else end
            return end
        self._emit(token, at, end)
        if token in _CLOSER_OF:
            self.open.append(len(self.texts) - 1)
            self.operand_next = True
        elif token in (")", "]", "}"):
            return self._close(token, end)
        else:
            self.operand_next = token not in ("++", "--")
        return end

    def _close(self, token: str, end: int) -> int:
        """Match a closing bracket, dropping openers it skips over; return where to go on."""
        index = len(self.texts) - 1
        depth = len(self.open) - 1
        while depth >= 0 and _CLOSER_OF[self.texts[self._opener(depth)]] != token:
            depth -= 1
        if depth < 0:
            self.operand_next = token == "}"
            return end
        for lost in range(depth + 1, len(self.open)):
            self.partners[self._opener(lost)] = index
        opener, in_template = self._opener(depth), self.open[depth] < 0
        del self.open[depth:]
        self.partners[opener], self.partners[index] = index, opener
        if in_template:
            return self._template(end)
        before = self.texts[opener - 1] if opener else ";"
        if token == ")":
            self.operand_next = before in _CONDITION_HEADS
        elif token == "}":
            # After a block a `/` starts a regular expression; after an object literal it divides.
            self.operand_next = before in (")", ";", "{", "}", "else", "do", "try", "finally", "=>")
        else:
            self.operand_next = False
        return end

    def _opener(self, depth: int) -> int:
        index = self.open[depth]
        return index if index >= 0 else ~index
