"""Thresholds that users know and set."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Thresholds"]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """
    What counts as too much.

    Attributes:
        heap_share: Share of the heap limit that the floor may take.
        container_share: Share of the container's limit that the working set may take.
        gc_pause_ms: A pause for garbage collection from which on it is long.
        loop_delay_p99_ms: Delay of the event loop from which on it is slow.
        window_alarm: Whether the rule of 10 samples in a row raises an alarm; else it only informs.
        window_samples, window_bytes: That rule: so many samples in a row, each so much above the one before.
    """

    heap_share: float = 0.7
    container_share: float = 0.9
    gc_pause_ms: float = 100.0
    loop_delay_p99_ms: float = 50.0
    window_alarm: bool = False
    window_samples: int = 10
    window_bytes: float = 5e6
