"""Every error heapsleuth raises on purpose.

The tree::

    HeapsleuthError              exit code 2
    ├── UsageError               wrong or contradictory options
    ├── SnapshotError            a snapshot file cannot be read or is not valid
    │   └── SnapshotTruncated    it stops before its end
    ├── IncomparableSnapshots    files that cannot be judged together
    ├── UnknownNode              a node id that is not in this heap
    ├── RedactionFailed          a redacted snapshot did not pass its check
    ├── OutputError              a report cannot be written where it was asked for
    ├── ProgramFailed            the program to be measured did not start, answer or keep running
    ├── AgentFailed              the agent inside a Node.js process did not report or refused
    ├── CaptureFailed            no snapshot of a running process could be taken from outside
    │   └── CaptureRefused       it would not have fitted into memory or onto the disk
    ├── StoreError               the collector's database cannot be opened, read or written
    ├── VaultError               a snapshot cannot be kept, read or removed
    ├── AnalysisFailed           the collector's worker could not analyse an incident's snapshots
    └── OutOfMemory              this machine has too little memory for the snapshot

Each class has a slug; `docs/errors.md` has cause and cure for every slug.  Only `cli.main` turns an
error into an exit code.
"""

from __future__ import annotations

from enum import IntEnum

__all__ = [
    "AgentFailed",
    "AnalysisFailed",
    "CaptureFailed",
    "CaptureRefused",
    "ExitCode",
    "HeapsleuthError",
    "IncomparableSnapshots",
    "OutOfMemory",
    "OutputError",
    "ProgramFailed",
    "RedactionFailed",
    "SnapshotError",
    "SnapshotTruncated",
    "StoreError",
    "UnknownNode",
    "UsageError",
    "VaultError",
]


class ExitCode(IntEnum):
    """What the process's exit code says, the same for every command."""

    FINE = 0
    LEAK = 1
    FAILED = 2
    UNDECIDED = 3


class HeapsleuthError(Exception):
    """Base of all errors a user can be shown; the message names what to do."""

    slug = "error"
    exit_code = ExitCode.FAILED


class UsageError(HeapsleuthError):
    """Options that are wrong or contradict each other."""

    slug = "usage"


class SnapshotError(HeapsleuthError):
    """
    A heap snapshot cannot be read.

    Args:
        path: The file as the user named it, `-` for standard input.
        problem: What is wrong and what was expected instead, one sentence.
        section: The part of the file (`header`, `nodes`, `edges`, `strings`, …), if known.
        offset: Byte offset in the (decompressed) file where it was noticed, if known.
        advice: What the user can do, one sentence.
    """

    slug = "snapshot"

    def __init__(
        self,
        path: str,
        problem: str,
        *,
        section: str | None = None,
        offset: int | None = None,
        advice: str = "",
    ) -> None:
        self.path = path
        self.problem = problem
        self.section = section
        self.offset = offset
        self.advice = advice
        where = ", ".join(
            part
            for part in (
                f"section {section}" if section else "",
                f"byte {offset:,}" if offset is not None else "",
            )
            if part
        )
        text = f"{path}: {problem}" + (f" ({where})" if where else "")
        super().__init__(f"{text}. {advice}" if advice else text)

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the keyword arguments when the error crosses a process."""
        return (_rebuild, (type(self), self.path, self.problem, self.section, self.offset, self.advice))


def _rebuild(
    kind: type[SnapshotError], path: str, problem: str, section: str | None, offset: int | None, advice: str
) -> SnapshotError:
    return kind(path, problem, section=section, offset=offset, advice=advice)


class SnapshotTruncated(SnapshotError):
    """The file stops before its end: the writer was killed or the disk was full."""

    slug = "snapshot-truncated"


class IncomparableSnapshots(HeapsleuthError):
    """Snapshots that cannot be judged together, for instance the same file twice."""

    slug = "incomparable"


class UnknownNode(HeapsleuthError, KeyError):
    """A node id that does not exist in this heap."""

    slug = "unknown-node"

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class RedactionFailed(HeapsleuthError):
    """A redacted snapshot did not pass its check, so it was deleted."""

    slug = "redaction"


class OutputError(HeapsleuthError):
    """A report cannot be written where it was asked for."""

    slug = "output"


class ProgramFailed(HeapsleuthError):
    """
    The program to be measured did not start, did not answer or did not keep running.

    Args:
        summary: What happened, one sentence.
        output: The last lines the program printed; empty if it printed none or never ran.
    """

    slug = "program"

    def __init__(self, summary: str, output: str = "") -> None:
        self.summary = summary
        self.output = output.strip("\n")
        lines = "".join(f"\n  | {line}" for line in self.output.splitlines())
        super().__init__(f"{summary}; its last output:{lines}" if lines else summary)

    def __reduce__(self) -> tuple[object, ...]:
        """Keep summary and output apart when the error crosses a process."""
        return (type(self), (self.summary, self.output))


class AgentFailed(HeapsleuthError):
    """The agent inside a Node.js process did not report, did not answer in time or refused."""

    slug = "agent"


class CaptureFailed(HeapsleuthError):
    """A heap snapshot of a running process could not be taken from outside."""

    slug = "capture"


class CaptureRefused(CaptureFailed):
    """
    A snapshot would not have fitted, so none was tried.

    Args:
        message: What it would need and what there is.
        figures: The pre-flight's figures, as in docs/guides/snapshots.md.
    """

    slug = "capture-refused"

    def __init__(self, message: str, figures: dict[str, object] | None = None) -> None:
        self.figures = figures or {}
        super().__init__(message)

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the figures when the error crosses a process."""
        return (type(self), (str(self), self.figures))


class OutOfMemory(HeapsleuthError):
    """This machine has too little memory for the snapshot."""

    slug = "out-of-memory"


class StoreError(HeapsleuthError):
    """The collector's database cannot be opened, read or written."""

    slug = "store"


class VaultError(HeapsleuthError):
    """A snapshot cannot be kept in the vault, read from it or removed."""

    slug = "vault"


class AnalysisFailed(HeapsleuthError):
    """The collector's worker process could not analyse an incident's snapshots."""

    slug = "analysis"
