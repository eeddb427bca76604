"""Which files, in which order, after how much work: checked before anything is concluded."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.errors import IncomparableSnapshots, UsageError
from heapsleuth.leaks.identity import highest_id, shared_identity
from heapsleuth.leaks.model import Input, Warning_
from heapsleuth.leaks.runtime import runtime_of
from heapsleuth.units import format_share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heapsleuth.heap.graph import HeapGraph

__all__ = ["Arranged", "arrange", "check_paths", "describe"]

# Sidecars are written by the agent; anything longer is not one.
_LONGEST_SIDECAR = 1 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Arranged:
    """Snapshots in the order they were taken."""

    paths: tuple[str, ...]
    graphs: tuple[HeapGraph, ...]
    work: tuple[float, ...]
    """Counted in intervals where nobody said how much work was done."""
    work_known: bool
    same_process: bool
    warnings: tuple[Warning_, ...]

    @property
    def per(self) -> str:
        """What rates are per."""
        return "per unit of work" if self.work_known else "per interval"


def check_paths(paths: Sequence[str]) -> None:
    """
    Refuse lists of files that make no sense, before reading any.

    Raises:
        UsageError: No file, or standard input twice.
        IncomparableSnapshots: One file twice.
    """
    if not paths:
        raise UsageError("no snapshot given; expected one or more .heapsnapshot files")
    if list(paths).count("-") > 1:
        raise UsageError("standard input (`-`) can be read once, but was given twice")
    seen: dict[tuple[int, int], int] = {}
    for index, path in enumerate(paths):
        try:
            stat = Path(path).stat()
        except OSError:
            continue  # the reader says what is wrong with it
        other = seen.setdefault((stat.st_dev, stat.st_ino), index)
        if other != index:
            raise IncomparableSnapshots(
                f"{path} is the same file as {paths[other]}; expected snapshots taken at different times"
            )


def arrange(paths: Sequence[str], graphs: Sequence[HeapGraph], work: Sequence[float] | None) -> Arranged:
    """
    Check that the snapshots can be judged together, and in which order and after how much work.

    Raises:
        UsageError: `work` has the wrong length or does not increase.
        IncomparableSnapshots: Two files are the same snapshot, or `work` contradicts the order in
            which they were taken.
    """
    warnings: list[Warning_] = []
    _refuse_copies(paths, graphs)
    if work is not None:
        _check_work(work, len(graphs))
    else:
        work = _sidecar_work(paths)
    identities = [shared_identity(*pair) for pair in pairwise(graphs)]
    same = all(identity.same_process for identity in identities)
    order = list(range(len(graphs)))
    if same:
        taken = sorted(order, key=lambda index: (highest_id(graphs[index]), index))
        if taken != order:
            named = ", ".join(paths[index] for index in taken)
            if work is not None:
                raise IncomparableSnapshots(
                    f"work contradicts the order of the snapshots; they were taken as {named}"
                )
            warnings.append(Warning_("reordered", f"put into the order in which they were taken: {named}"))
            order = taken
    else:
        worst = min(identities, key=lambda identity: identity.share)
        warnings.append(
            Warning_(
                "different-processes",
                f"the snapshots are of different processes ({format_share(worst.share)} of common object ids "
                "name the same object; within a process all do), so objects were matched by where they hang, "
                "not by identity",
            )
        )
    work_known = work is not None
    if work is None:
        warnings.append(
            Warning_("no-work", "work was not given: intervals count as equal work (use --work N1,N2,…)")
        )
        work = tuple(range(len(graphs)))
    return Arranged(
        paths=tuple(paths[index] for index in order),
        graphs=tuple(graphs[index] for index in order),
        work=tuple(float(value) for value in work),
        work_known=work_known,
        same_process=same,
        warnings=tuple(warnings),
    )


def describe(
    paths: Sequence[str], graphs: Sequence[HeapGraph], work: Sequence[float] | None
) -> tuple[Input, ...]:
    """Return what the report says of each file."""
    return tuple(
        Input(
            path=path,
            bytes=graph.file_bytes,
            nodes=graph.node_count,
            edges=graph.edge_count,
            heap_bytes=int(graph.self_sizes.sum(dtype=np.int64)),
            work=None if work is None else work[index],
            runtime=runtime_of(graph),
        )
        for index, (path, graph) in enumerate(zip(paths, graphs, strict=True))
    )


def _check_work(work: Sequence[float], count: int) -> None:
    if len(work) != count:
        raise UsageError(f"expected one work value per snapshot ({count}), found {len(work)}")
    for earlier, later in pairwise(work):
        if not later > earlier:
            raise UsageError(
                f"work must increase from snapshot to snapshot, found {later:g} after {earlier:g}"
            )


def _refuse_copies(paths: Sequence[str], graphs: Sequence[HeapGraph]) -> None:
    for index, graph in enumerate(graphs):
        for other in range(index):
            if _same_snapshot(graphs[other], graph):
                raise IncomparableSnapshots(
                    f"{paths[index]} is the same snapshot as {paths[other]}; expected different times"
                )


def _same_snapshot(a: HeapGraph, b: HeapGraph) -> bool:
    return (
        a.node_count == b.node_count
        and a.edge_count == b.edge_count
        and np.array_equal(a.node_ids, b.node_ids)
        and np.array_equal(a.edge_targets, b.edge_targets)
        and np.array_equal(a.self_sizes, b.self_sizes)
    )


def _sidecar_work(paths: Sequence[str]) -> tuple[float, ...] | None:
    """Return work from `FILE.json` beside each file, None unless all have it and it increases."""
    values = [_read_sidecar(path) for path in paths]
    known = [value for value in values if value is not None]
    if len(known) != len(values) or any(not b > a for a, b in pairwise(known)):
        return None
    return tuple(known)


def _read_sidecar(path: str) -> float | None:
    try:
        with Path(f"{path}.json").open("rb") as file:
            data = json.loads(file.read(_LONGEST_SIDECAR))
    except (OSError, ValueError):
        return None
    value = data.get("work") if isinstance(data, dict) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
