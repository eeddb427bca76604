"""Promises that never settle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapsleuth.heap.kinds import EdgeType, NodeType
from heapsleuth.leaks.detectors.base import Detection

if TYPE_CHECKING:
    from heapsleuth.leaks.case import Case

__all__ = ["PromiseDetector"]


class PromiseDetector:
    """Pending promises, their resolvers, or the reactions that wait for one."""

    category = "promise"

    def detect(self, case: Case) -> Detection | None:
        """Fire when the holder or the members are promises, or records of promise resolvers."""
        member = case.member
        if member is None:
            return None
        waits_on_holder = case.holder_class == "Promise"
        pending = case.member_class in ("Promise", "Generator") or self._resolves(case, member)
        if not (waits_on_holder or pending):
            return None
        return Detection(
            category=self.category,
            holder_name=case.name.text,
            holder_kind=case.holder_class,
            holder_node=case.holder,
            members=case.member_class,
            member_node=member,
            title=(
                "Reactions pile up on promise {holder}: {rate} {members} {per}, and it never settles"
                if waits_on_holder
                else "{kind} {holder} gains {rate} unsettled {members} {per}"
            ),
        )

    def _resolves(self, case: Case, member: int) -> bool:
        """Whether a member is, or has as a field, the resolve or reject function of a promise."""
        fields = [ref.target for ref in case.references(member) if ref.type == EdgeType.PROPERTY]
        return any(self._is_resolver(case, node) for node in (member, *fields[:20]))

    def _is_resolver(self, case: Case, node: int) -> bool:
        # Resolvers are nameless builtins whose context refers to their promise.
        if case.type(node) != NodeType.CLOSURE or case.graph.own_name(node) or case.has_code(node):
            return False
        context = case.child(node, "context")
        if context is None:
            return False
        return any(
            case.class_name(ref.target) == "Promise"
            for ref in case.references(context)
            if ref.type in (EdgeType.HIDDEN, EdgeType.INTERNAL)
        )
