"""`/events`: what changes, as server-sent events; and the collector's own health and metrics."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from fastapi import APIRouter, Depends, HTTPException, Query
from starlette.responses import Response, StreamingResponse

from heapsleuth.server.auth import require
from heapsleuth.server.hub import TooManyListeners
from heapsleuth.server.own_metrics import MEDIA_TYPE, exposition
from heapsleuth.server.schemas import HealthOut

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from heapsleuth.server.commands import AgentCommands
    from heapsleuth.server.context import Context
    from heapsleuth.server.counts import Counts
    from heapsleuth.server.hub import EventHub, Listener
    from heapsleuth.server.ingest import Ingest

__all__ = ["router"]

_ALIVE_S = 15.0
"""A comment after so much silence, so that proxies keep the connection and a dead one is noticed."""
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}, "description": "Server-sent events."}
}
_TEXT: dict[int | str, dict[str, Any]] = {
    200: {"content": {MEDIA_TYPE: {}}, "description": "Prometheus' text format."}
}


def router(
    context: Context, hub: EventHub, ingest: Ingest, commands: AgentCommands, counts: Counts
) -> APIRouter:
    """Return the routes."""
    routes = APIRouter(tags=["collector"])
    viewer = [Depends(require(context, "viewer"))]

    @routes.get("/events", dependencies=viewer, responses=_STREAM, response_class=Response)
    async def events(
        topic: Annotated[str, Query(pattern=r"^(fleet|(service|incident):[^\x00-\x1f]{1,500})$")],
    ) -> Response:
        """Return what changes from now on, until the client goes."""
        try:
            listener = hub.listen(topic)
        except TooManyListeners as error:
            raise HTTPException(429, str(error), {"Retry-After": "60"}) from error
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(_stream(listener), 200, headers, "text/event-stream")

    @routes.get("/healthz")
    async def healthz() -> HealthOut:
        """Say that the process answers."""
        return HealthOut(status="ok")

    @routes.get("/readyz", responses={503: {"model": HealthOut}})
    async def readyz() -> Response:
        """Say whether messages are taken: 503 while the database fails."""
        ready = ingest.healthy
        body = HealthOut(status="ok" if ready else "the database fails")
        return Response(body.model_dump_json(), 200 if ready else 503, media_type="application/json")

    @routes.get("/metrics", dependencies=viewer, responses=_TEXT, response_class=Response)
    def metrics() -> Response:
        """Return the collector's own metrics, and what incidents are open."""
        now = {"waiting_messages": ingest.waiting, "reachable_agents": commands.reachable_count()}
        incidents = context.store.incidents(state="open", limit=1000)
        return Response(exposition(counts, now, incidents), media_type=MEDIA_TYPE)

    return routes


async def _stream(listener: Listener) -> AsyncIterator[bytes]:
    try:
        yield b": hello\n\n"
        while True:
            try:
                async with asyncio.timeout(_ALIVE_S):
                    body = await anext(listener)
            except TimeoutError:
                yield b": still here\n\n"
            except StopAsyncIteration:
                return
            else:
                yield b"data: " + orjson.dumps(body, default=str) + b"\n\n"
    finally:
        listener.close()
