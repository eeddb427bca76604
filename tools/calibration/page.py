"""The page that says how far confidence can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calibration.held_out import brier, error, reliability

if TYPE_CHECKING:
    from collections.abc import Sequence

    from calibration.held_out import Judged
    from calibration.logistic import Weights
    from calibration.rows import Row

__all__ = ["render", "summary"]

REPORTED_FROM = 0.2
LEAK_FROM = 0.8
WINDOW = 4
"""Snapshots that a check takes unless it is undecided."""

_TOP = """<!-- Written by `make calibrate`. -->
# How far confidence can be trusted

Confidence is a probability: of the findings that say 0.9, nine in ten shall be leaks. It comes from a
logistic model over named evidence. Every number of the model is in `src/heapsleuth/leaks/confidence.json`,
every labelled example in `calibration/rows.jsonl`, and this page is what `make calibrate` makes of them.

The examples are growing candidates, as `analyze` finds them, of {cases} programs: published npm packages in
a leaking and a repaired version, and programs written for the purpose, half of them leak-free programs that
look like leaks: caches that are still filling up, entries with a time to live, pools, batches, finite key
spaces. Each was recorded in one process and is judged by its first 3, 4, 5 and 6 snapshots.

**Held out**: all figures here are of models that never saw the package they judge, in any version, variant
or window. A model is fitted for each package on all others.
"""


def summary(judged: Sequence[Judged]) -> str:
    """Return the figures in a few lines."""
    lines = []
    for window in (3, WINDOW, 6):
        some = _reported(judged, window)
        lines.append(
            f"{window} snapshots: {len(some)} candidates, ECE {error(some):.3f}, Brier {brier(some):.3f}"
        )
    return "\n".join(lines)


def render(rows: Sequence[Row], judged: Sequence[Judged], model: Weights) -> str:
    """Return the page."""
    parts = [_TOP.format(cases=len({row.case for row in rows}))]
    for window in (WINDOW, 6):
        some = _reported(judged, window)
        parts.append(f"\n## After {window} snapshots\n\n" + _figures(some, judged, window) + _table(some))
    parts.append(_weights(model))
    parts.append(_hard(judged))
    return "".join(parts)


def _reported(judged: Sequence[Judged], window: int) -> list[Judged]:
    return [
        one
        for one in judged
        if one.row.window == window and one.row.is_leak is not None and one.confidence >= REPORTED_FROM
    ]


def _figures(some: Sequence[Judged], judged: Sequence[Judged], window: int) -> str:
    surest = _surest(judged, window)
    leaks = {key: value for key, value in surest.items() if value.row.leaks}
    innocent = {key: value for key, value in surest.items() if not value.row.leaks}
    sure = sum(one.confidence >= LEAK_FROM for one in leaks.values())
    false = sum(one.confidence >= LEAK_FROM for one in innocent.values())
    doubt = sum(REPORTED_FROM <= one.confidence < LEAK_FROM for one in innocent.values())
    return (
        f"{len(some)} candidates with a confidence of at least {REPORTED_FROM}: expected calibration error "
        f"**{error(some):.3f}**, Brier score **{brier(some):.3f}**.\n\n"
        f"By program: {sure} of {len(leaks)} leaking ones are called a leak. Of {len(innocent)} leak-free "
        f"ones in which anything grows at all, {false} are called a leak and {doubt} left undecided.\n\n"
    )


def _surest(judged: Sequence[Judged], window: int) -> dict[tuple[str, str, str], Judged]:
    surest: dict[tuple[str, str, str], Judged] = {}
    for one in judged:
        key = (one.row.case, one.row.variant, one.row.node)
        if one.row.window == window and one.row.is_leak is not None:
            surest[key] = max(surest.get(key, one), one, key=lambda each: each.confidence)
    return surest


def _table(some: Sequence[Judged]) -> str:
    lines = ["| confidence | candidates | said | true |", "|---|---:|---:|---:|"]
    lines += [
        f"| {one.lower:.1f} to {one.lower + 0.1:.1f} | {one.count} | {one.confidence:.2f} | {one.leaks:.2f} |"
        for one in reliability(some)
    ]
    return "\n".join(lines) + "\n"


def _weights(model: Weights) -> str:
    lines = [
        "\n## What counts how much\n",
        "Each input is between 0 and 1. A weight has the sign its evidence must have, or is 0 where the",
        "examples do not bear it out.\n",
        "| evidence | weight |",
        "|---|---:|",
        f"| (bias) | {model.bias:+.2f} |",
    ]
    lines += [f"| {name} | {value:+.2f} |" for name, value in model.weights.items()]
    return "\n".join(lines) + "\n"


def _hard(judged: Sequence[Judged]) -> str:
    surest = _surest(judged, WINDOW).values()
    missed = sorted({one.row.case for one in surest if one.row.leaks and one.confidence < LEAK_FROM})
    fooled = sorted({one.row.case for one in surest if not one.row.leaks and one.confidence >= LEAK_FROM})
    lines = ["\n## Where it is wrong\n"]
    lines.append("Leaks that four snapshots leave undecided: " + (", ".join(missed) or "none") + ".\n")
    lines.append("Leak-free programs called a leak by four: " + (", ".join(fooled) or "none") + ".")
    return "\n".join(lines) + "\n"
