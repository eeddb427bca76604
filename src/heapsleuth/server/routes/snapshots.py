"""`/v1/snapshots`: what is in the vault."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from heapsleuth.errors import VaultError
from heapsleuth.server import audit
from heapsleuth.server.auth import Actor, require
from heapsleuth.server.problems import not_found
from heapsleuth.server.routes.agents import Id  # noqa: TC001 - FastAPI reads annotations
from heapsleuth.server.schemas import SnapshotOut

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from heapsleuth.server.context import Context
    from heapsleuth.store.model import SnapshotRecord

__all__ = ["router"]

_GZIP: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/gzip": {}}, "description": "The file, packed."}
}


def router(context: Context) -> APIRouter:
    """Return the routes of snapshots."""
    routes = APIRouter(prefix="/v1/snapshots", tags=["snapshots"])
    viewer = [Depends(require(context, "viewer"))]
    operator = Depends(require(context, "operator"))
    admin = Depends(require(context, "admin"))

    @routes.get("", dependencies=viewer)
    def snapshots(
        service: Annotated[str, Query(max_length=500)] = "",
        incident: Annotated[str, Query(max_length=128)] = "",
    ) -> list[SnapshotOut]:
        """Return the snapshots, the latest first."""
        found = context.store.snapshots(service=service, incident=incident)
        return [SnapshotOut.model_validate(one) for one in found]

    @routes.get("/{snapshot_id}", dependencies=viewer)
    def snapshot(snapshot_id: Id) -> SnapshotOut:
        """Return what is known of a snapshot."""
        found = context.store.snapshot(snapshot_id)
        if found is None:
            raise not_found("a snapshot")
        return SnapshotOut.model_validate(found)

    @routes.get("/{snapshot_id}/content", responses=_GZIP, response_class=Response)
    async def content(request: Request, snapshot_id: Id, actor: Actor = operator) -> Response:
        """Return the file, packed: whoever reads it reads what the program had in memory."""
        record = await _record(snapshot_id)
        chunks = aiter(context.vault.get(record.key))
        try:
            first = await anext(chunks, b"")
        except VaultError as error:
            await audit.note(context, request, actor, "download", snapshot_id, str(error))
            raise not_found("the snapshot's file in the vault") from error
        await audit.note(context, request, actor, "download", snapshot_id, "done")
        name = record.key.rsplit("/", 1)[-1]
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Content-Length": str(record.bytes),
            "Digest": f"sha-256={record.sha256}",
        }
        return StreamingResponse(_all(first, chunks), 200, headers, "application/gzip")

    @routes.delete("/{snapshot_id}", status_code=204)
    async def delete(request: Request, snapshot_id: Id, actor: Actor = admin) -> None:
        """Remove a snapshot."""
        record = await _record(snapshot_id)
        await context.vault.delete(record.key)
        await run_in_threadpool(context.store.delete_snapshot, snapshot_id)
        await audit.note(context, request, actor, "snapshot.delete", snapshot_id, "done")

    async def _record(snapshot_id: str) -> SnapshotRecord:
        record = await run_in_threadpool(context.store.snapshot, snapshot_id)
        if record is None:
            raise not_found("a snapshot")
        return record

    return routes


async def _all(first: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in chunks:
        yield chunk
