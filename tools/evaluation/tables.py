"""The tables of an evaluation, in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evaluation.cells import code, codes, place, table
from evaluation.scores import Share, naming, seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from evaluation.judging import Judgement, Named
    from evaluation.reliability import Reliability
    from evaluation.scores import Detection
    from evaluation.truth import Truth

__all__ = ["cases", "detections", "names", "reliability_table", "totals", "wrong"]

_MARKS = {True: "✓", False: "✗", None: ""}
_PARTS = (
    ("right category", "category"),
    ("right holder", "holder"),
    ("right file, places of holder and members", "file"),
    ("right file, any place shown", "file_in_sites"),
    ("right line (±5), places of holder and members", "line"),
    ("right line (±5), any place shown", "line_in_sites"),
)


def totals(by_node: Mapping[str, Sequence[Judgement]], detected: Mapping[str, Detection]) -> str:
    """Return the totals, a column per Node.js version."""
    counted = {node: [one for one in every if one.expected is not None] for node, every in by_node.items()}
    rows: list[list[str]] = [
        ["leaks found (recall)", *(str(one.found) for one in detected.values())],
        ["false alarms", *(str(one.false_alarms) for one in detected.values())],
        ["precision", *(str(one.precision) for one in detected.values())],
        ["undecided", *(str(_undecided(every)) for every in counted.values())],
    ]
    rows += [[title, *(str(naming(every, part)) for every in counted.values())] for title, part in _PARTS]
    rows += [
        [f"time of a {kind} variant, median / longest", *(_time(every, kind) for every in counted.values())]
        for kind in ("leaky", "correct")
    ]
    rows.append(["leaks the corpus has verified there", *(_verified(every) for every in counted.values())])
    return table(["", *by_node], rows)


def _undecided(judgements: Sequence[Judgement]) -> Share:
    return Share(sum(one.verdict == "undecided" for one in judgements), len(judgements))


def _time(judgements: Sequence[Judgement], kind: str) -> str:
    return seconds([one.seconds for one in judgements if (one.expected == "leak") == (kind == "leaky")])


def _verified(judgements: Sequence[Judgement]) -> str:
    leaks = [one for one in judgements if one.expected == "leak"]
    return str(Share(sum(one.verified for one in leaks), len(leaks)))


def detections(rows: Iterable[tuple[str, Detection, str]]) -> str:
    """Return the comparison with others: tool or rule, what it finds, a remark."""
    head = ["tool or rule", "leaks found", "false alarms", "precision", "found, and names what leaks", ""]
    body = (
        [title, str(one.found), str(one.false_alarms), str(one.precision), str(one.named), remark]
        for title, one, remark in rows
    )
    return table(head, body)


def cases(judgements: Iterable[Judgement]) -> str:
    """Return a row per case and variant, with what the first finding says."""
    rows = ([*_first_cells(one), f"{one.seconds:.0f}"] for one in judgements)
    head = ["case", "variant", "verdict", "confidence", "category", "holder", "place", "right", "s"]
    return table(head, rows, "   r    r")


def _first_cells(one: Judgement) -> list[str]:
    finding = one.findings[0] if one.findings else None
    wrong = "" if one.expected is None or one.says_leak == (one.expected == "leak") else " ✗"
    return [
        one.case,
        one.variant,
        ("–" if one.expected is None else one.verdict) + wrong,
        f"{finding['confidence']:.2f}" if finding else "",
        finding["category"] if finding else "",
        code(finding["holder"]["name"]) if finding else "",
        place(finding) if finding else "",
        "" if one.first is None else marks(one.first),
    ]


def marks(named: Named) -> str:
    """Return what is right: category, holder, file, line, the last two in any place shown."""
    parts = {"C": named.category, "H": named.holder, "F": named.file_in_sites, "L": named.line_in_sites}
    return " ".join(letter + _MARKS[value] for letter, value in parts.items() if value is not None)


def wrong(judgements: Iterable[Judgement], truths: Mapping[str, Truth]) -> str:
    """Return what was said and what is true, where something of a found leak is wrong."""
    rows = []
    for one in judgements:
        first = one.first
        if first is None or all(
            value is not False for value in (first.category, first.holder, first.line_in_sites)
        ):
            continue
        truth, finding = truths[one.case], one.findings[0]
        said = f"{finding['category']}, {code(finding['holder']['name'])}, {place(finding)}"
        true = f"{truth.category}, {', '.join(map(code, sorted(truth.names)))}, {truth.file}:{truth.line}"
        rows.append([one.case, marks(first), said, true])
    return table(["case", "right", "said", "true"], rows) if rows else "Nothing.\n"


def names(truths: Iterable[Truth]) -> str:
    """Return which names count as the holder's, and which as the classes that pile up."""
    rows = ([one.case, codes(one.names), codes(one.constructors)] for one in truths if one.leaky_variants)
    return table(["case", "names of the holder", "classes, for memlab"], rows)


def reliability_table(one: Reliability | None) -> str:
    """Return the reliability table with Brier score and calibration error."""
    if one is None:
        return "No figures.\n"
    rows = [
        (
            f"{bin_.low:.1f}–{bin_.high:.1f}",
            str(bin_.count),
            f"{bin_.mean_confidence:.3f}",
            f"{bin_.share_right:.3f}",
        )
        for bin_ in one.bins
    ]
    head = ["confidence", "findings", "mean confidence", "share right"]
    scores = f"{one.count} findings, Brier score {one.brier:.3f}, ECE {one.ece:.3f}."
    return f"{table(head, rows, ' rrr')}\n{scores}\n"
