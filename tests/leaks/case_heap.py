"""Heaps that live for a few rounds, described in the words of `cases/README.md` and written as snapshots.

A `World` is what the program of a case has in memory.  Each round makes new members and lets old ones
go; a snapshot is what can then be reached from the roots, with the ids, edges and backing stores that V8
would have written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.snapshot_builder import SnapshotBuilder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Spec = Any
"""A thing as YAML has it: its kind as text, or a mapping of the words in `_WORDS`."""

ROUNDS = 5
WORK = 100
"""Units of work in each round; as many members are made unless a case says otherwise."""
_WORDS = {
    "is",
    "has",
    "captures",
    "inside",
    "slots",
    "script",
    "each",
    "made",
    "kept",
    "keys",
    "bytes",
    "anew",
}
_DETACHED = 2


@dataclass(eq=False)
class Node:
    """An object on the heap."""

    id: int
    type: str
    name: str
    size: int
    edges: list[Edge] = field(default_factory=list)
    place: tuple[int, int] | None = None
    """Script and line of a function."""
    detached: bool = False

    def link(self, kind: str, label: str | int, target: Node) -> Node:
        """Refer to another object; return that."""
        self.edges.append(Edge(kind, label, target))
        return target

    def child(self, label: str) -> Node | None:
        """Return what is behind the reference of that name."""
        return next((edge.target for edge in self.edges if edge.label == label), None)


class Edge(NamedTuple):
    """A reference."""

    kind: str
    label: str | int
    target: Node


class Entry(NamedTuple):
    """A member and its key."""

    member: Node
    key: Node | None
    text: str
    """The key as the name of a property."""


@dataclass(eq=False)
class Contents:
    """The members a container gains and loses."""

    owner: Node
    spec: Spec
    entries: list[Entry] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    """Those of the owner that hold the entries."""

    def made(self, number: int) -> int:
        """Return how many members are made in round *number*, from 0."""
        made = self.spec.get("made", WORK)
        return int(made if isinstance(made, int) else made[number])

    def keep(self, number: int) -> None:
        """Let go of what is not kept after round *number*."""
        kept = self.spec.get("kept", "all")
        which, _, count = (f"last {kept[number]}" if isinstance(kept, list) else kept).partition(" ")
        if which == "first":
            self.entries = self.entries[: int(count)]
        elif which in ("last", "none"):
            self.entries = self.entries[-int(count) :] if int(count or 0) else []


class World:
    """The heap of one case."""

    def __init__(self, heap: dict[str, Spec]) -> None:
        self._next_id = 1
        self._operations = 0
        self._contents: list[Contents] = []
        self._changing: list[tuple[Node, str, str | int, Spec]] = []
        self._made_anew: list[Node] = []
        self._lines: dict[str, int] = {}
        self._root = self.node("synthetic", "")
        roots = self._root.link("element", 1, self.node("synthetic", "(GC roots)"))
        window = self._root.link("shortcut", "global", self.node("object", "global"))
        self._script = self.node("code", "app.js")
        main = window.link("property", "main", self._function("main", {}))
        self._scope = main.link("internal", "context", self.node("object", "system / Context"))
        for number, (name, spec) in enumerate(heap.items()):
            if name.startswith("("):
                self._fill(roots.link("element", number + 2, self.node("synthetic", name)), spec)
            else:
                self._place(self._scope, "context", name, spec)

    def play(self, folder: Path, rounds: int = ROUNDS) -> list[str]:
        """Play the rounds; return the snapshots taken after each."""
        paths = []
        for number in range(rounds):
            for contents in list(self._contents):
                self._work(contents, number)
            for node in self._made_anew:
                # Another object in the same place; those in it were made before, as in V8.
                node.id = self.node("hidden", "").id
            for owner, kind, label, spec in self._changing:
                owner.edges = [edge for edge in owner.edges if edge.label != label]
                owner.link(kind, label, self._block(spec["is"], spec["bytes"][number]))
            paths.append(str(self._snapshot().write(folder / f"s{number}.heapsnapshot")))
        return paths

    def node(self, kind: str, name: str, size: int = 48) -> Node:
        """Make an object that nothing refers to."""
        self._next_id += 2
        return Node(self._next_id - 2, kind, name, size)

    def _work(self, contents: Contents, number: int) -> None:
        """Make the members of a round, and hold them as the container's class does."""
        for _ in range(contents.made(number)):
            self._operations += 1
            text = f"key-{self._operations}"
            keys = contents.spec.get("keys", "texts")
            key = self.node("string", text, 24) if keys == "texts" else None
            key = self.node("number", "heap number", 16) if keys == "numbers" else key
            text = str(self._operations) if keys == "numbers" else text
            contents.entries.append(Entry(self._make(contents.spec["each"]), key, text))
        contents.keep(number)
        gone = {id(edge) for edge in contents.edges}
        kept = [edge for edge in contents.owner.edges if id(edge) not in gone]
        hold = _SHAPES.get(contents.owner.name, _in_fields)
        contents.edges = hold(self, contents.owner, contents.entries)
        contents.owner.edges = [*kept, *contents.edges]

    def _make(self, spec: Spec) -> Node:
        """Return a thing: a new one, or with `=name` the one in a variable."""
        given = {"is": spec} if isinstance(spec, str) else spec
        if unknown := set(given) - _WORDS:
            raise ValueError(f"unknown words in a case: {sorted(unknown)}")
        kind = str(given["is"])
        first, _, rest = kind.partition(" ")
        if kind.startswith("="):
            found = self._scope if kind == "=module" else self._scope.child(kind[1:])
            if found is None:
                raise ValueError(f"no variable {kind[1:]} before its use")
            return found
        if first in ("function", "builtin"):
            node = self._function(rest, given)
        elif rest.isdigit():
            node = self._block(first, int(rest))
        elif first in ("symbol", "number", "native", "code", "hidden", "text"):
            node = self.node("string" if first == "text" else first, rest)
        elif kind.startswith(("<", "Detached ")):
            node = self.node("native", kind.removeprefix("Detached "))
            node.detached = kind.startswith("Detached ")
        else:
            node = self.node("object", kind)
        self._fill(node, given)
        return node

    def _fill(self, node: Node, given: Spec) -> None:
        """Give a thing what its description says it has."""
        for label, child in given.get("has", {}).items():
            self._place(node, "property", str(label), child)
        for label, child in given.get("inside", {}).items():
            self._place(node, "internal", str(label), child)
        for label, child in given.get("captures", {}).items():
            self._place(self._scope_of(node), "context", label, child)
        for number, child in enumerate(given.get("slots", [])):
            self._place(self._scope_of(node), "hidden", number, child)
        if given.get("anew"):
            self._made_anew.append(node)
        if "each" in given:
            self._contents.append(Contents(node, given))

    def _place(self, owner: Node, kind: str, label: str | int, spec: Spec) -> None:
        """Put a thing behind a reference; what has `bytes` is replaced in each round."""
        if isinstance(spec, dict) and "bytes" in spec:
            self._changing.append((owner, kind, label, spec))
        else:
            owner.link(kind, label, self._make(spec))

    def _function(self, name: str, given: Spec) -> Node:
        """Return a function of the case's script, one with a script of its own, or a builtin."""
        node = self.node("closure", name)
        shared = node.link("internal", "shared", self.node("code", name))
        if not str(given.get("is")).startswith("builtin"):
            own = given.get("script") == "own"
            script = self.node("code", "") if own else self._script
            shared.link("internal", "script", script)
            node.place = (script.id, 0 if own else self._lines.setdefault(name, 10 + len(self._lines)))
        return node

    def _scope_of(self, node: Node) -> Node:
        """Return the scope of a function; anything else is its own."""
        if node.type != "closure":
            return node
        return node.child("context") or node.link(
            "internal", "context", self.node("object", "system / Context")
        )

    def _block(self, kind: str, count: int) -> Node:
        """Return a string, or a Buffer or typed array with its bytes outside the heap."""
        if kind == "string":
            return self.node("string", f"text {self._next_id}", count)
        node = self.node("object", kind)
        buffer = node.link("internal", "buffer", self.node("object", "ArrayBuffer"))
        buffer.link("internal", "backing_store", self.node("native", "system / JSArrayBufferData", count))
        return node

    def _snapshot(self) -> SnapshotBuilder:
        """Return what can be reached."""
        heap = SnapshotBuilder()
        index = {self._root.id: heap.root}
        order = [self._root]
        for node in order:
            for edge in node.edges:
                target = edge.target
                if target.id not in index:
                    index[target.id] = heap.node(
                        target.type,
                        target.name,
                        id=target.id,
                        size=target.size,
                        detachedness=_DETACHED if target.detached else 0,
                    )
                    order.append(target)
                heap.edge(index[node.id], edge.kind, edge.label, index[target.id])
            if node.place:
                heap.locate(index[node.id], script=node.place[0], line=node.place[1], column=4)
        return heap


