"""What the dashboard's buttons do: the same as the API, then back to the page with a sentence about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from heapsleuth.errors import AgentFailed
from heapsleuth.server import actions, audit, capturing
from heapsleuth.server.auth import Actor, require, tokens_of
from heapsleuth.server.pages.notices import Notice, Notices
from heapsleuth.server.problems import not_found
from heapsleuth.server.routes.administration import change_setting
from heapsleuth.server.routes.incidents import change_incident
from heapsleuth.server.tokens import FIRST, ROLES, SESSION, make_token
from heapsleuth.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from heapsleuth.server.context import Context
    from heapsleuth.store.model import Incident, Role

    Page = Callable[..., Response]

__all__ = ["automatic_key", "is_automatic", "router"]

_DAY_MS = 86_400_000.0
_ALIVE_MS = 5 * 60_000.0
_LONGEST_NAME = 80
_DAYS = frozenset(("", "1", "30", "90", "365"))


def router(context: Context, notices: Notices, page: Page) -> APIRouter:
    """Return the routes that forms post to; each checks role and CSRF token as the API does."""
    routes = APIRouter()
    operates = Depends(require(context, "operator"))
    administers = Depends(require(context, "admin"))

    def back(where: str, text: str, tone: str = "clean") -> Response:
        number = notices.put(Notice(text, tone))
        return RedirectResponse(f"{where}?notice={number}", 303)

    async def told(where: str, work: Callable[[], Awaitable[str]]) -> Response:
        try:
            return back(where, await work())
        except AgentFailed as error:
            return back(where, str(error), "leak")

    @routes.post("/instances/{name}/gc")
    async def instance_gc(request: Request, name: str, actor: Actor = operates) -> Response:
        await _there(context, name)
        return await told(_instance(name), lambda: _gc(context, request, actor, name))

    @routes.post("/instances/{name}/snapshot")
    async def instance_snapshot(request: Request, name: str, actor: Actor = operates) -> Response:
        await _there(context, name)
        return await told(_instance(name), lambda: _snapshot(context, request, actor, name))

    @routes.post("/incidents/{incident_id}/gc")
    async def incident_gc(request: Request, incident_id: str, actor: Actor = operates) -> Response:
        incident = await _incident(context, incident_id)
        name = await run_in_threadpool(someone, context, incident)
        if not name:
            return back(
                _page_of(incident), "No instance of the service reports: there is nobody to ask.", "leak"
            )
        return await told(_page_of(incident), lambda: _gc(context, request, actor, name))

    @routes.post("/incidents/{incident_id}/capture")
    async def incident_capture(request: Request, incident_id: str, actor: Actor = operates) -> Response:
        incident = await _incident(context, incident_id)
        return await told(_page_of(incident), lambda: _capture(context, request, actor, incident))

    @routes.post("/incidents/{incident_id}/acknowledge")
    async def acknowledge(request: Request, incident_id: str, actor: Actor = operates) -> Response:
        incident = await change_incident(context, request, actor, "acknowledge", incident_id)
        return back(_page_of(incident), "Acknowledged.")

    @routes.post("/incidents/{incident_id}/resolve")
    async def resolve(request: Request, incident_id: str, actor: Actor = operates) -> Response:
        incident = await change_incident(context, request, actor, "resolve", incident_id)
        return back(_page_of(incident), "Resolved; it opens again if it goes on.")

    @routes.post("/incidents/{incident_id}/automatic-{value}")
    async def automatic(request: Request, incident_id: str, value: str, actor: Actor = operates) -> Response:
        incident = await _incident(context, incident_id)
        await change_setting(context, request, actor, automatic_key(incident.service), value)
        return back(_page_of(incident), f"Automatic snapshots of `{incident.service}` are {value}.")

    @routes.post("/admin/tokens")
    async def add_token(
        request: Request,
        name: Annotated[str, Form(min_length=1, max_length=_LONGEST_NAME)],
        role: Annotated[str, Form()],
        days: Annotated[str, Form()] = "",
        actor: Actor = administers,
    ) -> Response:
        if role not in ROLES or days not in _DAYS:
            raise HTTPException(422, "expected a role and a time from the lists of the form")
        chosen: Role = role
        lasts_ms = float(days) * _DAY_MS if days else None
        secret, token = make_token(chosen, name, context.clock(), lasts_ms=lasts_ms)
        await run_in_threadpool(tokens_of(request).add, token)
        await audit.note(context, request, actor, "token.add", f"{token.id} {role} {name}", "done")
        fresh = {"name": name, "role": role, "secret": secret}
        return page(
            "tokens.html",
            actor,
            request,
            **await run_in_threadpool(token_page, context, request),
            fresh=fresh,
        )

    @routes.post("/admin/tokens/{token_id}/withdraw")
    async def withdraw(request: Request, token_id: str, actor: Actor = administers) -> Response:
        special = token_id.startswith((FIRST, SESSION))
        if special or not await run_in_threadpool(tokens_of(request).withdraw, token_id):
            raise not_found("a token")
        await audit.note(context, request, actor, "token.revoke", token_id, "done")
        return back("/admin/tokens", "Withdrawn; its sessions have ended.")

    return routes


_ROLES = (
    ("agent", "push samples and take commands"),
    ("viewer", "look"),
    ("operator", "look, take snapshots and download them, resolve incidents"),
    ("admin", "all of that, tokens and audit"),
)


def token_page(context: Context, request: Request) -> dict[str, Any]:
    """Return what the page of the tokens reads, but for a fresh one."""
    known = tokens_of(request)
    return {
        "here": "tokens",
        "roles": _ROLES,
        "now_ms": context.clock(),
        "tokens": known.all(),
        "used_ms": known.last_used_ms,
    }


def automatic_key(service: str) -> str:
    """Return the setting that turns automatic snapshots of a service on and off."""
    return f"snapshots.automatic:{service}"


def is_automatic(context: Context, service: str) -> bool:
    """Return whether snapshots of a service are taken without asking: its own setting counts first."""
    for key in (automatic_key(service), "snapshots.automatic"):
        value = context.store.setting(key)
        if value:
            return value == "on"
    return context.config.snapshots.automatic


def someone(context: Context, incident: Incident) -> str:
    """Return an instance to ask: the incident's own if it lives, or any that has an agent; empty for none."""
    alive = [
        one.name
        for one in context.store.instances(incident.service, context.clock() - _ALIVE_MS)
        if one.source == "agent"
    ]
    return incident.instance if incident.instance in alive else next(iter(alive), "")


