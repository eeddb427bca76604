"""The audit log: who did what to what, and how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import Request  # noqa: TC002 - FastAPI reads annotations
from fastapi.concurrency import run_in_threadpool

from heapsleuth.store.model import AuditEntry

if TYPE_CHECKING:
    from heapsleuth.server.auth import Actor
    from heapsleuth.server.context import Context

__all__ = ["address", "note"]

_MAX_TEXT = 500


async def note(
    context: Context, request: Request, actor: Actor | None, action: str, target: str, outcome: str
) -> None:
    """
    Add an entry; it is durable when this returns.

    Args:
        context: The collector's parts.
        request: Where it came from.
        actor: Who; None for somebody whose token does not count.
        action: What they did: `snapshot`, `gc`, `download`, `login`, `token.add`, …
        target: To what.
        outcome: `done`, or why not.
    """
    entry = AuditEntry(
        at_ms=context.clock(),
        actor=actor.name if actor else "",
        role=actor.role if actor else "",
        action=action,
        target=target[:_MAX_TEXT],
        outcome=outcome[:_MAX_TEXT],
        remote=address(request),
    )
    await run_in_threadpool(context.store.record, [entry])


def address(request: Request) -> str:
    """Return where a request came from."""
    return request.client.host if request.client else ""
