"""Every place in a file where one particular variable or field is meant, under whatever name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from heapsleuth.heap.js_outline import DeclarationKind
from heapsleuth.leaks.source.owners import Owners, callee_name, property_name
from heapsleuth.leaks.source.tree import unwrap

if TYPE_CHECKING:
    from tree_sitter import Node

    from heapsleuth.heap.js_outline import Declaration
    from heapsleuth.leaks.source.owners import Key
    from heapsleuth.leaks.source.tree import Chain

__all__ = ["Mention", "Mentions"]

# Enough for any file people write; keeps generated ones from taking seconds.
_MOST_PLACES = 1500
_MOST_ALIASES = 12

_GETS_ONE = frozenset({"at", "find", "get", "peek"})
_GIVES_ALL = frozenset({"entries", "keys", "values"})
_WRAPS = frozenset(
    {"parenthesized_expression", "as_expression", "non_null_expression", "satisfies_expression"}
)


@dataclass(frozen=True, slots=True)
class Mention:
    """An expression that stands for the container."""

    offset: int
    """Of the name in it."""
    chain: Chain
    """From the root to the expression."""
    nested: bool = False
    """Whether it stands for a member of the container."""
    is_alias: bool = False
    """Whether it is another variable with the same value."""
    sure: bool = True

    @property
    def node(self) -> Node:
        """The expression."""
        return self.chain[-1]


@dataclass(frozen=True, slots=True)
class _Target:
    """A variable (by where it is declared) or a field (by the keys of its owners)."""

    name: str
    variable: int | None = None
    owners: frozenset[Key] = frozenset()
    nested: bool = False
    is_alias: bool = False


class Mentions:
    """
    Finds the mentions of a declaration.

    Args:
        owners: Names of the file.
        declared: The variable or field.
    """

    def __init__(self, owners: Owners, declared: Declaration) -> None:
        self._owners = owners
        self._tree = owners.tree
        self.declared = declared
        self.found: list[Mention] = []
        self.values: list[Node] = []
        """Expressions it is declared with or set to, in the order met."""
        self.declared_values: list[Node] = []
        """Of those, the ones of its declaration."""
        self.exported = False
        self.is_cut = False
        """Whether there are more mentions than were looked at."""
        self._targets: list[_Target] = []
        self._seen: set[tuple[int, bool]] = set()
        self._is_only_owner: bool | None = None
        first = self._first(declared)
        if first is None:
            return
        self._add(first)
        done = 0
        while done < len(self._targets):
            self._look_for(self._targets[done])
            done += 1
        self.found.sort(key=lambda one: (one.offset, one.nested))

    @property
    def makers(self) -> frozenset[int]:
        """Starts of the functions that make the objects whose field it is."""
        keys = (key for target in self._targets for key in target.owners)
        return frozenset(key[1] for key in keys if key[0] == "instance" and isinstance(key[1], int))

    # What to look for

    def _first(self, declared: Declaration) -> _Target | None:
        if declared.kind.is_lexical:
            field = self._field_behind(declared)
            if field is not None:
                self._add(field)
            return _Target(declared.name, variable=declared.offset, is_alias=field is not None)
        chain = self._leaf(declared.offset, declared.name)
        if len(chain) < 2:
            return None
        leaf, parent = chain[-1], chain[-2]
        if leaf.type == "shorthand_property_identifier":
            made = self._owners.resolve(declared.name, declared.offset)
            return None if made is None else _Target(declared.name, variable=made.offset)
        key: Key | None
        if parent.type in ("member_expression", "subscript_expression"):
            key = self._owners.key(parent.child_by_field_name("object"))
            if key is not None and key[0] == "global":
                return _Target(declared.name, owners=frozenset({key}))
        elif parent.type == "pair":
            key = self._owners.of_object(chain[-3])
        elif parent.type in ("required_parameter", "optional_parameter"):
            key = self._owners.of_this(leaf)  # `constructor(private items: …)`
        else:
            key = self._owners.of_this(leaf)
        if key is None:
            return None
        return self._field(declared.name, key)

    def _field_behind(self, declared: Declaration) -> _Target | None:
        """Return the field that a variable is only another name of: `const items = this.items`."""
        chain = self._tree.chain(declared.offset, declared.offset + len(declared.name))
        if len(chain) > 2 and chain[-2].type == "object_pattern" and chain[-3].type == "variable_declarator":
            key = self._owners.key(chain[-3].child_by_field_name("value"))
            return None if key is None or key[0] == "var" else self._field(declared.name, key)
        value = self._owners.value(declared)
        if value is None or value.type != "member_expression":
            return None
        name = property_name(self._tree, value)
        key = self._owners.key(value.child_by_field_name("object"))
        return None if key is None or name is None or key[0] == "var" else self._field(name, key)

    def _field(self, name: str, key: Key) -> _Target:
        keys = {key}
        if key[0] in ("instance", "static") and isinstance(key[1], int):
            keys = {(key[0], start) for start in self._owners.family(key[1])}
        return _Target(name, owners=frozenset(keys))

    def _leaf(self, start: int, name: str) -> Chain:
        chain = self._tree.chain(start, start + len(name))
        if chain and chain[-1].type in ("string", "string_fragment"):
            while chain and chain[-1].type not in ("string", "template_string"):
                chain.pop()
        return chain

    def _add(self, target: _Target) -> None:
        if len(self._targets) < _MOST_ALIASES and target not in self._targets:
            self._targets.append(target)

    # Finding

    def _look_for(self, target: _Target) -> None:
        seen = (0, None) if target.variable is None else self._owners.reach(target.variable, target.name)
        for count, offset in enumerate(self._tree.occurrences(target.name, _MOST_PLACES, *seen), 1):
            self.is_cut |= count == _MOST_PLACES
            chain = self._leaf(offset, target.name)
            if len(chain) < 2 or chain[-1].end_byte - chain[-1].start_byte > len(target.name) + 2:
                continue
            mention = self._mention(target, offset, chain)
            if mention is None or (mention.node.start_byte, target.nested) in self._seen:
                continue
            self._seen.add((mention.node.start_byte, target.nested))
            self.found.append(mention)
            self._follow(mention)

    def _mention(self, target: _Target, offset: int, chain: Chain) -> Mention | None:
        leaf, parent = chain[-1], chain[-2]
        sure = True
        if target.variable is not None:
            if leaf.type not in ("identifier", "shorthand_property_identifier"):
                return None
            made = self._owners.resolve(target.name, offset)
            if made is None or made.offset != target.variable:
                return None
            if parent.type == "variable_declarator" and parent.child_by_field_name("name") == leaf:
                self._declares(target, parent)
                return None
        elif leaf.type in ("property_identifier", "private_property_identifier", "string"):
            if parent.type not in ("member_expression", "subscript_expression"):
                self._declares_field(target, chain)
                return None
            if (
                property_name(self._tree, parent) != target.name
                or parent.child_by_field_name("object") == leaf
            ):
                return None
            belongs = self._belongs(target, self._owners.key(parent.child_by_field_name("object")))
            if belongs is None:
                return None
            sure = belongs
            chain.pop()
        elif leaf.type == "shorthand_property_identifier_pattern":
            self._destructured(target, chain, target.name, leaf.start_byte)
            return None
        elif leaf.type == "identifier" and ("global", "") in target.owners:
            if self._owners.resolve(target.name, offset) is not None:
                return None
        else:
            return None
        while chain[-2].type in _WRAPS:
            chain.pop()
        return Mention(offset, chain, target.nested, target.is_alias, sure)

    def _belongs(self, target: _Target, key: Key | None) -> bool | None:
        """Whether a field of that object is meant: surely (True), by its name only (False), not (None)."""
        if key in target.owners:
            return True
        if self._owners.is_open(key):
            return False if self._only_owner(target) else None
        return None

    def _only_owner(self, target: _Target) -> bool:
        """Whether nothing else in the file has a field of that name."""
        if self._is_only_owner is None:
            self._is_only_owner = all(
                key in target.owners or self._owners.is_open(key)
                for key in map(self._declared_by, self._owners.fields(target.name))
            )
        return self._is_only_owner

    def _declared_by(self, made: Declaration) -> Key | None:
        chain = self._leaf(made.offset, made.name)
        if len(chain) < 3:
            return None
        if chain[-2].type in ("member_expression", "subscript_expression"):
            return self._owners.key(chain[-2].child_by_field_name("object"))
        if chain[-2].type == "pair":
            return self._owners.of_object(chain[-3])
        return self._owners.of_this(chain[-1])

    def _declares(self, target: _Target, declarator: Node) -> None:
        value = unwrap(declarator.child_by_field_name("value"))
        if value is not None and not target.is_alias and not target.nested:
            self.values.append(value)
            self.declared_values.append(value)
        chain = self._tree.chain(declarator.start_byte, declarator.end_byte)
        self.exported |= not target.nested and any(one.type == "export_statement" for one in chain)

    def _declares_field(self, target: _Target, chain: Chain) -> None:
        """See a class field, a key of an object literal, a key of a destructuring pattern."""
        leaf, parent = chain[-1], chain[-2]
        value = unwrap(parent.child_by_field_name("value"))
        if parent.type == "pair_pattern":
            if value is not None and value.type == "assignment_pattern":
                value = value.child_by_field_name("left")
            if value is not None and value.type == "identifier":
                self._destructured(target, chain[:-1], self._tree.code(value), value.start_byte)
            return
        if parent.type == "pair":
            key = self._owners.of_object(chain[-3])
        elif parent.type in ("field_definition", "public_field_definition"):
            key = self._owners.of_this(leaf)
        else:
            return
        if key in target.owners and value is not None:
            self.values.append(value)
            self.declared_values.append(value)
            self._from_variable(value)

    def _destructured(self, target: _Target, chain: Chain, name: str, offset: int) -> None:
        """See `const { NAME } = OWNER`."""
        around = next((one for one in reversed(chain) if one.type == "variable_declarator"), None)
        pattern = None if around is None else around.child_by_field_name("name")
        depth = sum(one.type in ("object_pattern", "array_pattern") for one in chain)
        if around is None or pattern is None or depth != 1:
            return
        if self._belongs(target, self._owners.key(around.child_by_field_name("value"))):
            self._variable(name, offset, target.nested)

    # Following the value to other names

    def _variable(self, name: str, offset: int, nested: bool) -> None:
        made = self._owners.resolve(name, offset)
        if made is not None and made.offset != self.declared.offset:
            self._add(_Target(name, variable=made.offset, nested=nested, is_alias=True))

    def _from_variable(self, value: Node) -> None:
        """Track the variable a field is set to when it is set: `this.items = items`."""
        if value.type != "identifier":
            return
        made = self._owners.resolve(self._tree.code(value), value.start_byte)
        if made is not None and made.kind == DeclarationKind.VARIABLE:
            self._add(_Target(made.name, variable=made.offset))

    def _follow(self, mention: Mention) -> None:
        chain, nested = list(mention.chain), mention.nested
        parent = chain[-2]
        if parent.type == "assignment_expression" and parent.child_by_field_name("left") == chain[-1]:
            value = unwrap(parent.child_by_field_name("right"))
            if value is not None and not nested and not mention.is_alias:
                self.values.append(value)
                if mention.offset == self.declared.offset:
                    self.declared_values.append(value)
                    self._from_variable(value)
            chain.pop()  # `const a = this.b = new Map()`
            parent = chain[-2]
        if not nested:
            into = self._member_of(chain)
            nested = into is not chain
            chain = into
            parent = chain[-2]
        while parent.type in ("binary_expression", "parenthesized_expression") and len(chain) > 2:
            if parent.type == "binary_expression" and self._operator(parent) not in ("||", "??"):
                return
            chain.pop()
            parent = chain[-2]
        self._bind(chain, parent, nested, mention.nested)

    def _bind(self, chain: Chain, parent: Node, nested: bool, was_nested: bool) -> None:
        node, names = chain[-1], None
        if parent.type == "variable_declarator" and parent.child_by_field_name("value") == node:
            names = parent.child_by_field_name("name")
        elif parent.type == "assignment_expression" and parent.child_by_field_name("right") == node:
            names = unwrap(parent.child_by_field_name("left"))
            if names is not None and names.type == "member_expression" and not nested:
                key = self._owners.key(names.child_by_field_name("object"))
                name = property_name(self._tree, names)
                self.exported |= key is not None and key[0] == "exports"
                if key is not None and name is not None and key[0] != "var":
                    self._add(_Target(name, owners=frozenset({key}), is_alias=True))
        elif parent.type == "for_in_statement" and parent.child_by_field_name("right") == node:
            names, nested = parent.child_by_field_name("left"), True
            if names is not None and names.type == "array_pattern":
                names = names.named_children[-1] if names.named_children else None
        elif parent.type == "arguments" and not nested:
            self._given(chain, parent)
        elif parent.type in ("pair", "object") and not nested and not was_nested:
            self._put_in_object(chain, parent)
        elif parent.type in ("export_specifier", "export_statement"):
            self.exported = True
        if names is not None and names.type == "identifier":
            name = self._tree.code(names)
            # A variable that is set more than once may be something else where it is used.
            if parent.type != "assignment_expression" or self._is_set_once(name, names.start_byte):
                self._variable(name, names.start_byte, nested)

    def _is_set_once(self, name: str, offset: int) -> bool:
        made = self._owners.resolve(name, offset)
        chains = [self._tree.chain(at, at + len(name)) for at in self._tree.occurrences(name, _MOST_PLACES)]
        places = [
            chain[-1].start_byte
            for chain in chains
            if len(chain) > 1
            and chain[-2].type == "assignment_expression"
            and chain[-2].child_by_field_name("left") == chain[-1]
        ]
        return made is not None and [at for at in places if self._owners.resolve(name, at) == made] == [
            offset
        ]

    def _member_of(self, chain: Chain) -> Chain:
        """Return the chain to the expression for a member, the same chain when it is not asked for one."""
        node, parent = chain[-1], chain[-2]
        if parent.type == "subscript_expression" and parent.child_by_field_name("object") == node:
            return chain[:-1]
        if parent.type == "member_expression" and parent.child_by_field_name("object") == node:
            name, call = property_name(self._tree, parent), chain[-3]
            if call.type == "call_expression" and name in (_GETS_ONE | _GIVES_ALL):
                return chain[:-2]
        if parent.type == "arguments" and callee_name(self._tree, chain[-3]) in _GIVES_ALL:
            return chain[:-2]
        return chain

    def _given(self, chain: Chain, arguments: Node) -> None:
        """Follow an argument into a function of this file."""
        called = chain[-3].child_by_field_name("function")
        if called is None or called.type != "identifier":
            return
        key = self._owners.key(called)
        if key is None or key[0] != "static" or not isinstance(key[1], int):
            return
        function = next(
            (
                one
                for one in self._tree.chain(key[1], key[1] + 1)
                if one.start_byte == key[1] and "function" in one.type
            ),
            None,
        )
        taken = None if function is None else function.child_by_field_name("parameters")
        place = arguments.named_children.index(chain[-1])
        if taken is None or place >= taken.named_child_count:
            return
        parameter: Node | None = taken.named_children[place]
        if parameter is not None and parameter.type != "identifier":
            parameter = parameter.child_by_field_name("pattern")
        if parameter is not None and parameter.type == "identifier":
            self._variable(self._tree.code(parameter), parameter.start_byte, nested=False)

    def _put_in_object(self, chain: Chain, parent: Node) -> None:
        literal = parent if parent.type == "object" else chain[-3]
        key = self._owners.of_object(literal) if literal.type == "object" else None
        named = chain[-1] if parent.type == "object" else parent.child_by_field_name("key")
        if key is None or named is None:
            return
        self.exported |= key[0] == "exports"
        self._add(_Target(self._tree.code(named).strip("\"'"), owners=frozenset({key}), is_alias=True))

    def _operator(self, node: Node) -> str:
        found = node.child_by_field_name("operator")
        return "" if found is None else found.type
