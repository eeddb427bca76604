"""Source maps: from a position in generated code to the original file, line, column and name.

The decoder is the optional package `symbolic`.  Maps are data from a stranger: they are bounded in
size, read only from disk or from a `data:` URL, never fetched, and a broken one counts as none.
"""

from __future__ import annotations

import base64
import binascii
import ntpath
import os
import posixpath
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

import orjson

from heapsleuth.heap.source_files import path_of_url, read_bytes, read_text

__all__ = ["OriginalPosition", "SourceMap", "map_url_in", "open_map", "resolve_source"]

MAX_MAP_BYTES = 100_000_000
CUT_CHARS = 1024
"""V8 cuts strings of a snapshot to this length, a longer URL in it is therefore not whole."""

_DIRECTIVE = "sourceMappingURL="
_COMMENT = re.compile(r"(?:^|[\s;})])(?://|/\*)[#@]\s*\Z")
_URL = re.compile(r"\s*([^\s'\"]+)")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
_WINDOWS = re.compile(r"[A-Za-z]:[/\\]|\\\\")
_BUNDLER_PATH = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://(?:[^/]*/)?(?:\[[^\]]+\]/)?(?P<path>.+)")
_BUNDLERS = ("webpack", "webpack-internal", "turbopack", "rollup", "vite", "parcel", "ng")
_VLQ = {digit: value for value, digit in enumerate(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
)}  # fmt: skip
_VLQ_MORE = 32
_MAX_SECTION_DEPTH = 4
_MAX_LINES = 5_000_000
_UPWARD_FOLDERS = 8  # how far above a bundle its project folder is looked for


@dataclass(frozen=True, slots=True)
class OriginalPosition:
    """A place in original code; line and column are 0-based, `name` as the map gives it."""

    source: int
    line: int
    column: int
    name: str | None


@dataclass(frozen=True, slots=True)
class _Section:
    """A part of an index map (a plain map is one part), by the generated position it begins at."""

    line: int
    column: int
    lines: list[str]


class SourceMap:
    """
    A decoded source map.

    Args:
        document: The parsed JSON.
        folder: The folder its relative sources are looked up from; None when not known.

    Raises:
        ValueError: It is not a source map of version 3, or `symbolic` cannot read it.
        ImportError: `symbolic` is not installed.
    """

    def __init__(self, document: object, folder: str | None) -> None:
        from symbolic.exceptions import SymbolicError  # noqa: PLC0415 - optional, and slow to import
        from symbolic.sourcemapcache import SourceMapCache  # noqa: PLC0415

        self._folder = folder
        self._sources: list[str | None] = []
        self._roots: list[str] = []
        self._contents: list[str | None] = []
        self._sections: list[_Section] = []
        plain = self._take(document, 0, 0, 0)
        try:
            self._cache = SourceMapCache.from_bytes(b"", orjson.dumps(plain))
        except SymbolicError as error:
            raise ValueError(f"source map cannot be decoded: {error}") from error
        self._paths: dict[int, str | None] = {}

    def original(self, line: int, column: int) -> OriginalPosition | None:
        """Return the original of a generated position (0-based, UTF-16 column), None if unmapped."""
        if not self._is_mapped(line, column):
            return None
        token = self._cache.lookup(line + 1, column + 1, 0)
        if token is None or not token.src or not token.line:
            return None
        source = int(token.src)
        if self._sources[source] is None:
            return None
        return OriginalPosition(source, token.line - 1, max(token.col - 1, 0), token.name)

    def path(self, source: int) -> str | None:
        """Return the path of a source: absolute where the file is there, else as the map has it."""
        if source not in self._paths:
            name = self._sources[source]
            self._paths[source] = (
                None if name is None else resolve_source(name, self._roots[source], self._folder)
            )
        return self._paths[source]

    def index_of(self, path: str) -> int | None:
        """Return the source that has that path, None when the map has none."""
        return next((source for source in range(len(self._sources)) if self.path(source) == path), None)

    def text(self, source: int) -> str | None:
        """Return the text of a source from the map itself, else from disk."""
        inside = self._contents[source]
        path = None if inside is not None else self.path(source)
        return inside if path is None else read_text(path)

    def _take(self, document: object, line: int, column: int, depth: int) -> dict[str, Any]:
        """
        Copy what matters of a map, its sources replaced by their numbers.

        Numbers spare guessing how the decoder joins `sourceRoot`, and drop the contents from what
        it has to parse.
        """
        if not isinstance(document, dict) or depth > _MAX_SECTION_DEPTH:
            raise ValueError("a source map is a JSON object")
        if "sections" in document:
            sections = document["sections"]
            if not isinstance(sections, list):
                raise ValueError("sections of a source map are a list")
            return {"version": 3, "sections": [
                taken for section in sections
                if (taken := self._take_section(section, line, column, depth)) is not None
            ]}  # fmt: skip
        mappings, sources, names = (document.get(key) for key in ("mappings", "sources", "names"))
        if document.get("version") != 3 or not isinstance(mappings, str) or not isinstance(sources, list):  # noqa: PLR2004
            raise ValueError("not a source map of version 3")
        if mappings.count(";") > _MAX_LINES:
            raise ValueError("a source map of that many lines is not one")
        contents, root = document.get("sourcesContent"), document.get("sourceRoot")
        first = len(self._sources)
        for index, source in enumerate(sources):
            text = contents[index] if isinstance(contents, list) and index < len(contents) else None
            self._sources.append(source if isinstance(source, str) and source else None)
            self._contents.append(text if isinstance(text, str) else None)
            self._roots.append(root if isinstance(root, str) else "")
        self._sections.append(_Section(line, column, mappings.split(";")))
        return {
            "version": 3,
            "sources": [str(first + index) for index in range(len(sources))],
            "names": [str(name) for name in names] if isinstance(names, list) else [],
            "mappings": mappings,
        }

    def _take_section(self, section: object, line: int, column: int, depth: int) -> dict[str, Any] | None:
        offset = section.get("offset") if isinstance(section, dict) else None
        if not isinstance(section, dict) or not isinstance(offset, dict):
            raise ValueError("a section of a source map has an offset")  # noqa: TRY004 - it is data
        down, right = offset.get("line"), offset.get("column")
        if not isinstance(down, int) or not isinstance(right, int) or down < 0 or right < 0:
            raise ValueError("a section's offset is a line and a column")
        if "map" not in section:
            return None  # only a URL, which is not fetched
        taken = self._take(section["map"], line + down, right + (0 if down else column), depth + 1)
        return {"offset": {"line": down, "column": right}, "map": taken}

    def _is_mapped(self, line: int, column: int) -> bool:
        """Whether a segment of this very line begins at or before *column*.

        The decoder would answer with the last segment of an earlier line, which is another place.
        """
        within = [one for one in self._sections if (one.line, one.column) <= (line, column)]
        if not within:
            return False
        section = max(within, key=lambda one: (one.line, one.column))
        local = line - section.line
        segment = section.lines[local] if local < len(section.lines) else ""
        return bool(segment) and _first_column(segment) + (0 if local else section.column) <= column


