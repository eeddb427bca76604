"""Sockets and handles left open.

## What leaks

Connections, servers, streams, watchers or workers that are opened per unit of work and not closed on
every way out, the error path most often.

## Leaking example

```js
const dgram = require('node:dgram');

function report(metric) {
  const socket = dgram.createSocket('udp4');
  if (metric.value === 0) return; // the early way out forgets the socket
  socket.send(`${metric.name}:${metric.value}`, 8125, '127.0.0.1', () => socket.close());
}

exports.iterate = (n) => { for (let i = 0; i < n; i++) report({ name: 'errors', value: 0 }); };
```

## Fixed example

```js
const dgram = require('node:dgram');

function report(metric) {
  if (metric.value === 0) return;
  const socket = dgram.createSocket('udp4');
  socket.send(`${metric.name}:${metric.value}`, 8125, '127.0.0.1', () => socket.close());
}

exports.iterate = (n) => { for (let i = 0; i < n; i++) report({ name: 'errors', value: 0 }); };
```

Where a handle has to be open for a while, close it in `finally`, and give it a timeout.

## Evidence

For: the members are sockets, servers, streams or other objects that own a handle of the runtime.

Against: as many handles as a pool may have; connections that come and go.

## Known false alarms

Connection pools that are still growing to their limit, and keep-alive connections of clients during the
load itself.

## How to confirm it

Compare `process.getActiveResourcesInfo()` after each round, and the number of open files:
`ls /proc/PID/fd | wc -l`, or `lsof -p PID`.

## Further reading

- [Net: socket.destroy()](https://nodejs.org/api/net.html#socketdestroyerror)
- [Stream: finished()](https://nodejs.org/api/stream.html#streamfinishedstream-options-callback)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from heapsleuth.heap.kinds import NodeType
from heapsleuth.leaks.bulk import HANDLES
from heapsleuth.leaks.detectors.base import Detection, held
from heapsleuth.leaks.vocabulary import CONNECTIONS

if TYPE_CHECKING:
    from heapsleuth.leaks.case import Case

__all__ = ["SocketDetector"]

# What is registered as a connection is one when there is this much behind it.
_LEAST_NODES = 8


class SocketDetector:
    """Members are backed by an operating-system handle."""

    category = "socket"

    def detect(self, case: Case) -> Detection | None:
        """Fire when the members are handles."""
        member = case.member
        if member is None:
            return None
        if case.member_class not in HANDLES:
            return held(case, self.category) if self._is_connection(case) else None
        # The object a program works with: a `TCP` is what `Socket` and `Server` have inside.
        owner = case.child(member, "<symbol owner_symbol>")
        shown = member if owner is None else owner
        by_runtime = case.type(case.holder) in (NodeType.SYNTHETIC, NodeType.NATIVE)
        return Detection(
            category=self.category,
            holder_name="open handles" if by_runtime else case.name.text,
            holder_kind="process" if by_runtime else case.holder_class,
            holder_node=case.holder,
            members=case.class_name(shown),
            member_node=shown,
            title="{kind} {holder} keeps {rate} {members} open {per}",
        )

    def _is_connection(self, case: Case) -> bool:
        """Whether members are a library's connections: with a handle inside, or called so and live."""
        bulk = case.bulk
        if bulk is None or case.type(case.holder) not in (NodeType.OBJECT, NodeType.ARRAY):
            return False
        called_so = bool(case.holder_words & CONNECTIONS)
        return called_so and bulk.is_live and (bulk.handles > 0 or bulk.nodes >= _LEAST_NODES)
