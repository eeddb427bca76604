"""What to change: advice per kind of leak and situation, in the names and lines of the program.

The tables (`listeners`, `containers`, `work`, `runtime`, `dependencies`) are data; the first advice
whose conditions hold is taken.  Code is JavaScript whatever the names: one that cannot be written is
replaced by a general word.
"""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING

from heapsleuth.leaks.fixes.containers import BUFFERS, CACHES, COLLECTIONS
from heapsleuth.leaks.fixes.dependencies import BOUNDED_BY, DEPENDENCIES
from heapsleuth.leaks.fixes.javascript import fill
from heapsleuth.leaks.fixes.listeners import LISTENERS
from heapsleuth.leaks.fixes.runtime import CODE, DETACHED_DOM, NATIVE, SOCKETS, UNKNOWN
from heapsleuth.leaks.fixes.situation import Situation, defaults_of
from heapsleuth.leaks.fixes.work import ASYNC_CONTEXTS, CLOSURES, PROMISES, TIMERS
from heapsleuth.leaks.model import Fix

if TYPE_CHECKING:
    from collections.abc import Mapping

    from heapsleuth.leaks.fixes.advice import Advice
    from heapsleuth.leaks.model import Finding

__all__ = ["ADVICE", "fix_for", "general_fix"]

ADVICE: Mapping[str, tuple[Advice, ...]] = {
    "async-context": ASYNC_CONTEXTS,
    "buffer": BUFFERS,
    "cache": CACHES,
    "closure": CLOSURES,
    "code": CODE,
    "collection": COLLECTIONS,
    "detached-dom": DETACHED_DOM,
    "listener": LISTENERS,
    "native": NATIVE,
    "promise": PROMISES,
    "socket": SOCKETS,
    "timer": TIMERS,
    "unknown": UNKNOWN,
}
"""By category; the first whose conditions hold is taken, and the last has none."""


def fix_for(finding: Finding, names: Mapping[str, str] | None = None) -> Fix:
    """
    Return the advice for a finding.

    Args:
        finding: With its sites, as far as they are known; its own `fix` is not looked at.
        names: What its detector knows, `Detection.names`.
    """
    situation = Situation(finding, names or {})
    advice = _choose(situation)
    code = advice.rewrite(situation) if advice.rewrite is not None else None
    if code is None:
        known, defaults = situation.names, situation.defaults
        code = fill(advice.before, known, defaults), fill(advice.after, known, defaults)
    return Fix(Template(advice.summary).safe_substitute(situation.words), *code, _page(finding.category))


def general_fix(category: str) -> Fix | None:
    """Return what is always good advice for a category, without any names; None for an unknown one."""
    if category not in ADVICE:
        return None
    advice, defaults = ADVICE[category][-1], defaults_of(category)
    words = {**{name: f"the {name}" for name in defaults}, "members": "member"}
    code = fill(advice.before, {}, defaults), fill(advice.after, {}, defaults)
    return Fix(Template(advice.summary).safe_substitute(words), *code, _page(category))


def _choose(situation: Situation) -> Advice:
    category = situation.finding.category
    package = situation.package
    if package is not None:
        if package.name in BOUNDED_BY and category in ("cache", "collection"):
            return BOUNDED_BY[package.name]
        table = (*DEPENDENCIES.get(category, ()), *DEPENDENCIES[""])
    else:
        table = ADVICE.get(category, UNKNOWN)
    return next(one for one in table if one.applies(situation.facts))


def _page(category: str) -> str:
    is_known = category in ADVICE and category != "unknown"
    return f"docs/leaks/{category}.md" if is_known else "docs/leaks/README.md"