def _in_table(world: World, owner: Node, entries: list[Entry]) -> list[Edge]:
    """Hold entries as a Map does: keys and values in a hash table that is made anew as it grows."""
    del owner
    table = world.node("array", "", 16 + 24 * len(entries))
    for number, entry in enumerate(entries):
        if entry.key is not None:
            table.link("internal", str(3 * number + 1), entry.key)
        table.link("internal", str(3 * number + 2), entry.member)
    return [Edge("internal", "table", table)]


def _in_set(world: World, owner: Node, entries: list[Entry]) -> list[Edge]:
    return _in_table(world, owner, [entry._replace(key=None) for entry in entries])


def _in_elements(world: World, owner: Node, entries: list[Entry]) -> list[Edge]:
    """Hold members as an Array does."""
    del owner
    elements = world.node("array", "(object elements)", 16 + 8 * len(entries))
    listed = [Edge("element", number, entry.member) for number, entry in enumerate(entries)]
    return [*listed, Edge("internal", "elements", elements)]


def _in_slots(world: World, owner: Node, entries: list[Entry]) -> list[Edge]:
    """Hold members as a root of the engine does."""
    del world, owner
    return [Edge("hidden", number, entry.member) for number, entry in enumerate(entries)]


def _in_fields(world: World, owner: Node, entries: list[Entry]) -> list[Edge]:
    """Hold members as an object used as a dictionary does; numbers are positions."""
    del world, owner
    return [
        Edge("element", int(entry.text), entry.member)
        if entry.text.isdigit()
        else Edge("property", entry.text, entry.member)
        for entry in entries
    ]


