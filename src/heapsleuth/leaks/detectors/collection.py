"""Arrays, sets and chains that only grow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapsleuth.leaks.detectors.base import KEYED, LISTED, held

if TYPE_CHECKING:
    from heapsleuth.leaks.case import Case
    from heapsleuth.leaks.detectors.base import Detection

__all__ = ["CollectionDetector"]


class CollectionDetector:
    """An array or Set, or a chain of objects, gains members and never loses one."""

    category = "collection"

    def detect(self, case: Case) -> Detection | None:
        """Fire on listed containers and chains."""
        list_by_head = case.series.single and case.series.counts[-1] > 1
        container = case.holder_class in LISTED or case.holder_class in KEYED or case.candidate.dictionary
        dictionary = case.holder_class == "Object" and case.field is None
        if not (container or dictionary or case.candidate.chain or list_by_head):
            return None
        return held(case, self.category)
