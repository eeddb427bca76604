"""Async contexts that pile up.

## What leaks

`AsyncLocalStorage` ties a store to everything asynchronous that a request starts, and
`AsyncResource`, `AsyncResource.bind` and `async_hooks` keep such ties by hand. Whatever keeps one of
them keeps the store, and the store keeps the request. Four shapes of it:

- a table by async id that an `init` hook fills and no `destroy` hook empties;
- bound functions (`AsyncResource.bind`, `AsyncLocalStorage.snapshot`) or resources in a list;
- a store that outlives its request and is written to by each: one `run` around the whole program;
- an `AsyncLocalStorage` or an enabled hook per request: Node.js keeps a list of all of them.

## Leaking example

```js
const { AsyncResource } = require('node:async_hooks');

const onReload = [];

function handle(id) {
  // The bound function keeps the async context of its request, and onReload keeps the function.
  onReload.push(AsyncResource.bind(() => `${id} saw a reload`));
}

exports.iterate = (n) => { for (let i = 0; i < n; i++) handle(i); };
```

## Fixed example

```js
const { AsyncResource } = require('node:async_hooks');

const onReload = new Set();

function handle(id) {
  const bound = AsyncResource.bind(() => `${id} saw a reload`);
  onReload.add(bound);
  return () => onReload.delete(bound); // called when the request is done
}

exports.iterate = (n) => { for (let i = 0; i < n; i++) handle(i)(); };
```

## Evidence

For: the members are resources (`AsyncResource` or a class that extends it), functions bound to one,
storages, hooks or context frames; or the holder is reached through the store of a resource; or it is
a table with numbers for keys in a scope that a hook's callbacks see.

Against: the context is kept by promises or timers that are themselves what piles up. Then the finding
is of that kind, and the context is only what they hold.

## Known false alarms

Contexts of requests in flight at the moment of a snapshot: let the service become idle first. A pool
whose workers extend `AsyncResource` grows until it has its size.

## How to confirm it

Count `resource` objects with a hook on `init` and `destroy`, by type: the type whose balance rises is
the one. In a snapshot, look at the retainers of one store: everything but the request itself that
keeps it is too much.

## Further reading

- [Asynchronous context tracking](https://nodejs.org/api/async_context.html)
- [Async hooks](https://nodejs.org/api/async_hooks.html)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import EdgeType, NodeType
from heapsleuth.leaks.detectors.base import Detection

if TYPE_CHECKING:
    from collections.abc import Iterator

    from heapsleuth.leaks.case import Case

__all__ = ["AsyncContextDetector"]

_STORE = "<symbol kResourceStore>"
"""Node up to 22 keeps a store as a property of each resource; later ones have a map, `_FRAME`."""
_FRAME = "AsyncContextFrame"
_SHAPES = {"AsyncHook": "hook", "AsyncLocalStorage": "storage", _FRAME: "frame"}
"""What the fix depends on, by class of the members; else `bound`, `resource`, `store` or `table`."""
_MEMBERS = frozenset({*_SHAPES, "AsyncResource"})
_KEEPERS = frozenset({"Promise", "Generator", "Timeout", "Immediate"})
_CALLBACKS = ("<symbol init>", "<symbol before>", "<symbol after>", "<symbol destroy>")
_MOST_SCOPES = 12
_MOST_HOOKS = 50
_MOST_SLOTS = 6
_TEXT = (NodeType.STRING, NodeType.CONS_STRING, NodeType.SLICED_STRING, NodeType.SYMBOL)


class AsyncContextDetector:
    """Resources, storages, hooks and bound functions, or a store that grows."""

    category = "async-context"

    def detect(self, case: Case) -> Detection | None:
        """Fire on members that carry an async context, and on holders inside a store."""
        return self._store(case) or self._carriers(case) or self._by_id(case)

    def _store(self, case: Case) -> Detection | None:
        """Name the growth of something that is, or hangs on, the store of a storage."""
        if case.member is not None and case.type(case.member) == NodeType.SYMBOL:
            return self._keys(case)
        if any(label in _REGISTRIES for label in case.names_on_the_way):
            return None
        at = _last_store(case)
        if at is None:
            return None
        steps = case.name.steps
        storage = _storage(case, steps[at].source, steps[at].target)
        variable = None if storage is None else _variable(case, storage)
        fields = "".join(
            f".{s.label}" for s in steps[at + 1 :] if s.label.isidentifier() and s.type in _NAMED
        )
        return Detection(
            category=self.category,
            holder_name=f"{variable or 'AsyncLocalStorage'} store{fields}",
            holder_kind=case.holder_class,
            holder_node=case.holder if storage is None else storage,
            members=case.member_class,
            member_node=case.member,
            title="{kind} {holder} gains {rate} {members} {per} and never loses one",
            names=_known(shape="store", storage=variable, store=case.class_name(steps[at].target)),
        )

    def _keys(self, case: Case) -> Detection | None:
        """Name the keys that storages leave on one resource: one storage per request."""
        member = case.member
        if member is None or not any(label == _STORE for label, _ in _labels(case, case.holder)):
            return None
        return Detection(
            category=self.category,
            holder_name="the current async resource",
            holder_kind=case.holder_class,
            holder_node=case.holder,
            members="AsyncLocalStorage key",
            member_node=None,
            title="{holder} gains {rate} stores {per}: as many storages are made",
            names={"shape": "storage"},
        )

    def _carriers(self, case: Case) -> Detection | None:
        """Name a holder of resources, bound functions, storages or hooks."""
        member = case.member
        if member is None or case.holder_class in _KEEPERS:
            return None
        resource = _resource(case, member)
        if resource is None:
            return None
        return Detection(
            category=self.category,
            holder_name=case.name.text,
            holder_kind=case.holder_class,
            holder_node=case.holder,
            members=case.member_class,
            member_node=_written(case, member),
            title="{kind} {holder} gains {rate} {members} {per} and never loses one",
            names=_known(
                shape=_SHAPES.get(case.class_name(resource), "bound" if resource != member else "resource"),
                store=_held_store(case, resource),
            ),
        )

    def _by_id(self, case: Case) -> Detection | None:
        """Name a table that hooks fill by async id."""
        scope = case.name.scope
        if scope is None or not _numbered(case) or scope not in _scopes_of_hooks(case):
            return None
        return Detection(
            category=self.category,
            holder_name=case.name.text,
            holder_kind=case.holder_class,
            holder_node=case.holder,
            members=case.member_class,
            member_node=case.member,
            title="{kind} {holder} gains {rate} {members} {per} by async id and never loses one",
            names=_known(shape="table", variable=case.name.first, key="asyncId"),
        )


_REGISTRIES = frozenset({"_events", "<symbol kEvents>"})
_NAMED = (EdgeType.PROPERTY, EdgeType.CONTEXT)


def _known(**names: str | None) -> dict[str, str]:
    return {key: value for key, value in names.items() if value}


def _labels(case: Case, node: int) -> Iterator[tuple[str, int]]:
    """Give label and target of a node's references that have a name."""
    return ((ref.label, ref.target) for ref in case.references(node) if ref.type == EdgeType.PROPERTY)


