"""docs/evaluation.md: the tables of every corpus, how they were made and what counts as right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evaluation import memlab, tables
from evaluation.judging import ALARM_FROM, LINE_SLACK
from evaluation.reliability import held_out, of_findings
from evaluation.scores import Answer, detection, seconds

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

_OTHERS = """\
Everything but memlab in the table judges the same runs: the rules look at the floors that the check has
read, heap used after a full collection, which is kinder to them than the samples that they are meant for.
memlab {memlab} gets the first, the middle and the last of the snapshots that the check has taken; where it
took none, because the floor was flat, those of a recording of the same workload ({recorded} of {asked}
times). It is called as
`memlab find-leaks --baseline A --target B --final C`, the same with `--trace-all-objects`, and
`memlab analyze unbound-collection` and `unbound-object` with `--snapshot-dir`. A leak counts as reported
when it prints "found N leak(s)" with N above 0, or a table of growing objects; as named when one of its
traces or rows has a name of the holder or a class that piles up, as listed at the end; heapsleuth has to
name the holder, in its first finding. memlab follows a random sample of objects: its figures vary a
little from run to run, and its `analyze` is meant for looking around rather than for a verdict.
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
        yield from _others(result)
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


def _others(result: Evaluation) -> Iterator[str]:
    yield "### Beside others, on the same runs\n"
    if result.memlab:
        asked = sum(len(answers) for modes in result.memlab.values() for answers in modes.values())
        asked //= len(memlab.MODES)
        yield _OTHERS.format(memlab=memlab.version(), recorded=result.memlab_recorded, asked=asked)
    for node, judged in result.checks.items():
        yield f"{node}:\n"
        yield tables.detections([*_ours(judged), *_memlab(result, node), *result.rules(node)])


def _ours(judged: Sequence[Judgement]) -> Iterator[tuple[str, Detection, str]]:
    answers = [Answer(one.expected, one.says_leak, bool(one.first and one.first.holder)) for one in judged]
    yield "heapsleuth check", detection(answers), ""


def _memlab(result: Evaluation, node: str) -> Iterator[tuple[str, Detection, str]]:
    for mode, answers in result.memlab[node].items():
        times = [said.seconds for _, said in answers]
        failed = sum(said.failed is not None for _, said in answers)
        remark = f"{seconds(times)} for three snapshots" + (f"; {failed} failed" if failed else "")
        missing = len(result.checks[node]) - len(answers)
        remark += f"; {missing} variants without snapshots are left out" if missing else ""
        yield f"memlab {mode.title}", detection(answer for answer, _ in answers), remark


def _confidence(results: Sequence[Evaluation]) -> Iterator[str]:
    for result in results:
        judged = [one for every in result.checks.values() for one in every]
        if judged:
            yield f"The model that is shipped, on {_title(result)} (which it was made with):\n"
            yield tables.reliability_table(of_findings(judged))
    unseen = held_out()
    yield "Packages that the model had not seen (held-out folds of `make calibrate`):\n"
    yield tables.reliability_table(unseen)
