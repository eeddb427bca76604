"""What a mention of a container does to it: adds, removes, clears, or reads how large it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heapsleuth.leaks.source import tables
from heapsleuth.leaks.source.conditions import conditions_at
from heapsleuth.leaks.source.model import Change
from heapsleuth.leaks.source.owners import callee_name, property_name
from heapsleuth.leaks.source.tree import FUNCTIONS, unwrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tree_sitter import Node

    from heapsleuth.leaks.source.mentions import Mention
    from heapsleuth.leaks.source.tree import Chain, SyntaxTree

__all__ = ["Act", "Read", "acts_of", "inner_function", "reads_of"]

_EMPTY = re.compile(
    r"null|undefined|void 0|''|\"\"|``|0|\[\s*\]|\{\s*\}|Object\.create\(null\)"
    r"|new [\w$.]+(?:<[^>]*>)?\(\s*\)|new [\w$.]+|Buffer\.alloc\(0\)|Promise\.resolve\(\)"
)
_ABSENT = re.compile(r"!\s*[\w$.#\[\]]+\s*$|(?:===?\s*(?:null|undefined|void 0|['\"]undefined['\"]))")
_RELEASED = re.compile(r"\b(once\s*:\s*(?:true|!0)|signal\b)")
_WEAK_VALUE = re.compile(r"\bnew\s+WeakRef\s*\(")
_LITERALS = frozenset({"number", "string"})
_STARTS_TIMER = frozenset({"setImmediate", "setInterval", "setTimeout"})
_LOOPS = frozenset({"while_statement", "do_statement", "for_statement"})


@dataclass(frozen=True, slots=True)
class Act:
    """A change of the container, with the chain to the expression that makes it."""

    change: Change
    how: str
    mention: Mention
    chain: Chain
    """Up to and with the call, assignment or `delete`."""
    key: str | None = None
    released: str | None = None
    nested: bool = False
    index: Node | None = None
    """The index written to, of `x[INDEX] = …`."""
    limit: Node | None = None
    """What a length is cut to."""


@dataclass(frozen=True, slots=True)
class Read:
    """An expression that is the container's size."""

    node: Node
    chain: Chain


def acts_of(tree: SyntaxTree, mentions: Sequence[Mention]) -> list[Act]:
    """Return what the mentions of a container do, in text order."""
    found = []
    for mention in mentions:
        act = _act(tree, mention, mentions)
        if act is not None:
            found.append(act)
            further = _on_assigned(tree, act)
            found += [] if further is None else [further]
        further = _on_own_value(tree, mention)
        found += [] if further is None else [further]
    return found


def reads_of(tree: SyntaxTree, mentions: Sequence[Mention]) -> list[Read]:
    """Return where the container's size is read: `x.length`, `Object.keys(x).length`."""
    found = []
    for mention in mentions:
        chain = list(mention.chain)
        if mention.nested:
            continue
        if chain[-2].type == "arguments" and len(chain) > 3:
            call = chain[-3]
            name = callee_name(tree, call)
            if name in ("keys", "values", "entries", "getOwnPropertyNames"):
                chain = chain[:-2]
            elif name in ("size", "count", "listenerCount", "getEventListeners"):
                found.append(Read(call, chain[:-2]))
                continue
            else:
                continue
        parent = chain[-2]
        if parent.type == "member_expression" and property_name(tree, parent) in tables.SIZE:
            chain.pop()
            if chain[-2].type == "call_expression" and chain[-2].child_by_field_name("function") == parent:
                chain.pop()
            found.append(Read(chain[-1], chain))
    return found


def inner_function(chain: Chain) -> Node | None:
    """Return the innermost function around the end of a chain."""
    return next((node for node in reversed(chain[:-1]) if node.type in FUNCTIONS), None)


