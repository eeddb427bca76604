"""What stands in a redacted snapshot where a text was: a keyed hash, so that equal texts stay equal."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets

__all__ = ["CUT_BYTES", "MARK", "Placeholders", "is_placeholder", "new_key"]

MARK = "heapsleuth_redacted"
"""Key in the header `snapshot` of a redacted file: `version` of the rules and `run`, the same for one key."""
CUT_BYTES = 1024
"""V8 cuts strings to this many characters; a placeholder of a string this long is filled up to it, so
that cut strings still show as cut."""

_KEY_BYTES = 32
_DIGEST_BYTES = 8
_PLACEHOLDER = re.compile(r"removed-[a-z2-7]{13}\.*\Z")


def new_key() -> bytes:
    """Return a fresh random key."""
    return secrets.token_bytes(_KEY_BYTES)


def is_placeholder(text: str) -> bool:
    """Whether *text* stands for one that was removed."""
    return _PLACEHOLDER.match(text) is not None


class Placeholders:
    """
    Placeholders under one key.

    A plain hash of a short text could be found by trying texts; without the key this one cannot.

    Args:
        key: 1 to 64 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.run = hashlib.blake2b(b"run", digest_size=4, key=key).hexdigest()
        """Eight hexadecimal digits that tell keys apart; files of different keys cannot be compared."""

    def of(self, raw: bytes) -> bytes:
        """Return the placeholder of a text: ASCII, 21 bytes, equal for equal texts under one key."""
        digest = hashlib.blake2b(raw, digest_size=_DIGEST_BYTES, key=self._key).digest()
        return b"removed-" + base64.b32encode(digest)[:13].lower()
