"""Caches without a bound.

## What leaks

A `Map`, or an object used as a dictionary, gains a key per unit of work and no key ever leaves. The keys
are unique (a request id, a URL with a query, a user's basket), so the cache never hits and never shrinks.

## Leaking example

```js
const quotes = new Map();

function quote(basket) {
  if (!quotes.has(basket.id)) quotes.set(basket.id, { ...basket, total: basket.price * 1.2 });
  return quotes.get(basket.id);
}

let orders = 0;
exports.iterate = (n) => { for (let i = 0; i < n; i++) quote({ id: `order ${orders++}`, price: 10 }); };
```

## Fixed example

```js
const LIMIT = 500;
const quotes = new Map();

function quote(basket) {
  if (!quotes.has(basket.id)) quotes.set(basket.id, { ...basket, total: basket.price * 1.2 });
  // A Map keeps the order of insertion: the first key is the oldest.
  if (quotes.size > LIMIT) quotes.delete(quotes.keys().next().value);
  return quotes.get(basket.id);
}

let orders = 0;
exports.iterate = (n) => { for (let i = 0; i < n; i++) quote({ id: `order ${orders++}`, price: 10 }); };
```

A package such as `lru-cache` adds a time to live. If the key is an object whose life should end the
entry's, use a `WeakMap`.

## Evidence

For: the holder has keys, or is called a cache; its entries grew in every round, and none that was seen
has left.

Against: entries that are replaced at a constant size, as an LRU does; a number of entries that stands
still; a limit, an eviction or an expiry in the code beside the holder. What is live (sessions, tasks,
functions) is not cached but registered: see [collections](collection.md).

## Known false alarms

A cache that is still filling up to its bound looks the same until it is full: warm up for longer, or
take more snapshots. A key space that is finite but large (all customers) is a leak only if you think so.

## How to confirm it

Log the container's size and its hits after each round: a leak has few hits and a size that rises with
the work. Send the same requests again; a cache that has a use does not grow on them.

## Further reading

- [lru-cache](https://github.com/isaacs/node-lru-cache)
- [WeakMap](https://developer.mozilla.org/docs/Web/JavaScript/Reference/Global_Objects/WeakMap)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapsleuth.heap.kinds import NodeType
from heapsleuth.leaks.detectors.base import KEYED, held, is_empty
from heapsleuth.leaks.vocabulary import CACHE

if TYPE_CHECKING:
    from heapsleuth.leaks.case import Case
    from heapsleuth.leaks.detectors.base import Detection

__all__ = ["CacheDetector"]


class CacheDetector:
    """A Map, or an object used as a dictionary, gains keys and never loses one."""

    category = "cache"

    def detect(self, case: Case) -> Detection | None:
        """
        Fire on keyed containers of data, and on any container called a cache.

        What is live (tasks, sessions with their callbacks) or says nothing beyond its key is not cached
        but registered: see `collection`.
        """
        # Members of a plain object that no field names are values, or keys, of a dictionary.
        dictionary = case.holder_class == "Object" and case.field is None and not case.candidate.chain
        keyed = case.holder_class in KEYED or case.candidate.dictionary or dictionary
        called_so = bool(case.holder_words & CACHE)
        if not keyed and not (called_so and self._is_container(case)):
            return None
        if not called_so and self._is_registered(case):
            return None
        return held(case, self.category)

    def _is_container(self, case: Case) -> bool:
        return case.candidate.chain or case.holder_class in ("Array", "Set")

    def _is_registered(self, case: Case) -> bool:
        """Whether members are live objects, or empty ones that only mark their key as present."""
        if case.member is None or case.bulk is None:
            return False
        return case.bulk.is_live or (case.type(case.member) == NodeType.OBJECT and is_empty(case))
