"""What came of a button, told on the page one is sent back to."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass

__all__ = ["Notice", "Notices"]


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence and its tone: `clean` for what worked, `leak` for what did not."""

    text: str
    tone: str = "clean"


class Notices:
    """
    Notices by a number that nobody can guess, which is all that an address carries.

    In the address itself, a text would be anybody's: a link could have this dashboard say anything.
    """

    def __init__(self, most: int = 500) -> None:
        self._most = most
        self._kept: OrderedDict[str, Notice] = OrderedDict()

    def put(self, notice: Notice) -> str:
        """Keep a notice; returns its number."""
        number = secrets.token_urlsafe(12)
        self._kept[number] = notice
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return number

    def get(self, number: str) -> Notice | None:
        """Return a notice; None when there is none, or no more."""
        return self._kept.get(number)
