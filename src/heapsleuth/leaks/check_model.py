"""The values `heapsleuth check` ends in: `CheckReport` and everything inside it.

All immutable; reports only format them.  They stand beside `leaks.model`, because reports may not
import the scenarios that make them.  `reports/check_json.py` mirrors them name by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heapsleuth.errors import ExitCode
    from heapsleuth.leaks.model import AnalysisReport, Finding, Verdict, Warning_

__all__ = ["CheckReport", "CheckTarget", "CriterionResult", "Growth", "LoadSummary", "Round"]


@dataclass(frozen=True, slots=True)
class Round:
    """
    What was read after a round of work, once the program had settled and collected its garbage.

    `heap_used_bytes` is then the floor.  Sizes in bytes; `at_s` in seconds since the first round began.
    """

    work: float
    """Units of work done so far."""
    heap_used_bytes: int
    external_bytes: int
    array_buffers_bytes: int
    rss_bytes: int
    at_s: float = 0.0
    snapshot: str | None = None
    """The snapshot taken after this round; None when there is none."""


@dataclass(frozen=True, slots=True)
class Growth:
    """How one kind of memory grew over the rounds, judged by itself."""

    kind: str
    """`heap`, `external`, `array-buffers` or `rss`."""
    verdict: Verdict
    bytes_per_work: float
    text: str
    """One sentence with the figures it rests on."""


@dataclass(frozen=True, slots=True)
class CriterionResult:
    """A success criterion and how it came out."""

    name: str
    """Stable: `leak-findings`, `stable-floor`, `peak`, `no-crash`, `responses`, `budget:CLASS`."""
    passed: bool | None
    """None when it could not be judged; `text` says why."""
    text: str
    """One sentence with the figures."""
    figures: tuple[tuple[str, float], ...] = ()
    """Names with units (`peak_bytes`) and values."""


@dataclass(frozen=True, slots=True)
class LoadSummary:
    """What the load came to over all rounds; latencies are None when they were not measured."""

    requests: int
    """Responses, of any status."""
    errors: int
    """Requests that ended without a response, timeouts included."""
    timeouts: int
    non_2xx: int
    duration_s: float
    requests_per_s: float
    latency_p50_ms: float | None = None
    latency_p99_ms: float | None = None
    statuses: tuple[tuple[int, int], ...] = ()
    """Responses by HTTP status."""


@dataclass(frozen=True, slots=True)
class CheckTarget:
    """What was driven."""

    kind: str
    """`module`, `command` or `browser`."""
    name: str
    """As the user gave it: `workload.js`, `node server.js`."""
    runtime: str = ""
    """`node 20.20.2`; empty when it never said."""
    reproduce: str = ""
    """The command line that runs this check again."""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The whole result of a check."""

    target: CheckTarget
    verdict: Verdict
    """`leak`, `clean` or `undecided`; `undecided` also when it could not be run."""
    exit_code: ExitCode
    reason: str
    """Why the verdict is what it is, one sentence that begins in lower case."""
    rounds: tuple[Round, ...] = ()
    growth: tuple[Growth, ...] = ()
    criteria: tuple[CriterionResult, ...] = ()
    analysis: AnalysisReport | None = None
    """What the snapshots said; None when none were needed or none could be taken."""
    load: LoadSummary | None = None
    fail_on: float = 0.8
    """Confidence from which a leak fails the check."""
    duration_s: float = 0.0
    warnings: tuple[Warning_, ...] = ()
    output_tail: str = ""
    """The program's last output; empty unless it matters for the verdict."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Findings of the analysis; none without one."""
        return () if self.analysis is None else self.analysis.findings

    def to_json(self) -> str:
        """
        Return the report as JSON, format `heapsleuth/report` version 1.

        The keys are those of an analysis, so `verdict` (the check's) and `findings` stand at the top;
        `check` holds the rest of this object.
        """
        from heapsleuth.reports.check_json import render_text  # noqa: PLC0415 - leaks may not need reports

        return render_text(self)
