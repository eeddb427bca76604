"""Names from a heap as JavaScript: what cannot be written as code is replaced by a plain word.

A name can be anything (`routes["/"]`, `evil[31m`, `class`); advice that does not parse is worse than
advice with a general name.
"""

from __future__ import annotations

import re
from string import Template
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["event_of", "expression", "fill", "identifier", "is_path", "last_name"]

_RESERVED = frozenset(
    {
        "arguments", "as", "async", "await", "break", "case", "catch", "class", "const", "continue",
        "debugger", "default", "delete", "do", "else", "enum", "eval", "export", "extends", "false",
        "finally", "for", "from", "function", "get", "if", "implements", "import", "in", "instanceof",
        "interface", "let", "new", "null", "of", "package", "private", "protected", "public", "return",
        "set", "static", "super", "switch", "this", "throw", "true", "try", "typeof", "undefined", "var",
        "void", "while", "with", "yield"
    }
)  # fmt: skip
_LONGEST = 40
_WORD = r"[A-Za-z_$][\w$]*"
_PART = re.compile(rf"\.?(?P<word>#?{_WORD})|\[\"(?P<key>#?{_WORD})\"\]|(?P<index>\[[^\]]*\])", re.ASCII)
_PATH = re.compile(rf"(?:{_WORD}|this\.#?{_WORD})(?:\.{_WORD}|\[(?:{_WORD}|\d+)\])*", re.ASCII)
_EVENT = re.compile(r"[\w:./ -]{1,40}", re.ASCII)
_DECLARED = re.compile(rf"\b(?:const|let|class|function) (?:\{{ )?({_WORD})", re.ASCII)


def identifier(name: str) -> str | None:
    """Return *name* if code may declare it, else None."""
    fits = len(name) <= _LONGEST and re.fullmatch(_WORD, name, re.ASCII) is not None
    return name if fits and name not in _RESERVED else None


def is_path(code: str) -> bool:
    """Whether code is a variable or a field of one, so that it can be written twice."""
    head = re.split(r"[.\[]", code, maxsplit=1)[0]
    fits = _PATH.fullmatch(code) is not None
    return fits and (head == "this" or head not in _RESERVED)


def expression(name: str) -> str | None:
    """
    Return the name of a holder as an expression, None if there is nothing of it to write.

    `store.past` stays; `tenants[…].byId` is `tenants[key].byId`; of a way that code cannot go
    (`registry.#items` from outside, `a → b`) the last name remains, private ones of `this`.
    """
    last = name.rsplit(" → ", 1)[-1].removeprefix("system / Context ").strip()
    parts = list(_PART.finditer(last))
    if not parts or "".join(part[0] for part in parts) != last:
        return None
    code = ""
    for part in parts:
        word = part["word"] or part["key"]
        if word is None:
            code += "[key]"
        elif word.startswith("#"):
            code = f"this.{word}"
        else:
            code = f"{code}.{word}" if code else word
    return code if len(code) <= 2 * _LONGEST and is_path(code) else None


def last_name(code: str) -> str:
    """Return the last name of a path: `byId` of `tenants[key].byId`."""
    names = re.findall(rf"#?{_WORD}", re.sub(r"\[[^\]]*\]", "", code), re.ASCII)
    return names[-1].removeprefix("#") if names else ""


def event_of(name: str) -> str | None:
    """Return an event's name if it can stand between quotes, else None."""
    return name if _EVENT.fullmatch(name) else None


def fill(template: str, names: Mapping[str, str], defaults: Mapping[str, str]) -> str:
    """
    Fill names into a template of code.

    Where a name is one that the template declares itself, the default stands, because declaring it
    twice would not parse.
    """
    declared = set(_DECLARED.findall(template))
    safe = {
        name: value if re.split(r"[.\[]", value, maxsplit=1)[0] not in declared else defaults[name]
        for name, value in names.items()
        if name in defaults
    }
    return Template(template).substitute({**defaults, **safe})
