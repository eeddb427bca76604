"""Comparisons that are about how many members a container has."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from heapsleuth.leaks.source import tables
from heapsleuth.leaks.source.conditions import comparisons
from heapsleuth.leaks.source.model import Change
from heapsleuth.leaks.source.owners import callee_name, property_name
from heapsleuth.leaks.source.uses import inner_function

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tree_sitter import Node

    from heapsleuth.leaks.source.conditions import Condition
    from heapsleuth.leaks.source.mentions import Mentions
    from heapsleuth.leaks.source.owners import Owners
    from heapsleuth.leaks.source.uses import Act, Read

__all__ = ["Compared", "Sizes"]

Compared: TypeAlias = "tuple[Node, str, Node]"
"""Left side, operator and right side of a comparison as it holds."""

_ABOVE = frozenset({">", ">=", "==", "==="})
_BELOW = frozenset({"<", "<=", "!=", "!=="})
_SWAPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_NEGATED = {
    "<": ">=", "<=": ">", ">": "<=", ">=": "<", "!=": "==", "!==": "===", "==": "!=", "===": "!==",
}  # fmt: skip
_NO_LIMITS = frozenset({"string", "template_string", "regex", "true", "false"})
_TRIFLES = frozenset({"0", "1", "-1", "null", "undefined"})
_IS_NOTHING = re.compile(r"!\s*([\w$.#]+)|([\w$.#]+)\s*(?:===?|<=)\s*0|([\w$.#]+)\s*<\s*1")
_LISTS_ALL = frozenset({"entries", "from", "getOwnPropertyNames", "keys", "ownKeys", "values"})
_ADDS_ONE = r"\s*\??\.\s*(?:push|unshift|add|set|enqueue)\s*\("


class Sizes:
    """
    Tells which comparisons are about the size of one container.

    Args:
        owners: Names of the file.
        mentions: The container's mentions.
        acts: What they do.
        reads: Where its size is read.
    """

    def __init__(
        self, owners: Owners, mentions: Mentions, acts: Sequence[Act], reads: Sequence[Read]
    ) -> None:
        self._owners = owners
        self._tree = owners.tree
        self._mentions = mentions
        self._acts = acts
        self._reads = {read.node.id for read in reads}
        # `x.push(y)` is the new length.
        self._reads |= {
            act.chain[-1].id for act in acts if act.how in (".push()", ".unshift()") and not act.nested
        }

    def compared(self, condition: Condition) -> Iterator[Compared]:
        """Give the comparisons of a condition as they hold."""
        for left, operator, right in comparisons(condition.node):
            yield left, operator if condition.holds else _NEGATED[operator], right

    def is_ordered(self, compared: Compared) -> bool:
        """Whether a comparison asks which side is more."""
        return compared[1] in _SWAPPED

    def is_above(self, compared: Compared) -> bool:
        """Whether a comparison says that there are more members than some limit, or as many."""
        sized = self._sized(compared)
        return (sized is not None and sized[1] in _ABOVE) or self._counter(compared)

    def is_below(self, compared: Compared) -> bool:
        """Whether a comparison says that there are fewer members than some limit."""
        sized = self._sized(compared)
        return sized is not None and sized[1] in _BELOW

    def limit(self, compared: Compared) -> Node:
        """Return the side of a comparison that the size is compared with."""
        left, operator, right = compared
        if self._is_size(right) or (operator in ("<", "<=") and not self._is_size(left)):
            return left
        return right

    def _sized(self, compared: Compared) -> Compared | None:
        """Return a comparison of the size with something worth being a limit, the size on the left."""
        left, operator, right = compared
        if self._is_size(right):
            left, operator, right = right, _SWAPPED.get(operator, operator), left
        if not self._is_size(left) or self._is_no_limit(right):
            return None
        return left, operator, right

    def _is_no_limit(self, node: Node) -> bool:
        """Whether a side says nothing of a limit: `x.length > 0`; `i < x.length`, which goes through it."""
        if node.type in _NO_LIMITS or self._tree.code(node) in _TRIFLES:
            return True
        return node.type == "identifier" and next(self._increments(self._tree.code(node)), None) is not None

    def _is_size(self, node: Node) -> bool:
        if node.id in self._reads:
            return True
        if node.type == "identifier":
            return self._holds_size(node)
        if node.type == "member_expression" and property_name(self._tree, node) in tables.SIZE:
            return self._is_list_of_all(node.child_by_field_name("object"))
        return node.type in ("binary_expression", "update_expression") and any(
            one is not None and one.id in self._reads
            for one in (node.child_by_field_name("left"), node.child_by_field_name("argument"))
        )

    def _holds_size(self, node: Node) -> bool:
        """See `const n = x.size` and `const { size } = x`."""
        name = self._tree.code(node)
        made = self._owners.resolve(name, node.start_byte)
        if made is None:
            return False
        value = self._owners.value(made)
        if value is not None:
            return value.id in self._reads
        chain = self._tree.chain(made.offset, made.offset + len(name))
        if name not in tables.SIZE or len(chain) < 3 or chain[-2].type != "object_pattern":
            return False
        return self._stands_for_it(chain[-3].child_by_field_name("value"))

    def _is_list_of_all(self, node: Node | None) -> bool:
        """See `const keys = Object.keys(x)`, `[...x.keys()]`."""
        if node is not None and node.type == "identifier":
            made = self._owners.resolve(self._tree.code(node), node.start_byte)
            node = None if made is None else self._owners.value(made)
        if node is None:
            return False
        inside = any(node.start_byte <= one.offset < node.end_byte for one in self._mentions.found)
        if node.type == "call_expression":
            return inside and callee_name(self._tree, node) in _LISTS_ALL
        return inside and node.type == "array" and self._tree.code(node).startswith("[...")

    def _stands_for_it(self, node: Node | None) -> bool:
        return node is not None and any(one.node == node and not one.nested for one in self._mentions.found)

    def _counter(self, compared: Compared) -> bool:
        """Whether something that is counted up with each addition is above a limit."""
        left, operator, right = compared
        if operator in ("<", "<="):
            left, operator, right = right, _SWAPPED[operator], left
        if operator not in _ABOVE or self._is_no_limit(right):
            return False
        node = left.child_by_field_name("argument") if left.type == "update_expression" else left
        name = None
        if node is not None and node.type == "identifier":
            name = self._tree.code(node)
        elif node is not None and node.type == "member_expression":
            name = property_name(self._tree, node)
        if name is None or tables.TIME.search(self._tree.code(left)):
            return False
        return any(
            function.start_byte <= found.start() < function.end_byte
            for found in self._increments(name)
            for function in self.adding
        )

    def is_used_up(self, condition: Condition) -> bool:
        """Whether what is counted down with each addition has come to nothing: `if (!this.room) …`."""
        text = self._tree.code(condition.node).strip("() ")
        found = _IS_NOTHING.fullmatch(text) if condition.holds else None
        name = None if found is None else re.escape(next(filter(None, found.groups())).rpartition(".")[2])
        return name is not None and any(
            re.search(
                rf"--\s*[\w$.#]*(?<![\w$]){name}(?![\w$])|(?<![\w$]){name}\s*(?:--|-=)", self._tree.code(one)
            )
            for one in self.adding
        )

    def is_parallel(self, compared: Compared) -> bool:
        """Whether something filled along with it is too large: `order.length > 9`."""
        left, operator, right = compared
        if operator in ("<", "<="):
            left, operator, right = right, _SWAPPED[operator], left
        size = property_name(self._tree, left) if left.type == "member_expression" else None
        other = left.child_by_field_name("object")
        if size not in ("length", "size") or other is None or operator not in _ABOVE:
            return False
        if self._is_no_limit(right) or self._is_size(left):
            return False
        fills = re.compile(re.escape(self._tree.code(other)) + _ADDS_ONE)
        return any(fills.search(self._tree.code(function)) for function in self.adding)

    def _increments(self, name: str) -> Iterator[re.Match[str]]:
        own = re.escape(name)
        counted = rf"\+\+\s*[\w$.#]*(?<![\w$]){own}(?![\w$])|(?<![\w$]){own}\s*(?:\+\+|\+=)"
        return re.finditer(counted, self._tree.text)

    @cached_property
    def adding(self) -> list[Node]:
        """Functions that add to the container: what they count up is how many there are."""
        acts = [act for act in self._acts if act.change is Change.ADD and not act.nested]
        functions = (inner_function(act.chain) for act in acts)
        return [function for function in functions if function is not None]
