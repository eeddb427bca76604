"""Collections that only grow.

## What leaks

An array, a `Set`, a linked list or a registry that lives as long as the module gains members and loses
none: a log kept in memory, a list of all jobs, a history for debugging.

## Leaking example

```js
const audit = [];

function handle(request) {
  audit.push({ id: request.id, at: Date.now() });
}

exports.iterate = (n) => { for (let i = 0; i < n; i++) handle({ id: i }); };
```

## Fixed example

```js
const KEPT = 100;
const audit = [];

function handle(request) {
  audit.push({ id: request.id, at: Date.now() });
  if (audit.length > KEPT) audit.shift();
}

exports.iterate = (n) => { for (let i = 0; i < n; i++) handle({ id: i }); };
```

## Evidence

For: the holder is an array, a `Set`, a chain of objects or a registry of live objects, and one class of
members grew in every round.

Against: members that are replaced at a constant number, as a ring buffer does; a number of members that
stands still; code beside the holder that removes them or keeps to a limit.

## Known false alarms

A collection that is emptied on a schedule longer than the rounds (once an hour, say) looks like a leak
within them. So does a pool that has not reached its size.

## How to confirm it

Log the length after each round. Then look for the line that should take members out: it is missing, or
it is not reached, on an error most often.

## Further reading

- [Memory management](https://developer.mozilla.org/docs/Web/JavaScript/Guide/Memory_management)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapsleuth.leaks.detectors.base import KEYED, LISTED, held

if TYPE_CHECKING:
    from heapsleuth.leaks.case import Case
    from heapsleuth.leaks.detectors.base import Detection

__all__ = ["CollectionDetector"]


class CollectionDetector:
    """An array or Set, or a chain of objects, gains members and never loses one."""

    category = "collection"

    def detect(self, case: Case) -> Detection | None:
        """Fire on listed containers and chains."""
        list_by_head = case.series.single and case.series.counts[-1] > 1
        container = case.holder_class in LISTED or case.holder_class in KEYED or case.candidate.dictionary
        dictionary = case.holder_class == "Object" and case.field is None
        if not (container or dictionary or case.candidate.chain or list_by_head):
            return None
        return held(case, self.category)