def _last_store(case: Case) -> int | None:
    """Return the step on the way to the holder that leads to a store, the last if there are several."""
    steps = case.name.steps
    found = None
    for at, step in enumerate(steps):
        framed = case.graph.own_name(int(case.moment.lifted[step.source])) == _FRAME
        if step.label == _STORE or (framed and int(case.moment.lifted[step.target]) == step.target):
            found = at
    return found


def _storage(case: Case, source: int, store: int) -> int | None:
    """Return the `AsyncLocalStorage` behind a store: its key in a frame, or in a resource."""
    graph = case.graph
    frame = int(case.moment.lifted[source])
    if graph.own_name(frame) == _FRAME:
        table = case.child(frame, "table")
        slots = {} if table is None else {ref.label: ref.target for ref in case.references(table)}
        at = next((label for label, target in slots.items() if target == store and label.isdigit()), None)
        return None if at is None else slots.get(str(int(at) - 1))
    key = _store_key(case, source, store)
    storages = _instances(case, "AsyncLocalStorage")
    return next(
        (node for node in storages if key is not None and case.child(node, "kResourceStore") == key), None
    )


def _store_key(case: Case, resource: int, store: int) -> int | None:
    """
    Return the symbol by which a resource refers to a store.

    Properties are listed in the order of their keys, and all keys of storages have one name.
    """
    stores = [target for label, target in _labels(case, resource) if label == _STORE]
    shape = case.child(resource, "map")
    fields = None if shape is None else case.child(shape, "descriptors", "instance_descriptors")
    for keys in (fields, case.child(resource, "properties")):
        symbols = (
            [] if keys is None else [r.target for r in case.references(keys) if _is_store_key(case, r.target)]
        )
        if store in stores and stores.index(store) < len(symbols):
            return symbols[stores.index(store)]
    return None


