"""Deployments simulated by `latencysim.py`, as an agent would have counted them."""

from __future__ import annotations

import importlib.util
import math
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
from material import stop

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["Counted", "canary", "deployment", "simulator"]

_FIRST, _COUNT = 144, 272
"""The protocol's buckets from 0.5 ms to 66 s; the simulator is given their edges."""
_SLOT_MINUTES = 5
_START_MS = 1_767_225_600_000.0


@dataclass(frozen=True, slots=True)
class Counted:
    """Latencies of one instance over five minutes, as the store has them."""

    at_ms: float
    release: str
    instance: str
    buckets: Mapping[int, int]


class _OwnDraws:
    """A generator whose weather is shared between instances and whose requests are not."""

    def __init__(self, weather: list[int], requests: list[int]) -> None:
        self._weather, self._requests = np.random.default_rng(weather), np.random.default_rng(requests)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._weather if name in {"normal", "uniform"} else self._requests, name)


@cache
def simulator() -> ModuleType:
    """Return `latencysim.py` with the protocol's buckets."""
    path = Path(__file__).parent / "simulator" / "latencysim.py"
    spec = importlib.util.spec_from_file_location("latencysim", path)
    if spec is None or spec.loader is None:
        stop("cannot load latencysim.py")
    module = importlib.util.module_from_spec(spec)
    if importlib.util.find_spec("scipy") is None:
        # All it takes from scipy is the normal distribution.
        special = ModuleType("scipy.special")
        special.ndtr = _normal_distribution()  # type: ignore[attr-defined]
        sys.modules.setdefault("scipy", ModuleType("scipy"))
        sys.modules["scipy.special"] = special
    spec.loader.exec_module(module)
    module.EDGES = 2.0 ** ((_FIRST + np.arange(_COUNT) + 1) / 16 - 10)  # type: ignore[attr-defined]
    return module


def _normal_distribution() -> Any:
    """Return Φ as a table, right to seven digits."""
    step, most = 0.001, 9.0
    values = np.array(
        [0.5 * math.erfc((most - n * step) / math.sqrt(2)) for n in range(round(2 * most / step) + 2)]
    )

    def look_up(wanted: NDArray[np.float64]) -> NDArray[np.float64]:
        place = (np.clip(wanted, -most, most) + most) / step
        below = place.astype(np.int64)
        found: NDArray[np.float64] = values[below] + (place - below) * (values[below + 1] - values[below])
        return found

    return look_up


def deployment(
    seed: list[int], scale: float, effect_ms: float, *, hours: int, per_second: float = 20.0, days: int = 3
) -> tuple[list[Counted], float]:
    """Return what is counted before and after a deployment, in order, and when it was."""
    draws = np.random.default_rng(seed)
    minutes, _, _, deployed = _generate(draws, scale, per_second, days, hours, effect_ms)
    rows = _counted(minutes, "", lambda minute: "2.0" if minute >= deployed else "1.0", deployed)
    return rows, _START_MS + deployed * 60_000.0


def canary(
    seed: list[int], scale: float, effect_ms: float, *, hours: int, hosts: int = 4, spread: float = 0.01
) -> tuple[list[Counted], float]:
    """Return what as many instances of both releases count at the same time; together 20 requests/s."""
    offsets = np.random.default_rng([*seed, 0]).normal(size=2 * hosts) * spread
    rows = []
    for host, offset in enumerate(offsets):
        new = host < hosts
        minutes, *_ = _generate(
            _OwnDraws([*seed, 1], [*seed, 2, host]),
            scale, 20.0 / (2 * hosts), 0, hours, effect_ms if new else 0.0, cold=new, host=float(offset),
        )  # fmt: skip
        release = "2.0" if new else "1.0"
        rows += _counted(minutes, f"host-{host}", lambda _, release=release: release, 0)
    # The old release was there before.
    rows.append(Counted(_START_MS, "1.0", "host-0", {300: 1}))
    return sorted(rows, key=lambda row: row.at_ms), _START_MS


def _generate(
    draws: Any, scale: float, per_second: float, days: int, hours: int, effect_ms: float, **more: Any
) -> Any:
    with np.errstate(over="ignore"):  # its warm-up term, long before the deployment
        return simulator().gen(draws, scale, per_second, days, hours, effect_ms, "all", **more)


def _counted(minutes: NDArray[np.int64], instance: str, release_at: Any, deployed: int) -> list[Counted]:
    first = deployed % _SLOT_MINUTES
    slots = minutes[first:]
    slots = (
        slots[: len(slots) // _SLOT_MINUTES * _SLOT_MINUTES].reshape(-1, _SLOT_MINUTES, _COUNT).sum(axis=1)
    )
    rows = []
    for number, counts in enumerate(slots):
        begins = first + number * _SLOT_MINUTES
        found = np.flatnonzero(counts)
        rows.append(
            Counted(
                _START_MS + (begins + _SLOT_MINUTES) * 60_000.0,
                release_at(begins),
                instance,
                dict(zip((found + _FIRST).tolist(), counts[found].tolist(), strict=True)),
            )
        )
    return rows
