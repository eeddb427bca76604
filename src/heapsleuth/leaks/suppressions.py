"""Findings that the program's own comments accept.

A suppressed finding is listed with its reason and never hidden; it only does not count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from heapsleuth.leaks.model import Site
    from heapsleuth.leaks.source.model import Intent, SourceFacts
    from heapsleuth.leaks.source.reader import SourceReader

__all__ = ["Suppression", "suppression"]

# Where a comment speaks for a finding: beside its holder whatever it says, elsewhere only by a directive.
_SENTENCES_COUNT = frozenset({"holder"})
_SAYS = {"ignore": "", "bounded": "bounded by ", "intended": "intended: "}


@dataclass(frozen=True, slots=True)
class Suppression:
    """What comments say about a finding."""

    reason: str | None
    """Why it is accepted, with the place of the comment; None when nothing says so."""
    problems: tuple[str, ...]
    """Directives near it that are not followed, each with its place, for a warning."""


def suppression(sites: Iterable[Site], facts: SourceFacts | None, reader: SourceReader) -> Suppression:
    """
    Return what the comments beside a finding's places say.

    Args:
        sites: The finding's places in code.
        facts: Source evidence about its holder, None when there is none.
        reader: Reads the comments beside the sites, in original files also where what runs was compiled
            without them.
    """
    found: list[Intent] = [] if facts is None else list(facts.intents)
    problems: list[str] = [] if facts is None else list(facts.problems)
    for site in sites:
        intents, wrong = reader.intents(site.location)
        found += [one for one in intents if one.kind != "intended" or site.role in _SENTENCES_COUNT]
        problems += wrong
    # A directive is clearer than a sentence, whichever comes first.
    best = min(found, key=lambda one: one.kind == "intended", default=None)
    reason = None if best is None else f"{_SAYS[best.kind]}{best.reason} ({best.location})"
    return Suppression(reason, tuple(dict.fromkeys(problems)))
