"""The section that sets the tool beside memlab and rules that look at memory alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evaluation import memlab, tables
from evaluation.scores import Answer, detection, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evaluation.evaluation import Evaluation
    from evaluation.judging import Judgement
    from evaluation.scores import Detection

__all__ = ["others"]

_NOTE = """\
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
little from run to run, and its `analyze` is meant for looking around rather than for a verdict. A command
that has no answer after {limit} s has failed.
"""


def others(result: Evaluation) -> Iterator[str]:
    """Give the parts of the section, for every Node.js version."""
    yield "### Beside others, on the same runs\n"
    if result.memlab:
        asked = sum(len(answers) for modes in result.memlab.values() for answers in modes.values())
        asked //= len(memlab.MODES)
        yield _NOTE.format(
            limit=memlab.TIMEOUT_S, memlab=memlab.version(), recorded=result.memlab_recorded, asked=asked
        )
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
