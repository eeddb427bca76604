"""What a detector is and what it answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from heapsleuth.heap.kinds import NodeType

if TYPE_CHECKING:
    from collections.abc import Mapping

    from heapsleuth.leaks.case import Case

__all__ = ["KEYED", "LISTED", "Detection", "Detector", "held", "is_empty"]

KEYED = frozenset({"Map", "WeakMap", "AsyncContextFrame"})
"""Classes of containers with keys."""
LISTED = frozenset({"Array", "FinalizationRegistry", "Set", "WeakSet"})
"""Classes of containers without."""


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


def is_empty(case: Case) -> bool:
    """
    Whether the newest member has no fields.

    A field with a small integer has no edge in a snapshot; the names of fields are with the shape.
    """
    if case.member is None:
        return True
    if any(reference.label not in ("map", "__proto__") for reference in case.references(case.member)):
        return False
    shape = case.child(case.member, "map")
    fields = None if shape is None else case.child(shape, "descriptors", "instance_descriptors")
    return fields is None or not any(
        case.type(reference.target) == NodeType.STRING for reference in case.references(fields)
    )