def _is_store_key(case: Case, node: int) -> bool:
    name = case.child(node, "name") if case.type(node) == NodeType.SYMBOL else None
    return name is not None and case.graph.own_name(name) == "kResourceStore"


def _instances(case: Case, name: str) -> list[int]:
    """Return the first objects of a class, oldest first."""
    graph = case.graph
    found = graph.strings.find(name)
    if found is None:
        return []
    nodes = np.flatnonzero((graph.node_names == found) & (graph.node_types == NodeType.OBJECT))
    return [int(node) for node in nodes[np.argsort(graph.node_ids[nodes])][:_MOST_HOOKS]]


def _variable(case: Case, node: int) -> str | None:
    """Return the variable that refers to a node, None when there is none."""
    graph = case.graph
    names = sorted(
        graph.edge_name(edge)
        for edge, _ in graph.retainers_of(node, _MOST_HOOKS)
        if graph.edge_types[edge] == EdgeType.CONTEXT
    )
    return names[0] if names else None


def _resource(case: Case, member: int) -> int | None:
    """Return what ties a member to an async context: itself, or what a bound function is bound to."""
    if case.class_name(member) in _MEMBERS or _extends_resource(case, member):
        return member
    if case.type(member) != NodeType.CLOSURE:
        return None
    context = case.child(member, "context")
    slots = [] if context is None else [ref for ref in case.references(context) if ref.type in _SLOTS]
    if len(slots) > _MOST_SLOTS:
        return None  # a scope full of variables ties nobody to one of them
    return next(
        (ref.target for ref in slots if case.class_name(ref.target) in ("AsyncResource", _FRAME)), None
    )


_SLOTS = (EdgeType.HIDDEN, EdgeType.CONTEXT, EdgeType.ELEMENT)


def _extends_resource(case: Case, node: int) -> bool:
    if case.type(node) != NodeType.OBJECT:
        return False
    for _ in range(4):
        prototype = case.child(node, "__proto__")
        if prototype is None:
            return False
        if case.class_name(prototype) == "AsyncResource":
            return True
        node = prototype
    return False


def _written(case: Case, member: int) -> int:
    """Return the function a bound one calls, as a variable of the scopes around it; else the member."""
    if case.type(member) != NodeType.CLOSURE:
        return member
    scope = case.child(member, "context")
    for _ in range(2):
        if scope is None:
            break
        slots = [ref.target for ref in case.references(scope) if ref.type in _SLOTS]
        functions = [node for node in slots if case.type(node) == NodeType.CLOSURE and node != member]
        if len(functions) == 1:
            return functions[0]
        scope = case.child(scope, "previous")
    return member


def _held_store(case: Case, resource: int) -> str | None:
    """Return the class of the store that a resource holds."""
    graph = case.graph
    for label, target in _labels(case, resource):
        if label == _STORE and case.type(target) in (NodeType.OBJECT, NodeType.STRING):
            return case.class_name(target)
        if graph.own_name(target) == _FRAME:
            table = case.child(target, "table")
            stores = [] if table is None else [ref.target for ref in case.references(table)]
            kinds = {case.class_name(n) for n in stores if case.type(n) == NodeType.OBJECT}
            kinds.discard("AsyncLocalStorage")
            return min(kinds, default=None)
    return None


def _numbered(case: Case) -> bool:
    """Whether the holder is a table whose keys are numbers."""
    if case.holder_class == "Map":
        table = case.child(case.holder, "table")
        entries = [] if table is None else [ref for ref in case.references(table) if ref.label.isdigit()]
        types = [case.type(ref.target) for ref in entries]
        numbers = sum(kind == NodeType.NUMBER for kind in types)
        # Small integers are no nodes: then only the values are seen.
        alone = {case.class_name(ref.target) for ref in entries} == {case.member_class}
        return bool(entries) and not set(types) & set(_TEXT) and (alone or 3 * numbers >= len(entries))
    by_number = (
        case.candidate.example >= 0 and case.graph.edge_types[case.candidate.example] == EdgeType.ELEMENT
    )
    return case.holder_class == "Object" and bool(by_number)


def _scopes_of_hooks(case: Case) -> set[int]:
    """Return the scopes that the callbacks of async hooks see."""
    found: set[int] = set()
    for hook in _instances(case, "AsyncHook"):
        for callback in (target for label, target in _labels(case, hook) if label in _CALLBACKS):
            scope = case.child(callback, "context") if case.type(callback) == NodeType.CLOSURE else None
            for _ in range(_MOST_SCOPES):
                if scope is None or scope in found:
                    break
                found.add(scope)
                scope = case.child(scope, "previous")
    return found
