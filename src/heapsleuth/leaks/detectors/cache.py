"""Caches without eviction, bound or time to live."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapsleuth.leaks.detectors.base import held

if TYPE_CHECKING:
    from heapsleuth.leaks.case import Case
    from heapsleuth.leaks.detectors.base import Detection

__all__ = ["CacheDetector"]

_KEYED = frozenset({"Map", "WeakMap", "AsyncContextFrame"})


class CacheDetector:
    """A Map, or an object used as a dictionary, gains keys and never loses one."""

    category = "cache"

    def detect(self, case: Case) -> Detection | None:
        """Fire on keyed containers."""
        # Members of a plain object that no field names are values, or keys, of a dictionary.
        dictionary = case.holder_class == "Object" and case.field is None and not case.candidate.chain
        if case.holder_class not in _KEYED and not case.candidate.dictionary and not dictionary:
            return None
        return held(case, self.category)
