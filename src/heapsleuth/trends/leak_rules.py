"""When growth of a floor is called a leak: the rules and their two presets, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["DEFAULT", "RULES_VERSION", "SENSITIVE", "Preset", "Rule", "RuleName"]

RULES_VERSION = 2
"""Changes with every change that may alter a verdict; the evaluation page names it.

1: first.
2: the history rule asks for 4 standard errors instead of 5; a look need not wait for its last row to be full.
"""

RuleName = Literal["history", "cold", "late", "urgent"]


@dataclass(frozen=True, slots=True)
class Rule:
    """
    One way to an alarm.  All its conditions must hold now, and in `looks` of the last `of` looks.

    Not in all of them: which explanations count as plausible changes from look to look, and one that is as
    good as it is far-fetched interrupts the best of series.

    Attributes:
        least_age, most_age: Age of the process in hours between which it is tried.
        every: Hours between two looks.
        z: Standard errors by which the slope must exceed what is nobody's worry, under every plausible
            explanation.
        bend: Least change of the slope at half time, in standard errors; a cache that fills bends down.
        rows: Fewest floors in the current life.
        day_z: The same as `z` for the last 24 hours alone; for a slope that began late.
    """

    name: RuleName
    least_age: float
    most_age: float
    every: float
    looks: int
    of: int
    z: float
    bend: float
    rows: int
    day_z: float = 0.0


@dataclass(frozen=True, slots=True)
class Preset:
    """
    A set of rules.

    Attributes:
        urgent_hours: The urgent rule concerns processes that have no more than this left.
    """

    name: str
    rules: tuple[Rule, ...]
    urgent_hours: float = 2.0

    def rule(self, name: RuleName) -> Rule:
        """Return the rule of that name."""
        return next(rule for rule in self.rules if rule.name == name)


_ANY = -1e9

DEFAULT = Preset(
    "default",
    (
        Rule("history", 6.0, 96.0, 1.0, 4, 6, z=4.0, bend=-3.0, rows=8),
        Rule("cold", 24.0, 96.0, 1.0, 4, 10, z=5.0, bend=-2.0, rows=14),
        Rule("late", 60.0, 1e9, 2.0, 2, 3, z=6.0, bend=_ANY, rows=16, day_z=1.0),
        Rule("urgent", 1.0, 24.0, 0.25, 3, 3, z=8.0, bend=-1.0, rows=10),
    ),
)
SENSITIVE = Preset(
    "sensitive",
    (
        Rule("history", 6.0, 96.0, 1.0, 3, 5, z=3.5, bend=-4.0, rows=8),
        Rule("cold", 24.0, 96.0, 1.0, 3, 10, z=3.5, bend=-2.5, rows=12),
        Rule("late", 60.0, 1e9, 2.0, 2, 4, z=5.0, bend=_ANY, rows=16, day_z=0.0),
        Rule("urgent", 1.0, 24.0, 0.25, 2, 2, z=6.0, bend=-2.0, rows=8),
    ),
)