async def _gc(context: Context, request: Request, actor: Actor, name: str) -> str:
    result = await actions.ask_gc(context, request, actor, name)
    sample = result.get("sample")
    floor = sample.get("heap_used_bytes") if isinstance(sample, dict) else None
    left = f"; {format_bytes(floor)} are left on the heap" if isinstance(floor, (int, float)) else ""
    return f"`{name}` collected its garbage{left}."


async def _snapshot(context: Context, request: Request, actor: Actor, name: str) -> str:
    result = await actions.ask_snapshot(context, request, actor, name)
    size = result.get("bytes")
    much = f" of {format_bytes(size)}" if isinstance(size, (int, float)) else ""
    return f"`{name}` took a snapshot{much}."


async def _capture(context: Context, request: Request, actor: Actor, incident: Incident) -> str:
    if not capturing.start(context, incident.id, actor):
        return f"A capture of `{incident.service}` is under way already; its steps are in the history."
    await audit.note(context, request, actor, "capture", incident.id, "begun")
    return "The capture has begun; snapshots over real traffic take minutes. The history tells each step."


async def _there(context: Context, name: str) -> None:
    if await run_in_threadpool(context.store.instance, name) is None:
        raise not_found("an instance")


async def _incident(context: Context, incident_id: str) -> Incident:
    found = await run_in_threadpool(context.store.incident, incident_id)
    if found is None:
        raise not_found("an incident")
    return found


def _page_of(incident: Incident) -> str:
    return f"/incidents/{quote(incident.id, safe='')}"


def _instance(name: str) -> str:
    return f"/instances/{quote(name, safe='')}"
