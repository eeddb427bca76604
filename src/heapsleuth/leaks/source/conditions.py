"""Under which conditions a place in a function is reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from heapsleuth.leaks.source.tree import FUNCTIONS, unwrap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from heapsleuth.leaks.source.tree import Chain

__all__ = ["Condition", "comparisons", "conditions_at"]

_LOOPS = frozenset({"while_statement", "do_statement", "for_statement"})
_LISTS = frozenset({"statement_block", "program", "switch_case", "switch_default"})
_EXITS = frozenset({"return_statement", "throw_statement", "continue_statement", "break_statement"})
_COMPARES = frozenset({"<", "<=", ">", ">=", "==", "===", "!=", "!=="})
_MOST_NODES = 200


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition and whether it holds where it was asked for."""

    node: Node
    holds: bool
    exits: bool = False
    """Whether it is that of an `if (…) return` before the place."""


def conditions_at(chain: Chain) -> Iterator[Condition]:
    """Give the conditions under which the end of *chain* is reached in its function, innermost first."""
    for index in range(len(chain) - 1, 0, -1):
        child, node = chain[index], chain[index - 1]
        if child.type in FUNCTIONS:
            return
        if node.type in ("if_statement", "ternary_expression"):
            condition = node.child_by_field_name("condition")
            if condition is not None and child != condition:
                yield Condition(condition, node.child_by_field_name("alternative") != child)
        elif node.type in _LOOPS:
            condition = node.child_by_field_name("condition")
            if condition is not None and child == node.child_by_field_name("body"):
                yield Condition(condition, holds=True)
        elif node.type == "binary_expression":
            operator, left = node.child_by_field_name("operator"), node.child_by_field_name("left")
            if left is not None and operator is not None and child != left and operator.type in ("&&", "||"):
                yield Condition(left, operator.type == "&&")
        elif node.type in _LISTS:
            yield from _exits_before(node, child)


def _exits_before(block: Node, child: Node) -> Iterator[Condition]:
    if block.named_child_count > _MOST_NODES:
        return  # generated; looking through it again and again takes too long
    for statement in block.named_children:
        if statement.start_byte >= child.start_byte:
            return
        if statement.type == "if_statement" and statement.child_by_field_name("alternative") is None:
            condition = statement.child_by_field_name("condition")
            then = statement.child_by_field_name("consequence")
            last = then
            if then is not None and then.type == "statement_block":
                last = then.named_children[-1] if then.named_children else None
            if condition is not None and last is not None and last.type in _EXITS:
                yield Condition(condition, holds=False, exits=True)


def comparisons(condition: Node) -> Iterator[tuple[Node, str, Node]]:
    """Give left side, operator and right side of the comparisons in a condition."""
    waiting, seen = [condition], 0
    while waiting and seen < _MOST_NODES:
        node = waiting.pop()
        seen += 1
        if node.type in FUNCTIONS:
            continue
        if node.type == "binary_expression":
            operator = node.child_by_field_name("operator")
            left, right = (unwrap(node.child_by_field_name(side)) for side in ("left", "right"))
            if operator is not None and operator.type in _COMPARES and left is not None and right is not None:
                yield left, operator.type, right
        waiting.extend(reversed(node.named_children))
