"""Buffers and strings that pile up.

## What leaks

Bytes that are kept after they were used: chunks collected and never written, a string that is appended
to for ever, or a small slice that keeps a big buffer alive.

## Leaking example

```js
const chunks = [];

function receive(chunk) {
  chunks.push(chunk);
}

exports.iterate = (n) => { for (let i = 0; i < n; i++) receive(Buffer.alloc(4096)); };
```

## Fixed example

```js
let received = 0;

function receive(chunk) {
  received += chunk.length; // or written to where it belongs
}

exports.iterate = (n) => { for (let i = 0; i < n; i++) receive(Buffer.alloc(4096)); };
```

Copy a small slice out of a big buffer with `Buffer.from(slice)`: `subarray` shares the memory.

## Evidence

For: the members are buffers, typed arrays or their backing stores, or most of what they retain is; or
one string or buffer grows by itself. Bytes outside the JavaScript heap are counted.

Against: the last N chunks, a pool of slabs: their number and bytes stand still.

## Known false alarms

Buffers from Node's pool share one backing store, so the bytes of small buffers are those of the pool's
pages.

## How to confirm it

`process.memoryUsage().arrayBuffers` after each round for buffers, `heapUsed` for strings.

## Further reading

- [Buffer.allocUnsafe() and the pool](https://nodejs.org/api/buffer.html#static-method-bufferallocunsafesize)
- [buf.subarray()](https://nodejs.org/api/buffer.html#bufsubarraystart-end)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from heapsleuth.heap.kinds import NodeType
from heapsleuth.leaks.detectors.base import Detection

if TYPE_CHECKING:
    from heapsleuth.leaks.case import Case

__all__ = ["BufferDetector"]

_BUFFERS = frozenset({"ArrayBuffer", "Buffer", "DataView", "SharedArrayBuffer", "system / JSArrayBufferData"})
_MOSTLY = 0.9
# What the parts of a Buffer, a typed array or a concatenated string are called.
_PARTS = re.compile(r"(\.(backing_store|buffer|first|second))+$")
_TEXT = (NodeType.STRING, NodeType.CONS_STRING, NodeType.SLICED_STRING)


class BufferDetector:
    """Members are bytes outside the JavaScript heap, or the holder is itself one growing block."""

    category = "buffer"

    def detect(self, case: Case) -> Detection | None:
        """Fire on buffers as members and on single strings or buffers that grow."""
        holder_grows = case.holder_class in _BUFFERS or case.type(case.holder) in _TEXT
        if case.series.single and case.member is not None:
            holder_grows |= case.type(case.member) in _TEXT
        if not holder_grows and not self._is_buffer(case) and not self._waits_with_buffers(case):
            return None
        owner = self._owner(case) if holder_grows else case.holder
        kind = case.holder_class if owner == case.holder else case.class_name(owner)
        return Detection(
            category=self.category,
            holder_name=_PARTS.sub("", case.name.text),
            holder_kind=kind,
            holder_node=owner,
            members=case.member_class if case.member is not None else kind,
            member_node=None if holder_grows else case.member,
            title="{holder} grows by {bytes} {per}"
            if holder_grows
            else "{kind} {holder} gains {rate} {members} {per}",
        )

    def _owner(self, case: Case) -> int:
        """Return the Buffer, typed array or string that a programmer knows the growing block by."""
        node = case.holder
        for step in reversed(case.name.steps[1:]):
            if step.target != node or not _PARTS.fullmatch(f".{step.label}"):
                break
            node = step.source
        return node

    def _waits_with_buffers(self, case: Case) -> bool:
        """Whether what piles up behind a promise is next to nothing but buffers that reactions captured."""
        bulk = case.bulk
        return case.holder_class == "Promise" and bulk is not None and bulk.share(bulk.native) >= _MOSTLY

    def _is_buffer(self, case: Case) -> bool:
        name = case.member_class
        return name in _BUFFERS or (
            name.endswith("Array") and name != "Array" and name[:-5] in _ELEMENT_TYPES
        )


_ELEMENT_TYPES = frozenset(
    {
        "BigInt64",
        "BigUint64",
        "Float16",
        "Float32",
        "Float64",
        "Int16",
        "Int32",
        "Int8",
        "Uint16",
        "Uint32",
        "Uint8",
        "Uint8Clamped",
    }
)
