"""Which texts are names that programmers or V8 gave, judged by what they look like.

How a text is used is found out elsewhere (`redact_roles`); here is what it has to look like to be
believed.  When in doubt the answer is no: the text is removed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from heapsleuth.heap.redact_placeholders import is_placeholder

if TYPE_CHECKING:
    from collections.abc import Callable

    Hide = Callable[[str], str]
    """From a text to its placeholder."""

__all__ = [
    "clean_dom_name",
    "clean_map_url",
    "clean_script_name",
    "clean_symbol",
    "is_accessor",
    "is_class_name",
    "is_engine_name",
    "is_event_name",
    "is_function_name",
    "is_identifier",
    "is_property_name",
    "looks_random",
    "symbol_description",
]

_LONGEST_NAME = 100
_LONGEST_KEY = 64
_LONGEST_PATH = 2048
_RANDOM_DIGITS = 5
_RANDOM_CHANGES = 3
_RANDOM_LENGTH = 10
_LETTER_DIGIT = re.compile(r"[A-Za-z](?=\d)|\d(?=[A-Za-z])")
_LONG_HEX = re.compile(r"[0-9a-fA-F]{16}")
_ACCESSOR = re.compile(r"(?:get|set) (?=\S)")
_FUNCTION = re.compile(
    r"(?:(?:get|set|bound|async|static) )*"
    # The look-ahead keeps a run of letters from being split in all possible ways.
    r"(?:[#\w$./]+(?![#\w$./])|<\w+(?: \w+)*>|\[[\w$.]+\]|\(\w+(?: \w+)*\))+\Z"
)
_CLASS = re.compile(
    r"(?:Detached )?(?:Async-from-Sync|[\w$]+)(?:\.[\w$]+)*(?: \([\w$*.]+\))?(?: (?:\w+ )?Iterator)?"
    r"(?: / [\w$.: *()-]+(?:@\d+)?)*\Z"
)
_SYSTEM = re.compile(r"(?:[\w ./$#:<>*(),\[\]+=&~-]|'(?! ))*\Z")
_EVENT = re.compile(r"[A-Za-z_$][\w$]*(?:[-:. /][A-Za-z_$][\w$]*)*\Z")
_SYMBOL = re.compile(r"<symbol (.*)>\Z", re.DOTALL)
_SYMBOL_NAME = re.compile(r"[A-Za-z_$#][\w$]*(?:[./:][A-Za-z_$#][\w$]*)*\Z")
_WELL_KNOWN = re.compile(r"Symbol\.[A-Za-z]{1,20}\Z")
_ELEMENT = re.compile(r"((?:Detached )?<[A-Za-z][\w:-]*)(?:\s.*)?>\Z", re.DOTALL)
_DATA_URL = re.compile(r"data:(?:[\w.+/-]+)?(?:;(?:charset=[\w-]+|base64))*,?")
_AUTHORITY = re.compile(r"([A-Za-z][\w+.-]*://)([^/?#\\]*@)?([^?#]*)(.*)\Z", re.DOTALL)
_PATH = re.compile(r"([^?#]*)(.*)\Z", re.DOTALL)
_BARE = re.compile(r"[\w.$<>\[\]:+()-]+\Z")
_MAP_ENDS = (".map", ".json")


def looks_random(text: str) -> bool:
    """Whether an identifier looks like a token, an account or a number rather than like a word."""
    return (
        len(text) > _LONGEST_KEY
        or sum(c.isdigit() for c in text) >= _RANDOM_DIGITS
        or (len(text) >= _RANDOM_LENGTH and len(_LETTER_DIGIT.findall(text)) >= _RANDOM_CHANGES)
        or _LONG_HEX.search(text) is not None
    )


def is_identifier(text: str) -> bool:
    """Whether *text* can stand in code as the name of a variable, `#private` ones included."""
    bare = text.removeprefix("#").replace("$", "_")
    return len(text) <= _LONGEST_NAME and bare.isidentifier()


def is_property_name(text: str) -> bool:
    """Whether *text* looks like the name of a field, a getter or a setter."""
    bare = _ACCESSOR.sub("", text, count=1)
    return is_identifier(bare)


def is_accessor(text: str) -> bool:
    """Whether *text* is V8's name for the function that gets or sets a property."""
    return _ACCESSOR.match(text) is not None


