"""Calls and assignments in a few lines of source: found by tokens, shown on one short line.

The lines come from a report's site: they begin at a line that matters and end anywhere.  Only what is
whole, and can be said twice without doing anything twice, is taken.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heapsleuth.heap.js_tokens import tokenize
from heapsleuth.leaks.fixes.javascript import last_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from heapsleuth.heap.js_tokens import Tokens

__all__ = ["Call", "assigned_to", "find_call", "one_line", "statement"]

_LONGEST = 110
_ELSEWHERE = re.compile(r"\b(yield|super|break|continue|new\.target)\b")
_WORD = re.compile(r"[#$\w]+$")
_NAME = re.compile(r"[$\w]+$")
_FIRST_CALLS = 40
_SHORTEST = 3
_LEADING = frozenset({"const", "let", "var", "await"})
_CONTROL = frozenset(
    {"if", "else", "for", "while", "do", "switch", "case", "try", "catch", "finally", "class", "return",
     "throw", "import", "export", "static", "}", ")", "]", ":"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it stands in the source."""

    target: str
    """What the method is called on, empty for a plain function."""
    method: str
    arguments: tuple[str, ...]
    assigned: str
    """What the result is assigned to, with its `const`; empty when it is not."""

    @property
    def text(self) -> str:
        """The call as code, on one line."""
        called = f"{self.target}.{self.method}" if self.target else self.method
        return f"{called}({', '.join(self.arguments)})"


def find_call(code: str, methods: Collection[str], *, least: int = 1, on: str = "") -> Call | None:
    """
    Return the first whole call of one of *methods* with at least so many arguments.

    One on something called *on* goes before others.  None when there is none, or none that can be written
    on one line.
    """
    found = list(_calls(code, methods, least))
    return next((call for call in found if on and last_name(call.target) == on), next(iter(found), None))


def _calls(code: str, methods: Collection[str], least: int) -> Iterator[Call]:
    code = _with_body_closed(code)
    tokens = tokenize(code)
    at = [i for i, text in enumerate(tokens.texts) if text == "(" and i and tokens.texts[i - 1] in methods]
    for opening in at[:_FIRST_CALLS]:
        closing = tokens.partners[opening]
        if tokens.texts[closing] != ")" or tokens.partners[closing] != opening:
            continue
        begin = _begin(tokens, opening - 1)
        if begin is None:
            continue
        arguments = [one_line(code[start:end]) for start, end in _arguments(tokens, opening)]
        callee = code[tokens.starts[begin] : tokens.ends[opening - 3]] if begin < opening - 1 else ""
        target = one_line(callee)
        if target is None or len(arguments) < least:
            continue
        whole = [argument for argument in arguments if argument]
        if len(whole) < len(arguments) or _ELSEWHERE.search("".join(whole) + target):
            continue
        call = Call(target, tokens.texts[opening - 1], tuple(whole), _assigned(tokens, code, begin))
        if len(call.text) <= _LONGEST:
            yield call


def assigned_to(code: str, value: tuple[str, ...], name: str) -> str | None:
    """Return the left side of the assignment of these tokens to *name* or its field, None without one."""
    tokens = tokenize(code)
    size = len(value)
    for at in range(1, len(tokens.texts) - size + 1):
        if tuple(tokens.texts[at : at + size]) != value:
            continue
        left = _assigned(tokens, code, at)
        if left and last_name(left) == name:
            return left
    return None


def statement(code: str) -> str | None:
    """Return the statement that the code begins with, on one line; None when that is no simple one."""
    tokens = tokenize(code)
    texts = tokens.texts
    if len(texts) < _SHORTEST or not (texts[0] in _LEADING or (_NAME.match(texts[0]) and texts[1] in ".([=")):
        return None
    at = 0
    while at < len(texts) and texts[at] != ";":
        if texts[at] in _CONTROL or (texts[at] == "{" and at and texts[at - 1] == ")"):
            return None
        if texts[at] in "([{" and tokens.partners[tokens.partners[at]] != at:
            return None
        at = max(tokens.partners[at], at) + 1
    if at == len(texts):
        return None
    line = one_line(code[tokens.starts[0] : tokens.ends[at]])
    return None if line is None or _ELSEWHERE.search(line) else line


def one_line(code: str) -> str | None:
    """Return code on one line, long bodies left out; None where that might change what it means."""
    text = code.strip()
    if "\n" in text or len(text) > _LONGEST // 2:
        text = _without_bodies(text)
    if "\n" not in text:
        return text if len(text) <= _LONGEST else None
    if "//" in text or "`" in text or re.search(r"\\\n", text):
        return None
    joined = re.sub(r"\s*\n\s*", " ", text)
    return joined if len(joined) <= _LONGEST else None


def _with_body_closed(code: str) -> str:
    """Return the code with the function closed that is an argument of a call and goes on beyond it."""
    tokens = tokenize(code)
    texts, calls = tokens.texts, 0
    for at, text in enumerate(texts):
        if text not in ("(", "[", "{") or tokens.partners[tokens.partners[at]] == at != tokens.partners[at]:
            continue
        if text == "(":
            calls += 1
        elif text == "{" and calls and texts[at - 1] in (")", "=>"):
            return f"{code[: tokens.ends[at]]} /* ... */ }}{')' * calls};"
        elif text == "[" or calls:
            break
    return code


def _without_bodies(text: str) -> str:
    tokens = tokenize(text)
    if "`" in text or "${" in text:  # a `${` cannot be told from a body by its token
        return text
    parts, kept, at = [], 0, 0
    while at < len(tokens.texts):
        if tokens.texts[at] == "{":
            closing = tokens.partners[at]
            if tokens.texts[closing] == "}" and closing > at + 1:
                parts += [text[kept : tokens.ends[at]], " /* ... */ "]
                kept = tokens.starts[closing]
                at = closing
        at += 1
    return "".join([*parts, text[kept:]])


def _begin(tokens: Tokens, at: int) -> int | None:
    """Return the first token of the callee that ends at token *at*, None when it is no path of names."""
    texts = tokens.texts
    while True:
        if not _WORD.match(texts[at]):
            return None
        if at < 2 or texts[at - 1] != ".":
            before = texts[at - 1] if at else ""
            return None if before in ("?.", "new", "function", "async", "get", "set", "*") else at
        at -= 2
        while texts[at] == "]" and tokens.partners[at] < at and at > 0:
            at = tokens.partners[at] - 1


def _arguments(tokens: Tokens, opening: int) -> Iterator[tuple[int, int]]:
    closing = tokens.partners[opening]
    if closing == opening + 1:
        return
    start, at = opening + 1, opening + 1
    while at < closing:
        if tokens.texts[at] == ",":
            yield tokens.starts[start], tokens.starts[at]
            start = at + 1
        at = max(tokens.partners[at], at) + 1
    if start < closing:
        yield tokens.starts[start], tokens.starts[closing]


def _assigned(tokens: Tokens, code: str, at: int) -> str:
    """Return the left side of the assignment whose value begins at token *at*, empty without one."""
    texts = tokens.texts
    if at < 2 or texts[at - 1] != "=":
        return ""
    begin = _begin(tokens, at - 2)
    if begin is None:
        return ""
    left = code[tokens.starts[begin] : tokens.ends[at - 2]]
    keyword = texts[begin - 1] if begin else ""
    if keyword in ("const", "let", "var"):
        return f"{keyword} {left}"
    return left if "." in left or keyword in ("", ";", "{", "}", ")") else ""
