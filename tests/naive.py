"""Slow but obvious twins of the engine, written from the definitions and not from our code.

Everything works on Python lists, sets and dictionaries, one question at a time, in quadratic time or
worse.  `NaiveHeap` takes the columns of a reader; results are lists by node index.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter, defaultdict, deque
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from snapshot_builder import SnapshotBuilder

from heapsleuth.heap.kinds import edge_type_name, node_type_name

if TYPE_CHECKING:
    from heapsleuth.heap.columns import Columns

PAIR = re.compile(r"\d+( / part of key \(.*? @\d+\) -> value \(.*? @\d+\) pair in WeakMap \(table @(\d+)\))")
SYSTEM = 100_000_000
LIMIT = 120


def quoted(name: str) -> str:
    return json.dumps(name) if any(c in name for c in ",'\"{}") else name


@dataclass(frozen=True)
class Edge:
    source: int
    type: str
    name: str
    target: int


class NaiveHeap:
    """One heap in Python objects."""

    def __init__(self, columns: Columns) -> None:
        strings = list(columns.strings)
        self.types = [node_type_name(kind) for kind in columns.node_types]
        self.names = [strings[name] for name in columns.node_names]
        self.ids = [int(value) for value in columns.node_ids]
        self.sizes = [int(value) for value in columns.self_sizes]
        self.count = len(self.types)
        self.states = [0] * self.count if columns.detachedness is None else columns.detachedness.tolist()
        self.edges: list[list[Edge]] = []
        for node in range(self.count):
            own = range(int(columns.first_edges[node]), int(columns.first_edges[node + 1]))
            self.edges.append([self._edge(columns, strings, node, edge) for edge in own])
        self.places = {
            int(node): (int(script), int(line), int(column))
            for node, script, line, column in zip(
                columns.location_nodes,
                columns.location_scripts,
                columns.location_lines,
                columns.location_columns,
                strict=True,
            )
        }

    @staticmethod
    def _edge(columns: Columns, strings: list[str], node: int, edge: int) -> Edge:
        kind = edge_type_name(columns.edge_types[edge])
        value = int(columns.edge_names[edge])
        name = str(value) if kind in {"element", "hidden"} else strings[value]
        return Edge(node, kind, name, int(columns.edge_targets[edge]))

    def is_document_root(self, node: int) -> bool:
        return self.types[node] == "synthetic" and self.names[node] == "(Document DOM trees)"

    @cached_property
    def user_roots(self) -> list[int]:
        below = [edge.target for edge in self.edges[0]]
        return [node for node in below if self.types[node] != "synthetic" or self.is_document_root(node)]

    # Distances

    @cached_property
    def distances(self) -> list[int]:
        found: dict[int, int] = {}
        met: set[str] = set()

        def followed(edge: Edge) -> bool:
            node = edge.source
            context = self.types[node] == "hidden" and self.names[node] == "system / NativeContext"
            if context and edge.name == "sloppy_function_map":
                return False
            if self.types[node] == "array" and self.names[node] == "(map descriptors)":
                slot = re.match(r"\s*([+-]?\d+)", edge.name)
                return not slot or int(slot[1]) < 2 or int(slot[1]) % 3 != 1
            pair = PAIR.fullmatch(edge.name) if edge.type == "internal" else None
            if pair:
                if pair[1] not in met:
                    met.add(pair[1])
                    return False
                met.remove(pair[1])
            return True

        def search(starts: list[int], distance: int) -> None:
            queue = deque(starts)
            found.update(dict.fromkeys(starts, distance))
            while queue:
                node = queue.popleft()
                for edge in self.edges[node]:
                    if edge.type != "weak" and edge.target not in found and followed(edge):
                        found[edge.target] = found[node] + 1
                        queue.append(edge.target)

        search(self.user_roots, 1)
        search([0], SYSTEM if self.user_roots else 0)
        return [found.get(node, -5) for node in range(self.count)]

    # Essential edges and dominators

    @cached_property
    def page(self) -> set[int]:
        starts = {
            edge.target
            for edge in self.edges[0]
            if edge.type == "shortcut" or (edge.type == "element" and self.is_document_root(edge.target))
        }
        return self._closure(starts, lambda edge: edge.type != "weak")

    def _closure(self, starts: set[int], follow: object, without: int | None = None) -> set[int]:
        done, todo = set(starts), list(starts)
        while todo:
            for edge in self.edges[todo.pop()]:
                if edge.target not in done and edge.target != without and follow(edge):  # type: ignore[operator]
                    done.add(edge.target)
                    todo.append(edge.target)
        return done

    def is_essential(self, edge: Edge) -> bool:
        pair = PAIR.fullmatch(edge.name) if edge.type == "internal" else None
        if pair and self.ids[edge.source] == int(pair[2]):
            return False
        if edge.type == "weak" or edge.source == edge.target:
            return False
        if edge.source == 0:
            return True
        return edge.type != "shortcut" and not (edge.target in self.page and edge.source not in self.page)

    @cached_property
    def orphans(self) -> set[int]:
        """What nothing holds: nodes without an essential edge to them."""
        held = {edge.target for edges in self.edges for edge in edges if self.is_essential(edge)}
        return set(range(1, self.count)) - held

    @cached_property
    def dominated(self) -> list[set[int]]:
        """For every node what cannot be reached any more without it, the node itself included."""
        starts = {0} | self.orphans
        everything = self._closure(starts, self.is_essential)
        dominated = [set(range(self.count))]
        for node in range(1, self.count):
            if node in everything:
                left = self._closure(starts - {node}, self.is_essential, without=node)
                dominated.append(everything - left)
            else:
                dominated.append({node})
        return dominated

    @cached_property
    def dominators(self) -> list[int]:
        """The dominator of a node that dominates least; the root's is the root."""
        return [
            min(
                (other for other in range(self.count) if other != node and node in self.dominated[other]),
                key=lambda other: len(self.dominated[other]),
                default=0,
            )
            for node in range(self.count)
        ]

    @cached_property
    def retained_sizes(self) -> list[int]:
        return [sum(self.shallow_sizes[node] for node in dominated) for dominated in self.dominated]

    # Sizes

    @cached_property
    def owners(self) -> list[int]:
        """The one node that is no backing store from which only backing stores lead to a node."""
        owners = list(range(self.count))
        if not self.user_roots:
            return owners
        ownable = [
            kind in {"hidden", "array"}
            or (kind == "native" and name == "system / ExternalStringData" and state != 2)
            for kind, name, state in zip(self.types, self.names, self.detached, strict=True)
        ]
        known: dict[int, set[int]] = defaultdict(set)
        for source in range(self.count):
            if not ownable[source]:
                for node in self._owned(source, ownable):
                    known[node].add(source)
        for node, sources in known.items():
            if len(sources) == 1:
                owners[node] = next(iter(sources))
        return owners

    def _owned(self, source: int, ownable: list[bool]) -> set[int]:
        done: set[int] = set()
        todo = [source]
        while todo:
            for edge in self.edges[todo.pop()]:
                if edge.type != "weak" and ownable[edge.target] and edge.target not in done:
                    done.add(edge.target)
                    todo.append(edge.target)
        return done

    @cached_property
    def shallow_sizes(self) -> list[int]:
        sizes = list(self.sizes)
        for node, owner in enumerate(self.owners):
            if owner not in {node, 0} and self.types[owner] != "synthetic":
                sizes[owner] += self.sizes[node]
                sizes[node] -= self.sizes[node]
        return sizes

    # Detachedness

    @cached_property
    def detached(self) -> list[int]:
        states = list(self.states)
        for state in (1, 2):
            todo = [node for node in range(self.count) if self.states[node] == state]
            todo = [node for node in todo if self.types[node] == "native"]
            while todo:
                for edge in self.edges[todo.pop()]:
                    node = edge.target
                    if edge.type in {"hidden", "weak"} or self.types[node] != "native" or states[node]:
                        continue
                    states[node] = state
                    todo.append(node)
        return states

    # Classes

    @cached_property
    def class_names(self) -> list[str]:
        fixed = {
            "hidden": "(system)",
            "code": "(compiled code)",
            "closure": "Function",
            "regexp": "RegExp",
        }
        names = []
        for node, (kind, own_name) in enumerate(zip(self.types, self.names, strict=True)):
            gone = kind == "native" and self.detached[node] == 2
            name = f"Detached {own_name}" if gone else own_name
            if kind in {"object", "native"}:
                element = re.match(r"(<|Detached <)[^ ]*(?= )", name)
                names.append(element[0] + ">" if element else name)
            else:
                names.append(fixed.get(kind, f"({kind})"))
        for node, name in self._shape_names().items():
            names[node] = name
        return names

    def _properties(self, node: int) -> list[str]:
        return [
            edge.name for edge in self.edges[node] if edge.type == "property" and edge.name != "__proto__"
        ]

    def _shape_names(self) -> dict[int, str]:
        plain = [n for n in range(self.count) if self.types[n] == "object" and self.names[n] == "Object"]
        counts: Counter[tuple[str, ...]] = Counter()
        for node in plain:
            text, first = "{", []
            for name in map(quoted, self._properties(node)):
                if len(text) > 1 and len(text) + len(name) > LIMIT:
                    break
                text += name if len(text) == 1 else f", {name}"
                first.append(name)
            if first:
                counts[tuple(first)] += 1
        shapes = [shape for shape, count in counts.most_common() if count >= max(2, len(plain) / 1000)]
        found = {}
        for node in plain:
            own = Counter(map(quoted, self._properties(node)))
            fitting = [shape for shape in shapes if not Counter(shape) - own]
            best = max(fitting, key=len, default=None)  # the first of the longest
            found[node] = "Object" if best is None else "{" + ", ".join(best) + "}"
        return found

    @cached_property
    def class_keys(self) -> list[tuple[str, tuple[int, int, int] | None]]:
        return [
            (name, self.places.get(node) if self.types[node] == "object" else None)
            for node, name in enumerate(self.class_names)
        ]

    @cached_property
    def class_rows(self) -> dict[tuple[str, tuple[int, int, int] | None], tuple[int, int, int, int]]:
        """Count, shallow size, retained size and distance by class."""
        members: dict[object, list[int]] = defaultdict(list)
        for node, key in enumerate(self.class_keys):
            if self.shallow_sizes[node]:
                members[key].append(node)
        return {
            key: (
                len(nodes),
                sum(self.shallow_sizes[node] for node in nodes),
                sum(
                    self.retained_sizes[node]
                    for node in nodes
                    if not any(other != node and node in self.dominated[other] for other in nodes)
                ),
                min(self.distances[node] for node in nodes),
            )
            for key, nodes in members.items()
        }  # type: ignore[return-value]


