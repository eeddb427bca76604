"""Names the cause of Node.js memory leaks from V8 heap snapshots.

Everything exported here is public; every other name is private and may change.  Names are
resolved on first use, so that importing the package stays cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from heapsleuth._version import __version__

if TYPE_CHECKING:
    from heapsleuth.errors import (
        ExitCode,
        HeapsleuthError,
        IncomparableSnapshots,
        OutOfMemory,
        OutputError,
        SnapshotError,
        SnapshotTruncated,
        UnknownNode,
        UsageError,
    )
    from heapsleuth.heap.graph import HeapGraph
    from heapsleuth.heap.objects import HeapEdge, HeapObject
    from heapsleuth.heap.opening import open_heap
    from heapsleuth.leaks.analysis import analyze
    from heapsleuth.leaks.model import AnalysisReport, Finding, Verdict
    from heapsleuth.places import Package, SourceLocation

__all__ = [
    "AnalysisReport",
    "ExitCode",
    "Finding",
    "HeapEdge",
    "HeapGraph",
    "HeapObject",
    "HeapsleuthError",
    "IncomparableSnapshots",
    "OutOfMemory",
    "OutputError",
    "Package",
    "SnapshotError",
    "SnapshotTruncated",
    "SourceLocation",
    "UnknownNode",
    "UsageError",
    "Verdict",
    "__version__",
    "analyze",
    "open_heap",
]

_HOMES = {
    "AnalysisReport": "leaks.model",
    "ExitCode": "errors",
    "Finding": "leaks.model",
    "HeapEdge": "heap.objects",
    "HeapGraph": "heap.graph",
    "HeapObject": "heap.objects",
    "HeapsleuthError": "errors",
    "IncomparableSnapshots": "errors",
    "OutOfMemory": "errors",
    "OutputError": "errors",
    "Package": "places",
    "SnapshotError": "errors",
    "SnapshotTruncated": "errors",
    "SourceLocation": "places",
    "UnknownNode": "errors",
    "UsageError": "errors",
    "Verdict": "leaks.model",
    "analyze": "leaks.analysis",
    "open_heap": "heap.opening",
}


def __getattr__(name: str) -> object:
    """Import the module a public name lives in when the name is first used."""
    home = _HOMES.get(name)
    if home is None:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value: object = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
