"""Logging in and out of the dashboard: a token goes in, a cookie comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import orjson
from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from heapsleuth.server import audit
from heapsleuth.server.auth import (
    COOKIE,
    Actor,
    LoginFailures,
    csrf_of,
    require,
    session_token,
    tokens_of,
)
from heapsleuth.server.problems import MEDIA_TYPE
from heapsleuth.server.schemas import ActorOut, LoginIn, LoginOut
from heapsleuth.server.tokens import FIRST, SESSION, SESSION_MS

if TYPE_CHECKING:
    from heapsleuth.server.context import Context

__all__ = ["FLASH", "router"]

_FORM = "application/x-www-form-urlencoded"
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            kind: {
                "schema": {
                    "type": "object",
                    "required": ["token"],
                    "properties": {"token": {"type": "string", "maxLength": 200}},
                }
            }
            for kind in ("application/json", _FORM)
        },
    }
}
FLASH = "heapsleuth_new_token"
"""Cookie by which a page is told the token that was made at the first login, once and for a minute."""


def router(context: Context) -> APIRouter:
    """Return the routes of sessions."""
    routes = APIRouter(tags=["session"])
    viewer = Depends(require(context, "viewer"))
    failures = LoginFailures()

    @routes.post(
        "/login",
        response_model=LoginOut,
        openapi_extra=_BODY,
        responses={401: {"content": {MEDIA_TYPE: {}}}, 429: {"content": {MEDIA_TYPE: {}}}},
    )
    async def login(request: Request) -> Response:
        """
        Begin a session.

        A form is answered with the way to the dashboard, JSON with JSON. The one-time token of the first
        start is exchanged here for an admin's token, which is told this once.
        """
        address = audit.address(request)
        wait_s = failures.wait_s(address)
        is_form = request.headers.get("content-type", "").startswith(_FORM)
        if wait_s:
            await audit.note(context, request, None, "login", "", "too many failures")
            if is_form:
                return _to(request, "/login?problem=wait")
            raise HTTPException(429, "too many failures", {"Retry-After": str(int(wait_s) + 1)})
        secret = await _secret(request, is_form=is_form)
        tokens = tokens_of(request)
        token = tokens.find(secret)
        made = None
        if token is not None and token.id.startswith(FIRST):
            made = await run_in_threadpool(tokens.exchange, token)
            token = tokens.find(made) if made else None
        if token is None or token.id.startswith(SESSION) or token.role == "agent":
            failures.failed(address)
            await audit.note(context, request, None, "login", "", "refused")
            if is_form:
                return _to(request, "/login?problem=token")
            raise HTTPException(401, "expected a token of role viewer, operator or admin that counts")
        session = await run_in_threadpool(tokens.open_session, token)
        await audit.note(context, request, Actor(token.name, token.role, token.id), "login", "", "done")
        if is_form:
            response: Response = _to(request, _next(request))
        else:
            body = LoginOut(name=token.name, role=token.role, csrf=csrf_of(session), token=made)
            response = Response(body.model_dump_json(), media_type="application/json")
        secure = request.url.scheme == "https"
        response.set_cookie(
            COOKIE, session, int(SESSION_MS / 1000), secure=secure, httponly=True, samesite="strict"
        )
        if made and is_form:
            response.set_cookie(FLASH, made, 60, secure=secure, httponly=True, samesite="strict")
        return response

    @routes.post("/logout", status_code=204)
    async def logout(request: Request, actor: Actor = viewer) -> Response:
        """End the session; a bearer token stays as it is."""
        session = session_token(request)
        if session is not None:
            await run_in_threadpool(tokens_of(request).withdraw, session.id)
        await audit.note(context, request, actor, "logout", "", "done")
        is_form = request.headers.get("content-type", "").startswith(_FORM)
        response = _to(request, "/login") if is_form else Response(status_code=204)
        response.delete_cookie(COOKIE)
        return response

    @routes.get("/v1/me")
    async def me(actor: Actor = viewer) -> ActorOut:
        """Return who asks."""
        return ActorOut.model_validate(actor)

    return routes


async def _secret(request: Request, *, is_form: bool) -> str:
    if is_form:
        sent = (await request.form()).get("token")
        return sent.strip() if isinstance(sent, str) else ""
    try:
        return LoginIn.model_validate(orjson.loads(await request.body())).token
    except (orjson.JSONDecodeError, ValidationError):
        raise HTTPException(422, 'expected {"token": "…"}') from None


def _next(request: Request) -> str:
    """Return where they wanted to go, if that is a page here."""
    wanted = request.query_params.get("next", "/")
    inside = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if inside else "/"


def _to(request: Request, where: str) -> RedirectResponse:
    wanted = _next(request)
    if where.startswith("/login?") and wanted != "/":
        where = f"{where}&next={quote(wanted, safe='/')}"
    return RedirectResponse(where, 303)
