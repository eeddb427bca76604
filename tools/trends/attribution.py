"""Share of slow requests' time under stalls on recordings whose planned waits are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from material import shared

from heapsleuth.trends.attribution import lost_to_stalls
from trends.section import Section

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["run", "slow_event", "true_share"]

_TITLES = {
    "base": "nothing special",
    "block": "synchronous work",
    "io": "slow I/O",
    "gc": "much garbage",
    "gcio": "much garbage and slow I/O",
    "blockio": "synchronous work and slow I/O",
}
_SLOW = 2.0
_STALL_MS = 5.0


def run() -> Section:
    """Return the section about attribution; the recordings are in the shared material."""
    folder = shared("trends") / "recordings"
    rows, errors, unclipped = [], [], []
    for name, title in _TITLES.items():
        requests, event = slow_event(folder / f"at_{name}.npz")
        truth = true_share(requests, event["median_ms"])
        lost = lost_to_stalls(event)
        share = lost.stalled_ms / lost.whole_ms
        plain = _unclipped(event)
        errors.append(abs(share - truth))
        unclipped.append(abs(plain - truth))
        rows.append((title, str(lost.requests), f"{truth:.0%}", f"{share:.0%}", f"{plain:.0%}"))
    rows.append(
        ("largest error", "", "", f"{100 * max(errors):.1f} points", f"{100 * max(unclipped):.1f} points")
    )
    head = ("", "slow requests", "true share", "measured", "overlap with stalls, not limited")
    note = (
        "The true share is what the requests took beyond the wait that they had planned. "
        f"Slow are requests of more than {_SLOW:.0f} times the median; stalls are a 10 ms timer that is late "
        f"by more than {_STALL_MS:.0f} ms."
    )
    return Section("Slow requests and stalls", head, tuple(rows), (note,))


def slow_event(file: Path) -> tuple[NDArray[np.float64], dict[str, Any]]:
    """Return the slow requests of a recording (begin, end, planned wait, …) and what an agent would send."""
    with np.load(file, allow_pickle=True) as recorded:
        requests = recorded["req"].reshape(-1, 4)
        stalls = recorded["stall"].reshape(-1, 2)
        collections = recorded["gc_observer"].reshape(-1, 8)
    took = requests[:, 1] - requests[:, 0]
    median = float(np.median(took))
    slow = requests[took >= _SLOW * median]
    stalls = stalls[stalls[:, 1] - stalls[:, 0] > _STALL_MS]
    begins, ends = collections[:, 0], collections[:, 0] + collections[:, 1]
    event = {
        "median_ms": median,
        "requests": [{"at_ms": float(at), "ms": float(end - at)} for at, end, *_ in slow],
        "stalls": [
            {
                "at_ms": float(at),
                "ms": float(end - at),
                "gc_ms": float(np.clip(np.minimum(ends, end) - np.maximum(begins, at), 0, None).sum()),
            }
            for at, end in stalls
        ],
    }
    return slow, event


def true_share(slow: NDArray[np.float64], median_ms: float) -> float:
    """Return the share of the time beyond the median that the requests had not planned to wait."""
    took = slow[:, 1] - slow[:, 0]
    return float((took - slow[:, 2]).sum() / (took - median_ms).sum())


def _unclipped(event: dict[str, Any]) -> float:
    """Return the share when all of the overlap counts."""
    overlap = sum(
        max(
            0.0,
            min(one["at_ms"] + one["ms"], stall["at_ms"] + stall["ms"]) - max(one["at_ms"], stall["at_ms"]),
        )
        for one in event["requests"]
        for stall in event["stalls"]
    )
    return float(overlap / sum(one["ms"] - event["median_ms"] for one in event["requests"]))
