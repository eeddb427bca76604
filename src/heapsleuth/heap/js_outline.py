"""The scopes of a JavaScript or TypeScript text and what is declared in each.

Built from tokens alone, so that it also works on text with type annotations, decorators or a syntax
error somewhere: what is not understood is passed over.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from enum import IntEnum

from heapsleuth.heap.js_tokens import Tokens, tokenize

__all__ = ["Declaration", "DeclarationKind", "Outline", "Scope", "ScopeKind", "outline"]


class DeclarationKind(IntEnum):
    """How a name came to be, in order of preference when several declarations fit."""

    VARIABLE = 0
    FUNCTION = 1
    CLASS = 2
    IMPORT = 3
    PARAMETER = 4
    FIELD = 5
    STATIC_FIELD = 6
    THIS_PROPERTY = 7
    EXPORT = 8
    PROPERTY = 9
    LITERAL_PROPERTY = 10
    METHOD = 11

    @property
    def is_lexical(self) -> bool:
        """Whether the name is bound in a scope (and not a property of some object)."""
        return self <= DeclarationKind.PARAMETER


class ScopeKind(IntEnum):
    """What a scope is; object literals are kept because they hold properties and methods."""

    MODULE = 0
    FUNCTION = 1
    CLASS = 2
    BLOCK = 3
    OBJECT = 4


@dataclass(frozen=True, slots=True)
class Declaration:
    """A name declared at a character offset, in the scope with that index."""

    name: str
    kind: DeclarationKind
    offset: int
    scope: int


@dataclass(slots=True)
class Scope:
    """A stretch of text, `start` to `end` (character offsets), inside its parent scope."""

    kind: ScopeKind
    start: int
    end: int
    parent: int
    name: str | None = None
    names: dict[str, Declaration] = field(default_factory=dict)
    """What is bound here, by name."""


@dataclass(frozen=True, slots=True)
class Outline:
    """Scopes in text order (a scope comes after its parent) and declarations by name."""

    scopes: list[Scope]
    declarations: dict[str, list[Declaration]]
    tokens: Tokens
    _starts: list[int]

    def scope_at(self, offset: int) -> int:
        """Return the index of the innermost scope around a character offset."""
        index = max(bisect_right(self._starts, offset) - 1, 0)
        while index and self.scopes[index].end <= offset:
            index = self.scopes[index].parent
        return index

    def enclosing(self, index: int) -> list[int]:
        """Return a scope's index and those of all scopes around it, innermost first."""
        chain = [index]
        while index:
            index = self.scopes[index].parent
            chain.append(index)
        return chain


def outline(text: str) -> Outline:
    """Find scopes and declarations in *text*; never fails, knows less of what it cannot read."""
    return _Builder(text).run()


_WORD = re.compile(r"[^\W\d]|[$#]")
_VALUE_END = re.compile(r"[\w$)\]}\"'`]")
# ruff: disable[SIM905]
_EXPRESSION_BEFORE = frozenset(
    (
        "( , = : ? [ ! & | + - * / % < > ~ ^ && || ?? => ... == === != !== <= >= += -= *= ||= &&= ??= "
        "return typeof new in of case delete void throw await yield instanceof extends default"
    ).split()
)
_STATEMENT_WORDS = frozenset(
    (
        "const let var function class return if for while do switch try throw import export async break "
        "continue debugger interface type enum declare namespace abstract"
    ).split()
)
_CONTROL_WORDS = frozenset({"if", "for", "while", "switch", "with", "catch", "function"})
_IMPORT_ENDS = frozenset({"from", ";", "(", "import", "const", "let", "var", "function", "class"})
_INFIX_WORDS = frozenset({"in", "of", "instanceof", "as", "satisfies"})
_RESERVED = _STATEMENT_WORDS - {"async", "type", "declare", "namespace", "abstract", "let"} | {
    "new", "this", "null", "true", "false", "typeof", "void", "super", "case", "default", "else", "in",
}  # fmt: skip
_MODIFIERS = frozenset(
    "static readonly private public protected declare override accessor abstract async get set".split()
)
# ruff: enable[SIM905]
_TYPE_LOOK_BACK = 60  # tokens of a return type between `)` and `=>`
_TYPE_LOOK_AHEAD = 200
_CASE_LOOK_BACK = 12
_MAX_PATTERN_DEPTH = 40