def _first_column(segments: str) -> int:
    value = shift = 0
    for digit in segments:
        bits = _VLQ.get(digit, 0)
        value |= (bits & ~_VLQ_MORE) << shift
        shift += 5
        if not bits & _VLQ_MORE:
            break
    return value >> 1


def map_url_in(text: str) -> str | None:
    """Return the URL of the last `//# sourceMappingURL=` comment in *text*, None without one."""
    at = text.rfind(_DIRECTIVE)
    while at >= 0:
        if _COMMENT.search(text, max(at - 20, 0), at):
            found = _URL.match(text, at + len(_DIRECTIVE))
            return found.group(1).removesuffix("*/") if found else None
        at = text.rfind(_DIRECTIVE, 0, at)
    return None


def open_map(url: str, generated_path: str | None) -> SourceMap | None:
    """
    Return the source map a `sourceMappingURL` names, None when it cannot be used.

    Args:
        url: A `data:` URL or a path relative to the generated file; other schemes are not followed.
        generated_path: Path of the generated file, for relative URLs.
    """
    folder = str(Path(generated_path).parent) if generated_path else None
    if url.startswith("data:"):
        data = _inline(url)
    else:
        place = path_of_url(url) if url.startswith("file:") else unquote(url)
        if _SCHEME.match(place) and not _WINDOWS.match(place):
            return None
        path = Path(os.path.normpath(Path(folder or "", place)))
        data, folder = read_bytes(str(path), MAX_MAP_BYTES), str(path.parent)
    if data is None:
        return None
    if data.startswith(b")]}"):  # a guard some servers put before JSON
        data = data.partition(b"\n")[2]
    try:
        return SourceMap(orjson.loads(data), folder)
    except (ValueError, ImportError):
        return None


def _inline(url: str) -> bytes | None:
    head, comma, body = url.partition(",")
    if not comma or len(body) > MAX_MAP_BYTES:
        return None
    data = unquote_to_bytes(body)
    if not head.endswith(";base64"):
        return data
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return None


def resolve_source(name: str, root: str, folder: str | None) -> str:
    """
    Return the path an entry of `sources` means.

    Args:
        name: The entry: a path or URL, or a bundler's name such as `webpack://app/./src/a.ts`.
        root: `sourceRoot` of the map.
        folder: The folder the map is in.

    Returns:
        An absolute path where one can be made; a bundler's name becomes the file below the nearest
        folder above the map that has it, else its path within the project.
    """
    is_whole = _SCHEME.match(name) or name.startswith("/")
    joined = name if is_whole or not root else f"{root.rstrip('/')}/{name}"
    scheme = _SCHEME.match(joined)
    if scheme is not None and not _WINDOWS.match(joined):
        if scheme.group(1).lower() == "file":
            return path_of_url(joined)
        if scheme.group(1).lower() not in _BUNDLERS:
            return joined
        found = _BUNDLER_PATH.match(joined)
        path = posixpath.normpath((found["path"] if found else joined).split("?")[0]).lstrip("/")
        return (_in_project(path, Path(folder)) if folder else None) or path
    paths = ntpath if folder is not None and _WINDOWS.match(folder) else posixpath
    return str(paths.normpath(joined if folder is None else paths.join(folder, joined)))


def _in_project(path: str, folder: Path) -> str | None:
    for _ in range(_UPWARD_FOLDERS):
        candidate = Path(os.path.normpath(folder / path))
        if candidate.is_file():
            return str(candidate)
        if folder.parent == folder or (folder / "package.json").is_file():
            return None
        folder = folder.parent
    return None
