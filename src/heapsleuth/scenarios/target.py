"""What can be driven through rounds of work: a seam between the strategy and real programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from heapsleuth.leaks.check_model import CheckTarget, LoadSummary, Round

__all__ = ["Target"]


class Target(Protocol):
    """
    A program under check.

    Every method may raise a `HeapsleuthError` that says what the program did; `stop` never raises and
    may be called at any time, also twice.
    """

    rounds_wanted: int
    """Rounds the target itself asks for; 0 when it does not say."""
    work: float
    """Units of work done so far."""
    notes: list[str]
    """What the reader of the result should know, in sentences."""

    def describe(self) -> CheckTarget:
        """Return what is driven, for the report."""

    def start(self) -> None:
        """Start the program and wait until it can take work."""

    def warm_up(self) -> None:
        """Do the work that lets code and caches settle; it counts as work."""

    def run_round(self) -> Round:
        """Do one round of equal work, let the program settle, collect its garbage, and read it."""

    def read(self) -> Round:
        """Let the program settle, collect its garbage, and read it."""

    def snapshot(self, path: Path) -> None:
        """Write a heap snapshot to *path*."""

    def load_summary(self) -> LoadSummary | None:
        """Return what the load came to; None when there was none."""

    def output_tail(self) -> str:
        """Return the program's last output."""

    def stop(self) -> None:
        """End the program and all it started."""
