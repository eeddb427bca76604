"""Functions that keep their scopes alive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapsleuth.heap.kinds import NodeType
from heapsleuth.leaks.detectors.base import held

if TYPE_CHECKING:
    from heapsleuth.leaks.case import Case
    from heapsleuth.leaks.detectors.base import Detection

__all__ = ["ClosureDetector"]


class ClosureDetector:
    """Functions and their scopes pile up where no collection is seen."""

    category = "closure"

    def detect(self, case: Case) -> Detection | None:
        """Fire when members are functions or scopes."""
        member = case.member
        scope = case.member_class == "system / Context"
        if member is None or not (case.type(member) == NodeType.CLOSURE or scope):
            return None
        return held(case, self.category)
