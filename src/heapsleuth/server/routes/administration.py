"""`/v1/audit` and `/v1/settings`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from fastapi.concurrency import run_in_threadpool

from heapsleuth.server import audit
from heapsleuth.server.auth import Actor, require
from heapsleuth.server.routes.services import Limit  # noqa: TC001 - FastAPI reads annotations
from heapsleuth.server.schemas import AuditOut, SettingIn, SettingOut

if TYPE_CHECKING:
    from heapsleuth.server.context import Context

__all__ = ["SETTINGS", "change_setting", "router"]

SETTINGS = {
    "snapshots.automatic": "ask an instance for snapshots when a leak is likely: on or off",
}
"""Meaning by key; each may have `:SERVICE` behind it and is then for that service only."""
_VALUES = frozenset(("on", "off", ""))
Key = Annotated[str, Path(min_length=1, max_length=600)]


def router(context: Context) -> APIRouter:
    """Return the routes of the audit log and of settings."""
    routes = APIRouter(prefix="/v1", tags=["administration"])
    admin = [Depends(require(context, "admin"))]
    operator = Depends(require(context, "operator"))

    @routes.get("/audit", dependencies=admin)
    def log(
        limit: Limit = 200, before_ms: Annotated[float | None, Query(ge=0, le=2**53)] = None
    ) -> list[AuditOut]:
        """Return the audit log, the latest first."""
        return [AuditOut.model_validate(one) for one in context.store.audit(limit=limit, before_ms=before_ms)]

    @routes.get("/settings/{key}", dependencies=[operator])
    def setting(key: Key) -> SettingOut:
        """Return a setting; null when it is as configured."""
        return SettingOut(key=key, value=context.store.setting(key) or None, meaning=_meaning(key))

    @routes.put("/settings/{key}")
    async def change(request: Request, key: Key, setting: SettingIn, actor: Actor = operator) -> SettingOut:
        """Change a setting while the collector runs; an empty value returns to what is configured."""
        meaning = _meaning(key)
        await change_setting(context, request, actor, key, setting.value)
        return SettingOut(key=key, value=setting.value or None, meaning=meaning)

    return routes


async def change_setting(context: Context, request: Request, actor: Actor, key: str, value: str) -> None:
    """
    Change a setting, for the API and the dashboard's buttons.

    Raises:
        HTTPException: There is no such setting, or it takes no such value.
    """
    _meaning(key)
    if value not in _VALUES:
        raise HTTPException(422, "expected on, off, or nothing")
    await run_in_threadpool(context.store.set_setting, key, value)
    await audit.note(context, request, actor, "setting", f"{key} = {value or 'as configured'}", "done")


def _meaning(key: str) -> str:
    name, _, service = key.partition(":")
    if name not in SETTINGS or not service.isprintable():
        raise HTTPException(404, f"expected a setting: {', '.join(SETTINGS)}, and :SERVICE behind it")
    return SETTINGS[name]
