"""What confidence is learned from: each growing candidate of a recording with its named features."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from heapsleuth.heap.sources import Sources
from heapsleuth.leaks.analysis import judge_growth
from heapsleuth.leaks.causes import one_per_cause
from heapsleuth.leaks.confidence import load_model
from heapsleuth.leaks.findings import Teller
from heapsleuth.leaks.model import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from heapsleuth.heap.graph import HeapGraph
    from heapsleuth.leaks.model import Finding

# Far below what is reported: what is unlikely has to be seen to be learned.
_LEAST = 0.02

__all__ = ["Observation", "observe"]


@dataclass(frozen=True, slots=True)
class Observation:
    """One candidate as the confidence model sees it."""

    finding: Finding
    features: Mapping[str, float]


def observe(graphs: Sequence[HeapGraph], work: Sequence[float]) -> list[Observation]:
    """
    Return the candidates that grow, as `analyze` would judge them, in its order.

    Args:
        graphs: At least three heaps of one process.
        work: Operations done at each.
    """
    model = replace(load_model(), drop_below=_LEAST)
    history, cases = judge_growth(graphs, work, model)
    teller = Teller(history.last, history.births == 0, Sources(graphs[-1]), model=model)
    weighed = one_per_cause([teller.weigh(case) for case in cases], work, model)
    return [
        Observation(teller.tell(one), one.features)
        for one in weighed
        if one.finding.verdict is not Verdict.BOUNDED
    ]
