"""What keeps a container from growing for ever: bounds on its size, and members that expire."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heapsleuth.leaks.source import tables
from heapsleuth.leaks.source.conditions import Condition, comparisons, conditions_at
from heapsleuth.leaks.source.model import Change
from heapsleuth.leaks.source.numbers import number
from heapsleuth.leaks.source.owners import callee_name
from heapsleuth.leaks.source.rings import ring_of
from heapsleuth.leaks.source.sizes import Sizes
from heapsleuth.leaks.source.tree import FUNCTIONS, unwrap
from heapsleuth.leaks.source.uses import inner_function

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tree_sitter import Node

    from heapsleuth.leaks.source.calls import Calls
    from heapsleuth.leaks.source.mentions import Mentions
    from heapsleuth.leaks.source.owners import Owners
    from heapsleuth.leaks.source.sizes import Compared
    from heapsleuth.leaks.source.tree import Chain
    from heapsleuth.leaks.source.uses import Act, Read

__all__ = ["Limit", "Limits"]

_BOUND, _EXPIRY = True, False
_MOST_LEVELS = 3
_SHOWN = 80
_FULL = re.compile(r"\bis_?full\b|\bover(?:flow(?:s|ed)?|limit|capacity)\b|\bexceed", re.IGNORECASE)
_LIMIT_NAME = re.compile(r"[A-Z][A-Z_0-9]+|(?i:[\w.]*(?:max|limit|capacity)\w*)")
_HAS = re.compile(r"\.\s*(?:has|get|includes|some|find|hasOwnProperty)\b|\bin\b|indexOf|hasOwn\b")
_MISSING = re.compile(r"^!|===?\s*(?:undefined|null|void 0|-1)|<\s*0|===?\s*['\"]undefined")
_BY_KEY = frozenset({"delete", ".del()", ".delete()", ".remove()", ".unregister()"})
_BYTES = re.compile("byte", re.IGNORECASE)
_PLAIN = frozenset("Array Buffer Map Object Promise Set String WeakMap WeakRef WeakSet".split())  # noqa: SIM905


@dataclass(frozen=True, slots=True)
class Limit:
    """A bound (`is_bound`) or an expiry, of the kinds of `Bound` and `Expiry`."""

    is_bound: bool
    kind: str
    text: str
    node: Node
    chain: Chain
    limit: int | None = None


class Limits:
    """
    Finds bounds and expiry of one container.

    Args:
        owners: Names of the file.
        mentions: The container's mentions.
        acts: What they do.
        reads: Where its size is read.
        calls: Who calls which function of the file.
    """

    def __init__(
        self, owners: Owners, mentions: Mentions, acts: Sequence[Act], reads: Sequence[Read], calls: Calls
    ) -> None:
        self._owners = owners
        self._tree = owners.tree
        self._mentions = mentions
        self._acts = acts
        self._sizes = Sizes(owners, mentions, acts, reads)
        self._calls = calls
        self.found: list[Limit] = []
        self._seen: set[tuple[str, int]] = set()
        for value in mentions.values:
            self._of_class(value)
        for act in acts:
            if act.change is Change.ADD and not act.nested:
                self._of_addition(act)
            elif act.change is not Change.ADD:
                if act.limit is not None and not act.nested:
                    self._cut(act)
                self._of_removal(act, act.chain, 0, in_loop=False)

    def guard(self, act: Act) -> str | None:
        """Return what an addition depends on: `bound`, `absent`, None."""
        found = None
        for condition in conditions_at(act.chain):
            if any(map(self._sizes.is_below, self._sizes.compared(condition))):
                return "bound"
            text = self._tree.code(condition.node).strip("() ")
            if self._mentions_in(condition.node) and (
                (condition.holds and _MISSING.search(text))
                or (
                    not condition.holds
                    and not _MISSING.search(text)
                    and (_HAS.search(text) or not condition.exits)
                )
                or (not condition.holds and _HAS.search(text) and not text.startswith("!"))
            ):
                found = "absent"
        return found

    def _note(
        self, is_bound: bool, kind: str, node: Node, chain: Chain, limit: int | None = None, said: str = ""
    ) -> None:
        if (kind, node.start_byte) not in self._seen:
            self._seen.add((kind, node.start_byte))
            self.found.append(Limit(is_bound, kind, said or self._text(node), node, chain, limit))

    # Classes and indexes

    def _of_class(self, value: Node) -> None:
        """See `new LRUCache({ max: 500 })`, `quickLru(100)`, `new NodeCache({ stdTTL: 60 })`."""
        if value.type not in ("new_expression", "call_expression"):
            return
        name = callee_name(self._tree, value)
        given = value.child_by_field_name("arguments")
        if name in _PLAIN or given is None:
            return
        chain = self._tree.chain(value.start_byte, value.end_byte)
        for argument in given.named_children[:3]:
            options = self._literal(argument)
            for pair in () if options is None else options.named_children:
                named, setting = pair.child_by_field_name("key"), pair.child_by_field_name("value")
                key = self._tree.code(named if named is not None else pair).strip("\"'")
                amount, said = number(self._owners, setting), f"{name} {{ {self._text(pair)} }}"
                if key in tables.BOUND_OPTIONS and (amount is None or amount > 0):
                    self._note(_BOUND, "option", pair, chain, amount, said)
                elif key in tables.EXPIRY_OPTIONS and (amount is None or amount > 0):
                    self._note(_EXPIRY, "option", pair, chain, said=said)
        amount = number(self._owners, given.named_children[0]) if given.named_children else None
        if tables.BOUNDED_CLASS.search(name) and amount is not None and amount > 0:
            self._note(_BOUND, "option", value, chain, amount)

    def _literal(self, node: Node) -> Node | None:
        node_ = unwrap(node)
        if node_ is not None and node_.type == "identifier":
            made = self._owners.resolve(self._tree.code(node_), node_.start_byte)
            node_ = None if made is None else self._owners.value(made)
        return node_ if node_ is not None and node_.type == "object" else None

    def _of_addition(self, act: Act) -> None:
        if act.index is not None:
            ring = ring_of(self._owners, act.index)
            if ring is not None:
                self._note(_BOUND, "ring", act.chain[-1], act.chain, ring[1])
        for condition in conditions_at(act.chain):
            for compared in self._sizes.compared(condition):
                if self._sizes.is_below(compared):
                    self._note_size("refuses", compared, act.chain)

    def _cut(self, act: Act) -> None:
        """See `x = x.slice(-100)`, `x.length = MAX`, `x.splice(0, x.length - MAX)`."""
        amount = number(self._owners, act.limit)
        text = "" if act.limit is None else self._tree.code(act.limit)
        # `x.slice(1)` drops one; only a cut from the end, or to a length, says how many stay.
        says = text.startswith("-") or (amount or 0) > 1 or _LIMIT_NAME.fullmatch(text) is not None
        if not says and act.how != ".splice()":
            return
        amount = None if amount is None else abs(amount)
        self._note(_BOUND, "truncates", act.chain[-1], act.chain, amount)

    # Removals

    def _of_removal(self, act: Act, chain: Chain, level: int, *, in_loop: bool) -> None:
        """See what makes a removal happen, in its function and in those that call it."""
        while True:
            in_loop |= self._loops(chain)
            for condition in conditions_at(chain):
                self._of_condition(condition, chain, act.nested, in_loop=in_loop)
            function = inner_function(chain)
            if function is None:
                return
            inner = chain[: chain.index(function) + 1]
            if inner[-2].type != "arguments":
                break
            call = inner[-3]
            name = callee_name(self._tree, call)
            if name in tables.TIMERS:
                self._timed(act, call, inner[:-2], in_loop=in_loop)
                return
            if name == "FinalizationRegistry":
                self._note(_EXPIRY, "finalizer", call, inner[:-2])
                return
            if name not in tables.ITERATES:
                return
            chain = inner[:-2]
        if level >= _MOST_LEVELS:
            return
        for place in self._calls.of(function, inner):
            if place.timer is not None:
                self._timed(act, place.timer, place.chain, in_loop=in_loop)
            elif place.is_call:
                self._of_removal(act, place.chain, level + 1, in_loop=in_loop)

    def _timed(self, act: Act, call: Node, chain: Chain, *, in_loop: bool) -> None:
        """See a removal in the callback of a timer; one that only takes the next one is a consumer."""
        if in_loop or act.change is Change.CLEAR:
            self._note(_EXPIRY, "interval", call, chain)
        elif callee_name(self._tree, call) == "setTimeout" and (
            act.how in _BY_KEY or inner_function(chain) in self._sizes.adding
        ):
            self._note(_EXPIRY, "timer", call, chain)

    def _of_condition(self, condition: Condition, chain: Chain, nested: bool, *, in_loop: bool) -> None:
        for compared in self._sizes.compared(condition):
            is_parallel = condition.holds and self._sizes.is_parallel(compared)
            if not nested and (is_parallel or self._sizes.is_above(compared)):
                self._note_size("evicts", compared, chain)
        text = self._tree.code(condition.node)
        if self._is_about_age(condition):
            kind = "sweep" if in_loop else "lazy"
            self._note(_EXPIRY, kind, condition.node, chain)
        elif not nested and ((condition.holds and _FULL.search(text)) or self._sizes.is_used_up(condition)):
            self._note(_BOUND, "evicts", condition.node, chain)

    def _is_about_age(self, condition: Condition) -> bool:
        return tables.EXPIRED.search(self._tree.code(condition.node)) is not None or any(
            self._sizes.is_ordered((left, operator, right))
            and any(tables.TIME.search(self._tree.code(side)) for side in (left, right))
            and "0" not in (self._tree.code(left), self._tree.code(right))
            for left, operator, right in comparisons(condition.node)
        )

    def _loops(self, chain: Chain) -> bool:
        """Whether the end of the chain runs once for each member."""
        for index in range(len(chain) - 2, 0, -1):
            node = chain[index]
            if node.type in FUNCTIONS:
                call = chain[index - 2] if chain[index - 1].type == "arguments" else None
                if call is None or callee_name(self._tree, call) not in tables.ITERATES:
                    return False
                if self._mentions_in(call.child_by_field_name("function")):
                    return True
            if node.type == "for_in_statement" and self._mentions_in(node.child_by_field_name("right")):
                return True
            if node.type in ("for_statement", "while_statement"):
                return True
        return False

    def _note_size(self, kind: str, compared: Compared, chain: Chain) -> None:
        left, _, right = compared
        at = self._sizes.limit(compared)
        limit = number(self._owners, at)
        node = left.parent or left
        # A default of 0 stands for "no limit", and bytes are no number of members.
        is_count = not any(_BYTES.search(self._tree.code(one)) for one in (left, right))
        # More conditions keep members out more often, but let them stay more often.
        is_partial = kind != "refuses" and self._has_more_conditions(node, at)
        if limit is not None and (limit <= 0 or not is_count or is_partial):
            limit = None
        self._note(_BOUND, kind, node, chain, limit)

    def _has_more_conditions(self, node: Node, limit: Node) -> bool:
        """Whether a comparison alone is not enough: `x.length > 9 && !busy`."""
        chain = self._tree.chain(node.start_byte, node.end_byte)
        while len(chain) > 1 and chain[-2].type in ("binary_expression", "parenthesized_expression"):
            child, around = chain.pop(), chain[-1]
            sides = (around.child_by_field_name("left"), around.child_by_field_name("right"))
            is_and = any(one.type == "&&" for one in around.children)
            other = next((one for one in sides if one is not None and one != child), None)
            about = self._tree.code(limit)
            if (
                is_and
                and other is not None
                and not (about in self._tree.code(other) or self._mentions_in(other))
            ):
                return True
        return False

    def _mentions_in(self, node: Node | None) -> bool:
        return node is not None and any(
            node.start_byte <= one.offset < node.end_byte for one in self._mentions.found
        )

    def _text(self, node: Node) -> str:
        text = " ".join(self._tree.code(node).split())
        text = text[1:-1] if node.type == "parenthesized_expression" else text
        return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
