"""`/v1/tokens`: who may do what."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Request
from fastapi.concurrency import run_in_threadpool

from heapsleuth.server import audit
from heapsleuth.server.auth import Actor, require, tokens_of
from heapsleuth.server.problems import not_found
from heapsleuth.server.schemas import TokenIn, TokenMade, TokenOut
from heapsleuth.server.tokens import FIRST, SESSION, make_token

if TYPE_CHECKING:
    from heapsleuth.server.context import Context

__all__ = ["router"]

_DAY_MS = 86_400_000.0
TokenId = Annotated[str, Path(pattern=r"^[A-Za-z0-9-]{1,80}$")]


def router(context: Context) -> APIRouter:
    """Return the routes of tokens."""
    routes = APIRouter(prefix="/v1/tokens", tags=["tokens"])
    admin = Depends(require(context, "admin"))

    @routes.get("", dependencies=[admin])
    def tokens(request: Request) -> list[TokenOut]:
        """Return all tokens; `last_used_ms` is since the collector's start."""
        known = tokens_of(request)
        return [
            TokenOut.model_validate(asdict(token) | {"last_used_ms": known.last_used_ms.get(token.id)})
            for token in known.all()
        ]

    @routes.post("", status_code=201)
    async def add(request: Request, wanted: TokenIn, actor: Actor = admin) -> TokenMade:
        """Make a token; its secret is told this once."""
        if wanted.service and wanted.role != "agent":
            raise HTTPException(422, "expected a service with the role agent only")
        lasts_ms = None if wanted.expires_days is None else wanted.expires_days * _DAY_MS
        secret, token = make_token(
            wanted.role, wanted.name, context.clock(), lasts_ms=lasts_ms, service=wanted.service
        )
        await run_in_threadpool(tokens_of(request).add, token)
        await audit.note(
            context, request, actor, "token.add", f"{token.id} {token.role} {token.name}", "done"
        )
        return TokenMade(**TokenOut.model_validate(token).model_dump(), token=secret)

    @routes.delete("/{token_id}", status_code=204)
    async def withdraw(request: Request, token_id: TokenId, actor: Actor = admin) -> None:
        """Withdraw a token, and the sessions it was used for."""
        special = token_id.startswith((FIRST, SESSION))
        if special or not await run_in_threadpool(tokens_of(request).withdraw, token_id):
            raise not_found("a token")
        await audit.note(context, request, actor, "token.revoke", token_id, "done")

    return routes