class _Builder:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokenize(text)
        self.texts = [*self.tokens.texts, "", "", ""]  # so that looking ahead never fails
        self.partners = self.tokens.partners
        self.count = len(self.tokens.texts)
        self.scopes = [Scope(ScopeKind.MODULE, 0, len(text) + 1, 0)]
        self.homes = [(0, 0)]  # by scope: where `let` and where `var` bind
        self.stack = [(0, self.count + 1)]  # (scope, first token index after it)
        self.declarations: dict[str, list[Declaration]] = {}
        self.bodies: set[int] = set()  # `{` tokens that open the body of a known function or class
        # Looking ahead takes two or three steps a token in real programs; this keeps odd ones linear.
        self.steps_left = 12 * self.count + 10_000
        self.chain_end = 0  # token after the chain of assignments looked at last
        self.chain_is_void = False
        self.arrows: dict[int, tuple[int, int]] = {}  # head token -> (arrow token, token after the body)

    def run(self) -> Outline:
        self._find_arrows()
        handlers = {
            "function": self._function, "class": self._class, "import": self._import, "catch": self._catch,
            "for": self._for,
            "const": self._variables, "let": self._variables, "var": self._variables,
            "enum": self._enum, "namespace": self._enum,
            "{": self._brace, "(": self._method, ":": self._literal_property,
            "=": self._assignment, "||=": self._assignment, "??=": self._assignment,
        }  # fmt: skip
        stack, texts, arrows = self.stack, self.texts, self.arrows
        for index in range(self.count):
            while stack[-1][1] <= index:
                stack.pop()
            if index in arrows:
                self._arrow(index)
            token = texts[index]
            handler = handlers.get(token)
            if handler is not None:
                handler(index)
            elif self.scopes[stack[-1][0]].kind in (ScopeKind.CLASS, ScopeKind.OBJECT):
                self._member(index, token)
        return Outline(self.scopes, self.declarations, self.tokens, [scope.start for scope in self.scopes])

    # Bookkeeping

    def _push(self, kind: ScopeKind, first: int, after: int, name: str | None = None) -> int:
        """Open a scope from token *first* up to token *after*."""
        last = min(after, self.count) - 1
        end = self.tokens.ends[last] if last >= 0 else 0
        scope, parent = len(self.scopes), self.stack[-1][0]
        self.scopes.append(Scope(kind, self.tokens.starts[first], end, parent, name))
        block, function = self.homes[parent]
        self.homes.append(
            (
                scope if kind in (ScopeKind.FUNCTION, ScopeKind.BLOCK) else block,
                scope if kind is ScopeKind.FUNCTION else function,
            )
        )
        self.stack.append((scope, after))
        return scope

    def _declare(self, token: int, kind: DeclarationKind, scope: int, name: str | None = None) -> None:
        name = name or self.texts[token]
        made = Declaration(name, kind, self.tokens.starts[token], scope)
        self.declarations.setdefault(name, []).append(made)
        if kind.is_lexical:
            self.scopes[scope].names.setdefault(name, made)

    def _home(self, *, hoisted: bool = False) -> int:
        """Return the scope a declaration here binds in; *hoisted* as `var` does."""
        return self.homes[self.stack[-1][0]][hoisted]

    def _is_word(self, token: int) -> bool:
        return _WORD.match(self.texts[token]) is not None

    def _before(self, token: int, back: int = 1) -> str:
        return self.texts[token - back] if token >= back else ""

    def _after(self, bracket: int) -> int:
        """Return the token after the bracket pair opened at *bracket*; always moves on."""
        return max(self.partners[bracket], bracket) + 1 if bracket < self.count else bracket + 1

    def _line_break_before(self, token: int) -> bool:
        tokens = self.tokens
        return "\n" in self.text[tokens.ends[token - 1] : tokens.starts[token]]

    def _ends_statement(self, token: int) -> bool:
        """Whether a line break before *token* ends the statement, as semicolon insertion would."""
        texts = self.texts
        return (
            _VALUE_END.match(texts[token - 1][-1:]) is not None
            and (_WORD.match(texts[token]) is not None and texts[token] not in _INFIX_WORDS)
            and self._line_break_before(token)
        )

    def _expression_end(self, token: int, *, commas: bool) -> int:
        """Return the token after the expression (with *commas*: after the list) starting at *token*."""
        texts, questions = self.texts, 0
        first = token
        while token < self.count and self.steps_left > 0:
            self.steps_left -= 1
            text = texts[token]
            if text in ("(", "[", "{"):
                token = self._after(token)
                continue
            if text in (")", "]", "}", ";") or (text == "," and not commas):
                return token
            if text == "?":
                questions += 1
            elif text == ":" and not commas:
                questions -= 1
                if questions < 0:
                    return token
            elif token > first and (
                (text in _STATEMENT_WORDS and self._line_break_before(token)) or self._ends_statement(token)
            ):
                return token
            elif token in self.arrows and not commas:
                return self.arrows[token][1]
            token += 1
        return token

    def _body_after(self, closing: int) -> int | None:
        """Return the `{` of a function body after the `)` of its parameters, past a return type."""
        token = closing + 1
        if self.texts[token] == "{":
            return token
        if self.texts[token] != ":":
            return None
        token += 1
        if self.texts[token] == "{":
            token = self._after(token)
        for look in range(token, min(token + _TYPE_LOOK_AHEAD, self.count)):
            if self.texts[look] == "{":
                return look
            if self.texts[look] in (";", "}", ")", "="):
                return None
        return None

    # Patterns

    def _bindings(self, first: int, after: int, *, object_pattern: bool = False, depth: int = 0) -> list[int]:
        """Return the tokens bound by a list of patterns: parameters, declarators, destructuring."""
        found: list[int] = []
        texts, expecting, token = self.texts, depth < _MAX_PATTERN_DEPTH, first
        while token < after and self.steps_left > 0:
            self.steps_left -= 1
            text = texts[token]
            if text in ("(", "[", "{"):
                if expecting and text == "[" and object_pattern and texts[self._after(token)] == ":":
                    token = self._after(token)  # a computed key; its target comes next
                elif expecting and text != "(":
                    found += self._bindings(
                        token + 1, self.partners[token], object_pattern=text == "{", depth=depth + 1
                    )
                    expecting = False
                token = self._after(token) if texts[token] != ":" else token + 1
                continue
            if text == ",":
                expecting = depth < _MAX_PATTERN_DEPTH
            elif expecting and text not in ("...", "@"):
                following = texts[token + 1] if token + 1 < after else ""
                if object_pattern and following == ":":
                    token += 1
                elif not _WORD.match(text) or (text in _RESERVED and text != "this"):
                    expecting = False
                elif following in ("", ",", "=", ":", "?", "!", "in", "of") or self._is_after_line(token + 1):
                    if text != "this":
                        found.append(token)
                    expecting = False
                elif not _WORD.match(following):
                    expecting = False  # a type argument or a decorator, not a name
            token += 1
        return found

    def _is_after_line(self, token: int) -> bool:
        return token < self.count and self._line_break_before(token)

    def _parameters(self, opening: int, scope: int) -> None:
        for token in self._bindings(opening + 1, self.partners[opening]):
            self._declare(token, DeclarationKind.PARAMETER, scope)
            if self._before(token) in ("private", "public", "protected", "readonly"):
                self._declare(token, DeclarationKind.FIELD, self.scopes[scope].parent)

    # Functions and classes

    def _find_arrows(self) -> None:
        # Right to left, so that `a => b => c` finds the end of its inner arrow already known.
        texts = self.texts
        for arrow in reversed([index for index in range(self.count) if texts[index] == "=>"]):
            head = self._arrow_head(arrow)
            if head is None:
                continue
            body = arrow + 1
            after = self._after(body) if texts[body] == "{" else self._expression_end(body, commas=False)
            self.arrows[head] = (arrow, after)

    def _arrow_head(self, arrow: int) -> int | None:
        token = arrow - 1
        if token >= 0 and self._is_word(token):
            before = self._before(token)
            # After `):` it is the end of a return type; after any other `:` a value or a branch.
            is_type = before == ":" and self._before(token, 2) == ")"
            if not is_type and before not in (".", "|", "&", "<", "is", ">"):
                return token
        for look in range(token, max(token - _TYPE_LOOK_BACK, -1), -1):
            text = self.texts[look]
            if text == ")" and (look == token or self.texts[look + 1] == ":"):
                return self.partners[look] if self.partners[look] < look else None
            if text in (";", "=", "=>"):
                return None
        return None

    def _arrow(self, head: int) -> None:
        arrow, after = self.arrows[head]
        first = head - 1 if self._before(head) == "async" else head
        scope = self._push(ScopeKind.FUNCTION, first, after)
        if self.texts[head] == "(":
            self._parameters(head, scope)
        else:
            self._declare(head, DeclarationKind.PARAMETER, scope)
        if self.texts[arrow + 1] == "{":
            self.bodies.add(arrow + 1)

    def _function(self, token: int) -> None:
        if self._before(token) in (".", "?.") or self.texts[token + 1] in (":", ",", "}"):
            return
        at = token + 1
        if self.texts[at] == "*":
            at += 1
        named = at if self._is_word(at) else None
        at = at + 1 if named is not None else at
        while at < self.count and self.texts[at] != "(" and at < token + _TYPE_LOOK_AHEAD:
            at += 1  # type parameters
        body = self._body_after(self.partners[at]) if at < self.count and self.texts[at] == "(" else None
        if body is None:
            return
        back = 2 if self._before(token) == "async" else 1
        before = self._before(token, back)
        ends_before = before == "return" and self._line_break_before(token)
        is_expression = before in _EXPRESSION_BEFORE and before != "default" and not ends_before
        if named is not None and not is_expression:
            self._declare(named, DeclarationKind.FUNCTION, self._home())
        name = self.texts[named] if named is not None else None
        scope = self._push(ScopeKind.FUNCTION, token, self._after(body), name)
        self.bodies.add(body)
        if named is not None and is_expression:
            self._declare(named, DeclarationKind.FUNCTION, scope)
        self._parameters(at, scope)

    def _method(self, opening: int) -> None:
        """See `name(…) {` in a class or an object literal; any other `(` is nothing."""
        around = self.scopes[self.stack[-1][0]].kind
        if around not in (ScopeKind.CLASS, ScopeKind.OBJECT) or opening == 0:
            return
        before = self._before(opening)
        is_control = before == "function" or (before in _CONTROL_WORDS and around is ScopeKind.OBJECT)
        if is_control or not (
            self._is_word(opening - 1) or before[:1] in ('"', "'", "]") or before[:1].isdigit()
        ):
            return
        body = self._body_after(self.partners[opening])
        if body is None or body in self.bodies:
            return
        if self._is_word(opening - 1):
            self._declare(opening - 1, DeclarationKind.METHOD, self.stack[-1][0])
        scope = self._push(ScopeKind.FUNCTION, opening - 1, self._after(body), before)
        self.bodies.add(body)
        self._parameters(opening, scope)

    def _class(self, token: int) -> None:
        if self._before(token) in (".", "?.") or self.texts[token + 1] in (":", ",", "}", "=", ")", "("):
            return
        named = token + 1 if self._is_word(token + 1) and self.texts[token + 1] not in (
            "extends", "implements",
        ) else None  # fmt: skip
        body = token + 1
        while body < self.count and self.texts[body] != "{":
            body = self._after(body) if self.texts[body] in ("(", "[") else body + 1
        if body >= self.count:
            return
        before = self._before(token)
        is_expression = before in _EXPRESSION_BEFORE and before != "default"
        if named is not None and not is_expression:
            self._declare(named, DeclarationKind.CLASS, self._home())
        name = self.texts[named] if named is not None else self._assigned_name(token)
        scope = self._push(ScopeKind.CLASS, token, self._after(body), name)
        self.bodies.add(body)
        if named is not None:
            self._declare(named, DeclarationKind.CLASS, scope)

    def _assigned_name(self, token: int) -> str | None:
        """Return NAME of `NAME = class {`."""
        is_named = self._before(token) in ("=", ":") and token >= 2 and self._is_word(token - 2)  # noqa: PLR2004
        return self.texts[token - 2] if is_named else None

    # Statements

    def _variables(self, token: int) -> None:
        following = self.texts[token + 1]
        if self._before(token) in (".", "?.") or following in (":", "(", ",", "=", "}", ")", "enum"):
            return
        scope = self._home(hoisted=self.texts[token] == "var")
        for bound in self._bindings(token + 1, self._expression_end(token + 1, commas=True)):
            self._declare(bound, DeclarationKind.VARIABLE, scope)

    def _enum(self, token: int) -> None:
        if self._is_word(token + 1) and self.texts[token + 2] == "{" and self._before(token) != ".":
            self._declare(token + 1, DeclarationKind.VARIABLE, self._home())

    def _import(self, token: int) -> None:
        if self._before(token) == "." or self.texts[token + 1] in ("(", ".", ":"):
            return
        at = token + 1
        while at < self.count and self.texts[at] not in _IMPORT_ENDS and self.texts[at][:1] not in ('"', "'"):
            if self._is_word(at) and self.texts[at + 1] != "as" and (
                self.texts[at] not in ("type", "as") or self.texts[at + 1] in (",", "}", "from")
            ):  # fmt: skip
                self._declare(at, DeclarationKind.IMPORT, 0)
            at += 1

    def _catch(self, token: int) -> None:
        if self._before(token) != "}" or self.texts[token + 1] != "(":
            return
        if self.scopes[self.stack[-1][0]].kind is ScopeKind.CLASS:
            return  # a method of that name
        body = self.partners[token + 1] + 1
        if self.texts[body] == "{":
            scope = self._push(ScopeKind.BLOCK, token + 1, self._after(body))
            self.bodies.add(body)
            self._parameters(token + 1, scope)

    def _for(self, token: int) -> None:
        """Open the scope of a loop: its variables are not those of the statements around it."""
        opening = token + 2 if self.texts[token + 1] == "await" else token + 1
        if self.texts[opening] != "(" or self._before(token) in (".", "?."):
            return
        if self.scopes[self.stack[-1][0]].kind is ScopeKind.CLASS:
            return  # a method of that name
        body = self._after(opening)
        if self.texts[body] == "{":
            self.bodies.add(body)
            self._push(ScopeKind.BLOCK, token, self._after(body))
        else:
            self._push(ScopeKind.BLOCK, token, self._expression_end(body, commas=True))

    def _brace(self, token: int) -> None:
        if token in self.bodies:
            return
        is_object = self._before(token) in _EXPRESSION_BEFORE and not self._follows_case(token)
        self._push(ScopeKind.OBJECT if is_object else ScopeKind.BLOCK, token, self._after(token))

    def _follows_case(self, brace: int) -> bool:
        """Whether the brace stands after `case …:` or `default:`."""
        if self._before(brace) != ":":
            return False
        for look in range(brace - 2, max(brace - _CASE_LOOK_BACK, -1), -1):
            if self.texts[look] in ("case", "default"):
                return True
            if self.texts[look] in ("{", "}", ",", ";", "?", "("):
                return False
        return False

    # Properties

    def _member(self, index: int, token: str) -> None:
        """See a class field (`NAME = …`, `static NAME;`, `NAME: Type`) or a shorthand property."""
        if not (_WORD.match(token) or token[:1] in ('"', "'")) or token in _RESERVED:
            return
        scope = self.stack[-1][0]
        before, following = self._before(index), self.texts[index + 1]
        if self.scopes[scope].kind is ScopeKind.OBJECT:
            if before in ("{", ",") and following in (",", "}") and index > 0 and _WORD.match(token):
                self._declare(index, DeclarationKind.LITERAL_PROPERTY, scope)
            return
        starts_member = before in ("{", "}", ";", ")") or before in _MODIFIERS or (
            self._ends_statement(index) or (token[:1] == "#" and self._line_break_before(index))
        )  # fmt: skip
        if starts_member and following in ("=", ";", "}", ":", "?", "!") and token not in _MODIFIERS:
            backward = index - 1
            while backward >= 0 and self.texts[backward] in _MODIFIERS and self.texts[backward] != "static":
                backward -= 1
            is_static = backward >= 0 and self.texts[backward] == "static"
            kind = DeclarationKind.STATIC_FIELD if is_static else DeclarationKind.FIELD
            self._declare(index, kind, scope, token.strip("\"'"))

    def _literal_property(self, colon: int) -> None:
        if self.scopes[self.stack[-1][0]].kind is not ScopeKind.OBJECT or colon < 2:  # noqa: PLR2004
            return
        key = self.texts[colon - 1]
        if self._before(colon, 2) in ("{", ",") and (_WORD.match(key) or key[:1] in ('"', "'")):
            self._declare(colon - 1, DeclarationKind.LITERAL_PROPERTY, self.stack[-1][0], key.strip("\"'"))

    def _assignment(self, token: int) -> None:
        """See `BASE.NAME =` and `BASE["NAME"] =`."""
        if self._before(token, 2) == "." and self._is_word(token - 1):
            named, base = token - 1, self._before(token, 3)
        elif (self._before(token), self._before(token, 3)) == ("]", "[") and (
            self._before(token, 2)[:1] in ('"', "'")
        ):
            named, base = token - 2, self._before(token, 4)
        else:
            return
        if self._assigns_nothing(token):
            return
        kind = {
            "this": DeclarationKind.THIS_PROPERTY, "exports": DeclarationKind.EXPORT,
        }.get(base, DeclarationKind.PROPERTY)  # fmt: skip
        self._declare(named, kind, self.stack[-1][0], self.texts[named].strip("\"'"))

    def _assigns_nothing(self, token: int) -> bool:
        """Whether the value is `void 0`, as compilers write before the real assignment."""
        if token >= self.chain_end:
            texts, self.chain_is_void = self.texts, False
            while texts[token] == "=" and not self.chain_is_void:
                token += 1
                self.chain_is_void = texts[token] == "void" and texts[token + 1] == "0"
                while self._is_word(token) or texts[token] == ".":
                    token += 1
            self.chain_end = token
        return self.chain_is_void
