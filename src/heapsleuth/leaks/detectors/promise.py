"""Promises that never settle.

## What leaks

A promise whose resolver waits for something that does not come: a webhook, a reply without a time limit,
a lock holder that died. The resolver's list keeps the promise, the promise keeps its reactions, and a
suspended `async` function keeps all its variables.

## Leaking example

```js
const waiting = [];

async function confirm(order) {
  const answer = await new Promise((resolve) => waiting.push({ order, resolve }));
  return { ...order, answer };
}

exports.iterate = (n) => { for (let i = 0; i < n; i++) confirm({ id: i }); };
```

## Fixed example

```js
const waiting = new Map();

async function confirm(order) {
  try {
    const answer = await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('no answer')), 20);
      waiting.set(order.id, (value) => { clearTimeout(timer); resolve(value); });
    });
    return { ...order, answer };
  } catch (error) {
    return { ...order, error };
  } finally {
    waiting.delete(order.id);
  }
}

exports.iterate = async (n) => {
  await Promise.all(Array.from({ length: n }, (_, i) => confirm({ id: i })));
};
```

## Evidence

For: the members are promises, suspended functions, or records that hold a promise's resolve function; or
reactions pile up on one promise that stays pending (`Promise.race` against a promise that lives as long
as the process). The finding lists who waits for whom.

Against: promises that have their value or error: then who keeps them is at fault.

## Known false alarms

Many requests in flight at the moment of the snapshot. Let the service become idle before each one.

## How to confirm it

Give each wait a time limit that logs and rejects: the log names the ones that nobody answers.

## Further reading

- [Promise.race() and memory](https://github.com/nodejs/node/issues/17469)
- [AbortSignal.timeout()](https://developer.mozilla.org/docs/Web/API/AbortSignal/timeout_static)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapsleuth.heap.kinds import EdgeType, NodeType
from heapsleuth.leaks.detectors.base import Detection

if TYPE_CHECKING:
    from heapsleuth.leaks.case import Case

__all__ = ["PromiseDetector"]


class PromiseDetector:
    """Pending promises, their resolvers, or the reactions that wait for one."""

    category = "promise"

    def detect(self, case: Case) -> Detection | None:
        """Fire when the holder or the members are promises, or records of promise resolvers."""
        member = case.member
        if member is None:
            return None
        waits_on_holder = case.holder_class == "Promise"
        pending = case.member_class in ("Promise", "Generator") or self._resolves(case, member)
        if not (waits_on_holder or pending) or self._is_settled(case, member):
            return None
        task = self._suspended(case, member)
        name = case.graph.own_name(case.child(task, "function") or task) if task is not None else ""
        return Detection(
            category=self.category,
            holder_name=case.name.text,
            holder_kind=case.holder_class,
            holder_node=case.holder,
            members=f"suspended {name or 'function'}" if task is not None else case.member_class,
            member_node=member if task is None else task,
            title=(
                "Promise {holder} never settles, and {rate} {members} {per} wait for it"
                if waits_on_holder
                else "{kind} {holder} gains {rate} unsettled {members} {per}"
            ),
        )

    def _is_settled(self, case: Case, member: int) -> bool:
        """Whether a member is a promise that has its value or error: then who keeps it is at fault."""
        if case.member_class != "Promise":
            return False
        result = case.child(member, "reactions_or_result")
        return result is not None and case.class_name(result) != "system / PromiseReaction"

    def _suspended(self, case: Case, member: int) -> int | None:
        """Return the suspended async function that a member resumes, if that is what it does."""
        if case.class_name(member) == "Generator":
            return member
        if case.type(member) != NodeType.CLOSURE or case.has_code(member):
            return None
        context = case.child(member, "context")
        task = None if context is None else case.child(context, "extension")
        return task if task is not None and case.class_name(task) == "Generator" else None

    def _resolves(self, case: Case, member: int) -> bool:
        """Whether a member is, or has as a field, the resolve or reject function of a promise."""
        fields = [ref.target for ref in case.references(member) if ref.type == EdgeType.PROPERTY]
        return any(self._is_resolver(case, node) for node in (member, *fields[:20]))

    def _is_resolver(self, case: Case, node: int) -> bool:
        # Resolvers are nameless builtins whose context refers to their promise.
        if case.type(node) != NodeType.CLOSURE or case.graph.own_name(node) or case.has_code(node):
            return False
        context = case.child(node, "context")
        if context is None:
            return False
        return any(
            case.class_name(ref.target) == "Promise"
            for ref in case.references(context)
            if ref.type in (EdgeType.HIDDEN, EdgeType.INTERNAL)
        )
