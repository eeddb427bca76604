"""Runs real Node.js processes that leak until V8 gives up, and keeps what their collections left behind."""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

__all__ = ["Recipe", "main", "recipes", "record"]

_PROGRAM = Path(__file__).with_name("oom_life.cjs")
_KINDS = ("array", "map", "closure", "string", "numbers")
_OLD_SPACES = (48, 64, 96, 128, 160)
_MOST_FLOORS = 120
_LONGEST_SECONDS = 200.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one life is to be lived."""

    old_space_mb: int
    kind: str
    base_mb: int
    leak_per_tick: int
    garbage_per_tick: int
    jitter: float
    rest_ms: int
    seed: int


@dataclass(frozen=True)
class _Life:
    meta: dict[str, object]
    ticks: list[float]
    floors: list[float]


def recipes(count: int, seed: int) -> list[Recipe]:
    """Return *count* lives of 800 to 2,000 ticks each, drawn by *seed*."""
    draw = random.Random(seed)  # noqa: S311 - no secret
    made = []
    for number in range(count):
        old_space = _OLD_SPACES[number % len(_OLD_SPACES)]
        base = round(old_space * draw.uniform(0.05, 0.3))
        ticks = draw.uniform(800, 2000)
        made.append(
            Recipe(
                old_space_mb=old_space,
                kind=_KINDS[draw.randrange(len(_KINDS))],
                base_mb=base,
                leak_per_tick=round((0.9 * old_space - base) * 2**20 / ticks),
                garbage_per_tick=round(draw.choice((0.05, 0.1, 0.2)) * 1e6),
                jitter=draw.choice((0.0, 0.5, 1.0)),
                rest_ms=draw.choice((0, 0, 1)),
                seed=draw.randrange(1, 2**31 - 1),
            )
        )
    return made


def record(node: str, recipe: Recipe) -> _Life | None:
    """Live one life; None when it did not end by V8's own hand."""
    command = [node, f"--max-old-space-size={recipe.old_space_mb}", str(_PROGRAM), json.dumps(asdict(recipe))]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        try:
            out, errors = process.communicate(timeout=_LONGEST_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return None
    rows = [json.loads(line) for line in out.splitlines()]
    said = next((row for row in rows if isinstance(row, dict)), None)
    floors = [row for row in rows if isinstance(row, list)]
    ticks = max((row for row in rows if isinstance(row, int)), default=0)
    if said is None or not floors or "heap out of memory" not in errors:
        return None
    meta = {**asdict(recipe), **said, "death": ticks, "ineffective": "Ineffective mark-compacts" in errors}
    return _Life(meta, [row[0] for row in floors], [row[1] for row in floors])


def _thinned(life: _Life) -> tuple[list[float], list[float]]:
    """Return at most so many floors: the lowest of each of as many equal spans."""
    if len(life.ticks) <= _MOST_FLOORS:
        return life.ticks, life.floors
    spans = np.linspace(0, life.ticks[-1], _MOST_FLOORS + 1)
    where = np.clip(np.searchsorted(spans, life.ticks, side="right") - 1, 0, _MOST_FLOORS - 1)
    kept = [min(np.flatnonzero(where == span), key=lambda row: life.floors[row]) for span in np.unique(where)]
    return [life.ticks[row] for row in kept], [life.floors[row] for row in kept]


def main() -> int:
    """Record lives on every Node.js given and write them into one file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="the .npz to write")
    parser.add_argument("--node", action="append", required=True, help="a Node.js binary; repeatable")
    parser.add_argument("--lives", type=int, default=12, help="lives per Node.js")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    drawn = [recipes(given.lives, given.seed * 1000 + number) for number in range(len(given.node))]
    # The versions in turn, so that a run that is broken off has some of each.
    jobs = [job for turn in zip(*drawn, strict=True) for job in zip(given.node, turn, strict=True)]
    lives: list[_Life] = []
    with ThreadPoolExecutor(given.jobs) as pool:
        for done in as_completed([pool.submit(record, *job) for job in jobs]):
            if (life := done.result()) is not None:
                lives.append(life)
                _save(given.out, lives)
    print(f"{len(lives)} of {len(jobs)} lives ended by V8 -> {given.out}")
    return 0


def _save(out: Path, lives: list[_Life]) -> None:
    thinned = [_thinned(life) for life in lives]
    np.savez_compressed(
        out,
        meta=json.dumps([life.meta for life in lives]),
        first=np.cumsum([0, *(len(times) for times, _ in thinned)]),
        ticks=np.concatenate([np.array(times, np.float32) for times, _ in thinned]),
        floor_bytes=np.concatenate([np.array(floors, np.float32) for _, floors in thinned]),
    )


if __name__ == "__main__":
    sys.exit(main())
