"""What a detector is and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from heapsleuth.leaks.case import Case

__all__ = ["Detection", "Detector", "held"]


@dataclass(frozen=True, slots=True)
class Detection:
    """How one kind of leak names a case."""

    category: str
    holder_name: str
    holder_kind: str
    holder_node: int
    """Node index of what the name stands for."""
    members: str
    """Class of the members."""
    member_node: int | None
    """Node index whose location says where the members come from."""
    title: str
    """A format string: `{holder}`, `{rate}`, `{members}`."""
    names: Mapping[str, str] = field(default_factory=dict)
    """What the detector knows, for the fix: `emitter`, `event`, `callback`, `variable`, `key`, …"""


class Detector(Protocol):
    """Recognises one kind of leak."""

    category: str

    def detect(self, case: Case) -> Detection | None:
        """Return how this kind names the case, None when it is of another kind."""


def held(case: Case, category: str) -> Detection:
    """Name a case plainly: a holder that gains members."""
    return Detection(
        category=category,
        holder_name=case.name.text,
        holder_kind=case.holder_class,
        holder_node=case.holder,
        members=case.member_class,
        member_node=case.member,
        title="{kind} {holder} gains {rate} {members} {per} and never loses one",
    )
