"""Functions that keep their scopes alive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapsleuth.heap.kinds import NodeType
from heapsleuth.leaks.detectors.base import KEYED, LISTED, held

if TYPE_CHECKING:
    from heapsleuth.leaks.case import Case
    from heapsleuth.leaks.detectors.base import Detection

__all__ = ["ClosureDetector"]


# A scope that keeps less is what every function has.
_LARGE_SCOPE_BYTES = 512
_MOSTLY = 0.5
# Of an instance's bytes: a subscription is a callback and little else, a task or session is not.
_CALLS_BACK = 0.3


class ClosureDetector:
    """Functions and their scopes pile up where no collection is seen."""

    category = "closure"

    def detect(self, case: Case) -> Detection | None:
        """
        Fire when members are functions that keep much alive, or objects that are there to call back.

        Functions or scopes where no container is seen are of this kind, too.
        """
        member, bulk = case.member, case.bulk
        if member is None or bulk is None:
            return None
        function = case.type(member) == NodeType.CLOSURE
        listed = case.holder_class in LISTED or case.candidate.chain
        if function or case.member_class == "system / Context":
            heavy = bulk.scopes >= _LARGE_SCOPE_BYTES and bulk.share(bulk.scopes) >= _MOSTLY
            return held(case, self.category) if heavy or not (listed or self._is_keyed(case)) else None
        plain = case.graph.own_name(member) == "Object"
        calls_back = bulk.share(bulk.closures) >= (_MOSTLY if plain else _CALLS_BACK)
        return held(case, self.category) if listed and calls_back else None

    def _is_keyed(self, case: Case) -> bool:
        return case.holder_class in KEYED or case.candidate.dictionary
