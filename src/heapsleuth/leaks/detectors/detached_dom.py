"""DOM nodes that are no longer in the document.

## What leaks

A page removes an element, and JavaScript still refers to it, or to any node of its tree: one reference
keeps the whole tree, its styles and its listeners. Arrays of rows once shown, a map from id to element,
components with a field for their element, and callbacks that see one are the usual holders.

## Leaking example

```js
const rows = [];

function showRow(text) {
  const row = document.createElement('li');
  row.textContent = text;
  list.append(row);
  rows.push(row); // still here after list.replaceChildren()
}
```

## Fixed example

```js
function showRow(text) {
  const row = document.createElement('li');
  row.textContent = text;
  list.append(row); // whoever needs the rows asks the list: list.children
}
```

## Evidence

For: the browser says which nodes are detached, and the members are such nodes, or hold one in a field
or a captured variable.

Against: nodes that are shown again and again. Their number stays the same.

## Known false alarms

Components kept to be shown again, as tabs and virtual lists do, until each has been made once. Node.js
marks some of its own objects as detached, too; these are no DOM nodes and do not count.

## How to confirm it

Do the same action ten times and go back, then search the heap snapshot in DevTools for `Detached`: the
number of a class is a multiple of ten. Or use the panel *Detached elements*.

## Further reading

- [Fix memory problems](https://developer.chrome.com/docs/devtools/memory-problems)
- [Detached elements](https://learn.microsoft.com/microsoft-edge/devtools/memory-problems/dom-leaks)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapsleuth.heap.detached import DETACHED
from heapsleuth.heap.kinds import EdgeType, NodeType
from heapsleuth.leaks.detectors.base import Detection

if TYPE_CHECKING:
    from heapsleuth.leaks.case import Case

__all__ = ["DetachedDomDetector"]

_PREFIX = "Detached "
_FIELDS = (EdgeType.PROPERTY, EdgeType.CONTEXT, EdgeType.HIDDEN)
_MOST_FIELDS = 40
# What Blink keeps functions in, as a programmer would say it.
_CALLERS = {
    "EventListener": "event listeners",
    "ScheduledAction": "timers",
    "V8EventListener": "event listeners",
    "V8Function": "timers and callbacks",
}
_EACH = ", each with a detached node"


class DetachedDomDetector:
    """Members are detached DOM nodes, or each holds one."""

    category = "detached-dom"

    def detect(self, case: Case) -> Detection | None:
        """Fire on detached nodes as members, and as fields or captured variables of members."""
        member = case.member
        if member is None or not len(case.graph.detached_states):
            return None
        native = _of_wrapper(case, member)
        node = native if _is_detached(case, native) else _held(case, member)
        if node is None:
            return None
        element = _with_prefix(case.class_name(node))
        itself = node == native
        caller = _CALLERS.get(case.holder_class)
        return Detection(
            category=self.category,
            holder_name=caller or case.name.text,
            holder_kind=case.holder_class if caller is None else "page",
            holder_node=case.holder,
            members=element if itself else case.member_class,
            member_node=None if itself else member,
            title=f"{{kind}} {{holder}} keeps {{rate}} {{members}} {{per}}{'' if itself else _EACH}",
            names={"element": element.removeprefix(_PREFIX)},
        )


def _of_wrapper(case: Case, node: int) -> int:
    """Return the DOM node of its JavaScript object, which up to 2023 was another node; else the node."""
    native = (
        case.child(node, "javascript_to_native", "native") if case.type(node) == NodeType.OBJECT else None
    )
    return node if native is None else native


def _is_detached(case: Case, node: int) -> bool:
    if case.type(node) != NodeType.NATIVE or case.graph.detached_states[node] != DETACHED:
        return False
    # Node.js marks objects of its own that nothing else refers to.
    return not case.class_name(node).removeprefix(_PREFIX).startswith("Node / ")


def _held(case: Case, member: int) -> int | None:
    """Return the detached node in a field of an object or a variable that a function captured."""
    scope = case.child(member, "context") if case.type(member) == NodeType.CLOSURE else None
    owner = member if scope is None else scope
    fields = [ref.target for ref in case.references(owner) if ref.type in _FIELDS][:_MOST_FIELDS]
    natives = (_of_wrapper(case, node) for node in fields)
    return next((node for node in natives if _is_detached(case, node)), None)


def _with_prefix(name: str) -> str:
    return name if name.startswith(_PREFIX) else _PREFIX + name
