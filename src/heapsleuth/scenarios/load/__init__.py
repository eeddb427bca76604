"""The load generator: HTTP/1.1 requests in equal rounds, at a fixed rate, or as a log recorded them."""

from __future__ import annotations

from heapsleuth.scenarios.load.access_log import plan_from_access_log
from heapsleuth.scenarios.load.engine import Progress, run_load
from heapsleuth.scenarios.load.external import run_external
from heapsleuth.scenarios.load.har import plan_from_har
from heapsleuth.scenarios.load.plan import LoadPlan, Target
from heapsleuth.scenarios.load.result import Latency, LoadResult
from heapsleuth.scenarios.load.wait import wait_until_listening

__all__ = [
    "Latency",
    "LoadPlan",
    "LoadResult",
    "Progress",
    "Target",
    "plan_from_access_log",
    "plan_from_har",
    "run_external",
    "run_load",
    "wait_until_listening",
]