def is_event_name(text: str) -> bool:
    """Whether *text* looks like the name of an event in code: words, with a separator between."""
    return len(text) <= _LONGEST_KEY and _EVENT.match(text) is not None and not looks_random(text)


def is_function_name(text: str) -> bool:
    """Whether *text* looks like what V8 takes for a function's name from the source."""
    return len(text) <= _LONGEST_NAME and _FUNCTION.match(text) is not None


def is_class_name(text: str) -> bool:
    """Whether *text* looks like a constructor's name, of a program or of V8 and Node."""
    return len(text) <= _LONGEST_NAME and (
        _CLASS.match(text) is not None or (text.startswith("system / ") and is_engine_name(text))
    )


def is_engine_name(text: str) -> bool:
    """Whether *text* looks like what V8 or Node call their own things: `system / Map`, `12 / ToString`."""
    return len(text) <= 2 * _LONGEST_NAME and _SYSTEM.match(text) is not None


def clean_symbol(text: str, known: Callable[[str], bool], hide: Hide, *, marked: bool) -> str | None:
    """
    Return the name of a property whose key is a symbol without what may be data; None for other names.

    Args:
        text: `<symbol DESCRIPTION>`.
        known: Tells of a description whether code has it.
        hide: Gives the placeholder of a text.
        marked: Whether placeholders in the file may be trusted to be ours.
    """
    found = _SYMBOL.match(text)
    if found is None:
        return None
    inside = found[1]
    plain = _SYMBOL_NAME.match(inside) is not None and not looks_random(inside)
    if (
        inside == ""
        or _WELL_KNOWN.match(inside)
        or (plain and known(inside))
        or (marked and is_placeholder(inside))
    ):
        return text
    return f"<symbol {hide(inside)}>"


def symbol_description(text: str) -> str | None:
    """Return what describes the symbol that is a property's key, None for other names."""
    found = _SYMBOL.match(text)
    return found[1] if found else None


def clean_dom_name(text: str) -> str | None:
    """Return `<div>` for `<div id="…">`; None for what is no element."""
    found = _ELEMENT.match(text)
    return f"{found[1]}>" if found else None


def clean_script_name(text: str, hide: Hide, *, marked: bool) -> str | None:
    """
    Return a script's path or URL without credentials, query, fragment and inline source.

    Returns:
        None for what is neither a path nor a name like `node:fs` or `evalmachine.<anonymous>`.
    """
    if len(text) > _LONGEST_PATH or not text.isprintable():
        return _data_url(text)
    if text.startswith("data:"):
        return _data_url(text)
    if "/" not in text and "\\" not in text:
        return text if _BARE.match(text) else None
    found = _AUTHORITY.match(text)
    if found is not None:
        scheme, _, place, rest = found.groups()
        kept = f"{scheme}{place}"
    else:
        path = _PATH.match(text)
        if path is None:
            return None
        kept, rest = path.groups()
    inside = rest[1:]
    if inside and not (marked and is_placeholder(inside)):
        inside = hide(inside)
    # Two queries stay two names, as V8 has one script for each.
    return f"{kept}?{inside}" if inside else kept


def clean_map_url(text: str) -> str | None:
    """Return where a source map is, without query; of an inline one only that it is one."""
    if text.startswith("data:"):
        return _data_url(text)
    bare = text.split("?", maxsplit=1)[0].split("#", maxsplit=1)[0]
    if len(bare) > _LONGEST_PATH or not bare.isprintable() or not bare.endswith(_MAP_ENDS):
        return None
    found = _AUTHORITY.match(bare)
    return f"{found[1]}{found[3]}" if found else bare


def _data_url(text: str) -> str | None:
    found = _DATA_URL.match(text)
    return found[0] if found else None
