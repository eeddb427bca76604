"""Code compiled while the program runs, and kept.

## What leaks

Each call of `new Function`, `eval`, `vm.Script`, `vm.createContext` or of a template engine's
`compile` makes new code: a script with its source text, shared function infos, and later bytecode. Kept per
request, that is kilobytes each, and a context of its own is a hundred kilobytes and more. Modules loaded
again and again (with their entry in `require.cache` deleted, or `import()` with a changing query) leak
in the same way: the parent's list of children, or the loader's table, keeps every copy.

## Leaking example

```js
const compiled = [];

function matches(row, limit) {
  const filter = new Function('row', `return row.size > ${limit}`);
  compiled.push(filter);
  return filter(row);
}

exports.iterate = (n) => { for (let i = 0; i < n; i++) matches({ size: i }, i); };
```

## Fixed example

```js
const filter = new Function('row', 'limit', 'return row.size > limit');

function matches(row, limit) {
  return filter(row, limit); // what varies is an argument, not part of the text
}

exports.iterate = (n) => { for (let i = 0; i < n; i++) matches({ size: i }, i); };
```

## Evidence

For: the members are scripts, modules or contexts; or they are functions (or objects with a function)
that were each compiled by themselves: no two of them are from the same script.

Against: the functions come from one script, compiled once. Then they are closures made by it, and the
finding is about what holds them. Compiled functions in something that is called a cache are a cache
that has no bound; see [caches](cache.md).

## Known false alarms

Templates and validators that are compiled at their first use, until each has been used once. A test
runner that loads every test file in a context of its own, as long as it runs.

## How to confirm it

`v8.getHeapCodeStatistics()` before and after: `bytecode_and_metadata_size` rises with the work. With
contexts, `number_of_native_contexts` of `v8.getHeapStatistics()` rises as well.

## Further reading

- [Executing JavaScript in a virtual machine](https://nodejs.org/api/vm.html)
- [Modules: require.cache](https://nodejs.org/api/modules.html#requirecache)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from heapsleuth.heap.kinds import EdgeType, NodeType
from heapsleuth.leaks.detectors.base import Detection
from heapsleuth.leaks.vocabulary import CACHE

if TYPE_CHECKING:
    from heapsleuth.leaks.case import Case

__all__ = ["CodeDetector"]

_UNITS = frozenset(
    {
        "ContextifyContext",
        "ContextifyScript",
        "ModuleJob",
        "ModuleJobSync",
        "ModuleWrap",
        "SourceTextModule",
        "SyntheticModule",
        "WebAssembly.Instance",
        "WebAssembly.Module",
    }
)
_CONTEXT = "<symbol node:contextify:context>"
_MOST_MEMBERS = 64
_SAME_SCRIPT = 0.5


class CodeDetector:
    """Scripts, modules, contexts and functions that were compiled one by one."""

    category = "code"

    def detect(self, case: Case) -> Detection | None:
        """Fire when the members are code, or functions of which each has its own script."""
        member = case.member
        if member is None:
            return None
        unit = self._unit(case, member) or self._unit(case, case.holder)
        if unit is None:
            if case.holder_words & CACHE or not self._one_by_one(case):
                return None
            unit = "compiled function"
        # Node's loader calls it by whatever variable it had at hand.
        children = unit == "Module" and case.name.text.endswith(".children")
        return Detection(
            category=self.category,
            holder_name="module.children" if children else case.name.text,
            holder_kind=case.holder_class,
            holder_node=case.holder,
            members=unit,
            member_node=member,
            title="{kind} {holder} gains {rate} {members} {per} and never loses one",
            names={"members": unit, "class": case.member_class},
        )

    def _unit(self, case: Case, node: int) -> str | None:
        """Return what kind of code a node is, None when it is none."""
        if case.type(node) not in (NodeType.OBJECT, NodeType.NATIVE):
            return None
        # Node's own objects are called `Node / X` where V8 merges them with their wrapper.
        name = case.class_name(node).rpartition("/")[2].strip()
        if name in _UNITS:
            return _PLAIN.get(name, name)
        if case.child(node, _CONTEXT) is not None:
            return "vm context"
        if name == "Module" and case.child(node, "exports") is not None and case.child(node, "children"):
            return name
        prototype = case.child(node, "__proto__")
        if name == "Script" and prototype is not None and "ContextifyScript" in case.class_name(prototype):
            return "vm.Script"
        return None

    def _one_by_one(self, case: Case) -> bool:
        """Whether the members are functions, or have one, and nearly each is from another script."""
        if case.field is not None and not case.candidate.dictionary:
            return False  # the other fields, or variables of a scope, are no members
        scripts = [_script(case, member) for member in _members(case)]
        known = [script for script in scripts if script is not None]
        if len(known) < 4 or 2 * len(known) < len(scripts):
            return False
        return len(set(known)) > _SAME_SCRIPT * len(known)


_PLAIN = {"ContextifyContext": "vm context", "ContextifyScript": "vm.Script"}


def _members(case: Case) -> list[int]:
    """Return some of what the holder holds, of the class of its newest member: the newest ones."""
    graph = case.graph
    stores = [
        case.holder,
        *(ref.target for ref in case.references(case.holder) if ref.type == EdgeType.INTERNAL),
    ]
    stores = [node for node in stores if case.moment.lifted[node] == case.holder]
    ranges = [np.arange(int(graph.first_edges[n]), int(graph.first_edges[n + 1])) for n in stores]
    targets = np.unique(graph.edge_targets[np.concatenate(ranges)].astype(np.int64))
    alike = targets[graph.node_types[targets] == case.type(case.member or 0)]
    newest = alike[np.argsort(graph.node_ids[alike])][-_MOST_MEMBERS:]
    return [int(node) for node in newest]


def _script(case: Case, member: int) -> int | None:
    """Return the script of a function, or of the first function among an object's fields."""
    nodes = [member]
    if case.type(member) == NodeType.OBJECT:
        nodes = [ref.target for ref in case.references(member) if ref.type == EdgeType.PROPERTY][:20]
    for node in nodes:
        shared = case.child(node, "shared") if case.type(node) == NodeType.CLOSURE else None
        script = None if shared is None else case.child(shared, "script", "script_or_debug_info")
        if script is not None and case.type(script) == NodeType.CODE:
            return script
    return None
