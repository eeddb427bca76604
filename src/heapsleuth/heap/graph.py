"""The heap as a graph, with what can be computed from it, computed once and when asked for."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.errors import UnknownNode
from heapsleuth.heap.classes import ClassTable, class_keys, tabulate
from heapsleuth.heap.detached import detached_states
from heapsleuth.heap.dominators import dominator_tree
from heapsleuth.heap.reach import measure_reach
from heapsleuth.heap.shapes import collect_plain_objects, infer_shapes
from heapsleuth.heap.statistics import heap_statistics
from heapsleuth.heap.text import NodeNames
from heapsleuth.heap.transfer import transfer
from heapsleuth.kernels import csr as _csr

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from numpy.typing import NDArray

    from heapsleuth.heap.classes import ClassKeys, ClassRow
    from heapsleuth.heap.columns import Columns, UInt
    from heapsleuth.heap.shapes import Shape
    from heapsleuth.heap.statistics import HeapStatistics
    from heapsleuth.heap.strings import StringTable

__all__ = ["HeapGraph"]

_CLASS_COLUMNS = (
    "class_ids",
    "class_names",
    "class_places",
    "class_counts",
    "class_shallow_sizes",
    "class_retained_sizes",
    "class_distances",
)


class HeapGraph:
    """
    One heap, read-only and safe to share between threads.

    Nodes and edges are named by index; `n` nodes, `m` edges.  Arrays are not writeable.  What is not in
    the columns is computed at first use and kept.

    Args:
        columns: What a reader produced.
        path: The file as the user named it, for messages.
        derived: Columns that an index already holds, by the name of the property that returns them.
    """

    def __init__(
        self, columns: Columns, *, path: str = "", derived: Mapping[str, NDArray[Any]] | None = None
    ) -> None:
        self.path = path
        self._columns = columns
        self._lock = threading.RLock()
        self._derived: dict[str, NDArray[Any]] = dict(derived or {})
        self._class_table: ClassTable | None = None
        self._node_names: NodeNames | None = None
        self._stages: dict[str, Callable[[], Mapping[str, NDArray[Any]]]] = {
            "owners": self._compute_sizes,
            "shallow_sizes": self._compute_sizes,
            "distances": self._compute_reach,
            "dominators": self._compute_reach,
            "dominator_order": self._compute_reach,
            "subtree_counts": self._compute_reach,
            "retained_sizes": self._compute_reach,
            "first_retainers": self._compute_retainers,
            "retainer_nodes": self._compute_retainers,
            "retainer_edges": self._compute_retainers,
            **dict.fromkeys(_CLASS_COLUMNS, self._compute_classes),
            "detached_states": lambda: {"detached_states": detached_states(self._columns)},
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
        """(n,) edges from the program's globals; from 100,000,000 on: only the runtime reaches it; -5: nothing."""
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

    def _get(self, name: str) -> NDArray[Any]:
        value = self._derived.get(name)
        if value is not None:
            return value
        with self._lock:
            if name not in self._derived:
                fresh = self._stages[name]()
                for array in fresh.values():
                    array.flags.writeable = False
                self._derived.update(fresh)
            return self._derived[name]

    def _compute_sizes(self) -> Mapping[str, NDArray[Any]]:
        owners, sizes = transfer(self._columns)
        return {"owners": owners, "shallow_sizes": sizes}

    def _compute_reach(self) -> Mapping[str, NDArray[Any]]:
        reach = measure_reach(self._columns)
        tree = dominator_tree(self._columns, reach.flags, self.shallow_sizes)
        return {
            "distances": reach.distances,
            "dominators": tree.dominators,
            "dominator_order": tree.order,
            "subtree_counts": tree.subtree_counts,
            "retained_sizes": tree.retained_sizes,
        }

    def _compute_classes(self) -> Mapping[str, NDArray[Any]]:
        keys = class_keys(self._columns, self.detached_states)
        table = tabulate(
            keys,
            self.shallow_sizes,
            self.retained_sizes,
            self.distances,
            self.dominator_order,
            self.subtree_counts,
        )
        texts = "\n".join(json.dumps(name) for name in table.names).encode()
        return {
            "class_ids": keys.ids,
            "class_names": np.frombuffer(texts, np.uint8),
            "class_places": table.places,
            "class_counts": table.counts,
            "class_shallow_sizes": table.shallow_sizes,
            "class_retained_sizes": table.retained_sizes,
            "class_distances": table.distances,
        }

    def _load_class_table(self) -> ClassTable:
        return ClassTable(
            [json.loads(line) for line in self._get("class_names").tobytes().splitlines()],
            self._get("class_places"),
            self._get("class_counts"),
            self._get("class_shallow_sizes"),
            self._get("class_retained_sizes"),
            self._get("class_distances"),
        )

    def _compute_retainers(self) -> Mapping[str, NDArray[Any]]:
        first, targets = self.first_edges, self.edge_targets
        starts = np.zeros(self.node_count + 1, first.dtype)
        _csr.count_targets(targets, starts[1:])
        np.cumsum(starts, out=starts)
        nodes = np.empty(self.edge_count, np.uint32)
        edges = np.empty(self.edge_count, first.dtype)
        _csr.fill_retainers(first, targets, starts[:-1].copy(), nodes, edges)
        return {"first_retainers": starts, "retainer_nodes": nodes, "retainer_edges": edges}

    def _sort_ids(self) -> Mapping[str, NDArray[Any]]:
        order = np.argsort(self.node_ids, kind="stable").astype(np.uint32)
        return {"_ids_order": order, "_ids_sorted": self.node_ids[order]}
