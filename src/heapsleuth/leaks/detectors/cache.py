"""Caches without eviction, bound or time to live."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapsleuth.heap.kinds import NodeType
from heapsleuth.leaks.detectors.base import KEYED, held, is_empty
from heapsleuth.leaks.vocabulary import CACHE

if TYPE_CHECKING:
    from heapsleuth.leaks.case import Case
    from heapsleuth.leaks.detectors.base import Detection

__all__ = ["CacheDetector"]


class CacheDetector:
    """A Map, or an object used as a dictionary, gains keys and never loses one."""

    category = "cache"

    def detect(self, case: Case) -> Detection | None:
        """
        Fire on keyed containers of data, and on any container called a cache.

        What is live (tasks, sessions with their callbacks) or says nothing beyond its key is not cached
        but registered: see `collection`.
        """
        # Members of a plain object that no field names are values, or keys, of a dictionary.
        dictionary = case.holder_class == "Object" and case.field is None and not case.candidate.chain
        keyed = case.holder_class in KEYED or case.candidate.dictionary or dictionary
        called_so = bool(case.holder_words & CACHE)
        if not keyed and not (called_so and self._is_container(case)):
            return None
        if not called_so and self._is_registered(case):
            return None
        return held(case, self.category)

    def _is_container(self, case: Case) -> bool:
        return case.candidate.chain or case.holder_class in ("Array", "Set")

    def _is_registered(self, case: Case) -> bool:
        """Whether members are live objects, or empty ones that only mark their key as present."""
        if case.member is None or case.bulk is None:
            return False
        return case.bulk.is_live or (case.type(case.member) == NodeType.OBJECT and is_empty(case))
