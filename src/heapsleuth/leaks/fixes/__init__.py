"""What to change, per kind of leak: one table, no code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from heapsleuth.leaks.model import Fix

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ADVICE", "Advice", "fix_for"]


@dataclass(frozen=True, slots=True)
class Advice:
    """Advice for one category; `{holder}` and `{members}` are filled in."""

    summary: str
    before: str
    after: str


ADVICE: Mapping[str, Advice] = {
    "cache": Advice(
        "Give {holder} a bound and a time to live, or delete each key when its work is done.",
        "cache.set(key, value);",
        "const cache = new LRUCache({ max: 1000, ttl: 60_000 });",
    ),
    "collection": Advice(
        "Remove each {members} from {holder} when it is finished with, or keep only the last N.",
        "list.push(item);",
        "list.push(item); if (list.length > 1000) list.shift();",
    ),
    "listener": Advice(
        "Remove the listener when its owner is done: `off`, `once`, or an AbortSignal.",
        "emitter.on('event', listener);",
        "emitter.on('event', listener); owner.on('close', () => emitter.off('event', listener));",
    ),
    "timer": Advice(
        "Keep the handle and clear it when its owner closes.",
        "setInterval(tick, 60_000);",
        "const timer = setInterval(tick, 60_000); owner.on('close', () => clearInterval(timer));",
    ),
    "promise": Advice(
        "Settle every promise: reject it after a time limit, and forget its resolver then.",
        "new Promise((resolve) => waiting.push(resolve));",
        "Promise.race([answer, timeout(30_000)]).finally(() => waiting.delete(id));",
    ),
    "socket": Advice(
        "Destroy the handle on every way out, errors and timeouts included.",
        "const socket = net.connect(port);",
        "try { await use(socket); } finally { socket.destroy(); }",
    ),
    "buffer": Advice(
        "Drop the reference when the bytes are written, and copy small slices out of big buffers.",
        "chunks.push(chunk);",
        "sink.write(chunk); // or Buffer.from(big.subarray(a, b)) to keep only a slice",
    ),
    "closure": Advice(
        "Do not keep functions that capture per-request values; pass ids, or drop them when done.",
        "hooks.push(() => use(request));",
        "const id = request.id; hooks.set(id, () => use(id)); // and hooks.delete(id) when done",
    ),
}


def fix_for(category: str, holder: str, members: str) -> Fix | None:
    """Return the advice for a category with the names found filled in, None where there is none."""
    advice = ADVICE.get(category)
    if advice is None:
        return None
    summary = advice.summary.replace("{holder}", holder).replace("{members}", members)
    return Fix(summary=summary, before=advice.before, after=advice.after, doc=f"docs/leaks/{category}.md")
