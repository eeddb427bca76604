"""The number an expression is, where the file says so."""

from __future__ import annotations

import operator
import re
from typing import TYPE_CHECKING

from heapsleuth.heap.js_outline import DeclarationKind
from heapsleuth.leaks.source.owners import property_name
from heapsleuth.leaks.source.tree import unwrap

if TYPE_CHECKING:
    from tree_sitter import Node

    from heapsleuth.heap.js_outline import Declaration
    from heapsleuth.leaks.source.owners import Key, Owners

__all__ = ["number"]

_DEEPEST = 6
_LARGEST = 2**53
_MOST_BITS, _LARGEST_BASE = 53, 1 << 16
_OPERATIONS = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_SUFFIX = re.compile(r"[_n]")


def number(owners: Owners, node: Node | None, depth: int = 0) -> int | None:
    """Return the whole number *node* stands for: a literal, sums and products, constants, defaults."""
    node = unwrap(node)
    if node is None or depth > _DEEPEST:
        return None
    code = owners.tree.code(node)
    if node.type == "number":
        return _literal(code)
    if node.type == "unary_expression" and code.startswith("-"):
        value = number(owners, node.child_by_field_name("argument"), depth + 1)
        return None if value is None else -value
    if node.type == "binary_expression":
        return _operation(owners, node, depth)
    if node.type == "assignment_pattern":
        return number(owners, node.child_by_field_name("right"), depth + 1)
    if node.type == "identifier":
        made = owners.resolve(code, node.start_byte)
        if made is not None and made.kind == DeclarationKind.PARAMETER:
            chain = owners.tree.chain(made.offset, made.offset + len(code))
            around = chain[-2] if len(chain) > 1 else None
            if around is not None and around.type in ("assignment_pattern", "object_assignment_pattern"):
                return number(owners, around.child_by_field_name("right"), depth + 1)
            return (
                number(owners, around.child_by_field_name("value"), depth + 1) if around is not None else None
            )
        return (
            None if made is None or _changes(owners, made) else number(owners, owners.value(made), depth + 1)
        )
    if node.type in ("member_expression", "subscript_expression"):
        return _of_field(owners, node, depth)
    return None


def _changes(owners: Owners, made: Declaration) -> bool:
    """Whether a variable gets another value later on."""
    own = re.escape(made.name)
    changed = re.compile(rf"(?:\+\+|--)\s*{own}(?![\w$])|(?<![\w$.#]){own}\s*(?:\+\+|--|[-+*/%&|^]=)")
    start, end = owners.reach(made.offset, made.name)
    if changed.search(owners.tree.text, start, end):
        return True
    set_again = re.compile(rf"(?<![\w$.#]){own}\s*=(?![=>])")
    return any(found.start() != made.offset for found in set_again.finditer(owners.tree.text, start, end))


def _literal(code: str) -> int | None:
    try:
        text = _SUFFIX.sub("", code)
        value = float(int(text, 0)) if text[:2].lower() in ("0x", "0b", "0o") else float(text)
    except ValueError:
        return None
    return int(value) if abs(value) < _LARGEST else None


def _operation(owners: Owners, node: Node, depth: int) -> int | None:
    sign_node = node.child_by_field_name("operator")
    left = number(owners, node.child_by_field_name("left"), depth + 1)
    right = number(owners, node.child_by_field_name("right"), depth + 1)
    sign = "" if sign_node is None else sign_node.type
    if sign in ("||", "??"):
        return right if left is None else left
    if left is None or right is None:
        return None
    value: float | None = None
    if sign in _OPERATIONS:
        value = _OPERATIONS[sign](left, right)
    elif sign == "/" and right:
        value = left / right
    elif sign == "<<" and 0 <= right < _MOST_BITS:
        value = left << right
    elif sign == "**" and 0 <= right < _MOST_BITS and abs(left) < _LARGEST_BASE:
        value = left**right
    return int(value) if value is not None and abs(value) < _LARGEST else None


def _of_field(owners: Owners, node: Node, depth: int) -> int | None:
    """Return what a field is set to where it is declared: `this.max = 500`, `{ max: 500 }`."""
    name, key = property_name(owners.tree, node), owners.key(node.child_by_field_name("object"))
    if name is None:
        return None
    return (None if key is None else _of_owner(owners, name, key, depth)) or _of_name(owners, name, depth)


def _of_owner(owners: Owners, name: str, key: Key, depth: int) -> int | None:
    for made in owners.fields(name):
        chain = owners.tree.chain(made.offset, made.offset + len(name))
        if len(chain) < 3:
            continue
        leaf, parent, around = chain[-1], chain[-2], chain[-3]
        value = None
        if parent.type == "member_expression" and around.type == "assignment_expression":
            if owners.key(parent.child_by_field_name("object")) == key:
                value = around.child_by_field_name("right")
        elif parent.type == "pair":
            value = parent.child_by_field_name("value") if owners.of_object(around) == key else None
        elif owners.of_this(leaf) == key:
            value = parent.child_by_field_name("value")
        found = number(owners, value, depth + 1)
        if found is not None:
            return found
    return None


def _of_name(owners: Owners, name: str, depth: int) -> int | None:
    """
    Return the only number that the file gives a property of that name, on whatever object.

    So a limit in default options is known where it is read: `this.options.maxEntries`.
    """
    values = set()
    for made in owners.fields(name):
        chain = owners.tree.chain(made.offset, made.offset + len(name))
        around = chain[-2] if len(chain) > 2 and chain[-2].type == "pair" else None
        value = None if around is None else number(owners, around.child_by_field_name("value"), depth + 1)
        if value is not None:
            values.add(value)
    return values.pop() if len(values) == 1 else None
