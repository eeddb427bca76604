"""Growth of a kind no other detector recognises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapsleuth.leaks.detectors.base import held

if TYPE_CHECKING:
    from heapsleuth.leaks.case import Case
    from heapsleuth.leaks.detectors.base import Detection

__all__ = ["UnknownDetector"]


class UnknownDetector:
    """The last in the list: names holder and members and says no more."""

    category = "unknown"

    def detect(self, case: Case) -> Detection | None:
        """Always fire."""
        return held(case, self.category)
