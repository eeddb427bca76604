"""The dashboard's style sheets and scripts: read once, known by a hash, so that browsers keep them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Asset", "address", "assets"]

_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent."""

    body: bytes
    media_type: str
    digest: str


@cache
def assets() -> Mapping[str, Asset]:
    """Return the files by name; whatever is not in here does not exist for browsers."""
    static = files("heapsleuth.server") / "static"
    # The report's own style comes first: the dashboard speaks the same language.
    found = {"report.css": files("heapsleuth.reports") / "templates" / "report.css"}
    for folder in (static, static / "vendor"):
        found |= {one.name: one for one in folder.iterdir() if one.name.rpartition(".")[2] in _TYPES}
    return {name: _asset(name, one.read_bytes()) for name, one in sorted(found.items())}


def address(name: str) -> str:
    """
    Return where a page finds a file, with its hash.

    Raises:
        KeyError: There is none of that name.
    """
    return f"/static/{name}?{assets()[name].digest}"


def _asset(name: str, body: bytes) -> Asset:
    return Asset(body, _TYPES[name.rpartition(".")[2]], hashlib.sha256(body).hexdigest()[:12])
