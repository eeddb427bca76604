"""Who looks at a page, and what they may do there."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ACTIONS", "Action", "Viewer"]

_RANKS = {"viewer": 1, "operator": 2, "admin": 3}


@dataclass(frozen=True, slots=True)
class Viewer:
    """
    Somebody who is logged in.

    Attributes:
        csrf: What every form sends back; only pages of this session know it.
    """

    name: str
    role: str
    csrf: str = ""

    def may(self, role: str) -> bool:
        """Return whether they may do what that role may."""
        return _RANKS.get(self.role, 0) >= _RANKS[role]


@dataclass(frozen=True, slots=True)
class Action:
    """
    A button.

    Attributes:
        verb: Last part of the address it posts to.
        says: What it does and costs, for the person about to press it.
        asks: Question before it is done; empty for what harms nobody.
    """

    verb: str
    label: str
    role: str
    says: str
    asks: str = ""


ACTIONS = {
    "gc": Action(
        "gc",
        "Collect garbage",
        "operator",
        "Two full collections in the instance, and what is left after them.",
        "Collect garbage in {}? It stops for two full collections.",
    ),
    "snapshot": Action(
        "snapshot",
        "Take a snapshot",
        "operator",
        "A heap snapshot, if the checks before it say that the instance can bear it.",
        "Take a heap snapshot of {}? It stands still meanwhile, about a second for each 100 MB of heap.",
    ),
    "capture": Action(
        "capture",
        "Capture now",
        "operator",
        "Snapshots of one instance over real traffic, analysed here; the findings appear on this page.",
        "Take several heap snapshots of one instance of {}? It stands still for each.",
    ),
    "acknowledge": Action("acknowledge", "Acknowledge", "operator", "Notes that you are on it."),
    "resolve": Action("resolve", "Resolve", "operator", "Closes the incident; it opens again if it goes on."),
    "automatic-on": Action(
        "automatic-on",
        "Turn automatic snapshots on",
        "operator",
        "When a leak is likely, one instance of this service is asked for snapshots.",
    ),
    "automatic-off": Action(
        "automatic-off", "Turn automatic snapshots off", "operator", "No snapshots without somebody asking."
    ),
}
"""By verb; routes and templates read the same table, so that no button leads to a refusal."""
