"""`/v1/services`: what is watched, its history, and what is thought of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query

from heapsleuth.server.auth import require
from heapsleuth.server.problems import not_found
from heapsleuth.server.schemas import (
    ChartOut,
    EventOut,
    HttpOut,
    InstanceOut,
    LineOut,
    ServiceOut,
    VerdictOut,
)

if TYPE_CHECKING:
    from heapsleuth.server.context import Context

__all__ = ["Hours", "Limit", "Name", "router"]

_HOUR_MS = 3_600_000.0
Name = Annotated[str, Path(min_length=1, max_length=500)]
Hours = Annotated[float, Query(gt=0, le=24 * 366)]
Limit = Annotated[int, Query(ge=1, le=1000)]
Metric = Annotated[str, Query(pattern=r"^[A-Za-z_][A-Za-z0-9_.:-]{0,99}$")]


def router(context: Context) -> APIRouter:
    """Return the routes of services; `hours` is how far to look back."""
    routes = APIRouter(prefix="/v1/services", tags=["services"])
    viewer = [Depends(require(context, "viewer"))]
    store = context.store

    def since(hours: float) -> float:
        return context.clock() - hours * _HOUR_MS

    @routes.get("", dependencies=viewer)
    def services(hours: Hours = 24) -> list[ServiceOut]:
        """Return the services heard of."""
        return [ServiceOut.model_validate(one) for one in store.services(since(hours))]

    @routes.get("/{service}", dependencies=viewer)
    def service(service: Name, hours: Hours = 24 * 35) -> ServiceOut:
        """Return one service."""
        for one in store.services(since(hours)):
            if one.service == service:
                return ServiceOut.model_validate(one)
        raise not_found("a service")

    @routes.get("/{service}/instances", dependencies=viewer)
    def instances(service: Name, hours: Hours = 24) -> list[InstanceOut]:
        """Return the instances of a service, the earliest first."""
        return [InstanceOut.model_validate(one) for one in store.instances(service, since(hours))]

    @routes.get("/{service}/chart", dependencies=viewer)
    def chart(
        service: Name,
        metric: Metric,
        hours: Hours = 24,
        by: Literal["", "release", "instance"] = "",
        points: Annotated[int, Query(ge=2, le=2000)] = 500,
    ) -> ChartOut:
        """Return a metric over time: of the service, by release, or by instance (the 20 highest)."""
        found = store.chart(service, metric, since(hours), context.clock(), by=by, points=points)
        lines = [
            LineOut(
                label=line.label,
                values=line.values.tolist(),
                low=line.low.tolist(),
                high=line.high.tolist(),
            )
            for line in found.lines
        ]
        return ChartOut(metric=found.metric, step_ms=found.step_ms, times=found.times.tolist(), lines=lines)

    @routes.get("/{service}/http", dependencies=viewer)
    def http(
        service: Name, hours: Hours = 24, route: Annotated[str, Query(max_length=500)] = ""
    ) -> list[HttpOut]:
        """Return latencies by ten minutes and release, of one route or of all."""
        found = store.http(service, since(hours), context.clock(), route=route)
        return [HttpOut.model_validate(one) for one in found]

    @routes.get("/{service}/routes", dependencies=viewer)
    def busiest(service: Name, hours: Hours = 24) -> list[str]:
        """Return the routes of a service, the busiest first."""
        return list(store.routes(service, since(hours)))

    @routes.get("/{service}/verdicts", dependencies=viewer)
    def verdicts(service: Name) -> list[VerdictOut]:
        """Return the latest verdicts, the worst first."""
        return [VerdictOut.model_validate(one) for one in context.watching.verdicts(service)]

    @routes.get("/{service}/events", dependencies=viewer)
    def events(
        service: Name,
        kinds: Annotated[list[str] | None, Query(alias="type", max_length=20)] = None,
        hours: Hours = 24,
        limit: Limit = 200,
    ) -> list[EventOut]:
        """Return events, the latest first."""
        found = store.events(service=service, types=kinds or (), since_ms=since(hours), limit=limit)
        return [EventOut.model_validate(one) for one in found]

    return routes