def _act(tree: SyntaxTree, mention: Mention, mentions: Sequence[Mention]) -> Act | None:
    chain = list(mention.chain)
    node, parent = chain[-1], chain[-2]
    if parent.type in ("member_expression", "subscript_expression"):
        return _on_member(tree, mention, chain) if parent.child_by_field_name("object") == node else None
    if mention.nested:
        return None
    if parent.type == "assignment_expression" and parent.child_by_field_name("left") == node:
        return None if mention.is_alias else _reassigned(tree, mention, chain[:-1], mentions)
    if parent.type == "augmented_assignment_expression" and parent.child_by_field_name("left") == node:
        operator = _operator(parent)
        return Act(Change.ADD, "+=", mention, chain[:-1]) if operator == "+=" else None
    if parent.type == "unary_expression" and _operator(parent) == "delete":
        return Act(Change.CLEAR, "delete", mention, chain[:-1])
    if parent.type == "arguments":
        return _as_argument(tree, mention, chain)
    return None


def _on_member(tree: SyntaxTree, mention: Mention, chain: Chain) -> Act | None:
    """See `x.push(…)`, `x[k] = …`, `x.length = 0`, `delete x[k]` and the same one level deeper."""
    member, around = chain[-2], chain[-3]
    name = property_name(tree, member)
    nested = mention.nested
    if around.type == "member_expression" and property_name(tree, around) in ("apply", "call"):
        chain = [*chain[:-3], chain[-3]]
        member, around = chain[-1], chain[-2]
    if around.type == "call_expression" and around.child_by_field_name("function") in (member, chain[-1]):
        if name == "get" and not nested:
            return _of_one_member(tree, mention, chain[: chain.index(around) + 1])
        return _called(tree, mention, chain[: chain.index(around) + 1], name or "", nested=nested)
    chain = chain[: chain.index(member) + 1]
    is_length = name == "length" and member.type == "member_expression"
    index = member.child_by_field_name("index")
    if around.type == "assignment_expression" and around.child_by_field_name("left") == member:
        value = unwrap(around.child_by_field_name("right"))
        if is_length:
            return _cut(tree, mention, chain[:-1], value)
        if index is None:
            return None
        if value is not None and tree.code(value) in ("undefined", "null", "void 0"):
            return Act(Change.REMOVE, "[…] = undefined", mention, chain[:-1], nested=nested)
        if index.type in _LITERALS:
            return None
        weak = _weak(tree, value)
        return Act(Change.ADD, "[…] =", mention, chain[:-1], None, weak, nested, index)
    is_target = around.child_by_field_name("left") == member
    if around.type == "update_expression" or (around.type == "augmented_assignment_expression" and is_target):
        if is_length:
            shrinks = _operator(around) in ("--", "-=")
            return Act(Change.REMOVE, ".length--", mention, chain[:-1], nested=nested) if shrinks else None
        if index is None or index.type in _LITERALS:
            return None
        return Act(Change.ADD, f"[…] {_operator(around)}", mention, chain[:-1], None, None, nested, index)
    if around.type == "unary_expression" and _operator(around) == "delete":
        key = name if member.type == "member_expression" or index is None or index.type in _LITERALS else None
        return Act(Change.REMOVE, "delete", mention, chain[:-1], key, nested=nested)
    if index is not None and not nested and index.type not in _LITERALS:
        return _of_one_member(tree, mention, chain)
    return None


def _on_own_value(tree: SyntaxTree, mention: Mention) -> Act | None:
    """See what is done to the value of `(x = x || [])` and `(x ??= [])`."""
    chain = list(mention.chain)
    if chain[-2].type not in ("assignment_expression", "augmented_assignment_expression"):
        return None
    if chain[-2].child_by_field_name("left") != chain.pop() or chain[-2].type != "parenthesized_expression":
        return None
    while chain[-2].type == "parenthesized_expression":
        chain.pop()
    if chain[-2].child_by_field_name("object") != chain[-1]:
        return None
    return _on_member(tree, mention, chain)


def _on_assigned(tree: SyntaxTree, act: Act) -> Act | None:
    """See what is done to the value of `(x[k] = x[k] || [])`."""
    if act.index is None or act.chain[-2].type != "parenthesized_expression":
        return None
    return _of_one_member(tree, act.mention, act.chain)


def _of_one_member(tree: SyntaxTree, mention: Mention, chain: Chain) -> Act | None:
    """See what is done to `x[k]` or `x.get(k)`."""
    while chain[-2].type in ("parenthesized_expression", "non_null_expression", "as_expression"):
        chain = chain[:-1]
    parent = chain[-2]
    if parent.type not in ("member_expression", "subscript_expression"):
        return None
    if parent.child_by_field_name("object") != chain[-1]:
        return None
    inner = type(mention)(mention.offset, chain, nested=True, is_alias=mention.is_alias, sure=mention.sure)
    return _on_member(tree, inner, chain)


