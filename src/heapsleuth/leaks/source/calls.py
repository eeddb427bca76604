"""Who calls a function, as far as its own file tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from heapsleuth.leaks.source import tables
from heapsleuth.leaks.source.owners import callee_name, property_name
from heapsleuth.leaks.source.tree import FUNCTIONS

if TYPE_CHECKING:
    from tree_sitter import Node

    from heapsleuth.heap.js_outline import Declaration
    from heapsleuth.leaks.source.owners import Key, Owners
    from heapsleuth.leaks.source.tree import Chain, SyntaxTree

__all__ = ["Calls", "Place", "function_name"]

_MOST_PLACES = 300
_MOST_CALLERS = 20
_DEEPEST = 5
# A function made where it is used is reached when that place is; its own name is for itself.
_EXPRESSIONS = frozenset({"arrow_function", "function_expression", "generator_function"})
_NAMING = frozenset(
    {"assignment_expression", "field_definition", "pair", "public_field_definition", "variable_declarator"}
)


@dataclass(frozen=True, slots=True)
class Place:
    """A place where a function is named other than where it is made."""

    chain: Chain
    """To the call, or to the name where it is not called."""
    is_call: bool
    timer: Node | None = None
    """The `setInterval(…)` it is handed to."""


class Calls:
    """
    Finds the places that call functions.

    Args:
        owners: Names of the file.
    """

    def __init__(self, owners: Owners) -> None:
        self._owners = owners
        self._tree = owners.tree
        self._known: dict[int, list[Place]] = {}

    def of(self, function: Node, chain: Chain) -> list[Place]:
        """Return where a function is called or handed on; *chain* leads to it."""
        if function.start_byte not in self._known:
            self._known[function.start_byte] = self._find(chain)
        return self._known[function.start_byte]

    def is_called(self, chain: Chain, depth: int = 0) -> bool | None:
        """
        Whether the end of *chain* is ever reached.

        False when the function around it is private to the file and nothing there names it; None when
        only other files can call it.
        """
        index = next((at for at in range(len(chain) - 2, -1, -1) if chain[at].type in FUNCTIONS), None)
        if index is None or depth > _DEEPEST:
            return True
        function, inner = chain[index], chain[: index + 1]
        name, parent = _named(inner), chain[index - 1]
        if name is None or (function.type in _EXPRESSIONS and parent.type not in _NAMING):
            if parent.type in ("return_statement", "arrow_function"):
                return None
            return self.is_called(inner, depth + 1)
        if function.type == "method_definition" and self._tree.code(name) == "constructor":
            return True
        places = [one for one in self.of(function, inner) if not _inside(one.chain[-1], function)]
        reached = [self._reached(one, depth) for one in places]
        if any(reached):
            return True
        if None in reached or self._is_open(inner, name, places):
            return None
        return False

    def _reached(self, place: Place, depth: int) -> bool | None:
        """Whether a place calls the function; None when it hands it to somebody who may."""
        reached = self.is_called(place.chain, depth + 1)
        return reached if place.is_call or place.timer is not None or not reached else None

    def _is_open(self, chain: Chain, name: Node, places: list[Place]) -> bool:
        """Whether other files can call a function."""
        if name.type != "identifier" or chain[-1].type == "method_definition" or chain[-2].type == "pair":
            return True
        if chain[-2].type == "assignment_expression":
            return chain[-2].child_by_field_name("left") != name or self._shown(self._tree.code(name))
        if any(node.type == "export_statement" for node in chain):
            return True
        return self._shown(self._tree.code(name)) or any(not one.is_call for one in places)

    def _shown(self, name: str) -> bool:
        """Whether a name of the file is exported somewhere below."""
        for offset in self._tree.occurrences(name, _MOST_PLACES):
            chain = self._tree.chain(offset, offset + len(name))
            if any(node.type in ("export_specifier", "export_statement") for node in chain[-3:]):
                return True
        return False

    def _find(self, chain: Chain) -> list[Place]:
        named = _named(chain)
        if named is None:
            return []
        name = self._tree.code(named)
        of_this = self._method_owner(chain, named)
        made = self._owners.binding(name, named.start_byte)
        found: list[Place] = []
        for offset in self._tree.occurrences(name, _MOST_PLACES):
            if offset == named.start_byte or len(found) >= _MOST_CALLERS:
                continue
            around = self._tree.chain(offset, offset + len(name))
            place = self._place(around, name, made, of_this)
            if place is not None:
                found.append(place)
        return found

    def _method_owner(self, chain: Chain, named: Node) -> frozenset[Key] | None:
        """Return the keys of the objects that have the function as a method, None for a plain function."""
        if named.type == "identifier":
            return None
        parent = chain[-2]
        key: Key | None
        if chain[-1].type == "method_definition" and parent.type == "object":
            key = self._owners.of_object(parent)
        elif parent.type == "pair":
            key = self._owners.of_object(chain[-3])
        elif parent.type == "assignment_expression":
            left = parent.child_by_field_name("left")
            key = None if left is None else self._owners.key(left.child_by_field_name("object"))
        else:
            key = self._owners.of_this(named)
        if key is None:
            return frozenset()
        if key[0] in ("instance", "static") and isinstance(key[1], int):
            return frozenset((key[0], start) for start in self._owners.family(key[1]))
        return frozenset({key})

    def _place(
        self, chain: Chain, name: str, made: Declaration | None, methods: frozenset[Key] | None
    ) -> Place | None:
        if len(chain) < 2:
            return None
        leaf, parent = chain[-1], chain[-2]
        if methods is None:
            if leaf.type not in ("identifier", "shorthand_property_identifier"):
                return None
            if self._owners.resolve(name, leaf.start_byte) != made or (
                parent.type == "variable_declarator" and parent.child_by_field_name("name") == leaf
            ):
                return None
        else:
            if leaf.type not in ("property_identifier", "private_property_identifier"):
                return None
            if parent.type != "member_expression" or property_name(self._tree, parent) != name:
                return None
            if self._owners.key(parent.child_by_field_name("object")) not in methods:
                return None
            chain = chain[:-1]
            if (
                chain[-2].type == "assignment_expression"
                and chain[-2].child_by_field_name("left") == chain[-1]
            ):
                return None
        return self._use(chain)

    def _use(self, chain: Chain) -> Place:
        parent = chain[-2]
        if parent.type in ("call_expression", "new_expression") and chain[-1] in (
            parent.child_by_field_name("function"),
            parent.child_by_field_name("constructor"),
        ):
            return Place(chain[:-1], is_call=True)
        if parent.type == "member_expression" and property_name(self._tree, parent) in (
            "bind",
            "call",
            "apply",
        ):
            is_bind = property_name(self._tree, parent) == "bind"
            if not is_bind:
                return Place(chain[:-2], is_call=True)
            chain = chain[:-2]
        if len(chain) > 3 and chain[-2].type == "arguments":
            call = chain[-3]
            if callee_name(self._tree, call) in tables.TIMERS:
                return Place(chain[:-2], is_call=False, timer=call)
        return Place(chain, is_call=False)


def function_name(tree: SyntaxTree, chain: Chain) -> str | None:
    """Return the name of the nearest function around the end of *chain* that has one."""
    for index in range(len(chain) - 2, 0, -1):
        if chain[index].type in FUNCTIONS:
            named = _named(chain[: index + 1])
            if named is not None:
                return tree.code(named).strip("\"'")
    return None


def _named(chain: Chain) -> Node | None:
    """Return the node with the name of the function at the end of *chain*."""
    function, parent = chain[-1], chain[-2]
    if function.type == "class_static_block":
        return None
    own = function.child_by_field_name("name")
    if own is not None and function.type != "function_expression":
        return own
    if parent.type == "variable_declarator":
        return parent.child_by_field_name("name")
    if parent.type in ("field_definition", "public_field_definition"):
        return parent.child_by_field_name("property") or parent.child_by_field_name("name")
    if parent.type == "pair":
        return parent.child_by_field_name("key")
    if parent.type == "assignment_expression":
        left = parent.child_by_field_name("left")
        if left is not None and left.type == "member_expression":
            return left.child_by_field_name("property")
        return left if left is not None and left.type == "identifier" else own
    return own


def _inside(node: Node, around: Node) -> bool:
    return around.start_byte <= node.start_byte and node.end_byte <= around.end_byte