def random_heap(seed: int, nodes: int = 40, largest: int = 2**31) -> SnapshotBuilder:
    """
    Return a small heap with everything that makes engines disagree.

    Many edges per node, several between the same two nodes, self edges, cycles nothing leads to, weak
    and shortcut edges, WeakMap pairs met from both sides, backing stores with none, one and several
    owners, detached DOM nodes, map descriptors, several user roots or none.
    """
    rnd = random.Random(seed)
    heap = SnapshotBuilder()
    kinds = rnd.choices(
        ["object", "array", "hidden", "closure", "string", "native", "code", "synthetic", "regexp", "number"],
        weights=[10, 5, 4, 2, 2, 3, 2, 1, 1, 1],
        k=nodes,
    )
    names = {
        "object": ["Object"] * 5 + ["User", "Map", "<div id=a>", "Window"],
        "array": ["(map descriptors)", "", "(object elements)"],
        "hidden": ["system / NativeContext", "system / Map", "system / Thing"],
        "native": ["system / ExternalStringData", "HTMLDivElement", "<div class=b>", "Node / Thing"],
        "synthetic": ["(GC roots)", "(Document DOM trees)", "(Global handles)"],
    }
    for kind in kinds:
        size = rnd.choice([0, 0, 8, 16, 24, 1000, largest])
        state = rnd.choice([0, 0, 0, 0, 1, 2]) if rnd.random() < 0.5 else 0
        node = heap.node(kind, rnd.choice(names.get(kind, [kind])), size=size, detachedness=state)
        if kind == "object" and rnd.random() < 0.3:
            heap.locate(node, script=rnd.randint(1, 2), line=rnd.randint(0, 1), column=0)
    everything = range(1, nodes + 1)
    for _ in range(rnd.randint(1, 4)):
        kind = rnd.choice(["element", "shortcut", "property", "weak", "internal"])
        heap.edge(0, kind, rnd.randint(1, 9) if kind == "element" else "root", rnd.choice(everything))
    for _ in range(int(nodes * rnd.uniform(0.8, 3))):
        source, target = rnd.choice(everything), rnd.choice(everything)
        kind = rnd.choices(
            ["property", "element", "internal", "hidden", "context", "weak", "shortcut"],
            weights=[8, 4, 4, 4, 2, 2, 1],
        )[0]
        name: str | int = rnd.choice(["a", "b", "c", "__proto__", "map", "sloppy_function_map", "x, 'y'"])
        if kind in {"element", "hidden"}:
            name = rnd.randint(0, 8)
        for _ in range(rnd.choice([1, 1, 1, 2])):
            heap.edge(source, kind, name, target)
    for _ in range(rnd.randint(0, 6)):
        key, table, value = (rnd.choice(everything) for _ in range(3))
        shared = (
            f" / part of key (k @{heap.id_of(key)}) -> value (v @{heap.id_of(value)})"
            f" pair in WeakMap (table @{heap.id_of(table)})"
        )
        for source in rnd.sample([key, table], k=rnd.choice([1, 2, 2, 2])):
            heap.edge(source, "internal", f"{rnd.randint(1, 3)}{shared}", value)
        heap.edge(table, "weak", "1", key)
    return heap
