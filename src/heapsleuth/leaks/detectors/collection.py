"""Arrays, sets and chains that only grow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapsleuth.leaks.detectors.base import held

if TYPE_CHECKING:
    from heapsleuth.leaks.case import Case
    from heapsleuth.leaks.detectors.base import Detection

__all__ = ["CollectionDetector"]

_LISTED = frozenset({"Array", "FinalizationRegistry", "Set", "WeakSet"})


class CollectionDetector:
    """An array or Set, or a chain of objects, gains members and never loses one."""

    category = "collection"

    def detect(self, case: Case) -> Detection | None:
        """Fire on listed containers and chains."""
        list_by_head = case.series.single and case.series.counts[-1] > 1
        if case.holder_class not in _LISTED and not case.candidate.chain and not list_by_head:
            return None
        return held(case, self.category)
