"""The text V8 ran for a script, and how its positions read in the original source."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from heapsleuth.heap.declarations import SourceText
from heapsleuth.heap.js_outline import ScopeKind
from heapsleuth.heap.source_files import path_of_url, read_text
from heapsleuth.heap.source_maps import CUT_CHARS, SourceMap, map_url_in, open_map
from heapsleuth.places import SourceLocation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapsleuth.heap.redact_heads import RemovedHead

__all__ = ["Program", "file_name"]

_MIN_PLAUSIBLE = 0.8
_MIN_POSITIONS = 3  # fewer functions prove nothing about a text that begins differently
_END_POSITIONS = 5
_FUNCTION_STARTS = re.compile(r"[({]|(?:class|async|static)\b|[\w$#]+\s*(?:=|;|\()")
_NON_ASCII = re.compile(r"[^\x00-\x7f]|\?")
_LONGEST_DATA_NAME = 60
_IN_DEPENDENCY = re.compile(r"[/\\]node_modules[/\\]")
_LONGEST_READ_LINE = 400


def file_name(url: str) -> str:
    """Return a script's name as reports show it: a path, `node:…`, `<eval>` when it has none."""
    if not url:
        return "<eval>"
    if url.startswith("data:"):
        return f"<{url.split(',', 1)[0][:_LONGEST_DATA_NAME]}>"
    return path_of_url(url)


