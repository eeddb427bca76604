"""Leaks a team knows of: their signatures in a file, so that only new ones fail a check.

Accepted findings stay in the report, marked with the file that accepts them.  The file holds no
date and no host, and is sorted, so that it merges well.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from heapsleuth.errors import OutputError, UsageError
from heapsleuth.leaks.analysis import overall
from heapsleuth.leaks.model import Verdict

if TYPE_CHECKING:
    from heapsleuth.leaks.model import AnalysisReport, Finding

__all__ = ["FORMAT", "FORMAT_VERSION", "Accepted", "Baseline", "load", "save"]

FORMAT = "heapsleuth/baseline"
FORMAT_VERSION = 1
"""Raised when a reader of the version before would misread the file.

- 1: the first.
"""

_NO_REASON = "known when the baseline was written"


@dataclass(frozen=True, slots=True)
class Accepted:
    """A finding that is known; only `signature` is compared, the rest is for people."""

    signature: str
    category: str
    title: str
    reason: str


@dataclass(frozen=True, slots=True)
class Baseline:
    """The accepted findings of a file."""

    path: str
    """As the user named it."""
    entries: tuple[Accepted, ...] = ()

    def apply(self, report: AnalysisReport) -> AnalysisReport:
        """Return the report with accepted findings marked as suppressed, and the verdict without them."""
        reasons = {one.signature: one.reason for one in self.entries}
        findings = tuple(self._marked(one, reasons) for one in report.findings)
        if findings == report.findings:
            return report
        # What else grew, such as memory outside the heap, keeps its verdict.
        verdict = overall(findings) if overall(report.findings) is report.verdict else report.verdict
        return replace(report, findings=findings, verdict=verdict)

    def updated(self, report: AnalysisReport) -> Baseline:
        """
        Return the baseline with every leak of the report that it lacks.

        Entries are never dropped: a leak that one run did not see may be there in the next.
        """
        known = {one.signature for one in self.entries}
        added = {
            one.signature: Accepted(one.signature, one.category, one.title, _NO_REASON)
            for one in report.findings
            if one.verdict is Verdict.LEAK and one.suppressed is None and one.signature not in known
        }
        return replace(self, entries=(*self.entries, *added.values()))

    def unseen(self, report: AnalysisReport) -> tuple[Accepted, ...]:
        """Return the entries that nothing in the report answers to: fixed, or not driven by this check."""
        seen = {one.signature for one in (*report.findings, *report.bounded)}
        return tuple(one for one in self.entries if one.signature not in seen)

    def to_json(self) -> str:
        """Return the file's text."""
        entries = sorted(self.entries, key=lambda one: one.signature)
        accepted = [
            {
                "signature": one.signature,
                "category": one.category,
                "title": one.title,
                "reason": one.reason,
            }
            for one in entries
        ]
        document = {"format": FORMAT, "version": FORMAT_VERSION, "accepted": accepted}
        return json.dumps(document, indent=2) + "\n"

    def _marked(self, finding: Finding, reasons: dict[str, str]) -> Finding:
        if finding.suppressed is not None or finding.signature not in reasons:
            return finding
        reason = reasons[finding.signature]
        said = f": {reason}" if reason else ""
        return replace(finding, suppressed=f"accepted in {self.path}{said}")


def load(path: str, *, missing_ok: bool = False) -> Baseline:
    """
    Return the baseline in a file.

    Args:
        path: The file.
        missing_ok: A file that does not exist is an empty baseline, as for `--update-baseline`.

    Raises:
        UsageError: The file cannot be read or is no baseline of a known version.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        if missing_ok:
            return Baseline(path)
        raise UsageError(
            f"{path}: expected a baseline, found no such file; --update-baseline writes one"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: the baseline cannot be read: {error}") from error
    try:
        document = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise UsageError(f"{path}: expected a baseline in JSON: {error}") from error
    return Baseline(path, _entries(path, document))


def save(baseline: Baseline) -> None:
    """
    Write the baseline to its file, whole or not at all.

    Raises:
        OutputError: The file cannot be written.
    """
    target = Path(os.path.realpath(baseline.path))
    beside = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        beside.write_text(baseline.to_json(), encoding="utf-8", newline="\n")
        beside.replace(target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise OutputError(f"{baseline.path}: cannot be written: {error.strerror or error}") from error


def _entries(path: str, document: Any) -> tuple[Accepted, ...]:
    found = document.get("format") if isinstance(document, dict) else None
    if found != FORMAT:
        raise UsageError(f'{path}: expected "format": "{FORMAT}", found {json.dumps(found)}')
    version = document.get("version")
    if version != FORMAT_VERSION:
        raise UsageError(
            f"{path}: expected version {FORMAT_VERSION}, found {json.dumps(version)}; "
            "it was written by another version of heapsleuth"
        )
    rows = document.get("accepted")
    if not isinstance(rows, list):
        raise UsageError(f"{path}: accepted: expected a list, found {_kind(rows)}")
    return tuple(_entry(f"{path}: accepted[{i}]", row) for i, row in enumerate(rows))


def _entry(where: str, row: Any) -> Accepted:
    if not isinstance(row, dict):
        raise UsageError(f"{where}: expected an object, found {_kind(row)}")
    values: dict[str, str] = {}
    for key in ("signature", "category", "title", "reason"):
        value = row.get(key, "")
        if not isinstance(value, str):
            raise UsageError(f"{where}.{key}: expected a text, found {_kind(value)}")
        values[key] = value
    if not values["signature"]:
        raise UsageError(f"{where}.signature: expected the signature of a finding, found none")
    return Accepted(**values)


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "nothing"}
    return names.get(type(value), "a number")
