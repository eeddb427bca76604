"""What stands beside the growth: a bound, an expiry, code that removes; tried before a leak is reported.

Growth alone cannot tell a cache that is still filling up from one that never stops.  The program's own
text often can, and so can a timer that is about to let the members go.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import NodeType
from heapsleuth.leaks.model import Evidence
from heapsleuth.leaks.pending_timers import fires_once, is_timed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from heapsleuth.leaks.case import Case
    from heapsleuth.leaks.detectors.base import Detection
    from heapsleuth.leaks.evidence import Judgement
    from heapsleuth.leaks.source.model import Bound, Expiry, SourceFacts, Use
    from heapsleuth.places import SourceLocation

__all__ = ["Circumstances", "circumstances_of"]

# How far above its limit something must be before the limit is taken to be none.
_PAST = 1.25
_TEXT_LENGTH = 60
_STILL_WAITING = 0.9
_A_TIMER_EACH = 0.5


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Named inputs of the confidence model beside those of the growth, with the facts for people."""

    features: Mapping[str, float]
    evidence_for: tuple[Evidence, ...]
    evidence_against: tuple[Evidence, ...]


def circumstances_of(
    case: Case, detection: Detection, judgement: Judgement, facts: SourceFacts | None
) -> Circumstances:
    """
    Look for what bounds the growth of one candidate.

    Args:
        case: The candidate in the last snapshot.
        detection: What kind of leak it would be.
        judgement: How it grew.
        facts: What the source says about the field or variable that grows, None when it is not at hand.
    """
    good: list[Evidence] = []
    bad: list[Evidence] = []
    features: dict[str, float] = {}
    if facts is not None and facts.skipped is None:
        counts = case.series.references if judgement.metric == "references" else case.series.counts
        # What is counted at any depth is not how much the holder itself holds.
        size = 0 if case.candidate.below else counts[-1]
        _look_at_bounds(facts, size, features, good, bad)
        _look_at_expiry(facts, case, size, features, good, bad)
        _look_at_changes(facts, features, good, bad, whole_rate=bool(judgement.features.get("whole-rate")))
    waits = _waits_for_timer(case, detection, judgement)
    if waits is not None:
        features["timed"] = 1.0
        bad.append(waits)
    return Circumstances(features, tuple(good), tuple(bad))


def _waits_for_timer(case: Case, detection: Detection, judgement: Judgement) -> Evidence | None:
    """Return what says that a pending timer will let members go, None where nothing does."""
    # Timers that have fired and still grow in number are no matter of waiting longer.
    if case.member is None or judgement.features.get("retention", 0.0) < _STILL_WAITING:
        return None
    if detection.category == "timer":
        once = fires_once(case, case.member)
        text = "each of these timers fires once and is gone then"
        return Evidence("fires-once", text, 1.0) if once else None
    text = "a pending timer keeps the newest member; it may end with it"
    return Evidence("timed", text, 1.0) if is_timed(case) else None


def _look_at_bounds(
    facts: SourceFacts,
    size: int,
    features: dict[str, float],
    good: list[Evidence],
    bad: list[Evidence],
) -> None:
    live = [bound for bound in facts.bounds if bound.called is not False]
    if not live:
        return
    unmet = [bound for bound in live if bound.limit is None or size <= _PAST * bound.limit]
    if not unmet:
        features["past-bound"] = 1.0
        bound = live[0]
        text = f"it is past the limit {bound.limit:,} that {_at(bound.location)} means to set"
        good.append(Evidence("past-bound", text, float(bound.limit or 0)))
        return
    bound = max(unmet, key=lambda one: one.limit or 0)
    if bound.limit is not None:
        features["bounded"] = 1.0
    else:
        features["maybe-bounded"] = _chance_of_more(size)
    bad.append(Evidence("bound-in-source", _bound_text(bound), float(bound.limit or 0)))


def _chance_of_more(size: int) -> float:
    """Return the share of limits above *size*: between 10 and 100,000 each magnitude is as common."""
    return max(0.0, min(1.0, (5 - math.log10(max(size, 10))) / 4))


def _bound_text(bound: Bound) -> str:
    what = {"ring": "it is a ring", "option": "its class is bounded"}.get(bound.kind, "it is bounded")
    limit = "" if bound.limit is None else f" by {bound.limit:,}"
    return f"{what}{limit}, says {_at(bound.location)}: `{_cut(bound.text)}`"


def _look_at_expiry(
    facts: SourceFacts,
    case: Case,
    size: int,
    features: dict[str, float],
    good: list[Evidence],
    bad: list[Evidence],
) -> None:
    for expiry in facts.expiries:
        if expiry.called is False:
            continue
        if expiry.kind == "timer" and (pending := _pending_timers(case)) < _A_TIMER_EACH * size:
            # Each member would have a timer of its own.
            text = f"{_at(expiry.location)} sets a timer to remove each member; {pending:,} are pending"
            good.append(Evidence("timers-gone", text, float(pending)))
            continue
        feature = "expires-lazily" if expiry.kind == "lazy" else "expires"
        if feature not in features:
            features[feature] = 1.0
            bad.append(Evidence(f"{feature}-in-source", _expiry_text(expiry), 1.0))


def _pending_timers(case: Case) -> int:
    graph = case.graph
    name = graph.strings.find("Timeout")
    if name is None:
        return 0
    return int(np.count_nonzero((graph.node_names == name) & (graph.node_types == NodeType.OBJECT)))


def _expiry_text(expiry: Expiry) -> str:
    how = {
        "timer": "a timer removes members",
        "interval": "members are removed at an interval",
        "sweep": "old members are swept out",
        "lazy": "an old member goes when it is asked for",
        "option": "its class lets members expire",
        "finalizer": "members go when what they stand for is collected",
    }.get(expiry.kind, "members expire")
    return f"{how}, says {_at(expiry.location)}: `{_cut(expiry.text)}`"


def _look_at_changes(
    facts: SourceFacts,
    features: dict[str, float],
    good: list[Evidence],
    bad: list[Evidence],
    *,
    whole_rate: bool,
) -> None:
    removals = [use for use in (*facts.removals, *facts.clears) if use.called is not False]
    if removals:
        first = removals[0]
        features["removed"] = 1.0
        bad.append(Evidence("removed-in-source", f"{_at(first.location)} removes members{_by(first)}", 1.0))
    # Keys that are new in each operation are not those of a finite set.
    if not whole_rate and facts.additions and all(use.guard == "absent" for use in facts.additions):
        features["keyed-once"] = 1.0
    if not removals and facts.additions and facts.whole and not facts.exported and "bounded" not in features:
        features["only-added"] = 1.0
        file = _file(facts.location)
        good.append(Evidence("only-added", f"nothing in {file} ever removes a member", 1.0))


def _by(use: Use) -> str:
    return f" in `{use.function}`" if use.function else ""


def _at(location: SourceLocation) -> str:
    return _file(location) if location.line is None else f"{_file(location)}:{location.line}"


def _file(location: SourceLocation) -> str:
    return PurePosixPath(location.file.replace("\\", "/")).name


def _cut(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _TEXT_LENGTH else f"{flat[: _TEXT_LENGTH - 1]}…"
