"""What would settle a finding that evidence leaves undecided: one table, by the facts against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from heapsleuth.leaks.model import Finding

__all__ = ["settled_by"]

_SETTLED_BY: Mapping[str, str] = {
    "one-interval": "a third snapshot after as much work again: two cannot tell a leak from warm-up",
    "bound-in-source": "work until it should hold more than its bound{bound}: what still grows then leaks",
    "fires-once": "an idle time longer than the timers\u2019 delay: what is still there then was not let go",
    "timed": "an idle time longer than the timer: what is still there then was not let go",
    "expires-in-source": "an idle time longer than the members\u2019 time to live, then another snapshot",
    "expires-lazily-in-source": "asking for the old members again, then another snapshot",
    "late-start": "more rounds: it began to grow only in the last one",
    "slowing": "more rounds: it grows ever more slowly, and may stop",
    "young-holder": "more rounds: the holder itself is new",
    "some-released": "more rounds: some members go, and their number may settle",
    "not-every-interval": "more rounds: it did not grow in each",
}
_OTHERWISE = "more rounds of work: what leaks keeps its pace"


def settled_by(finding: Finding) -> str:
    """Return in words what would decide a finding, by the strongest fact against it."""
    facts = {fact.code: fact for fact in finding.evidence_against}
    for code, text in _SETTLED_BY.items():
        if code in facts:
            limit = facts[code].value
            return text.replace("{bound}", f" of {limit:,.0f} members" if limit > 1 else "")
    return _OTHERWISE