def _called(tree: SyntaxTree, mention: Mention, chain: Chain, name: str, *, nested: bool) -> Act | None:
    call = chain[-1]
    given = call.child_by_field_name("arguments")
    arguments = [] if given is None else [one for one in given.named_children if one.type != "comment"]
    how = f".{name}()"
    key = tree.code(arguments[0]).strip("\"'") if arguments and arguments[0].type == "string" else None
    if name == "splice" and len(arguments) > 2:
        return Act(Change.ADD, how, mention, chain, None, None, nested)
    if name in tables.GROWING_RESULTS and chain[-2].type == "assignment_expression":
        left = chain[-2].child_by_field_name("left")
        if left is not None and tree.code(left) == tree.code(mention.node):
            return None  # `x = x.then(…)` is told once
    if name in tables.ADDING:
        last = unwrap(arguments[-1]) if arguments else None
        released = "once" if name in ("once", "prependOnceListener") else _weak(tree, last)
        if name in tables.LISTENING and last is not None and last.type == "object":
            found = _RELEASED.search(tree.code(last))
            released = None if found is None else ("once" if found[1].startswith("once") else "signal")
        return Act(Change.ADD, how, mention, chain, key, released, nested)
    if name in tables.REMOVING:
        drained = _drains(tree, mention, chain) and name in ("pop", "shift", "dequeue", "splice")
        if name == "splice" and len(arguments) == 1 and tree.code(arguments[0]) == "0":
            drained = True
        if drained:
            return Act(Change.CLEAR, f"while … {how}", mention, chain, nested=nested)
        cut = arguments[-1] if name == "splice" and arguments else None
        return Act(Change.REMOVE, how, mention, chain, key, nested=nested, limit=_over(tree, mention, cut))
    if name in tables.CLEARING:
        # `removeAllListeners("event")` removes some; `reset` of a timer or a counter clears nothing.
        change = Change.REMOVE if key is not None else Change.CLEAR
        return Act(change, how, mention, chain, key, nested=nested)
    return None


def _over(tree: SyntaxTree, mention: Mention, node: Node | None) -> Node | None:
    """Return LIMIT of `x.splice(0, x.length - LIMIT)`."""
    node = unwrap(node)
    if node is None or node.type != "binary_expression" or _operator(node) != "-":
        return None
    size = re.escape(tree.code(mention.node)) + r"\s*\.\s*(?:length|size)"
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    return right if left is not None and re.fullmatch(size, tree.code(left)) else None


def _drains(tree: SyntaxTree, mention: Mention, chain: Chain) -> bool:
    """Whether the call is repeated until nothing is left: `while (x.length) x.pop()`."""
    size = (
        re.escape(tree.code(mention.node)) + r"\s*\??\.\s*(?:length|size)\s*(?:(?:>|!==?)\s*0|>=\s*1)?\s*\)?$"
    )
    for node in reversed(chain):
        if node.type in FUNCTIONS:
            return False
        if node.type in _LOOPS:
            condition = node.child_by_field_name("condition")
            if condition is None:
                continue
            text = tree.code(condition).strip("(;) ")
            own = tree.code(chain[-1])
            return re.match(size, text) is not None or own in text
    return False


def _cut(tree: SyntaxTree, mention: Mention, chain: Chain, value: Node | None) -> Act:
    while value is not None and value.type == "assignment_expression":
        value = unwrap(value.child_by_field_name("right"))
    if value is None or tree.code(value) == "0":
        return Act(Change.CLEAR, ".length = 0", mention, chain, nested=mention.nested)
    return Act(Change.REMOVE, ".length =", mention, chain, nested=mention.nested, limit=value)


