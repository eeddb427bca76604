"""The heap as a graph, with what can be computed from it, computed once and when asked for."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.errors import UnknownNode
from heapsleuth.heap.classes import ClassTable, class_keys, class_sums
from heapsleuth.heap.detached import detached_states
from heapsleuth.heap.dominators import dominator_tree
from heapsleuth.heap.objects import HeapObject
from heapsleuth.heap.paging import release
from heapsleuth.heap.paths import incoming_edges, no_edge
from heapsleuth.heap.reach import measure_reach
from heapsleuth.heap.shapes import collect_plain_objects, infer_shapes
from heapsleuth.heap.statistics import heap_statistics
from heapsleuth.heap.text import NodeNames
from heapsleuth.heap.transfer import transfer
from heapsleuth.kernels import csr as _csr
from heapsleuth.kernels import retained as _retained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from numpy.typing import NDArray

    from heapsleuth.heap.classes import ClassKeys, ClassRow
    from heapsleuth.heap.columns import Columns, UInt
    from heapsleuth.heap.shapes import Shape
    from heapsleuth.heap.sources import Sources
    from heapsleuth.heap.statistics import HeapStatistics
    from heapsleuth.heap.strings import StringTable

__all__ = ["HeapGraph"]

_CLASS_KEYS = ("class_ids", "class_names", "class_places")
_CLASS_SUMS = ("class_counts", "class_shallow_sizes", "class_retained_sizes", "class_distances")
_SIZES = ("owners", "shallow_sizes")
_TREE = ("dominators", "dominator_order", "retained_sizes")
STORED = ("detached_states", *_CLASS_KEYS, *_SIZES, "distances", *_TREE, *_CLASS_SUMS)
"""Derived columns that an index holds; all others follow from them in a moment."""
_RUNTIMES = {
    "node": "Node / Environment",
    "chrome": "(Document DOM trees)",
    "deno": "Deno",
    "bun": "Bun",
}


class HeapGraph:
    """
    One heap, read-only and safe to share between threads.

    Nodes and edges are named by index; `n` nodes, `m` edges.  Arrays are not writeable.  What is not in
    the columns is computed at first use and kept.

    Args:
        columns: What a reader produced.
        path: The file as the user named it, for messages.
        file_bytes: Size of that file, 0 if unknown.
        derived: Columns that an index already holds, by the name of the property that returns them.
    """

    def __init__(
        self,
        columns: Columns,
        *,
        path: str = "",
        file_bytes: int = 0,
        derived: Mapping[str, NDArray[Any]] | None = None,
    ) -> None:
        self.path = path
        self.file_bytes = file_bytes
        self._columns = columns
        self._lock = threading.RLock()
        self._derived: dict[str, NDArray[Any]] = dict(derived or {})
        self._class_table: ClassTable | None = None
        self._node_names: NodeNames | None = None
        self._sources: Sources | None = None
        self._stages: dict[str, Callable[[], Mapping[str, NDArray[Any]]]] = {
            **dict.fromkeys(_SIZES, self._compute_sizes),
            "distances": self._compute_reach,
            "_edge_flags": self._compute_reach,
            **dict.fromkeys(_TREE, self._compute_tree),
            "subtree_counts": self._compute_subtree_counts,
            "first_retainers": self._compute_retainers,
            "retainer_edges": self._compute_retainers,
            "retainer_nodes": self._compute_retainer_nodes,
            "_incoming_edges": self._compute_paths,
            **dict.fromkeys(_CLASS_KEYS, self._compute_class_keys),
            **dict.fromkeys(_CLASS_SUMS, self._compute_class_sums),
            "detached_states": lambda: {"detached_states": detached_states(self._columns)},
            "dominator_places": self._invert_order,
            "_ids_sorted": self._sort_ids,
            "_ids_order": self._sort_ids,
        }

    @property
    def columns(self) -> Columns:
        """The columns as read."""
        return self._columns

    @property
    def strings(self) -> StringTable:
        """The string table."""
        return self._columns.strings

    @property
    def node_count(self) -> int:
        """Number of nodes n."""
        return self._columns.node_count

    @property
    def edge_count(self) -> int:
        """Number of edges m."""
        return self._columns.edge_count

    @property
    def node_types(self) -> NDArray[np.uint8]:
        """(n,) codes of `NodeType`."""
        return self._columns.node_types

    @property
    def node_names(self) -> NDArray[np.uint32]:
        """(n,) index into `strings`."""
        return self._columns.node_names

    @property
    def node_ids(self) -> UInt:
        """(n,) V8's object ids."""
        return self._columns.node_ids

    @property
    def self_sizes(self) -> UInt:
        """(n,) bytes, as in the file."""
        return self._columns.self_sizes

    @property
    def first_edges(self) -> UInt:
        """(n + 1,) where each node's edges begin."""
        return self._columns.first_edges

    @property
    def edge_types(self) -> NDArray[np.uint8]:
        """(m,) codes of `EdgeType`."""
        return self._columns.edge_types

    @property
    def edge_names(self) -> NDArray[np.uint32]:
        """(m,) index into `strings`, or the slot number of element and hidden edges."""
        return self._columns.edge_names

    @property
    def edge_targets(self) -> NDArray[np.uint32]:
        """(m,) node each edge leads to."""
        return self._columns.edge_targets

    @property
    def runtime(self) -> str:
        """What made the heap: `node`, `chrome`, `deno`, `bun`, or `v8` when nothing tells."""
        return next((name for name, text in _RUNTIMES.items() if self.strings.find(text) is not None), "v8")

    @property
    def owners(self) -> NDArray[np.uint32]:
        """(n,) node whose shallow size took this node's bytes; the node itself if none."""
        return self._get("owners")

    @property
    def shallow_sizes(self) -> UInt:
        """(n,) bytes after backing stores were given to their owners."""
        return self._get("shallow_sizes")

    @property
    def retained_sizes(self) -> UInt:
        """(n,) bytes that would be freed with each node."""
        return self._get("retained_sizes")

    @property
    def distances(self) -> NDArray[np.int32]:
        """(n,) edges from the program's globals; from 100,000,000 on only the runtime's; -5: unreachable."""
        return self._get("distances")

    @property
    def dominators(self) -> NDArray[np.uint32]:
        """(n,) immediate dominator; the root's is the root."""
        return self._get("dominators")

    @property
    def dominator_order(self) -> NDArray[np.uint32]:
        """(n,) preorder of the dominator tree: what a node dominates follows it directly."""
        return self._get("dominator_order")

    @property
    def dominator_places(self) -> NDArray[np.uint32]:
        """(n,) place of each node in `dominator_order`."""
        return self._get("dominator_places")

    @property
    def subtree_counts(self) -> NDArray[np.uint32]:
        """(n,) by position in `dominator_order`: nodes dominated by the node there, itself included."""
        return self._get("subtree_counts")

    @property
    def first_retainers(self) -> UInt:
        """(n + 1,) where each node's retainers begin."""
        return self._get("first_retainers")

    @property
    def retainer_nodes(self) -> NDArray[np.uint32]:
        """(m,) the nodes that refer to each node, in edge order."""
        return self._get("retainer_nodes")

    @property
    def retainer_edges(self) -> UInt:
        """(m,) the edges that refer to each node."""
        return self._get("retainer_edges")

    @property
    def class_ids(self) -> NDArray[np.uint32]:
        """(n,) index into `class_table`."""
        return self._get("class_ids")

    @property
    def class_table(self) -> ClassTable:
        """The classes, by class id."""
        if self._class_table is None:
            with self._lock:
                if self._class_table is None:
                    self._class_table = self._load_class_table()
        return self._class_table

    @property
    def detached_states(self) -> NDArray[np.uint8]:
        """(n,) 0 unknown, 1 attached, 2 detached from the document; empty when the file says nothing."""
        return self._get("detached_states")

    @property
    def statistics(self) -> HeapStatistics:
        """Bytes by kind of memory."""
        return heap_statistics(self)

    def classes(self) -> list[ClassRow]:
        """Return the classes that have members of non-zero size, those that retain most first."""
        return self.class_table.rows()

    def classes_by_shapes_of(self, other: HeapGraph) -> ClassKeys:
        """Return the classes of this heap with plain objects sorted by the shapes of another one."""
        return class_keys(self._columns, self.detached_states, other.shapes)

    @property
    def shapes(self) -> list[Shape]:
        """The shapes by which plain objects are told apart."""
        plain = collect_plain_objects(self._columns)
        return infer_shapes(self._columns, plain) if plain else []

    def class_name(self, node: int) -> str:
        """Return the name of a node's class."""
        return self.class_table.names[int(self.class_ids[node])]

    def name(self, node: int) -> str:
        """Return a node's name: text of strings, `{a, b}` of plain objects, else what V8 wrote."""
        return self._names.name(int(node))

    def own_name(self, node: int) -> str:
        """Return a node's name as the file has it; of an object, its constructor's."""
        return self._names.own_name(int(node))

    def edge_name(self, edge: int) -> str:
        """Return an edge's name; the number of elements and hidden slots."""
        return self._names.edge_name(int(edge))

    @property
    def _names(self) -> NodeNames:
        if self._node_names is None:
            with self._lock:
                if self._node_names is None:
                    self._node_names = NodeNames(self._columns, self.detached_states)
        return self._node_names

    def node(self, node_id: int) -> HeapObject:
        """
        Return the object with V8's id *node_id*.

        Raises:
            UnknownNode: There is none.
        """
        return HeapObject(self, self.index_of(node_id))

    def object(self, index: int) -> HeapObject:
        """Return the object at a node index."""
        return HeapObject(self, range(self.node_count)[index])

    def retainers_of(self, node: int, limit: int | None = None) -> Iterator[tuple[int, int]]:
        """Yield (edge, node it leaves) for edges that lead to *node*, in file order, at most *limit*."""
        begin, end = int(self.first_retainers[node]), int(self.first_retainers[node + 1])
        if limit is not None:
            end = min(end, begin + limit)
        edges = self.retainer_edges[begin:end]
        sources = np.searchsorted(self.first_edges, edges, "right") - 1
        return zip(edges.tolist(), sources.tolist(), strict=True)

    def dominated(self, node: int) -> NDArray[np.uint32]:
        """Return all that a node dominates, the node itself first, in preorder of the dominator tree."""
        place = int(self._get("dominator_places")[node])
        return self.dominator_order[place : place + int(self.subtree_counts[place])]

    def path_edges(self, node: int) -> list[int]:
        """Return the edges of one retaining path from the root to *node*; empty if nothing keeps it alive."""
        incoming, first = self._get("_incoming_edges"), self.first_edges
        none, path = no_edge(incoming), []
        while (edge := int(incoming[node])) != none:
            path.append(edge)
            node = int(np.searchsorted(first, edge, "right")) - 1
        return path[::-1] if node == 0 else []

    @property
    def sources(self) -> Sources:
        """Where things are in the source code."""
        if self._sources is None:
            from heapsleuth.heap.sources import Sources  # noqa: PLC0415 - reads files; few need it

            with self._lock:
                if self._sources is None:
                    self._sources = Sources(self)
        return self._sources

    def index_of(self, node_id: int) -> int:
        """
        Return the index of the node with V8's id *node_id*.

        Raises:
            UnknownNode: There is none.
        """
        ids = self._get("_ids_sorted")
        place = int(np.searchsorted(ids, node_id))
        if place == len(ids) or int(ids[place]) != node_id:
            raise UnknownNode(f"no node has id {node_id} in {self.path or 'this heap'}")
        return int(self._get("_ids_order")[place])

    def release_pages(self) -> None:
        """Give back the memory of columns that are mapped from an index; they stay usable."""
        columns = self._columns
        own = (getattr(columns, name) for name in columns.__dataclass_fields__)
        release(value for value in own if isinstance(value, np.ndarray))
        release(self._derived.values())

    def compute_all(
        self,
        keep: Callable[[str, NDArray[Any]], NDArray[Any]],
        keep_columns: Callable[[Columns], Columns],
        progress: Callable[[str], None],
    ) -> None:
        """
        Compute all stored columns in the order that needs least memory.

        Args:
            keep: Takes each derived column by name, returns what to hold on to instead (a mapped copy).
            keep_columns: The same for the base columns, called once, before the most hungry step.
            progress: Called with the name of each step.
        """
        steps = {
            "classes": ("detached_states", *_CLASS_KEYS),
            "sizes": _SIZES,
            "distances": ("distances",),
            "dominators": _TREE,
            "totals": _CLASS_SUMS,
        }
        kept = self._columns
        with self._lock:
            for step, names in steps.items():
                progress(step)
                if names is _TREE:
                    # Names are not needed from here on, and take as much as all that follows.  The edges
                    # are walked in no order, which a mapped file is bad at.
                    kept = keep_columns(self._columns)
                    first, targets = self.first_edges, self.edge_targets
                    self._columns = replace(kept, first_edges=first, edge_targets=targets)
                    self._node_names = self._sources = None
                    del first, targets
                for name in names:
                    self._derived[name] = keep(name, self._get(name))
            self._columns = kept

    def _get(self, name: str) -> NDArray[Any]:
        value = self._derived.get(name)
        if value is not None:
            return value
        with self._lock:
            if name not in self._derived:
                fresh = self._stages[name]()
                for other, array in fresh.items():
                    array.flags.writeable = False
                    # What is there already, mapped from an index perhaps, stays what it is.
                    self._derived.setdefault(other, array)
            return self._derived[name]

    def _compute_sizes(self) -> Mapping[str, NDArray[Any]]:
        owners, sizes = transfer(self._columns, self.detached_states)
        return {"owners": owners, "shallow_sizes": sizes}

    def _compute_reach(self) -> Mapping[str, NDArray[Any]]:
        reach = measure_reach(self._columns)
        return {"distances": reach.distances, "_edge_flags": reach.flags}

    def _compute_tree(self) -> Mapping[str, NDArray[Any]]:
        tree = dominator_tree(self._columns, self._get("_edge_flags"), self.shallow_sizes)
        self._derived.pop("_edge_flags")  # a byte per edge; nothing else needs them soon
        return {
            "dominators": tree.dominators,
            "dominator_order": tree.order,
            "subtree_counts": tree.subtree_counts,
            "retained_sizes": tree.retained_sizes,
        }

    def _compute_class_keys(self) -> Mapping[str, NDArray[Any]]:
        keys = class_keys(self._columns, self.detached_states)
        names = "\n".join(json.dumps(name) for name in keys.names).encode()
        return {
            "class_ids": keys.ids,
            "class_names": np.frombuffer(names, np.uint8),
            "class_places": keys.places.reshape(-1),
        }

    def _compute_class_sums(self) -> Mapping[str, NDArray[Any]]:
        counts, shallow, retained, nearest = class_sums(
            len(self._get("class_places")) // 3,
            self.class_ids,
            self.shallow_sizes,
            self.retained_sizes,
            self.distances,
            self.dominator_order,
            self.subtree_counts,
        )
        return dict(zip(_CLASS_SUMS, (counts, shallow, retained, nearest), strict=True))

    def _load_class_table(self) -> ClassTable:
        return ClassTable(
            [json.loads(line) for line in self._get("class_names").tobytes().splitlines()],
            self._get("class_places").reshape(-1, 3),
            *map(self._get, _CLASS_SUMS),
        )

    def _compute_retainers(self) -> Mapping[str, NDArray[Any]]:
        first, targets = self.first_edges, self.edge_targets
        starts = np.zeros(self.node_count + 1, first.dtype)
        _csr.count_targets(targets, starts[1:])
        np.cumsum(starts, out=starts)
        edges = np.empty(self.edge_count, first.dtype)
        _csr.fill_retainers(targets, starts[:-1].copy(), edges)
        return {"first_retainers": starts, "retainer_edges": edges}

    def _compute_retainer_nodes(self) -> Mapping[str, NDArray[Any]]:
        counts = np.diff(self.first_edges).astype(np.intp)
        sources = np.repeat(np.arange(self.node_count, dtype=np.uint32), counts)
        return {"retainer_nodes": sources[self.retainer_edges]}

    def _compute_subtree_counts(self) -> Mapping[str, NDArray[Any]]:
        counts = np.empty(self.node_count, np.uint32)
        _retained.count_subtrees(self.dominator_order, self.dominators, np.empty_like(counts), counts)
        return {"subtree_counts": counts}

    def _compute_paths(self) -> Mapping[str, NDArray[Any]]:
        return {"_incoming_edges": incoming_edges(self._columns, self._get("_edge_flags"))}

    def _invert_order(self) -> Mapping[str, NDArray[Any]]:
        places = np.empty(self.node_count, np.uint32)
        places[self.dominator_order] = np.arange(self.node_count, dtype=np.uint32)
        return {"dominator_places": places}

    def _sort_ids(self) -> Mapping[str, NDArray[Any]]:
        order = np.argsort(self.node_ids, kind="stable").astype(np.uint32)
        return {"_ids_order": order, "_ids_sorted": self.node_ids[order]}
