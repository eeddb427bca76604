"""Saying what a file is when it is no heap snapshot, because people mix these up every day."""

from __future__ import annotations

import re

from heapsleuth.errors import SnapshotError, SnapshotTruncated

__all__ = ["identify", "not_a_snapshot"]

_TAKE_ONE = (
    "Take one with v8.writeHeapSnapshot(), --heapsnapshot-signal=SIGUSR2 or the Memory tab of DevTools"
    " (kind: Heap snapshot)."
)
_BINARY = (
    (b"\x7fELF", "a program or a core dump", _TAKE_ONE),
    (b"JAVA PROFILE", "a Java heap dump (hprof)", "Use a tool for the JVM, such as Eclipse MAT."),
    (b"SQLite format 3", "an SQLite database", _TAKE_ONE),
    (b"<", "HTML or XML", "Perhaps the download was an error page; fetch the snapshot again."),
    (b"[", "a JSON list", _TAKE_ONE),
)
_JSON = (
    # The top-level keys that tell, what the file is, what to do.
    ((b"head", b"callFrame"), "a sampling heap profile (.heapprofile)", _TAKE_ONE),
    ((b"startTime", b"nodes", b"callFrame"), "a CPU profile (.cpuprofile)", _TAKE_ONE),
    ((b"timeDeltas",), "a CPU profile (.cpuprofile)", _TAKE_ONE),
    (
        (b"version", b"type", b"nodeClassNames"),
        "a heap snapshot of JavaScriptCore (Safari, Bun)",
        'In Bun, write V8\'s format: Bun.generateHeapSnapshot("v8").',
    ),
    (
        (b"version", b"type", b"Inspector"),
        "a heap snapshot of JavaScriptCore (Safari, Bun)",
        'In Bun, write V8\'s format: Bun.generateHeapSnapshot("v8").',
    ),
    ((b"traceEvents",), "a performance trace", _TAKE_ONE),
    ((b"log", b"entries"), "a HAR file (recorded network traffic)", _TAKE_ONE),
    ((b"log", b"creator"), "a HAR file (recorded network traffic)", _TAKE_ONE),
    ((b"javascriptStack",), "a diagnostic report of Node", _TAKE_ONE),
    ((b"heapsleuth/report",), "a report of heapsleuth", "Pass the snapshots it was made from."),
    ((b"mappings", b"sources"), "a source map", _TAKE_ONE),
    ((b"lockfileVersion",), "a package-lock.json", _TAKE_ONE),
    ((b"dependencies", b"name"), "a package.json", _TAKE_ONE),
    ((b"name", b"version"), "a package.json", _TAKE_ONE),
)


def identify(head: bytes) -> tuple[str, str] | None:
    """
    Tell from its first bytes what a file that is no snapshot is.

    Args:
        head: The beginning of the file, a few kilobytes or more.

    Returns:
        (what it is, what to do), None if it is nothing known.
    """
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    for magic, what, advice in _BINARY:
        if text.startswith(magic):
            return what, advice
    if not text.startswith(b"{"):
        return None
    names = set(re.findall(rb'"([A-Za-z/]{2,40})"', text[: 1 << 16]))
    for wanted, what, advice in _JSON:
        if names.issuperset(wanted):
            return what, advice
    return None


def not_a_snapshot(path: str, head: bytes) -> SnapshotError:
    """Return the error for a file that is something else."""
    known = identify(head)
    if known is not None:
        return SnapshotError(path, f"this looks like {known[0]}, not like a heap snapshot", advice=known[1])
    if not head.strip(b"\xef\xbb\xbf \t\r\n\x00"):
        return SnapshotTruncated(
            path,
            "there is nothing in it but zero bytes" if b"\0" in head else "there is nothing in it",
            offset=0,
            advice="It was never written to its end: the process was killed, or the disk was full; take the"
            " snapshot again.",
        )
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        problem = "this is JSON, but not a heap snapshot: it has no `snapshot` header"
    else:
        shown = head[:24].decode("utf-8", "replace").encode("unicode_escape").decode()
        problem = f"this is no heap snapshot: it begins with `{shown}`, expected `{{`"
    return SnapshotError(path, problem, offset=0, advice=_TAKE_ONE)
