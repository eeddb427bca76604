"""npm packages, read off the path of one of their files."""

from __future__ import annotations

import re

import orjson

from heapsleuth.heap.source_files import path_of_url, read_bytes
from heapsleuth.places import Package

__all__ = ["Packages", "package_of"]

_MAX_MANIFEST_BYTES = 1_000_000
_MAX_VERSION_CHARS = 64
_INNERMOST = re.compile(r"(?P<root>.*[/\\]node_modules[/\\](?P<name>(?:@[^/\\]+[/\\])?[^@/\\.][^/\\]*))[/\\]")
# Stores keep the version in a folder name: `.pnpm/NAME@1.2.3_peers/…`, `.yarn/…/NAME-npm-1.2.3-HASH…/…`.
_IN_STORE = re.compile(
    r".*[/\\](?:\.pnpm[/\\][^/\\]+?@(?P<pnpm>\d[^/\\_(]*)[^/\\]*"
    r"|[^/\\]+-npm-(?P<yarn>\d[^/\\]*?)-[0-9a-f]{6,}[^/\\]*)[/\\]node_modules[/\\][^/\\]+"
)


class Packages:
    """Packages by path; remembers every manifest it read.  Not safe to share between threads."""

    def __init__(self) -> None:
        self._known: dict[str, Package] = {}

    def of(self, path: str) -> Package | None:
        """
        Return the package the file *path* (or `file:` URL) belongs to.

        The innermost `node_modules` names it, also in pnpm's and Yarn's stores; None outside any.
        """
        found = _INNERMOST.match(path_of_url(path))
        if found is None:
            return None
        root = found["root"]
        if root not in self._known:
            name = found["name"].replace("\\", "/")
            self._known[root] = Package(name, _manifest_version(root) or _store_version(root))
        return self._known[root]


def package_of(path: str) -> Package | None:
    """Return the package the file *path* belongs to; see `Packages.of`."""
    return Packages().of(path)


def _manifest_version(root: str) -> str | None:
    separator = "\\" if "\\" in root else "/"
    data = read_bytes(f"{root}{separator}package.json", _MAX_MANIFEST_BYTES)
    if data is None:
        return None
    try:
        manifest = orjson.loads(data)
    except ValueError:
        return None
    version = manifest.get("version") if isinstance(manifest, dict) else None
    is_sane = isinstance(version, str) and version.isprintable() and 0 < len(version) <= _MAX_VERSION_CHARS
    return version if is_sane else None


def _store_version(root: str) -> str | None:
    found = _IN_STORE.match(root)
    return (found["pnpm"] or found["yarn"]) if found else None