@dataclass(frozen=True)
class Program:
    """
    One script: its name and what the snapshot knows of its text.

    Positions that go in and out are 0-based; `SourceLocation`s have 1-based lines.
    """

    url: str
    head: str
    """Beginning of the text as V8 ran it, up to 1,024 UTF-16 units."""
    map_url: str | None
    positions: Sequence[tuple[int, int]]
    """Some places where V8 says that a function begins, in text order."""
    removed_head: RemovedHead | None = None
    """What is known of the text where a redaction took its beginning out; `head` is empty then."""

    @cached_property
    def file(self) -> str:
        """The script's name, for people."""
        return file_name(self.url)

    @cached_property
    def _is_whole_head(self) -> bool:
        return 0 < len(self.head.encode("utf-16-le", "surrogatepass")) // 2 < CUT_CHARS

    @cached_property
    def _on_disk(self) -> SourceText | None:
        text = read_text(self.file) if Path(self.file).is_absolute() else None
        return None if text is None else SourceText(text)

    @cached_property
    def _is_fresh(self) -> bool:
        """Whether the file on disk is what V8 ran, or has the same places (type annotations blanked)."""
        disk = self._on_disk
        if disk is None:
            return False
        same_head = self._has_same_head(disk.text)
        if not self.positions:
            return same_head
        hits = [_begins_function(disk, line, column) for line, column in self.positions]
        # An edit moves everything after it: the end of the file must fit as well.
        end = hits[-max(len(hits) // 4, _END_POSITIONS) :]
        enough = same_head or len(hits) >= _MIN_POSITIONS
        return enough and all(sum(some) >= _MIN_PLAUSIBLE * len(some) for some in (hits, end))

    def _has_same_head(self, text: str) -> bool:
        if self.removed_head is not None:
            return self.removed_head.fits(text)
        head = self.head.removeprefix("\ufeff")
        return _NON_ASCII.sub("?", text[: len(head)]) == _NON_ASCII.sub("?", head)

    @cached_property
    def text(self) -> SourceText | None:
        """
        The text the snapshot's positions refer to; None when it is nowhere to be had.

        From disk when that is still what ran; else what the snapshot has of it, its first 1,024
        characters.
        """
        if self._is_fresh:
            return self._on_disk
        return SourceText(self.head) if self.head else None

    @property
    def is_whole(self) -> bool:
        """Whether `text` is all of what ran."""
        return self._is_fresh or self._is_whole_head

    def text_named(self, file: str) -> SourceText | None:
        """Return the text of *file* if it is this script, or one that its source map was made from."""
        if file == self.file:
            if self._is_fresh or (not self.has_map and self._is_whole_head):
                return self.text
            return self.original
        source_map = self.source_map
        index = None if source_map is None else source_map.index_of(file)
        return None if index is None else self._original_text(index)

    @cached_property
    def is_stale(self) -> bool:
        """Whether the file on disk is there, but was changed (not just compiled) since V8 read it."""
        is_other = self._on_disk is not None and not self._is_fresh
        was_whole = self.removed_head is not None and self.removed_head.is_short
        return is_other and not self.has_map and not self._is_whole_head and not was_whole

    @property
    def has_map(self) -> bool:
        """Whether the script names a source map, usable or not."""
        return self.map_url is not None

    @cached_property
    def source_map(self) -> SourceMap | None:
        """The script's source map, None when it has none that can be used."""
        url = self.map_url
        if url is None:
            return None
        if self._is_fresh and self._on_disk is not None:
            url = map_url_in(self._on_disk.text) or url  # the snapshot's copy may be cut
        elif self._on_disk is not None and not url.startswith("data:"):
            return None  # rebuilt since: its map is of the new build
        return open_map(url, self.file if Path(self.file).is_absolute() else None)

    @cached_property
    def original(self) -> SourceText | None:
        """The file on disk when it is the source of what ran: compiled while loading, map not usable."""
        is_original = self.has_map and self.source_map is None and not self._is_fresh
        return self._on_disk if is_original and (self.map_url or "").startswith("data:") else None

    def place(self, line: int, column: int, function: str | None) -> SourceLocation:
        """Return a position of the running text as a place in the original source."""
        if not self.has_map:
            return SourceLocation(self.file, line + 1, column, function)
        if self._is_patched_here(line):
            return SourceLocation(self.file, line + 1, column, function, generated=True)
        mapped = None if self.source_map is None else self.source_map.original(line, column)
        if self.source_map is None or mapped is None:
            return self._by_name(function) or (
                SourceLocation(self.file, line + 1, column, function, generated=True)
            )
        path = self.source_map.path(mapped.source)
        name = self._original_name(line, column, function) or function
        return SourceLocation(path or self.file, mapped.line + 1, mapped.column, name)

    def place_of_name(self, offset: int) -> tuple[SourceLocation, str | None]:
        """Return the place of a name at *offset* of `text`, and the name itself if a map has it."""
        if self.text is None:
            raise ValueError("no text")
        line, column = self.text.position(offset)
        where = self.place(line, column, None)
        if self.source_map is None:
            return SourceLocation(where.file, where.line, where.column, None, where.generated), None
        mapped = self.source_map.original(line, column)
        return (
            SourceLocation(where.file, where.line, where.column, None, where.generated),
            mapped.name if mapped else None,
        )

    def _is_patched_here(self, line: int) -> bool:
        """
        Whether somebody who follows up a place would open the file that runs, not its original.

        So it is in a dependency: its sources are seldom shipped, and what runs is what can be patched.
        Not where what runs has been squeezed into a few lines.
        """
        if not _IN_DEPENDENCY.search(self.file) or not self._is_fresh or self._on_disk is None:
            return False
        return self._on_disk.line_length(line) <= _LONGEST_READ_LINE

    @cached_property
    def _original_texts(self) -> dict[int, SourceText | None]:
        return {}

    def _original_text(self, source: int) -> SourceText | None:
        if source not in self._original_texts:
            text = None if self.source_map is None else self.source_map.text(source)
            self._original_texts[source] = None if text is None else SourceText(text)
        return self._original_texts[source]

    def _original_name(self, line: int, column: int, function: str | None) -> str | None:
        """Return what a function or class was called before a minifier got it."""
        if self.source_map is None:
            return None
        mapped = self.source_map.original(line, column)
        source = None if mapped is None else self._original_text(mapped.source)
        if mapped is not None and source is not None:
            offset = source.offset(mapped.line, mapped.column)
            if offset is not None:
                scopes = source.outline.scopes
                for index in source.outline.enclosing(source.outline.scope_at(offset)):
                    scope = scopes[index]
                    if scope.kind in (ScopeKind.FUNCTION, ScopeKind.CLASS) and scope.name != "constructor":
                        return scope.name
        if function and self.text is not None:
            # The name before `(` has a segment of its own, with the original name.
            offset = self.text.offset(line, column)
            if offset is not None and self.text.text.endswith(function, 0, offset):
                named = self.source_map.original(line, column - len(function))
                return named.name if named else None
        return None

    def _by_name(self, function: str | None) -> SourceLocation | None:
        """Find a function or class by name in the original file, if it is there exactly once."""
        if not function or self.original is None:
            return None
        made = self.original.outline.declarations.get(function, [])
        if len({one.offset for one in made}) != 1:
            return None
        line, column = self.original.position(made[0].offset)
        return SourceLocation(self.file, line + 1, column, function)


def _begins_function(source: SourceText, line: int, column: int) -> bool:
    """
    Whether V8 may have a function there.

    That is the `(` of its parameters, the first token of an arrow function, `class`; for what sets
    fields the first field or the `{` of the class.
    """
    offset = source.offset(line, column)
    return offset is not None and _FUNCTION_STARTS.match(source.text, offset) is not None
