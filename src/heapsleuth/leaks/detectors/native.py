"""Memory that grows where no snapshot can look.

## What leaks

The resident set of the process grows from round to round and the JavaScript heap does not: memory that
native code asked for. An addon that forgets to free, a handle of a library (image, database, crypto)
that has to be closed by hand, threads, or an allocator that cannot give back pages because they are
full of holes.

## Leaking example

```js
const { open } = require('some-native-library');

function thumbnail(file) {
  const image = open(file); // a few bytes of JavaScript, megabytes of native memory
  return image.resize(64, 64);
}
```

## Fixed example

```js
const { open } = require('some-native-library');

function thumbnail(file) {
  const image = open(file);
  try {
    return image.resize(64, 64);
  } finally {
    image.close();
  }
}
```

## Evidence

For: resident memory rose in every round, and by more than the heap, external memory and array buffers
together. External memory and array buffers that rise are findings of the kind [buffer](buffer.md).

Against: no JavaScript object grows. Resident memory alone never makes more than `undecided`, because
the allocator keeps what it once had.

## Known false alarms

An allocator that has not reached its working size: glibc keeps one arena per thread, and a burst of
large requests leaves holes. Code that V8 compiled, and memory mapped files.

## How to confirm it

Run the same rounds for longer, and once more with `MALLOC_ARENA_MAX=2` or with jemalloc preloaded: what
was fragmentation goes flat. What goes on rising is a leak; `heaptrack`, or jemalloc's own profiler, names
the native function.

## Further reading

- [process.memoryUsage()](https://nodejs.org/api/process.html#processmemoryusage)
- [Tracing garbage collection](https://nodejs.org/en/learn/diagnostics/memory/using-gc-traces)
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["OUTSIDE", "Outside"]


class Outside(NamedTuple):
    """How growth that only the process as a whole shows is called."""

    category: str
    name: str
    noun: str
    confidence: float
    """Without any holder to show for it, in [0, 1]."""


OUTSIDE = {
    "external": Outside("buffer", "memory outside the JavaScript heap", "external memory", 0.85),
    "array-buffers": Outside("buffer", "ArrayBuffers and Buffers", "array buffers", 0.85),
    "rss": Outside("native", "native memory", "resident set size", 0.5),
}
"""By kind of memory, as the rounds of a check measure it."""
