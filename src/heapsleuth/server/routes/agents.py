"""`/v1/agents/{instance}/…`: what agents ask; see `agents/protocol`."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from heapsleuth.server import audit
from heapsleuth.server.arrivals import BadSnapshot, TooLarge
from heapsleuth.server.auth import Actor, require
from heapsleuth.server.problems import not_found
from heapsleuth.server.schemas import CommandsOut, SnapshotOut

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from heapsleuth.server.agent_api import AgentApi, Handler
    from heapsleuth.server.arrivals import Arrivals
    from heapsleuth.server.commands import AgentCommands
    from heapsleuth.server.context import Context
    from heapsleuth.server.counts import Counts

__all__ = ["router"]

_NAME = r"^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$"
_ID = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
Name = Annotated[str, Path(pattern=_NAME)]
Id = Annotated[str, Path(pattern=_ID)]
_MESSAGE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A message as in agents/protocol/samples-request.json; gzip is taken.",
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["protocol"],
                    "properties": {
                        "protocol": {"const": 1},
                        "service": {"type": "string"},
                        "release": {"type": "string"},
                        "sequence": {"type": "integer", "minimum": 0},
                        "samples": {"type": "array", "items": {"type": "object"}, "maxItems": 2000},
                        "events": {"type": "array", "items": {"type": "object"}, "maxItems": 2000},
                    },
                }
            }
        },
    }
}
_FILE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


class _Passed(Response):
    """An answer that one of the fast handlers gives."""

    def __init__(self, handler: Handler) -> None:
        super().__init__()
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._handler(scope, receive, send)


def router(
    context: Context, api: AgentApi, commands: AgentCommands, arrivals: Arrivals, counts: Counts
) -> APIRouter:
    """Return the routes of agents."""
    routes = APIRouter(prefix="/v1/agents/{instance}", tags=["agents"])
    agent = Depends(require(context, "agent"))

    @routes.post("/samples", response_model=CommandsOut, openapi_extra=_MESSAGE)
    async def samples(instance: Name) -> Response:  # noqa: ARG001 - the handler reads it itself
        """Take a message; the answer comes when it is committed."""
        return _Passed(api.samples)

    @routes.get("/commands", response_model=CommandsOut)
    async def poll(
        instance: Name,  # noqa: ARG001 - the handler reads it itself
        wait: Annotated[float, Query(ge=0, le=30)] = 0,  # noqa: ARG001
    ) -> Response:
        """Return commands once there are some, or none after `wait` seconds."""
        return _Passed(api.commands)

    @routes.put("/snapshots/{snapshot_id}", response_model=SnapshotOut, openapi_extra=_FILE)
    async def upload(
        request: Request,
        instance: Name,
        snapshot_id: Id,
        kind: Literal["snapshot", "profile"] = "snapshot",
        work: Annotated[float | None, Query(ge=0, le=2**53)] = None,
        actor: Actor = agent,
    ) -> SnapshotOut:
        """Take a snapshot that this instance was asked for; `Content-Encoding: gzip` is kept as it comes."""
        known = await run_in_threadpool(context.store.instance, instance)
        if known is None:
            raise not_found("an instance that has reported")
        if actor.service and actor.service != known.service:
            raise HTTPException(403, f"this token is for the service {actor.service}")
        if not commands.expects(instance, snapshot_id):
            raise HTTPException(409, "expected a snapshot that this instance was asked for")
        if await run_in_threadpool(context.store.snapshot, snapshot_id) is not None:
            raise HTTPException(409, "this snapshot is here already")
        encoding = request.headers.get("content-encoding", "identity").lower()
        if encoding not in {"gzip", "identity"}:
            raise HTTPException(415, "expected gzip, or no content-encoding")
        try:
            record = await arrivals.take(
                request.stream(),
                snapshot_id=snapshot_id,
                instance=known,
                kind=kind,
                packed=encoding == "gzip",
            )
        except TooLarge as error:
            raise HTTPException(413, str(error), {"Connection": "close"}) from error
        except (BadSnapshot, zlib.error) as error:
            raise HTTPException(422, str(error), {"Connection": "close"}) from error
        except ClientDisconnect as error:
            raise HTTPException(400, "the upload was cut off") from error
        except TimeoutError as error:
            raise HTTPException(408, "nothing came for a minute", {"Connection": "close"}) from error
        record = replace(record, work=work)
        await run_in_threadpool(context.store.put_snapshot, record)
        counts.uploads += 1
        counts.upload_bytes += record.bytes
        await audit.note(context, request, actor, "upload", f"{kind} {snapshot_id} of {instance}", "done")
        return SnapshotOut.model_validate(record)

    return routes
