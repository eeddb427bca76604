"""Verdicts as pages show them: in words, the urgent ones first, with figures and evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from heapsleuth.server.pages.words import (
    KINDS,
    Chip,
    chip_of,
    figure,
    hours_text,
    kind_words,
    severity_rank,
)
from heapsleuth.trends.model import Evidence, Forecast, Range, Subject, TrendVerdict
from heapsleuth.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["ShownVerdict", "ordered", "shown_verdict", "verdict_from"]

_STATES = ("alarm", "undecided", "clear")
_LIMITS = {"heap": "heap limit", "container": "container limit"}
_INFINITE = ("inf", "infinity", "unbounded")


@dataclass(frozen=True, slots=True)
class ShownVerdict:
    """A verdict with what its part of the page needs beyond it."""

    verdict: TrendVerdict
    chip: Chip
    noun: str
    about: str
    """What it is about below the service: release, instance; empty for all of it."""
    figures: tuple[tuple[str, str], ...]
    forecast: str
    """`meets its heap limit of 512 MB in 6 to 9 h`; empty without a forecast."""


def ordered(verdicts: Iterable[TrendVerdict]) -> tuple[ShownVerdict, ...]:
    """Return verdicts, alarms first, each state by severity and then by how urgent its kind is."""
    order = list(KINDS)
    return tuple(
        shown_verdict(one)
        for one in sorted(
            verdicts,
            key=lambda one: (
                _STATES.index(one.state),
                severity_rank(one.severity) if one.state == "alarm" else 0,
                order.index(one.kind) if one.kind in order else len(order),
                one.detail,
            ),
        )
    )


def shown_verdict(verdict: TrendVerdict) -> ShownVerdict:
    """Return one verdict as pages show it."""
    subject = verdict.subject
    return ShownVerdict(
        verdict=verdict,
        chip=chip_of(verdict),
        noun=kind_words(verdict.kind).noun,
        about=subject.instance or (f"release {subject.release}" if subject.release else ""),
        figures=tuple(
            shown for name, value in verdict.numbers.items() if (shown := figure(name, value)) is not None
        ),
        forecast=_forecast_text(verdict.forecast),
    )


def verdict_from(body: Mapping[str, Any]) -> TrendVerdict | None:
    """Return the verdict that an incident keeps as JSON; None for one this version cannot read."""
    try:
        return _verdict(body)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None


def _verdict(body: Mapping[str, Any]) -> TrendVerdict:
    subject = body["subject"]
    forecast = body.get("forecast")
    return TrendVerdict(
        kind=body["kind"],
        state=body["state"] if body["state"] in _STATES else "undecided",
        subject=Subject(
            str(subject["service"]), str(subject.get("release", "")), str(subject.get("instance", ""))
        ),
        at_ms=float(body["at_ms"]),
        title=str(body["title"]),
        severity=body.get("severity", "warning"),
        since_ms=None if body.get("since_ms") is None else float(body["since_ms"]),
        detail=str(body.get("detail", "")),
        numbers={str(name): _float(value) for name, value in body.get("numbers", {}).items()},
        evidence_for=_facts(body.get("evidence_for", ())),
        evidence_against=_facts(body.get("evidence_against", ())),
        settles=tuple(str(one) for one in body.get("settles", ())),
        forecast=None
        if forecast is None
        else Forecast(
            forecast["limit"],
            float(forecast["limit_bytes"]),
            Range(_float(forecast["hours"]["low"]), _float(forecast["hours"]["high"])),
        ),
    )


def _facts(items: Iterable[Mapping[str, Any]]) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(str(one.get("code", "")), str(one["text"]), _float(one.get("value"))) for one in items
    )


def _float(value: Any) -> float:
    # JSON has no infinity: writers leave null there.
    return float("inf") if value is None or value in _INFINITE else float(value)


def _forecast_text(forecast: Forecast | None) -> str:
    if forecast is None:
        return ""
    return (
        f"meets its {_LIMITS.get(forecast.limit, 'limit')} of {format_bytes(forecast.limit_bytes)} "
        f"in {hours_text(forecast.hours)}"
    )
