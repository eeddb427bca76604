"""Indexes that wrap around: `x[i % N]`, `i = (i + 1) % N`, `if (++i >= N) i = 0`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from heapsleuth.leaks.source.numbers import number
from heapsleuth.leaks.source.owners import property_name
from heapsleuth.leaks.source.tree import unwrap

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tree_sitter import Node

    from heapsleuth.leaks.source.owners import Owners
    from heapsleuth.leaks.source.tree import Chain

__all__ = ["ring_of"]

_MOST_PLACES = 200
_WRAPPERS = frozenset({"parenthesized_expression", "binary_expression"})
_REACHES = frozenset({"==", "===", ">", ">="})


def ring_of(owners: Owners, index: Node) -> tuple[Node, int | None] | None:
    """
    Return what the index of `x[INDEX] = …` is kept below, and the number if the file says it.

    None when it does not wrap around.
    """
    found = _modulus(index)
    for chain in () if found is not None else _places(owners, index):
        found = _wraps(owners, chain)
        if found is not None:
            break
    if found is None:
        return None
    operator, limit = found
    size = number(owners, limit)
    return limit, size if size is None or operator != "&" else size + 1


def _modulus(node: Node | None) -> tuple[str, Node] | None:
    node = unwrap(node)
    if node is None or node.type != "binary_expression":
        return None
    sign, right = node.child_by_field_name("operator"), unwrap(node.child_by_field_name("right"))
    if sign is None or right is None:
        return None
    return (sign.type, right) if sign.type in ("%", "&") else None


def _places(owners: Owners, index: Node) -> Iterator[Chain]:
    """Give the chains to the other places where an index is meant."""
    tree = owners.tree
    if index.type == "identifier":
        name = tree.code(index)
        made = owners.resolve(name, index.start_byte)
        if made is None:
            return
        for offset in tree.occurrences(name, _MOST_PLACES, *owners.reach(made.offset, name)):
            chain = tree.chain(offset, offset + len(name))
            if chain[-1].type == "identifier" and owners.resolve(name, offset) == made:
                yield chain
    elif index.type == "member_expression":
        named, key = property_name(tree, index), owners.key(index.child_by_field_name("object"))
        for offset in () if named is None or key is None else tree.occurrences(named, _MOST_PLACES):
            chain = tree.chain(offset, offset + len(named or ""))[:-1]
            is_member = bool(chain) and chain[-1].type == "member_expression"
            if is_member and owners.key(chain[-1].child_by_field_name("object")) == key:
                yield chain


def _wraps(owners: Owners, chain: Chain) -> tuple[str, Node] | None:
    if len(chain) < 2:
        return None
    node, parent = chain[-1], chain[-2]
    if parent.type == "variable_declarator" and parent.child_by_field_name("name") == node:
        return _modulus(parent.child_by_field_name("value"))
    if parent.type == "assignment_expression" and parent.child_by_field_name("left") == node:
        return _modulus(parent.child_by_field_name("right"))
    if parent.type == "augmented_assignment_expression" and parent.child_by_field_name("left") == node:
        sign, right = parent.child_by_field_name("operator"), parent.child_by_field_name("right")
        is_cut = sign is not None and right is not None and sign.type in ("%=", "&=")
        return (sign.type[0], right) if is_cut and sign is not None and right is not None else None
    return _begins_anew(owners, chain)


def _begins_anew(owners: Owners, chain: Chain) -> tuple[str, Node] | None:
    """See `if (++i >= N) i = 0`."""
    own = re.escape(owners.tree.code(chain[-1]))
    inner = list(chain)
    while inner[-2].type == "update_expression":
        inner.pop()
    parent = inner[-2]
    sign = parent.child_by_field_name("operator") if parent.type == "binary_expression" else None
    if sign is None or sign.type not in _REACHES or parent.child_by_field_name("left") != inner[-1]:
        return None
    while len(inner) > 2 and inner[-2].type in _WRAPPERS:
        inner.pop()
    then = inner[-2].child_by_field_name("consequence") if inner[-2].type == "if_statement" else None
    if then is None or not re.match(rf"\{{?\s*{own}\s*=\s*0\b", owners.tree.code(then)):
        return None
    right = parent.child_by_field_name("right")
    return None if right is None else ("%", right)
