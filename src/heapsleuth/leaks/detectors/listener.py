"""Listeners that are never removed.

## What leaks

Each request adds a listener to an emitter that lives as long as the process. The listener is a closure,
so it keeps the request and whatever else it captured alive, and each event becomes slower.

## Leaking example

```js
const { EventEmitter } = require('node:events');

const stock = new EventEmitter().setMaxListeners(0);

function watch(order) {
  stock.on('changed', () => { order.stale = true; });
}

exports.iterate = (n) => { for (let i = 0; i < n; i++) watch({ id: i, stale: false }); };
```

## Fixed example

```js
const { EventEmitter } = require('node:events');

const stock = new EventEmitter();

function watch(order) {
  const onChanged = () => { order.stale = true; };
  stock.on('changed', onChanged);
  return () => stock.off('changed', onChanged); // called when the order is done
}

exports.iterate = (n) => { for (let i = 0; i < n; i++) watch({ id: i, stale: false })(); };
```

`once` does for a single event, an `AbortSignal` for several at a time. Do not silence the warning with
`setMaxListeners(0)`.

## Evidence

For: the members are functions, or listener records, in an emitter's registry: Node's `EventEmitter` and
`EventTarget`, or an object that keeps functions by event name.

Against: listeners that leave again, at whatever number; registries whose members are data.

## Known false alarms

Plugins that register at different times during start-up; a warm-up before the first snapshot avoids it.

## How to confirm it

`emitter.listenerCount(event)` after each round; for an `EventTarget`,
`events.getEventListeners(target, event).length`. Node.js itself warns at the eleventh listener
(`MaxListenersExceededWarning`), unless somebody has raised the limit.

## Further reading

- [Events: emitter.setMaxListeners](https://nodejs.org/api/events.html#emittersetmaxlistenersn)
- [AbortSignal in addEventListener](https://developer.mozilla.org/docs/Web/API/EventTarget/addEventListener#signal)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from heapsleuth.heap.kinds import NodeType
from heapsleuth.leaks.detectors.base import Detection, held

if TYPE_CHECKING:
    from heapsleuth.leaks.case import Case

__all__ = ["ListenerDetector"]

_REGISTRIES = re.compile(
    r"^(_?#?)(events|callbacks|listeners|handlers|observers|subscribers|subscriptions)$", re.IGNORECASE
)

_PLUMBING = frozenset({"elements", "properties", "table"})
_TARGETS = frozenset({"AbortSignal", "EventEmitter", "EventTarget", "Socket"})


class ListenerDetector:
    """Functions (or listener records) kept in an emitter's registry by event name."""

    category = "listener"

    def detect(self, case: Case) -> Detection | None:
        """Fire on Node's EventEmitter and EventTarget, and on registries that look like one."""
        if "kEvents" in "".join(case.names_on_the_way[-4:]) or case.member_class == "Listener":
            return self._event_target(case)
        if case.holder_class == "FinalizationRegistry" and self._is_registration(case):
            return held(case, self.category)
        labels = case.names_on_the_way + ((case.field,) if case.field else ())
        at = max((i for i, label in enumerate(labels) if _REGISTRIES.match(label)), default=-1)
        if at < 0 or len(labels) - at > 3:
            return None
        member = case.member
        callable_ = member is not None and case.type(member) in (NodeType.CLOSURE, NodeType.OBJECT)
        if member is not None and not callable_ and not labels[at].startswith("_"):
            return None
        if at == 0 and labels[at] != "_events":
            return None
        steps = case.name.steps
        emitter = steps[at].source if at < len(steps) else case.holder
        after = [label for label in labels[at + 1 :] if label not in _PLUMBING and not label.isdigit()]
        event = after[0] if after else None
        owner = _name_up_to(case, at)
        name = f'{owner} "{event}" listeners' if event else f"{owner} listeners"
        return Detection(
            category=self.category,
            holder_name=name,
            holder_kind=case.class_name(emitter),
            holder_node=emitter,
            members=_listener_class(case),
            member_node=_callback(case, member),
            title="{holder} gain {rate} {members} {per} and lose none",
            names={"emitter": owner, "event": event} if event else {"emitter": owner},
        )

    def _is_registration(self, case: Case) -> bool:
        """Whether members are records to remove a listener by: its target and its function."""
        if case.member is None or case.class_name(case.member) != "Object":
            return False
        kept = [reference.target for reference in case.references(case.member)]
        functions = sum(case.type(node) == NodeType.CLOSURE for node in kept)
        targets = sum(case.class_name(node) in _TARGETS for node in kept)
        return functions > 0 and targets > 0

    def _event_target(self, case: Case) -> Detection:
        steps = case.name.steps
        at = next((i for i, s in enumerate(steps) if "kEvents" in s.label), None)
        target = steps[at].source if at is not None else case.holder
        name = _name_up_to(case, at) if at is not None else case.name.text
        return Detection(
            category=self.category,
            holder_name=f"{name} listeners",
            holder_kind=case.class_name(target),
            holder_node=target,
            members=case.member_class,
            member_node=_callback(case, case.member),
            title="{holder} gain {rate} {members} {per} and lose none",
        )


def _name_up_to(case: Case, at: int) -> str:
    """Return the emitter's own name: the way to the holder up to the registry."""
    labels = [step.label for step in case.name.steps[:at] if not step.label.isdigit()]
    if labels and case.name.written:
        labels[0] = case.name.written
    plain = [label for label in labels if label not in _PLUMBING]
    return ".".join(plain[-3:]) if plain else case.name.text.split("._events")[0]


def _listener_class(case: Case) -> str:
    """Return what the listeners are; for `once` what it was given, as its wrapper differs by version."""
    given = _callback(case, case.member)
    wraps = given is not None and given != case.member and case.type(case.member or 0) == NodeType.CLOSURE
    return case.class_name(given) if wraps and given is not None else case.member_class


def _callback(case: Case, member: int | None) -> int | None:
    """Return the function behind a listener: itself, or what `once` and EventTarget wrap."""
    if member is None:
        return None
    wrapped = case.child(member, "listener", "callback", "handler", "fn")
    return wrapped if wrapped is not None and case.type(wrapped) == NodeType.CLOSURE else member
