"""Through which old objects a new one is kept alive: a short walk outwards from some members.

Everything an operation leaves behind hangs on the rest of the heap by a few references from objects that
were there before: the entrances.  One of them is the holder that a finding names; the others matter, because
cutting one reference frees nothing while another one is left.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from heapsleuth.heap.kinds import EdgeType, NodeType
from heapsleuth.leaks.groups import STRONG
from heapsleuth.leaks.story.lasting import root_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from heapsleuth.leaks.history import Moment

__all__ = ["Entrances"]

_MOST_VISITED = 400
_MOST_RETAINERS = 60
_STRONG = frozenset(int(kind) for kind in STRONG)
_WEAK = frozenset({"WeakMap", "WeakSet", "WeakRef"})
_ENGINE = frozenset({int(NodeType.CODE), int(NodeType.OBJECT_SHAPE)})
_EPHEMERON = "part of key"


class Entrances:
    """
    Walks outwards from members to what was there before them.

    Args:
        moment: The last snapshot.
        births: (n,) the first snapshot that had each object, 0 for the old ones.
        stops: Findings by the nodes (holders and members) at which a walk has arrived at one of them.
    """

    def __init__(
        self, moment: Moment, births: NDArray[np.uint8], stops: Mapping[int, frozenset[int]]
    ) -> None:
        self._moment = moment
        self._births = births
        self._stops = stops

    def of(self, members: Sequence[int]) -> tuple[dict[int, float], dict[int, float]]:
        """
        Return by finding and by old node the share of *members*, in (0, 1], that it keeps alive.

        A node that stands for a finding is not among the old ones.
        """
        findings: dict[int, int] = {}
        holders: dict[int, int] = {}
        for member in members:
            reached, old = self._outwards(member)
            for finding in reached:
                findings[finding] = findings.get(finding, 0) + 1
            for node in old:
                holders[node] = holders.get(node, 0) + 1
        count = max(len(members), 1)
        return (
            {finding: hits / count for finding, hits in findings.items()},
            {node: hits / count for node, hits in holders.items()},
        )

    def _outwards(self, member: int) -> tuple[set[int], set[int]]:
        """Return the findings and the other old objects reached from one member."""
        lifted, births = self._moment.lifted, self._births
        reached: set[int] = set()
        old: set[int] = set()
        seen = {member}
        queue = deque([member])
        while queue and len(seen) < _MOST_VISITED:
            for source in self._retainers(queue.popleft()):
                owner = int(lifted[source])
                if source in seen:
                    continue
                seen.add(source)
                stop = self._stops.get(owner)
                if stop is not None:
                    reached |= stop
                elif root_words(self._moment.graph, source) or (births[owner] == 0 and self._keeps(owner)):
                    old.add(owner)
                elif births[owner]:
                    queue.append(source)
        return reached, old

    def _retainers(self, node: int) -> list[int]:
        graph = self._moment.graph
        found = []
        for edge, source in graph.retainers_of(node, _MOST_RETAINERS):
            kind = int(graph.edge_types[edge])
            if kind not in _STRONG or graph.node_types[source] in _ENGINE:
                continue
            if kind == EdgeType.INTERNAL and _EPHEMERON in graph.edge_name(edge):
                continue
            if graph.own_name(int(self._moment.lifted[source])) not in _WEAK:
                found.append(source)
        return found

    def _keeps(self, node: int) -> bool:
        """Whether an old object is one of the program, not of the capture or the engine."""
        return self._moment.graph.node_types[node] in (
            NodeType.OBJECT,
            NodeType.CLOSURE,
            NodeType.NATIVE,
        )
