"""The dashboard: pages for people, rendered here; what their buttons do is in `page_actions`."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse

from heapsleuth.reports import html
from heapsleuth.server.auth import Actor, require
from heapsleuth.server.pages.assets import assets
from heapsleuth.server.pages.environment import POLICY, REPORT_POLICY, render
from heapsleuth.server.pages.fleet import fleet
from heapsleuth.server.pages.incident import Past, incident_page, shown_since
from heapsleuth.server.pages.instance import instance_page
from heapsleuth.server.pages.notices import Notices
from heapsleuth.server.pages.report_values import report_from
from heapsleuth.server.pages.service import DEFAULT_RANGE, RANGES, service_page
from heapsleuth.server.pages.viewer import Viewer
from heapsleuth.server.problems import not_found
from heapsleuth.server.routes import page_actions
from heapsleuth.server.routes.session import FLASH

if TYPE_CHECKING:
    from heapsleuth.server.context import Context
    from heapsleuth.store.model import Chart, Incident

__all__ = ["router"]

_HOUR_MS = 3_600_000.0
_DAY_MS = 24 * _HOUR_MS
_KEPT_MS = 35 * _DAY_MS
_FLEET_MS = 7 * _DAY_MS
_SPARK_POINTS = 60
_CHART_POINTS = 360
"""A chart is at most some 650 pixels wide; more points cost time and show nothing."""
_MOST_ENTRIES = 100
_HEADERS = {"Content-Security-Policy": POLICY, "Cache-Control": "private, no-store"}
_PROBLEMS = {
    "token": "This token does not count here: it is unknown, expired, withdrawn, or an agent's.",
    "wait": "Too many attempts from your address. Wait some minutes, then try again.",
}
"""What `POST /login` sends back in the address."""
_FOREVER = "public, max-age=31536000, immutable"


def router(context: Context) -> APIRouter:
    """Return the routes of the pages; none is part of the API document."""
    routes = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    notices = Notices()
    store = context.store
    looks = Depends(require(context, "viewer"))
    administers = Depends(require(context, "admin"))

    def page(template: str, actor: Actor, request: Request, **more: Any) -> HTMLResponse:
        fresh_token = request.cookies.get(FLASH, "")
        common = {
            "here": "",
            "viewer": Viewer(actor.name, actor.role, actor.csrf),
            "notice": notices.get(request.query_params.get("notice", "")),
            "fresh_token": fresh_token,
        }
        response = HTMLResponse(render(template, **{**common, **more}), headers=_HEADERS)
        if fresh_token:
            response.delete_cookie(FLASH)
        return response

    @routes.get("/")
    def fleet_page(request: Request, actor: Actor = looks) -> Response:
        now_ms = context.clock()
        summaries = store.services(now_ms - _FLEET_MS)
        shown = fleet(
            summaries,
            {one.service: context.watching.verdicts(one.service) for one in summaries},
            store.incidents(state="open", limit=1000),
            {
                one.service: store.chart(
                    one.service, "floor_bytes", now_ms - _DAY_MS, now_ms, points=_SPARK_POINTS
                )
                for one in summaries
            },
            now_ms,
        )
        url = context.config.alerts.external_url or str(request.base_url).rstrip("/")
        return page("fleet.html", actor, request, here="fleet", fleet=shown, url=url)

    @routes.get("/services/{service:path}")
    def of_service(
        request: Request,
        service: str,
        actor: Actor = looks,
        range_: Annotated[str, Query(alias="range")] = DEFAULT_RANGE,
    ) -> Response:
        now_ms = context.clock()
        chosen = range_ if range_ in RANGES else DEFAULT_RANGE
        since_ms = now_ms - RANGES[chosen][1] * _HOUR_MS
        summary = next((one for one in store.services(now_ms - _KEPT_MS) if one.service == service), None)
        if summary is None:
            raise not_found("a service")
        shown = service_page(
            summary,
            chosen,
            lambda metric, by: _chart(metric, by, service, since_ms, now_ms),
            store.instances(service, since_ms),
            context.watching.verdicts(service),
            _incidents(service, since_ms),
            now_ms,
        )
        ranges = [(name, words) for name, (words, _) in RANGES.items()]
        return page("service.html", actor, request, page=shown, ranges=ranges)

    @routes.get("/incidents")
    def all_incidents(request: Request, actor: Actor = looks) -> Response:
        found = sorted(store.incidents(limit=500), key=lambda one: (one.state != "open", -one.opened_ms))
        return page("incidents.html", actor, request, here="incidents", incidents=found)

    @routes.get("/incidents/{incident_id}")
    def of_incident(request: Request, incident_id: str, actor: Actor = looks) -> Response:
        incident = _incident(incident_id)
        now_ms = context.clock()
        since_ms = shown_since(incident, now_ms)
        past = Past(
            lambda metric, by: _chart(metric, by, incident.service, since_ms, now_ms),
            store.instances(incident.service, since_ms),
        )
        shown = incident_page(
            incident,
            store.snapshots(incident=incident_id),
            past,
            automatic=page_actions.is_automatic(context, incident.service),
            instance=page_actions.someone(context, incident),
            now_ms=now_ms,
        )
        return page("incident.html", actor, request, here="incidents", page=shown)

    @routes.get("/incidents/{incident_id}/report", dependencies=[looks])
    def report(incident_id: str) -> Response:
        document = _incident(incident_id).report
        report = None if document is None else report_from(document)
        if document is None or report is None:
            raise not_found("a report that this version can show")
        out = io.StringIO()
        html.render(report, out)
        return HTMLResponse(out.getvalue(), headers={"Content-Security-Policy": REPORT_POLICY})

    @routes.get("/instances/{name}")
    def of_instance(request: Request, name: str, actor: Actor = looks) -> Response:
        instance = store.instance(name)
        if instance is None:
            raise not_found("an instance")
        now_ms = context.clock()
        rows = store.rows(name, max(instance.last_seen_ms - _HOUR_MS / 2, 0), now_ms)
        events = store.events(instance=name, types=("blocked", "census"), since_ms=now_ms - 7 * _DAY_MS)
        shown = instance_page(instance, rows[-1] if rows else None, events, now_ms)
        return page("instance.html", actor, request, page=shown)

    @routes.get("/admin/tokens")
    def all_tokens(request: Request, actor: Actor = administers) -> Response:
        return page("tokens.html", actor, request, fresh=None, **page_actions.token_page(context, request))

    @routes.get("/login")
    def login(next_: Annotated[str, Query(alias="next")] = "/", problem: str = "") -> Response:
        body = render(
            "login.html",
            here="",
            viewer=None,
            notice=None,
            fresh_token="",
            next=next_,
            problem=_PROBLEMS.get(problem, ""),
        )
        return HTMLResponse(body, headers=_HEADERS)

    @routes.get("/admin/audit")
    def audit(
        request: Request, actor: Actor = administers, before: Annotated[float | None, Query()] = None
    ) -> Response:
        entries = store.audit(limit=_MOST_ENTRIES, before_ms=before)
        older = entries[-1].at_ms if len(entries) == _MOST_ENTRIES else None
        return page("audit.html", actor, request, here="audit", entries=entries, older=older)

    @routes.get("/static/{name}")
    def static(request: Request, name: str) -> Response:
        asset = assets().get(name)
        if asset is None:
            raise HTTPException(404)
        tag = f'"{asset.digest}"'
        # Scripts import each other without the hash: those are asked for again, and mostly not sent.
        keep = _FOREVER if request.url.query == asset.digest else "no-cache"
        headers = {"ETag": tag, "Cache-Control": keep}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(asset.body, media_type=asset.media_type, headers=headers)

    def _chart(metric: str, by: str, service: str, since_ms: float, until_ms: float) -> Chart:
        return store.chart(service, metric, since_ms, until_ms, by=by, points=_CHART_POINTS)

    def _incidents(service: str, since_ms: float) -> tuple[Incident, ...]:
        lately = store.incidents(service=service, since_ms=since_ms)
        there = {one.id for one in lately}
        still = [one for one in store.incidents(service=service, state="open") if one.id not in there]
        return (*lately, *still)

    def _incident(incident_id: str) -> Incident:
        found = store.incident(incident_id)
        if found is None:
            raise not_found("an incident")
        return found

    routes.include_router(page_actions.router(context, notices, page))
    return routes
