"""Timers that are never cleared.

## What leaks

`setInterval` per session, connection or job without `clearInterval`. Node keeps every active timer in a
list, the timer keeps its callback, and the callback keeps what it captured.

## Leaking example

```js
function openSession(id) {
  const session = { id, messages: [] };
  setInterval(() => { session.messages.length = 0; }, 60_000).unref();
  return session;
}

exports.iterate = (n) => { for (let i = 0; i < n; i++) openSession(i); };
```

## Fixed example

```js
function openSession(id) {
  const session = { id, messages: [] };
  const timer = setInterval(() => { session.messages.length = 0; }, 60_000).unref();
  session.close = () => clearInterval(timer);
  return session;
}

exports.iterate = (n) => { for (let i = 0; i < n; i++) openSession(i).close(); };
```

One timer that walks over all sessions is better still. `unref()` lets the process end; it does not free
the timer.

## Evidence

For: the members are `Timeout` or `Immediate` objects, wherever they are held. The finding names the
callback, where it is defined, and whether it repeats.

Against: one-shot timers that fire within the rounds; timers as many as there are workers.

## Known false alarms

Long one-shot timeouts (a request timeout of minutes) pile up until the first of them fire: growth stops
then, so rounds should be longer than the timeout.

## How to confirm it

Count `Timeout` in `process.getActiveResourcesInfo()` after each round; timers that were unref'ed are not
in it.

## Further reading

- [Timers](https://nodejs.org/api/timers.html)
- [process.getActiveResourcesInfo()](https://nodejs.org/api/process.html#processgetactiveresourcesinfo)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapsleuth.heap.kinds import NodeType
from heapsleuth.leaks.detectors.base import Detection

if TYPE_CHECKING:
    from heapsleuth.leaks.case import Case

__all__ = ["TimerDetector"]

_TIMERS = {"Timeout": "timers", "Immediate": "immediates"}


class TimerDetector:
    """Node keeps timers of one duration in a `TimersList`, a ring of `Timeout`s."""

    category = "timer"

    def detect(self, case: Case) -> Detection | None:
        """Fire when the members are timers, wherever they are held."""
        member = case.member
        if member is None or case.member_class not in _TIMERS:
            return None
        callback = case.child(member, "_onTimeout", "_onImmediate", "_callback")
        if callback is None or case.type(callback) != NodeType.CLOSURE:
            return None  # it was cleared, or has fired: whoever keeps the handle is at fault
        function = case.graph.own_name(callback)
        # `_repeat` is a number (no node) for intervals and null (a node) for one-shot timers.
        repeats = case.member_class == "Timeout" and case.child(member, "_repeat") is None
        kind = ("interval " if repeats else "") + _TIMERS[case.member_class]
        what = f"`{function}`" if function else "an anonymous function"
        return Detection(
            category=self.category,
            holder_name=f"{kind} of {what}",
            holder_kind="timer list" if case.member_class == "Timeout" else case.holder_class,
            holder_node=case.holder,
            members=case.member_class,
            member_node=callback,
            title="{rate} {holder} set {per} and never cleared",
        )
