"""What kind of leak a growing holder is: one detector per kind, first match wins.

The order runs from what is told by the members themselves (timers, sockets) to what is told by the
container alone.  The docstring of each module is its page in `docs/leaks`.  Growth that no snapshot
shows has a page in `native` and is found by `scenarios.verdict`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapsleuth.leaks.detectors.async_context import AsyncContextDetector
from heapsleuth.leaks.detectors.buffer import BufferDetector
from heapsleuth.leaks.detectors.cache import CacheDetector
from heapsleuth.leaks.detectors.closure import ClosureDetector
from heapsleuth.leaks.detectors.code import CodeDetector
from heapsleuth.leaks.detectors.collection import CollectionDetector
from heapsleuth.leaks.detectors.detached_dom import DetachedDomDetector
from heapsleuth.leaks.detectors.listener import ListenerDetector
from heapsleuth.leaks.detectors.promise import PromiseDetector
from heapsleuth.leaks.detectors.socket import SocketDetector
from heapsleuth.leaks.detectors.timer import TimerDetector
from heapsleuth.leaks.detectors.unknown import UnknownDetector

if TYPE_CHECKING:
    from heapsleuth.leaks.case import Case
    from heapsleuth.leaks.detectors.base import Detection, Detector

__all__ = ["DETECTORS", "detect"]

DETECTORS: tuple[Detector, ...] = (
    TimerDetector(),
    ListenerDetector(),
    SocketDetector(),
    DetachedDomDetector(),
    AsyncContextDetector(),
    BufferDetector(),
    PromiseDetector(),
    CodeDetector(),
    CacheDetector(),
    ClosureDetector(),
    CollectionDetector(),
    UnknownDetector(),
)


def detect(case: Case) -> Detection:
    """Return the first detector's answer."""
    for detector in DETECTORS:
        found = detector.detect(case)
        if found is not None:
            return found
    raise AssertionError("the last detector always answers")
