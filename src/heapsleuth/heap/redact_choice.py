"""Which strings of a snapshot stay, and what stands in place of the others.

Decided by text, not by use: a text that is somebody's name anywhere stays everywhere, because it is in
the file in any case.  Decisions of several files are merged before any is written, so that the same
object is called the same in all of them.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap import redact_names as names
from heapsleuth.heap import redact_roles as roles
from heapsleuth.heap.redact_placeholders import CUT_BYTES, Placeholders, is_placeholder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from heapsleuth.heap.redact_names import Hide
    from heapsleuth.heap.strings import StringTable

__all__ = ["Choice", "Replacer", "choose"]

_CONSTANT = frozenset(
    {
        b"", b"<dummy>", b"(concatenated string)", b"(sliced string)", b"symbol", b"private symbol",
        b"heap number", b"smi number", b"number", b"bigint", b"undefined", b"null", b"true", b"false",
    }
)  # fmt: skip
"""What V8 writes in place of a name, and its values that are the same in every heap."""
_LANDMARKS = frozenset(
    {b"__proto__", b"constructor", b"prototype", b"filename", b"_events", b"<symbol kEvents>"}
)
"""Properties of Node's and JavaScript's own by which the uses of others are told."""
_CODE_EVIDENCE = roles.CODE | roles.BUILTIN | roles.VARIABLE | roles.SCOPE
_FIELD_EVIDENCE = _CODE_EVIDENCE | roles.METHOD | roles.SHARED
_SURE = roles.BUILTIN | roles.METHOD
_NAMED = (
    roles.VARIABLE | roles.PROPERTY | roles.FUNCTION | roles.CLASS | roles.ENGINE | roles.SCRIPT
    | roles.MAP_URL | roles.SCOPE | roles.EVENT
)  # fmt: skip
_CHUNK = 1 << 15
_INDEX = re.compile(rb"(?:0|[1-9][0-9]{0,8})\Z")
_PAIR = re.compile(
    rb"([0-9]+ / part of key \()(.*?)( @[0-9]+\) -> value \()(.*?)"
    rb"( @[0-9]+\) pair in WeakMap \(table @[0-9]+\))\Z",
    re.DOTALL,
)
_LONGEST_PAIR = 1 << 14
_SCOPE_ID = re.compile(r" / scope @[0-9]+\Z")


@dataclass(slots=True)
class Choice:
    """What is decided about the texts of one or more files, all as their raw JSON bytes."""

    kept: dict[bytes, str] = field(default_factory=dict)
    """Names, with their kind in the plural: `variables`, `properties`, …"""
    rewritten: dict[bytes, bytes] = field(default_factory=dict)
    """Names that hold data, and what is written for them."""
    largest_index: int = -1
    """Numbers up to this one are V8's names of slots."""

    def add(self, other: Choice) -> None:
        """Take over what was decided about another file."""
        self.kept.update(other.kept)
        self.rewritten.update(other.rewritten)
        self.largest_index = max(self.largest_index, other.largest_index)


def choose(
    strings: StringTable, bits: NDArray[np.uint16], placeholders: Placeholders, *, marked: bool
) -> Choice:
    """
    Decide about the names of one heap.

    Args:
        strings: Its strings.
        bits: (number of strings,) what `roles_of` found.
        placeholders: For parts of names that are data.
        marked: Whether the file says that it is redacted already.
    """
    known: set[str] = set()
    for _, texts in _decoded(strings, bits, _CODE_EVIDENCE):
        known.update(texts)
    judge = _Judge(
        known,
        lambda text: placeholders.of(text.encode()).decode(),
        has_code=bool((bits & np.uint16(roles.CODE)).any()),
        marked=marked,
    )
    choice = Choice()
    for indices, texts in _decoded(strings, bits, _NAMED):
        for index, text in zip(indices.tolist(), texts, strict=True):
            uses = int(bits[index])
            if uses & roles.ENGINE and text.isascii() and text.isdigit():
                if _INDEX.match(text.encode()):
                    choice.largest_index = max(choice.largest_index, int(text))
                continue
            found = judge.decide(text, uses)
            if found is None:
                continue
            kind, written = found
            raw = strings.raw(index)
            if written == text:
                choice.kept[raw] = kind
                described = names.symbol_description(text)
                if described:
                    choice.kept.setdefault(described.encode(), kind)
            else:
                choice.rewritten[raw] = json.dumps(written)[1:-1].encode()
                # It is in the file now, so another string that says the same may stay.
                choice.kept.setdefault(choice.rewritten[raw], kind)
    return choice


def _decoded(
    strings: StringTable, bits: NDArray[np.uint16], wanted: int
) -> Iterator[tuple[NDArray[np.int64], list[str]]]:
    """Give the strings with one of the bits, some at a time."""
    indices = np.flatnonzero(bits & np.uint16(wanted))
    for first in range(0, len(indices), _CHUNK):
        part = indices[first : first + _CHUNK]
        yield part, strings.decode_many(part)