def _in_reactions(world: World, owner: Node, entries: list[Entry]) -> list[Edge]:
    """Hold functions as a pending promise does: reactions in a chain, the newest first."""
    del owner
    newest: Node | None = None
    for entry in entries:
        reaction = world.node("hidden", "system / PromiseReaction")
        reaction.link("hidden", 0, entry.member)
        if newest is not None:
            reaction.link("internal", "next", newest)
        newest = reaction
    return [] if newest is None else [Edge("internal", "reactions_or_result", newest)]


def _in_ring(world: World, owner: Node, entries: list[Entry]) -> list[Edge]:
    """Hold timers as a list of Node's does: a ring through the list itself."""
    del world
    ring = [owner, *(entry.member for entry in entries)]
    for place, node in enumerate(ring[1:], 1):
        following, before = ring[(place + 1) % len(ring)], ring[place - 1]
        node.edges = [edge for edge in node.edges if edge.label not in ("_idleNext", "_idlePrev")]
        node.link("property", "_idleNext", following)
        node.link("property", "_idlePrev", before)
    ends = (ring[1 % len(ring)], ring[-1])
    return [
        Edge("property", label, node) for label, node in zip(("_idleNext", "_idlePrev"), ends, strict=True)
    ]


def _in_chain(world: World, owner: Node, entries: list[Entry]) -> list[Edge]:
    """Hold members as a linked list does: each knows the next, the list its head and tail."""
    del world, owner
    members = [entry.member for entry in entries]
    for place, node in enumerate(members):
        node.edges = [edge for edge in node.edges if edge.label != "next"]
        if place + 1 < len(members):
            node.link("property", "next", members[place + 1])
    if not members:
        return []
    return [Edge("property", "head", members[0]), Edge("property", "tail", members[-1])]


_SHAPES: dict[str, Callable[[World, Node, list[Entry]], list[Edge]]] = {
    "(Global handles)": _in_slots,
    "Array": _in_elements,
    "AsyncContextFrame": _in_table,
    "FinalizationRegistry": _in_set,
    "LinkedList": _in_chain,
    "Map": _in_table,
    "Promise": _in_reactions,
    "Set": _in_set,
    "TimersList": _in_ring,
    "system / Context": _in_slots,
}
