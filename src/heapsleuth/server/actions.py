"""What operators have done to instances; the API and the dashboard's buttons both come here.

Every one is in the audit log with its outcome, also when it was refused.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any

from heapsleuth.errors import AgentFailed
from heapsleuth.server import audit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import Request

    from heapsleuth.server.auth import Actor
    from heapsleuth.server.context import Context

__all__ = ["ask_gc", "ask_profile", "ask_snapshot", "snapshot_id"]

_GC_S = 120.0
_SNAPSHOT_S = 900.0
"""A gigabyte of heap takes a minute or two to write, and as long to send."""
_PROFILE_S = 60.0


def snapshot_id() -> str:
    """Return a new id of a snapshot or profile."""
    return secrets.token_hex(8)


async def ask_gc(context: Context, request: Request, actor: Actor, instance: str) -> Mapping[str, Any]:
    """Have an instance collect garbage; raises `AgentFailed`."""
    return await _ask(context, request, actor, "gc", instance, {"type": "gc"}, _GC_S)


async def ask_snapshot(
    context: Context, request: Request, actor: Actor, instance: str, *, force: bool = False
) -> Mapping[str, Any]:
    """Have an instance take a snapshot and send it; the result has its id as `upload`."""
    command = {"type": "snapshot", "force": force, "upload": snapshot_id()}
    result = await _ask(context, request, actor, "snapshot", instance, command, _SNAPSHOT_S)
    return {**result, "upload": command["upload"]}


async def ask_profile(
    context: Context, request: Request, actor: Actor, instance: str, *, seconds: float
) -> Mapping[str, Any]:
    """Have an instance sample its allocations and send the profile; raises `AgentFailed`."""
    longest_ms = (seconds + _PROFILE_S) * 1000
    start = {"type": "profile.start", "max_ms": min(longest_ms, 600_000.0)}
    await _ask(context, request, actor, "profile", instance, start, _PROFILE_S)
    await asyncio.sleep(seconds)
    stop = {"type": "profile.stop", "upload": snapshot_id()}
    result = await context.commands.ask(instance, stop, timeout_s=_SNAPSHOT_S)
    return {**result, "upload": stop["upload"]}


async def _ask(
    context: Context,
    request: Request,
    actor: Actor,
    action: str,
    instance: str,
    command: Mapping[str, Any],
    timeout_s: float,
) -> Mapping[str, Any]:
    try:
        result = await context.commands.ask(instance, command, timeout_s=timeout_s)
    except AgentFailed as error:
        await audit.note(context, request, actor, action, instance, str(error))
        raise
    await audit.note(context, request, actor, action, instance, "done")
    return result
