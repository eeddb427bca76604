"""docs/evaluation.md: the tables of every corpus, how they were made and what counts as right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evaluation import tables
from evaluation.judging import ALARM_FROM, LINE_SLACK
from evaluation.others import others
from evaluation.reliability import held_out, of_findings, reliability
from evaluation.scores import Answer, detection

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evaluation.evaluation import Evaluation
    from evaluation.judging import Judgement
    from evaluation.scores import Detection

__all__ = ["page"]

_INTRODUCTION = """\
<!-- Written by `make eval`; do not edit. -->
# Evaluation

How often `heapsleuth check` is right, on programs whose leaks are known: published packages in a version
with a documented leak and in one without it, application patterns with correct twins, and programs that
only look as if they leaked. Everything here is written by one command, `make eval`, which runs every
variant of every case with its `workload.js`, on each Node.js version.
"""

_RIGHT = f"""\
## What counts as right

All of it is decided by `truth.json` of a case, not by words of the tool:

- **Found**: the leaky variant ends in the verdict `leak`. **False alarm**: another variant does, or has a
  finding `leak` with a confidence of {ALARM_FROM} or more. **Precision**: leaks found, of all that is called
  a leak. A variant counts as not leaking on a Node.js version on which the corpus saw it not to.
- The rest is judged by the **first finding** of a leak that was found, and by nothing else.
- **Category**: the truth's; `global-collection` is `collection` here, `unbounded-cache` is `cache`.
- **Holder**: an identifier by which the truth names the container stands, as a whole word and in the same
  case, in the holder's name or kind, the title, or the path. Words like `Array`, `Promise`, `context` never
  count; names that Node.js and V8 give (`Timeout`, `kEvents`) only where the truth has no other. The list
  is at the end of this page.
- **File**: the base name of a place is that of the truth, and the place is in the truth's package where
  there is one. **Line**: such a place is within {LINE_SLACK} lines of the truth's. Places are those of holder
  and members; in a second figure all that the finding shows.
- Letters in the tables: C category, H holder, F file and L line in any place shown.
"""

_RELIABILITY = """\
## Confidence

A finding is right when its variant leaks and it names the truth's holder, or shows a place in the truth's
file. All else that is reported counts as wrong, also what grew for the same reason. Undecided findings
are among them. Brier score: mean squared difference of confidence and truth; ECE: mean distance of
confidence and share right over ten bins, weighted by their counts.
"""


def page(results: Sequence[Evaluation]) -> str:
    """Return the page."""
    parts = [_INTRODUCTION, _made_with(results)]
    for result in results:
        parts += _corpus(result)
    parts += [_RELIABILITY, *_confidence(results), _RIGHT]
    for result in results:
        parts += [f"## Names that count: {_title(result)}\n", tables.names(result.truths.values())]
    return "\n".join(parts)


def _title(result: Evaluation) -> str:
    return {"corpus": "real packages", "calibration": "calibration cases"}.get(result.corpus, result.corpus)


def _made_with(results: Sequence[Evaluation]) -> str:
    models = sorted({model for result in results for model in result.models})
    codes = sorted({code for result in results for code in result.codes})
    if not models:
        return "No program was run for this page.\n"
    mixed = "" if len(codes) == 1 else f" The results are of {len(codes)} states of the code."
    nodes = sorted({node for result in results for node in result.checks})
    return f"heapsleuth {'; '.join(models)} (code `{codes[0]}`), on {', '.join(nodes)}.{mixed}\n"


def _corpus(result: Evaluation) -> Iterator[str]:
    title = _title(result)
    if result.checks:
        yield f"## {title[0].upper()}{title[1:]}\n"
        yield tables.totals(result.checks, _detected(result.checks))
        yield from others(result)
        for node, judged in result.checks.items():
            yield f"### What was said of {title}, {node}\n"
            yield tables.cases(judged)
            yield f"Wrong in something, {node}:\n"
            yield tables.wrong(judged, result.truths)
    if result.analyses:
        yield f"## {title[0].upper()}{title[1:]}: the analysis alone\n"
        yield (
            "Four recorded snapshots of every variant, by `heapsleuth analyze`: here no flat floor keeps it "
            "from looking at variants that do not leak.\n"
        )
        yield tables.totals(result.analyses, _detected(result.analyses))
        for node, judged in result.analyses.items():
            alarms = [one for one in judged if one.false_alarm or (one.expected == "leak" and not one.found)]
            yield f"Missed or raised falsely, {node}:\n"
            yield tables.cases(alarms) if alarms else "None.\n"
            yield f"Wrong in something, {node}:\n"
            yield tables.wrong(judged, result.truths)


def _detected(by_node: dict[str, list[Judgement]]) -> dict[str, Detection]:
    return {
        node: detection(Answer(one.expected, one.says_leak) for one in judged)
        for node, judged in by_node.items()
    }


def _confidence(results: Sequence[Evaluation]) -> Iterator[str]:
    for result in results:
        judged = [one for every in result.checks.values() for one in every]
        if judged:
            yield f"The model that is shipped, on {_title(result)} (which it was made with):\n"
            yield tables.reliability_table(of_findings(judged))
    unseen = held_out()
    yield "Candidates of packages that the model had not seen (held-out folds of `make calibrate`):\n"
    yield tables.reliability_table(reliability(unseen))
    if unseen:
        answers = [Answer("leak" if right else "no-leak", sure >= ALARM_FROM) for sure, right in unseen]
        found = detection(answers)
        yield (
            f"With a confidence of {ALARM_FROM} or more: {found.found} of what leaks, "
            f"{found.false_alarms} of what does not.\n"
        )
