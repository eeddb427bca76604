"""`/v1/incidents`: problems, from their first alarm to their end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Body, Depends, Path, Query, Request
from fastapi.concurrency import run_in_threadpool

from heapsleuth.server import audit
from heapsleuth.server.auth import Actor, require
from heapsleuth.server.problems import not_found
from heapsleuth.server.routes.services import Hours, Limit  # noqa: TC001 - FastAPI reads annotations
from heapsleuth.server.schemas import IncidentOut, NoteIn

if TYPE_CHECKING:
    from heapsleuth.server.context import Context
    from heapsleuth.store.model import Incident

__all__ = ["change_incident", "router"]

_HOUR_MS = 3_600_000.0
IncidentId = Annotated[str, Path(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f]+$")]
Verb = Literal["acknowledge", "resolve"]


def router(context: Context) -> APIRouter:
    """Return the routes of incidents."""
    routes = APIRouter(prefix="/v1/incidents", tags=["incidents"])
    viewer = [Depends(require(context, "viewer"))]
    operator = Depends(require(context, "operator"))

    @routes.get("", dependencies=viewer)
    def incidents(
        service: Annotated[str, Query(max_length=500)] = "",
        state: Literal["", "open", "resolved"] = "",
        hours: Hours = 24 * 35,
        limit: Limit = 200,
    ) -> list[IncidentOut]:
        """Return incidents, the latest first, without their reports."""
        since_ms = context.clock() - hours * _HOUR_MS
        found = context.store.incidents(service=service, state=state, since_ms=since_ms, limit=limit)
        return [IncidentOut.model_validate(replace(one, report=None)) for one in found]

    @routes.get("/{incident_id}", dependencies=viewer)
    def incident(incident_id: IncidentId) -> IncidentOut:
        """Return an incident with its report."""
        found = context.store.incident(incident_id)
        if found is None:
            raise not_found("an incident")
        return IncidentOut.model_validate(found)

    def change(verb: Verb) -> None:
        @routes.post(f"/{{incident_id}}/{verb}", name=verb)
        async def changed(
            request: Request,
            incident_id: IncidentId,
            note: Annotated[NoteIn | None, Body()] = None,
            actor: Actor = operator,
        ) -> IncidentOut:
            text = note.text if note else ""
            return IncidentOut.model_validate(
                await change_incident(context, request, actor, verb, incident_id, text)
            )

        changed.__doc__ = _MEANING[verb]

    for verb in _MEANING:
        change(verb)
    return routes


_MEANING: dict[Verb, str] = {
    "acknowledge": "Note that somebody is on it.",
    "resolve": "Close it; it opens again if it goes on.",
}


async def change_incident(
    context: Context, request: Request, actor: Actor, verb: Verb, incident_id: str, text: str = ""
) -> Incident:
    """
    Acknowledge or resolve an incident, for the API and the dashboard's buttons.

    Raises:
        HTTPException: There is none of that id.
    """
    said = f"acknowledged: {text}" if text else "acknowledged"
    if verb == "acknowledge":
        there = await run_in_threadpool(context.watching.note, incident_id, said, actor.name)
    else:
        if text:
            await run_in_threadpool(context.watching.note, incident_id, text, actor.name)
        there = await run_in_threadpool(context.watching.resolve, incident_id, actor.name)
    incident = await run_in_threadpool(context.store.incident, incident_id)
    if incident is None:
        raise not_found("an incident")
    await audit.note(
        context, request, actor, f"incident.{verb}", incident_id, "done" if there else "not open"
    )
    return incident
