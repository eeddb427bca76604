"""What one piece of advice is, and when it applies."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from heapsleuth.leaks.fixes.situation import Situation

    Rewriting = Callable[[Situation], tuple[str, str] | None]
    """Makes before and after out of source lines that are at hand; None where that is not safe."""

__all__ = ["Advice"]


@dataclass(frozen=True, slots=True)
class Advice:
    """
    Advice for one situation of one kind of leak.

    Texts are templates: `$holder`, `$members` and the names of `Situation` are filled in, in the summary
    as words, in the code as JavaScript.
    """

    summary: str
    before: str
    after: str
    when: Mapping[str, str] = field(default_factory=dict)
    """Facts of `Situation.facts` and what regular expression each must contain; all must."""
    rewrite: Rewriting | None = None

    def applies(self, facts: Mapping[str, str]) -> bool:
        """Whether all conditions hold."""
        return all(re.search(pattern, facts.get(name, "")) for name, pattern in self.when.items())