def _as_argument(tree: SyntaxTree, mention: Mention, chain: Chain) -> Act | None:
    arguments, call = chain[-2], chain[-3]
    if call.type != "call_expression":
        return None
    function = call.child_by_field_name("function")
    name, called = callee_name(tree, call), "" if function is None else tree.code(function)
    is_first = arguments.named_children[0] == chain[-1]
    upto = chain[:-2]
    if name in tables.CLEARING_CALLS:
        return Act(Change.REMOVE, f"{name}()", mention, upto, nested=mention.nested)
    if not is_first:
        return None
    if called in ("Object.assign", "Object.defineProperty", "Reflect.set"):
        return Act(Change.ADD, f"{called}()", mention, upto)
    if called == "Reflect.deleteProperty":
        return Act(Change.REMOVE, f"{called}()", mention, upto)
    if name == "once" and arguments.named_child_count > 1:
        return Act(Change.ADD, "once()", mention, upto, released="once")
    if tables.REMOVING_CALLS.search(name) and arguments.named_child_count > 1:
        return Act(Change.REMOVE, f"{name}()", mention, upto)
    return None


def _reassigned(tree: SyntaxTree, mention: Mention, chain: Chain, mentions: Sequence[Mention]) -> Act | None:
    """See `x = [...x, y]`, `x = x.filter(…)`, `x = new Map()`."""
    value = unwrap(chain[-1].child_by_field_name("right"))
    if value is None:
        return None
    own = [
        one
        for one in mentions
        if not one.nested and not one.is_alias and value.start_byte <= one.offset < value.end_byte
        if not any(node.type in FUNCTIONS and node.start_byte >= value.start_byte for node in one.chain)
    ]
    if own:
        return _from_itself(tree, mention, chain, value, own)
    if value.type == "call_expression" and callee_name(tree, value) in _STARTS_TIMER:
        # The timer that was there before goes on, whatever the variable holds now.
        return Act(Change.ADD, f"= {callee_name(tree, value)}()", mention, chain)
    if _is_first_value(tree, mention, chain):
        return None
    text = tree.code(value)
    if _EMPTY.fullmatch(text):
        how = f"= {text}" if len(text) < 12 else "= new"
        return Act(Change.CLEAR, how, mention, chain)
    return Act(Change.CLEAR, "=", mention, chain)


def _from_itself(
    tree: SyntaxTree, mention: Mention, chain: Chain, value: Node, own: Sequence[Mention]
) -> Act | None:
    for one in own:
        parent, around = one.chain[-2], one.chain[-3]
        name = property_name(tree, parent) if parent.type == "member_expression" else None
        if name is not None and around.type == "call_expression":
            given = around.child_by_field_name("arguments")
            arguments = [] if given is None else given.named_children
            if name in tables.SHRINKING_RESULTS and arguments:
                limit = _over(tree, one, arguments[0]) or (arguments[-1] if name != "filter" else None)
                return Act(Change.REMOVE, f"= .{name}()", mention, chain, limit=limit)
            if name in tables.GROWING_RESULTS:
                return Act(Change.ADD, f"= .{name}()", mention, chain)
        elif parent == value and name in ("next", "prev", "previous", "parent"):
            return Act(Change.REMOVE, f"= .{name}", mention, chain)
    if value.type in ("array", "object", "new_expression", "template_string"):
        return Act(Change.ADD, "= [...]" if value.type == "array" else "= {...}", mention, chain)
    if value.type == "binary_expression" and _operator(value) == "+":
        return Act(Change.ADD, "= … +", mention, chain)
    if value.type == "call_expression" and callee_name(tree, value) in ("concat", "assign"):
        return Act(Change.ADD, f"= {callee_name(tree, value)}()", mention, chain)
    return None


def _is_first_value(tree: SyntaxTree, mention: Mention, chain: Chain) -> bool:
    """Whether an assignment only gives the container its first value."""
    function = inner_function(chain)
    if function is None:
        return True  # at the top of the file
    name = function.child_by_field_name("name")
    if function.type == "method_definition" and name is not None and tree.code(name) == "constructor":
        return True
    own = tree.code(mention.node)
    for condition in conditions_at(chain):
        text = tree.code(condition.node).strip("() ")
        if own in text and _ABSENT.search(text) is not None and condition.holds:
            return True  # if (!x) x = new Map()
        if text == own and not condition.holds:
            return True  # if (x) return x; x = new Map()
    return False


def _weak(tree: SyntaxTree, value: Node | None) -> str | None:
    return "weak" if value is not None and _WEAK_VALUE.search(tree.code(value)) else None


def _operator(node: Node) -> str:
    found = node.child_by_field_name("operator")
    return "" if found is None else found.type
