"""Functions that keep their scopes alive.

## What leaks

Functions are kept somewhere, and each keeps the scope it was made in. V8 makes one scope per function
call for all closures made in it, so a small function can keep a large variable that only its neighbour
uses.

## Leaking example

```js
const onShutdown = [];

function handle(id) {
  const rows = new Array(200).fill(id);
  const sum = () => rows.reduce((a, b) => a + b, 0); // uses rows, and so rows is in the scope
  onShutdown.push(() => `request ${id}`); // lives in the same scope
  return sum();
}

exports.iterate = (n) => { for (let i = 0; i < n; i++) handle(i); };
```

## Fixed example

```js
const onShutdown = new Map();

function handle(id) {
  const rows = new Array(200).fill(id);
  onShutdown.set(id, () => `request ${id}`);
  try {
    return rows.reduce((a, b) => a + b, 0);
  } finally {
    onShutdown.delete(id); // the request is done
  }
}

exports.iterate = (n) => { for (let i = 0; i < n; i++) handle(i); };
```

## Evidence

For: the members are functions that keep much alive, or objects that are there to be called back and hold
little else; or scopes and functions pile up where no container is seen.

Against: functions with small scopes: those are members of a [collection](collection.md) like any other.
Functions in an emitter are [listeners](listener.md), functions of timers [timers](timer.md).

## Known false alarms

Code that is compiled or loaded late makes functions too, but once, not per unit of work.

## How to confirm it

Open one of the functions in the snapshot and look at its `context`: it lists the captured variables. Set
the large one to `null` at the end of its use; if memory stays flat then, it was this scope.

## Further reading

- [Closures](https://developer.mozilla.org/docs/Web/JavaScript/Guide/Closures)
- [Memory management](https://developer.mozilla.org/docs/Web/JavaScript/Guide/Memory_management)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from heapsleuth.heap.kinds import EdgeType, NodeType
from heapsleuth.leaks.detectors.base import KEYED, LISTED, held

if TYPE_CHECKING:
    from heapsleuth.leaks.case import Case
    from heapsleuth.leaks.detectors.base import Detection

__all__ = ["ClosureDetector"]


# A scope that keeps less is what every function has.
_LARGE_SCOPE_BYTES = 512
_MOSTLY = 0.5
# Of an instance's bytes: a subscription is a callback and little else, a task or session is not.
_CALLS_BACK = 0.3
# So many times the same way, and it is a chain.
_LINKS = 3
_SCOPES_OUT = 4


@dataclass(frozen=True, slots=True)
class _Link:
    """How an object keeps an older one of its kind: a function's scope has it in a variable."""

    function: int
    """Node index."""
    variable: str
    target: int
    """Node index of the older one."""


class ClosureDetector:
    """Functions and their scopes pile up where no collection is seen."""

    category = "closure"

    def detect(self, case: Case) -> Detection | None:
        """
        Fire when members are functions that keep much alive, or objects that are there to call back.

        Functions or scopes where no container is seen are of this kind, too.
        """
        member, bulk = case.member, case.bulk
        if member is None or bulk is None:
            return None
        chained = self._chained(case, member)
        if chained is not None:
            return chained
        function = case.type(member) == NodeType.CLOSURE
        listed = case.holder_class in LISTED or case.candidate.chain
        if function or case.member_class == "system / Context":
            heavy = bulk.scopes >= _LARGE_SCOPE_BYTES and bulk.share(bulk.scopes) >= _MOSTLY
            return held(case, self.category) if heavy or not (listed or self._is_keyed(case)) else None
        plain = case.graph.own_name(member) == "Object"
        calls_back = bulk.share(bulk.closures) >= (_MOSTLY if plain else _CALLS_BACK)
        return held(case, self.category) if listed and calls_back else None

    def _chained(self, case: Case, member: int) -> Detection | None:
        """Return how to name a chain in which each member keeps the one before it in a function's scope."""
        if not case.series.single or case.series.counts[-1] < _LINKS:
            return None
        found = link = _link(case, member)
        for _ in range(_LINKS - 1):
            link = None if link is None else _link(case, link.target)
            if link is None or found is None or link.variable != found.variable:
                return None
        if found is None:
            return None
        title = "{kind} {holder} gains {rate} {members} {per}, each kept by the scope of the next"
        names = {"chain": "scope", "captured": found.variable}
        return replace(held(case, self.category), member_node=found.function, title=title, names=names)

    def _is_keyed(self, case: Case) -> bool:
        return case.holder_class in KEYED or case.candidate.dictionary


def _link(case: Case, node: int) -> _Link | None:
    """Return through which function's scope an object keeps another one of its kind."""
    functions = [node, *(ref.target for ref in case.references(node) if ref.type == EdgeType.PROPERTY)]
    kind, shape = case.graph.own_name(node), case.child(node, "map")
    for function in functions:
        if case.type(function) != NodeType.CLOSURE:
            continue
        scope = case.child(function, "context")
        for _ in range(_SCOPES_OUT):
            # The holder's own scope has the newest one, which is no link.
            if scope is None or scope == case.holder or not _is_scope(case, scope):
                break
            for ref in case.references(scope):
                older = ref.target
                is_other = ref.type == EdgeType.CONTEXT and older != node
                if is_other and case.graph.own_name(older) == kind and case.child(older, "map") == shape:
                    return _Link(function, ref.label, older)
            scope = case.child(scope, "previous")
    return None


def _is_scope(case: Case, node: int) -> bool:
    return case.graph.own_name(node).startswith("system / Context")
