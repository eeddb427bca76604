"""A fingerprint of a finding that is equal across builds, hosts and Node versions.

No ids, addresses, lines, versions or counts go in: only what kind of leak, whose code, and the names
on the way from the holder to its members (LeakCanary's idea: hash the suspect references).
"""

from __future__ import annotations

import hashlib
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heapsleuth.places import Package, SourceLocation

__all__ = ["signature"]

_LENGTH = 16


def signature(
    category: str, holder: str, members: str, location: SourceLocation | None, package: Package | None
) -> str:
    """Return 16 hex digits."""
    file = PurePosixPath(location.file.replace("\\", "/")).name if location else ""
    owner = package.name if package else ""
    parts = (category, owner, file, _stable(holder), _stable(members))
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:_LENGTH]


def _stable(name: str) -> str:
    """Mask what differs between runs: positions and long numbers."""
    return re.sub(r"\d{3,}", "#", re.sub(r"\[[^\]]*\]", "[x]", name))