class _Judge:
    """
    Decides about one text at a time.

    Args:
        known: Texts that code mentions.
        hide: Gives the placeholder of a text.
        has_code: Whether the heap shows compiled code at all.
        marked: Whether placeholders may be trusted to be ours.
    """

    def __init__(self, known: set[str], hide: Hide, *, has_code: bool, marked: bool) -> None:
        self._known = known
        self._has_code = has_code
        self._hide = hide
        self._marked = marked

    def decide(self, text: str, uses: int) -> tuple[str, str] | None:
        """Return (kind, what to write) of a name, None for what is data."""
        if uses & roles.SCRIPT:
            cleaned = names.clean_script_name(text, self._hide, marked=self._marked)
            if cleaned is not None:
                return "scripts", cleaned
        if uses & roles.MAP_URL:
            cleaned = names.clean_map_url(text)
            if cleaned is not None:
                return "source map URLs", cleaned
        if uses & (roles.VARIABLE | roles.SCOPE) and names.is_identifier(text.removeprefix(".")):
            return "variables", text
        if uses & roles.FUNCTION and names.is_function_name(text):
            return "functions", text
        if uses & roles.CLASS and names.is_class_name(text) and self._is_class(text, uses):
            return "classes", text
        if uses & roles.PROPERTY:
            found = self._property(text, uses)
            if found is not None:
                return found
        if uses & roles.EVENT and uses & _CODE_EVIDENCE and names.is_event_name(text):
            return "events", text
        if uses & (roles.ENGINE | roles.CLASS) and (uses & roles.ENGINE or not names.is_identifier(text)):
            return self._engine(text)
        return None

    def _is_class(self, text: str, uses: int) -> bool:
        # An object can also say by `Symbol.toStringTag` what it wants to be called.
        said = uses & (_CODE_EVIDENCE | roles.FUNCTION | roles.METHOD)
        return bool(said) or not self._has_code or not names.is_identifier(text)

    def _property(self, text: str, uses: int) -> tuple[str, str] | None:
        symbol = names.clean_symbol(text, self._known.__contains__, self._hide, marked=self._marked)
        if symbol is not None:
            return "properties", symbol
        if "-" in text:
            # A header such as `user-agent`, not an account: on many objects, or Node knows it itself.
            widely = uses & roles.BUILTIN or (uses & roles.CODE and uses & roles.SHARED)
            return ("properties", text) if widely and names.is_event_name(text) else None
        is_accessor = names.is_accessor(text) and uses & roles.CALLABLE
        if not (uses & _FIELD_EVIDENCE or is_accessor) or not names.is_property_name(text):
            return None
        # Code also mentions texts that are no names; what looks like a token is believed to be one.
        if not uses & _SURE and names.looks_random(text):
            return None
        return "properties", text

    def _engine(self, text: str) -> tuple[str, str] | None:
        element = names.clean_dom_name(text)
        if element is not None:
            return "names of V8 and Node", element
        bare = _SCOPE_ID.sub("", text)
        if names.is_engine_name(bare):
            return "names of V8 and Node", text
        what, slash, place = bare.rpartition(" / ")
        if slash and names.is_engine_name(what):
            cleaned = names.clean_script_name(place, self._hide, marked=self._marked)
            if cleaned is not None:
                return "names of V8 and Node", f"{what}{slash}{cleaned}{text[len(bare) :]}"
        return None


class Replacer:
    """
    Gives what is written for each string, and counts.

    Args:
        choice: Decisions about all files of the run.
        placeholders: For what goes.
        marked: Whether the file says that it is redacted already.
    """

    def __init__(self, choice: Choice, placeholders: Placeholders, *, marked: bool) -> None:
        self._choice = choice
        self._of = placeholders.of
        self.run = placeholders.run
        self._marked = marked
        self.kept: dict[str, int] = {}
        """Strings that stayed by kind."""
        self.rewritten = 0
        """Names of which a part went."""

    def replace(self, raw: bytes) -> bytes | None:
        """Return the raw JSON text to write for another, None for the same."""
        choice = self._choice
        kind = choice.kept.get(raw)
        if kind is None:
            written = choice.rewritten.get(raw)
            if written is not None:
                self.rewritten += 1
                return written
            kind = self._plain_kind(raw)
        if kind is not None:
            self.kept[kind] = self.kept.get(kind, 0) + 1
            return None
        pair = _PAIR.match(raw) if len(raw) <= _LONGEST_PAIR and b" / part of key (" in raw else None
        if pair is not None:
            first, key, middle, value, last = pair.groups()
            written = b"".join((first, self._part(key), middle, self._part(value), last))
            if written != raw:
                self.rewritten += 1
                return written
            kind = "names of V8 and Node"
            self.kept[kind] = self.kept.get(kind, 0) + 1
            return None
        placeholder = self._of(raw)
        return placeholder.ljust(CUT_BYTES, b".") if len(raw) >= CUT_BYTES else placeholder

    def _plain_kind(self, raw: bytes) -> str | None:
        if raw in _CONSTANT:
            return "names of V8 and Node"
        if _INDEX.match(raw) and int(raw) <= self._choice.largest_index:
            return "numbers of slots"
        if raw in _LANDMARKS:
            return "properties"
        if self._marked and raw[:8] == b"removed-" and is_placeholder(raw.decode("utf-8", "replace")):
            return "placeholders"
        return None

    def _part(self, name: bytes) -> bytes:
        """Return what is written for the name of a WeakMap's key or value."""
        if name in self._choice.kept or self._plain_kind(name) is not None:
            return name
        return self._choice.rewritten.get(name) or self._of(name)
