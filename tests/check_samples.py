"""Checks built by hand, as `heapsleuth check` would end in them; the gold files show them."""

from __future__ import annotations

from dataclasses import replace

import report_samples

from heapsleuth.errors import ExitCode
from heapsleuth.leaks.check_model import (
    CheckReport,
    CheckTarget,
    CriterionResult,
    Growth,
    LoadSummary,
    Round,
)
from heapsleuth.leaks.model import Verdict, Warning_

__all__ = ["check_clean", "check_failed", "check_hostile", "check_leak", "check_soak"]

_SERVER = CheckTarget(
    kind="command",
    name="node server.js",
    runtime="node 20.20.2",
    reproduce="heapsleuth check --url http://127.0.0.1:3000/report --requests 4000 -- node server.js",
)


def rounds(heaps: list[int], work: int = 2000, every_s: float = 4.0) -> tuple[Round, ...]:
    """Rounds whose floors are those; external memory and array buffers stay as they are."""
    return tuple(
        Round(
            work=work * (i + 1),
            heap_used_bytes=heap,
            external_bytes=2_100_000,
            array_buffers_bytes=350_000,
            rss_bytes=heap + 61_000_000,
            at_s=every_s * i,
        )
        for i, heap in enumerate(heaps)
    )


def check_leak() -> CheckReport:
    """A server under load that leaks, with snapshots after the last three rounds."""
    floors = rounds([12_000_000, 15_300_000, 18_600_000, 21_900_000, 25_200_000], 4000)
    return CheckReport(
        target=_SERVER,
        verdict=Verdict.LEAK,
        exit_code=ExitCode.LEAK,
        reason="2 causes keep growing, together 2.34 kB per request.",
        rounds=tuple(
            replace(one, snapshot=f"round{i}.heapsnapshot" if i > 1 else None) for i, one in enumerate(floors)
        ),
        growth=(
            Growth("heap", Verdict.LEAK, 825.0, "rises by 825 B per request in 4 of 4 rounds"),
            Growth("external", Verdict.CLEAN, 0.0, "flat at 2.10 MB"),
            Growth("array-buffers", Verdict.CLEAN, 0.0, "flat at 350 kB"),
            Growth("rss", Verdict.UNDECIDED, 810.0, "rises with the heap"),
        ),
        criteria=(
            CriterionResult(
                "leak-findings", passed=False, text="2 causes with confidence 0.8 or more",
                figures=(("fail_on", 0.8), ("leaks", 2.0), ("leaks_at_or_above", 2.0)),
            ),
            CriterionResult(
                "stable-floor", passed=None,
                text="the rounds lasted 16.0 s; needs 4 after the first 2 min 0 s",
                figures=(("lasted_s", 16.0),),
            ),
            CriterionResult(
                "peak", passed=True, text="1.94 times the baseline: 27.3 MB after 14.1 MB",
                figures=(("baseline_bytes", 14_100_000.0), ("peak_bytes", 27_300_000.0), ("ratio", 1.936)),
            ),
            CriterionResult("no-crash", passed=True, text="the program kept running"),
            CriterionResult("responses", passed=True, text="0 of 20,000 failed (0 %)"),
            CriterionResult(
                "budget:ReportEntry", passed=False, text="14,000 objects of at most 100",
                figures=(("count", 14_000.0), ("max_count", 100.0)),
            ),
        ),
        analysis=report_samples.leak(),
        load=LoadSummary(20_000, 0, 0, 0, 12.5, 1600.0, 3.1, 11.0, ((200, 20_000),)),
        duration_s=31.4,
        warnings=(Warning_("no-cgroup-limit", "No memory limit was found; headroom is that of the host."),),
    )  # fmt: skip


def check_clean() -> CheckReport:
    """A module whose floor is flat, so that no snapshot was taken."""
    return CheckReport(
        target=CheckTarget("module", "workload.js", "node 24.21.0", "heapsleuth check workload.js"),
        verdict=Verdict.CLEAN,
        exit_code=ExitCode.FINE,
        reason="the floor is flat over 5 rounds.",
        rounds=rounds([4_310_000, 4_312_000, 4_311_000, 4_312_500, 4_311_800]),
        growth=(Growth("heap", Verdict.CLEAN, 0.0, "flat at 4.31 MB"),),
        criteria=(
            CriterionResult("leak-findings", passed=True, text="the floor is flat, no snapshots were needed"),
            CriterionResult("no-crash", passed=True, text="the program kept running"),
        ),
        duration_s=6.2,
    )


def check_failed() -> CheckReport:
    """A server that died in its second round."""
    output = (
        "listening on 3000\n\n<--- Last few GCs --->\n"
        "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory"
    )
    return CheckReport(
        target=_SERVER,
        verdict=Verdict.UNDECIDED,
        exit_code=ExitCode.FAILED,
        reason="the program ended in round 2: signal SIGABRT.",
        rounds=rounds([12_000_000]),
        criteria=(
            CriterionResult(
                "no-crash",
                passed=False,
                text="the program ended: signal SIGABRT: FATAL ERROR: Reached heap limit",
                figures=(("heap_errors", 1.0),),
            ),
        ),
        load=LoadSummary(2311, 12, 3, 40, 4.0, 577.75, statuses=((200, 2271), (500, 40))),
        duration_s=9.0,
        output_tail=output,
    )


def check_soak() -> CheckReport:
    """Forty rounds, undecided."""
    return CheckReport(
        target=_SERVER,
        verdict=Verdict.UNDECIDED,
        exit_code=ExitCode.UNDECIDED,
        reason="the floor rises less than it varies.",
        rounds=rounds([30_000_000 + 40_000 * (i % 7) + 20_000 * i for i in range(40)], every_s=15.0),
        duration_s=600.0,
    )


def check_hostile() -> CheckReport:
    """Everything that comes from the program tries to be something else."""
    nasty = "\x1b[31mred |`*_<b>&amp;]]> \u202e @team ://x {0} [link](http://x)\x00\ud800\nline"
    return CheckReport(
        target=CheckTarget("command", f"node {nasty}", nasty, f"heapsleuth check {nasty} ````"),
        verdict=Verdict.LEAK,
        exit_code=ExitCode.LEAK,
        reason=f"because {nasty}",
        rounds=rounds([1, 2]),
        growth=(Growth("heap", Verdict.LEAK, float("nan"), nasty),),
        criteria=(CriterionResult(f"budget:{nasty}", passed=False, text=nasty, figures=((nasty, 1.0),)),),
        analysis=report_samples.hostile(),
        output_tail=f"{nasty}\n```\n{nasty}",
        warnings=(Warning_(nasty, nasty),),
    )
