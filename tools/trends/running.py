"""Runs jobs in processes and keeps their outcomes, so that a run that was broken off goes on."""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING

from trends.services import Outcome, judge

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from trends.services import Job

__all__ = ["outcomes"]

_CHUNK = 8
_TELL_EVERY = 200


def outcomes(wanted: Sequence[Job], kept: Path, processes: int, say: Callable[[str], None]) -> list[Outcome]:
    """
    Return what was said about each service.

    Args:
        wanted: The services.
        kept: JSON lines; what is in there is not done again. Made for one version of the rules.
        processes: How many run at a time.
        say: Takes lines about the progress.
    """
    done: dict[str, Outcome] = {}
    if kept.exists():
        for line in kept.read_text(encoding="utf-8").splitlines():
            if line.endswith("}"):  # the last one may have been cut off
                outcome = Outcome.from_json(json.loads(line))
                done[outcome.job.key] = outcome
    left = [job for job in wanted if job.key not in done]
    kept.parent.mkdir(parents=True, exist_ok=True)
    with kept.open("a", encoding="utf-8") as file, ProcessPoolExecutor(processes) as pool:
        for number, outcome in enumerate(pool.map(judge, left, chunksize=_CHUNK), 1):
            file.write(json.dumps(outcome.as_json()) + "\n")
            file.flush()
            done[outcome.job.key] = outcome
            if number % _TELL_EVERY == 0:
                say(f"{number} of {len(left)} services")
    return [done[job.key] for job in wanted]
