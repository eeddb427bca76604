"""`/v1/instances`: one process, and what it can be asked to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Body, Depends, Request
from fastapi.concurrency import run_in_threadpool

from heapsleuth.server.actions import ask_gc, ask_profile, ask_snapshot
from heapsleuth.server.auth import Actor, require
from heapsleuth.server.problems import not_found
from heapsleuth.server.routes.agents import Name  # noqa: TC001 - FastAPI reads annotations
from heapsleuth.server.routes.services import Hours, Limit  # noqa: TC001 - FastAPI reads annotations
from heapsleuth.server.schemas import CommandOut, EventOut, InstanceOut, SnapshotIn

if TYPE_CHECKING:
    from heapsleuth.server.context import Context

__all__ = ["router"]

_HOUR_MS = 3_600_000.0


def router(context: Context) -> APIRouter:
    """Return the routes of instances."""
    routes = APIRouter(prefix="/v1/instances/{instance}", tags=["instances"])
    viewer = [Depends(require(context, "viewer"))]
    operator = Depends(require(context, "operator"))

    @routes.get("", dependencies=viewer)
    def instance(instance: Name) -> InstanceOut:
        """Return an instance."""
        found = context.store.instance(instance)
        if found is None:
            raise not_found("an instance")
        return InstanceOut.model_validate(found)

    @routes.get("/samples", dependencies=viewer)
    def samples(instance: Name, hours: Hours = 1) -> list[dict[str, float]]:
        """Return samples as they came, while they are kept."""
        return context.store.rows(instance, context.clock() - hours * _HOUR_MS, context.clock())

    @routes.get("/events", dependencies=viewer)
    def events(instance: Name, hours: Hours = 24, limit: Limit = 200) -> list[EventOut]:
        """Return events, the latest first."""
        since_ms = context.clock() - hours * _HOUR_MS
        found = context.store.events(instance=instance, since_ms=since_ms, limit=limit)
        return [EventOut.model_validate(one) for one in found]

    @routes.post("/gc")
    async def gc(request: Request, instance: Name, actor: Actor = operator) -> CommandOut:
        """Have it collect garbage; it stands still for two full collections."""
        await _there(instance)
        return CommandOut(result=dict(await ask_gc(context, request, actor, instance)))

    @routes.post("/snapshot")
    async def snapshot(
        request: Request,
        instance: Name,
        wanted: Annotated[SnapshotIn | None, Body()] = None,
        actor: Actor = operator,
    ) -> CommandOut:
        """Have it take a heap snapshot and send it here; refused if it would not fit into its memory."""
        await _there(instance)
        force = wanted is not None and wanted.force
        return CommandOut(result=dict(await ask_snapshot(context, request, actor, instance, force=force)))

    @routes.post("/profile")
    async def profile(
        request: Request,
        instance: Name,
        seconds: Annotated[float, Body(embed=True, gt=0, le=600)] = 30,
        actor: Actor = operator,
    ) -> CommandOut:
        """Have it sample its allocations for some time, and send the profile here."""
        await _there(instance)
        result = await ask_profile(context, request, actor, instance, seconds=seconds)
        return CommandOut(result=dict(result))

    async def _there(instance: str) -> None:
        if await run_in_threadpool(context.store.instance, instance) is None:
            raise not_found("an instance")

    return routes
