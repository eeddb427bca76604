"""Whose field is it?  Names for the objects that expressions in a program stand for.

`this.items` of one class is not `this.items` of another.  An expression before the dot gets a key; two
expressions with the same key stand for the same object, or for instances of the same class.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from heapsleuth.heap.declarations import visible_declaration
from heapsleuth.heap.js_outline import DeclarationKind
from heapsleuth.leaks.source.tree import FUNCTIONS, unwrap

if TYPE_CHECKING:
    from tree_sitter import Node

    from heapsleuth.heap.js_outline import Declaration, Outline
    from heapsleuth.leaks.source.tree import SyntaxTree

__all__ = ["CLASSES", "EXPORTS", "Key", "Owners", "callee_name", "property_name"]

Key: TypeAlias = "tuple[str, int | str | Key, str] | tuple[str, int | str]"
"""`("instance", START)` of the class or function that starts there, `("static", START)` the class itself,
`("path", KEY, NAME)` a field, `("var", OFFSET)` what a variable holds, `("object", START)` a literal."""

EXPORTS: Key = ("exports", "")
CLASSES = frozenset({"abstract_class_declaration", "class", "class_declaration"})

_GLOBALS = frozenset({"global", "globalThis", "self", "window"})
_FIELDS = frozenset({"field_definition", "public_field_definition"})
_DEEPEST = 6


class Owners:
    """
    Keys of expressions, and what names refer to.

    Args:
        tree: The syntax tree of a text.
        outline: The scopes of the same text.
    """

    def __init__(self, tree: SyntaxTree, outline: Outline) -> None:
        self.tree = tree
        self._outline = outline

    def resolve(self, name: str, offset: int) -> Declaration | None:
        """Return the binding of *name* that code at *offset* sees, None for globals."""
        return visible_declaration(self._outline, name, offset)

    def binding(self, name: str, offset: int) -> Declaration | None:
        """Return the binding made at *offset*, else the one that is seen there."""
        made = [one for one in self._outline.declarations.get(name, ()) if one.offset == offset]
        return made[0] if made and made[0].kind.is_lexical else self.resolve(name, offset)

    def reach(self, variable: int, name: str) -> tuple[int, int]:
        """Return the stretch of text in which the variable declared at an offset is seen."""
        made = self.binding(name, variable)
        scope = self._outline.scopes[0 if made is None else made.scope]
        return scope.start, scope.end

    def fields(self, name: str) -> list[Declaration]:
        """Return where properties of that name are declared."""
        return [made for made in self._outline.declarations.get(name, ()) if not made.kind.is_lexical]

    def value(self, made: Declaration) -> Node | None:
        """Return the expression a variable is declared with."""
        chain = self.tree.chain(made.offset, made.offset + len(made.name))
        if len(chain) > 1 and chain[-2].type == "variable_declarator":
            declared = chain[-2].child_by_field_name("name")
            return unwrap(chain[-2].child_by_field_name("value")) if declared == chain[-1] else None
        return None

    def key(self, node: Node | None, depth: int = 0) -> Key | None:
        """Return the key of the object an expression stands for, None when it cannot be told."""
        node = unwrap(node)
        if node is None or depth > _DEEPEST:
            return None
        if node.type in ("this", "super"):
            return self.of_this(node)
        if node.type == "identifier":
            return self._of_name(node, depth)
        if node.type in ("member_expression", "subscript_expression"):
            return self._of_member(node, depth)
        if node.type == "new_expression":
            made = self.key(node.child_by_field_name("constructor"), depth + 1)
            return ("instance", made[1]) if made is not None and made[0] == "static" else None  # type: ignore[return-value]
        if node.type == "object":
            return self.of_object(node, depth)
        if node.type == "assignment_expression":
            return self.key(node.child_by_field_name("right"), depth + 1)
        if node.type == "binary_expression":  # `_super.call(this) || this`
            left = self.key(node.child_by_field_name("left"), depth + 1)
            return left or self.key(node.child_by_field_name("right"), depth + 1)
        if node.type in CLASSES or node.type in FUNCTIONS:
            return ("static", node.start_byte)
        return None

    def is_open(self, key: Key | None) -> bool:
        """Whether nothing tells what object a key stands for: it may be any."""
        if key is None or key[0] != "var" or not isinstance(key[1], int):
            return key is None
        declarator = next(
            (
                one
                for one in reversed(self.tree.chain(key[1], key[1] + 1))
                if one.type == "variable_declarator"
            ),
            None,
        )
        value = None if declarator is None else unwrap(declarator.child_by_field_name("value"))
        return value is None or value.type != "object"

    def _of_name(self, node: Node, depth: int) -> Key | None:
        name = self.tree.code(node)
        made = self.resolve(name, node.start_byte)
        if made is None:
            if name == "exports":
                return EXPORTS
            return ("global", "") if name in _GLOBALS else None
        if made.kind in (DeclarationKind.FUNCTION, DeclarationKind.CLASS):
            chain = self.tree.chain(made.offset, made.offset + len(name))
            return ("static", chain[-2].start_byte) if len(chain) > 1 else None
        found = self.key(self.value(made), depth + 1)
        return ("var", made.offset) if found is None else found

    def _of_member(self, node: Node, depth: int) -> Key | None:
        name, base = property_name(self.tree, node), node.child_by_field_name("object")
        if name is None or base is None:
            return None
        if name == "exports" and self.tree.code(base) == "module":
            return EXPORTS
        owner = self.key(base, depth + 1)
        if owner is None:
            return None
        if name == "prototype" and owner[0] == "static":
            return ("instance", owner[1])  # type: ignore[return-value]
        return ("path", owner, name)

    def of_object(self, node: Node, depth: int = 0) -> Key | None:
        """Return the key of an object literal: of the variable or field it is first given to."""
        literal: Key = ("object", node.start_byte)
        chain = self._around(node)
        while len(chain) > 1 and chain[-2].type in ("parenthesized_expression", "as_expression"):
            chain.pop()
        if len(chain) < 3 or depth > _DEEPEST:
            return literal
        parent = chain[-2]
        if parent.type == "variable_declarator":
            declared = parent.child_by_field_name("name")
            return literal if declared is None else ("var", declared.start_byte)
        if parent.type == "assignment_expression":
            left = unwrap(parent.child_by_field_name("left"))
            if left is not None and left.type == "identifier":
                made = self.resolve(self.tree.code(left), left.start_byte)
                return literal if made is None else ("var", made.offset)
            return self.key(left, depth + 1) or literal
        if parent.type == "pair":
            owner = self.of_object(chain[-3], depth + 1)
            name = _literal_name(self.tree, parent.child_by_field_name("key"))
            return literal if owner is None or name is None else ("path", owner, name)
        if parent.type in _FIELDS:
            name = _literal_name(self.tree, _field_name(parent))
            return literal if name is None else ("path", _of_class(chain, parent), name)
        if parent.type == "arguments" and self.tree.code(chain[-3]).startswith("Object.assign"):
            return self.key(parent.named_child(0), depth + 1) if parent.named_child(0) != node else literal
        return literal

    def of_this(self, node: Node) -> Key | None:
        """Return what `this` is at a node."""
        chain = self._around(node)
        for index in range(len(chain) - 2, -1, -1):
            around, parent = chain[index], chain[index - 1] if index else None
            if around.type in _FIELDS or around.type == "class_static_block":
                return _of_class(chain[: index + 1], around)
            if around.type == "method_definition" and parent is not None:
                if parent.type == "object":
                    return self.of_object(parent)
                return _of_class(chain[: index + 1], around)
            if around.type in ("function_declaration", "generator_function_declaration"):
                return ("instance", around.start_byte)
            if around.type in ("function_expression", "generator_function"):
                if _keeps_this(chain, index):
                    continue
                if parent is not None and parent.type == "arguments" and index > 1:
                    # Compiled async functions: `__awaiter(_this, void 0, void 0, function () {…})`.
                    is_async = callee_name(self.tree, chain[index - 2]) == "__awaiter"
                    return self.key(parent.named_children[0]) if is_async else None
                return self._of_function(around, parent, chain[index - 2] if index > 1 else None)
        return EXPORTS

    def _of_function(self, node: Node, parent: Node | None, around: Node | None) -> Key | None:
        if parent is None:
            return None
        if parent.type == "pair" and around is not None:
            return self.of_object(around)
        if parent.type == "assignment_expression":
            left = parent.child_by_field_name("left")
            if left is not None and left.type == "member_expression":
                owner = self.key(left.child_by_field_name("object"))
                # `exports.Thing = function () { this.x = … }` makes things; so do capitals anywhere.
                if owner is not None and owner[0] == "instance":
                    return owner
                name = property_name(self.tree, left) or ""
                return ("instance", node.start_byte) if name[:1].isupper() else owner
        if parent.type in ("variable_declarator", "assignment_expression"):
            return ("instance", node.start_byte)
        return None

    def family(self, start: int) -> frozenset[int]:
        """Return the starts of a class, of those it extends and of those that extend it, in this file."""
        found = {start}
        chain = self.tree.chain(start, start + 1)
        node = next((one for one in reversed(chain) if one.type in CLASSES and one.start_byte == start), None)
        named = None if node is None else node.child_by_field_name("name")
        for _ in range(_DEEPEST):
            parent = None if node is None else self._superclass(node)
            if parent is None or parent in found:
                break
            found.add(parent)
            chain = self.tree.chain(parent, parent + 1)
            node = next((one for one in chain if one.type in CLASSES and one.start_byte == parent), None)
        if named is not None:
            for at in re.finditer(rf"\bextends\s+{re.escape(self.tree.code(named))}\b", self.tree.text):
                around = [one for one in self.tree.chain(at.start(), at.end()) if one.type in CLASSES]
                found |= {one.start_byte for one in around[-1:] if self._superclass(one) == start}
        return frozenset(found)

    def _superclass(self, node: Node) -> int | None:
        heritage = next((one for one in node.named_children if one.type == "class_heritage"), None)
        named = None if heritage is None else heritage.named_child(0)
        if named is not None and named.type == "extends_clause":
            named = named.child_by_field_name("value")
        found = self.key(named) if named is not None and named.type == "identifier" else None
        return found[1] if found is not None and found[0] == "static" and isinstance(found[1], int) else None

    def _around(self, node: Node) -> list[Node]:
        chain = self.tree.chain(node.start_byte, node.end_byte)
        while chain and chain[-1] != node:
            chain.pop()
        return chain


def property_name(tree: SyntaxTree, node: Node) -> str | None:
    """Return the name of `x.NAME` or `x["NAME"]`, None when it is computed."""
    if node.type == "member_expression":
        named = node.child_by_field_name("property")
        return None if named is None else tree.code(named)
    return (
        _literal_name(tree, node.child_by_field_name("index"))
        if node.type == "subscript_expression"
        else None
    )


def callee_name(tree: SyntaxTree, call: Node) -> str:
    """Return the last name of what a call or `new` calls: `b` of `a.b(…)`."""
    made = unwrap(call.child_by_field_name("function") or call.child_by_field_name("constructor"))
    if made is None:
        return ""
    if made.type == "identifier":
        return tree.code(made)
    return property_name(tree, made) or ""


def _literal_name(tree: SyntaxTree, node: Node | None) -> str | None:
    if node is None or node.type in ("computed_property_name", "template_string"):
        return None
    if node.type in ("property_identifier", "private_property_identifier", "string", "number"):
        return tree.code(node).strip("\"'")
    return None


def _field_name(node: Node) -> Node | None:
    return node.child_by_field_name("property") or node.child_by_field_name("name")


def _of_class(chain: list[Node], member: Node) -> Key:
    around = next((one for one in reversed(chain) if one.type in CLASSES), chain[0])
    is_static = member.type == "class_static_block" or any(one.type == "static" for one in member.children)
    return ("static" if is_static else "instance", around.start_byte)


def _keeps_this(chain: list[Node], index: int) -> bool:
    """Whether a function has the `this` of the code around it: `.bind(this)`, `f(this, …)`."""
    parent, around = chain[index - 1], chain[index - 2] if index > 1 else None
    if parent.type == "member_expression" and around is not None:
        given = around.child_by_field_name("arguments")
        return given is not None and given.named_child_count > 0 and given.named_children[0].type == "this"
    return parent.type == "arguments" and any(one.type == "this" for one in parent.named_children)
