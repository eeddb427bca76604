"""What the text around a variable or field says about it: `SourceFacts`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heapsleuth.places import SourceLocation

__all__ = ["Bound", "Change", "Expiry", "Intent", "SourceFacts", "Use"]


class Change(StrEnum):
    """What a use of a container does to it."""

    ADD = "add"
    REMOVE = "remove"
    CLEAR = "clear"


@dataclass(frozen=True, slots=True)
class Use:
    """A place where a container is changed."""

    change: Change
    how: str
    """As it is written, without names: `.push()`, `[…] =`, `delete`, `clearInterval()`, `= new`."""
    offset: int
    """Of the container's name, in characters."""
    location: SourceLocation
    function: str | None
    """The nearest function around it that has a name; None at the top of the file."""
    key: str | None = None
    """The first argument or index when it is a literal: the event of `.on("event", …)`."""
    guard: str | None = None
    """Of an addition: `bound` (only below a limit), `absent` (only what is not there yet)."""
    released: str | None = None
    """Of an addition: `once`, `signal` (removed by an AbortSignal), `weak` (a WeakRef is added)."""
    nested: bool = False
    """Whether it changes a container inside this one: `this.rooms.get(id).add(…)`."""
    called: bool | None = True
    """Whether the code is ever run, as far as this file tells: False when nothing calls it, None when
    only other files can."""
    sure: bool = True
    """False when the object it belongs to is not known and only the name of the field fits."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A limit to how many members there can be."""

    kind: str
    """`evicts` (something is removed), `refuses` (nothing is added), `ring` (an index that wraps
    around), `truncates` (cut to a length), `option` (a bounded class)."""
    limit: int | None
    """The number, where it stands in the file."""
    text: str
    """The code that says so, shortened."""
    offset: int
    location: SourceLocation
    called: bool | None = True


@dataclass(frozen=True, slots=True)
class Expiry:
    """Something that removes members after a time."""

    kind: str
    """`timer` (each member has a timer that removes it), `interval` (a timer clears, or goes through
    them all), `sweep` (a loop removes the old ones), `lazy` (an old member
    goes only when it is asked for), `option` (of a class), `finalizer` (FinalizationRegistry)."""
    text: str
    offset: int
    location: SourceLocation
    called: bool | None = True


@dataclass(frozen=True, slots=True)
class Intent:
    """A comment that says that a container may keep what it holds."""

    kind: str
    """`ignore`, `bounded` (directives `heapsleuth: …`) or `intended` (a sentence to that effect)."""
    reason: str
    offset: int
    location: SourceLocation


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """
    What one file says about one variable or field.

    An empty tuple means that nothing was found in this file; other files are not looked at.
    """

    name: str
    location: SourceLocation
    """Where it is declared."""
    additions: tuple[Use, ...] = ()
    removals: tuple[Use, ...] = ()
    clears: tuple[Use, ...] = ()
    bounds: tuple[Bound, ...] = ()
    expiries: tuple[Expiry, ...] = ()
    weak: str | None = None
    """The weak container it is: `WeakMap`, `WeakSet`, `WeakRef`."""
    made_of: str | None = None
    """The class it is made of in its declaration: `Map`, `Array`, `Object`, `LRUCache`."""
    exported: bool = False
    """Whether other files can get at it by name."""
    intents: tuple[Intent, ...] = ()
    problems: tuple[str, ...] = ()
    """Directives `heapsleuth: …` that are not followed, and why."""
    whole: bool = True
    """Whether all of the file was there to be read, and all of it was looked at."""
    skipped: str | None = None
    """Why the file was not read."""
