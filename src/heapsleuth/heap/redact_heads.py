"""What is left of a script's text in a redacted snapshot: how long it was.

The beginning of the text, by which a file on disk is known to be the one that ran, is gone.  But the
size of the string in memory says how long the text is, within a few bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

from heapsleuth.heap.redact_placeholders import CUT_BYTES

__all__ = ["RemovedHead"]

_HEADERS = ((16, 8), (12, 4))
"""Bytes before the characters and alignment of V8's strings: as in Node, and with compressed pointers."""


@dataclass(frozen=True, slots=True)
class RemovedHead:
    """A text that a redaction took out."""

    string_bytes: int | None
    """Size of the flat string it was in; None where it was put together, or outside the heap."""

    def fits(self, text: str) -> bool:
        """Whether a string of *text* has that size; False if the size is not known."""
        return self.string_bytes is not None and any(
            -(-(header + width * units) // alignment) * alignment == self.string_bytes
            for header, alignment in _HEADERS
            for width, units in ((1, len(text)), (2, len(text.encode("utf-16-le", "surrogatepass")) // 2))
        )

    @property
    def is_short(self) -> bool:
        """Whether the snapshot had all of the text."""
        return self.string_bytes is not None and self.string_bytes < CUT_BYTES
