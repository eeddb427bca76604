"""Timers that are set and never cleared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapsleuth.leaks.detectors.base import Detection

if TYPE_CHECKING:
    from heapsleuth.leaks.case import Case

__all__ = ["TimerDetector"]

_TIMERS = {"Timeout": "timers", "Immediate": "immediates"}


class TimerDetector:
    """Node keeps timers of one duration in a `TimersList`, a ring of `Timeout`s."""

    category = "timer"

    def detect(self, case: Case) -> Detection | None:
        """Fire when the members are timers, wherever they are held."""
        member = case.member
        if member is None or case.member_class not in _TIMERS:
            return None
        callback = case.child(member, "_onTimeout", "_onImmediate", "_callback")
        function = case.graph.own_name(callback) if callback is not None else ""
        # `_repeat` is a number (no node) for intervals and null (a node) for one-shot timers.
        repeats = case.member_class == "Timeout" and case.child(member, "_repeat") is None
        kind = ("interval " if repeats else "") + _TIMERS[case.member_class]
        what = f"`{function}`" if function else "an anonymous function"
        return Detection(
            category=self.category,
            holder_name=f"{kind} of {what}",
            holder_kind="timer list" if case.member_class == "Timeout" else case.holder_class,
            holder_node=case.holder,
            members=case.member_class,
            member_node=callback if callback is not None else member,
            title="{rate} {holder} set {per} and never cleared",
        )
