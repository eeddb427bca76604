"""The collector as a web application: its routes, its background tasks, from start to stop."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

from fastapi import FastAPI

from heapsleuth._version import __version__
from heapsleuth.server.agent_api import AgentApi
from heapsleuth.server.arrivals import make_arrivals
from heapsleuth.server.counts import Counts
from heapsleuth.server.ingest import Ingest
from heapsleuth.server.interpreter import collect_cycles
from heapsleuth.server.middleware import BodyLimit, SecurityHeaders
from heapsleuth.server.news import News
from heapsleuth.server.problems import MEDIA_TYPE, add_problem_handlers
from heapsleuth.server.routes import (
    administration,
    agents,
    incidents,
    instances,
    live,
    pages,
    services,
    session,
    snapshots,
    tokens,
)
from heapsleuth.server.schemas import Problem
from heapsleuth.server.scrape import Scraper
from heapsleuth.server.tasks import run_task
from heapsleuth.server.tokens import REFRESH_S, Tokens
from heapsleuth.server.upkeep import keep_up

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    from starlette.types import Receive, Scope, Send

    from heapsleuth.server.commands import AgentCommands
    from heapsleuth.server.context import Context
    from heapsleuth.server.hub import EventHub
    from heapsleuth.store.model import Batch

    Task = Callable[[Context], Awaitable[None]]
    Taker = Callable[[Sequence[Batch]], None]

__all__ = ["CollectorApp", "create_app"]

_log = logging.getLogger("heapsleuth.server")
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": {"description": "Why not.", "content": {MEDIA_TYPE: {"schema": Problem.model_json_schema()}}}
}
_DESCRIPTION = """\
What agents report, what is thought of it, and what can be done about it.

Every request needs a bearer token (`Authorization: Bearer hs_…`) or the session of `POST /login`, but
`/healthz`, `/readyz` and `/login`. Roles: `agent` for agents only; `viewer`, `operator`, `admin`, each of
which may do what the one before may. Writes with a session send its `csrf` back, in the header
`X-CSRF-Token`."""


class CollectorApp(FastAPI):
    """The application; what agents ask all the time goes past the framework."""

    agent_api: AgentApi
    parts: Parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http" and (handler := self.agent_api.handler(scope)) is not None:
            await handler(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    def closing(self) -> None:
        """Answer what waits for news, so that connections can end."""
        self.parts.commands.close()
        self.parts.hub.close()


class Parts:
    """What `create_app` adds to the context: how messages get into the store, and what is counted."""

    def __init__(self, context: Context, takers: Sequence[Taker]) -> None:
        self.context = context
        self.takers = takers
        self.counts = Counts()
        # Those of the assembly; the protocols in `context` are what others need to know of them.
        self.commands = cast("AgentCommands", context.commands)
        self.hub = cast("EventHub", context.hub)
        self.tokens = Tokens(context.store, context.clock)
        self.news = News(context.hub)
        self.ingest = Ingest(context.store, self.counts, self.committed)
        self.arrivals = make_arrivals(
            context.config.data, context.vault, context.config.snapshots, context.clock
        )

    def committed(self, batches: Sequence[Batch]) -> None:
        """Tell who waits for it what has come."""
        for batch in batches:
            for event in batch.events:
                if event.type == "command-result":
                    self.commands.resolve(event.instance, event.body)
        self.news.take(batches)
        for take in self.takers:
            take(batches)

    async def refresh_tokens(self, _context: Context) -> None:
        """Notice tokens that another process added or withdrew."""
        while True:
            await asyncio.sleep(REFRESH_S)
            await asyncio.to_thread(self.tokens.refresh)


def create_app(
    context: Context, tasks: Sequence[Task] = (), takers: Sequence[Taker] | None = None
) -> CollectorApp:
    """
    Return the application.

    Args:
        context: The collector's parts (`assembly.assemble`).
        tasks: What else runs from start to stop; one that fails is begun again.
        takers: Who is given what was committed; watching alone when not given.
    """
    parts = Parts(context, (context.watching.take,) if takers is None else takers)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:  # noqa: ARG001 - the signature of lifespans
        await asyncio.to_thread(parts.tokens.refresh)
        context.watching.start(context)
        scraper = Scraper(context.config.scrape, parts.ingest, parts.counts, context.clock)
        all_tasks: list[Task] = [parts.refresh_tokens, keep_up, parts.news.run, scraper.run]
        all_tasks += [collect_cycles, *tasks]
        running = [asyncio.create_task(run_task(task, context, parts.counts)) for task in all_tasks]
        try:
            yield
        finally:
            for one in running:
                one.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            await parts.ingest.stop()
            await context.watching.stop()

    app = CollectorApp(
        title="heapsleuth collector",
        version=__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        # Their pages load scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        responses=_PROBLEMS,
    )
    app.parts = parts
    app.state.tokens = parts.tokens
    app.agent_api = AgentApi(parts.tokens, parts.ingest, parts.commands, parts.counts, context.clock)
    add_problem_handlers(app)
    app.add_middleware(BodyLimit)
    app.add_middleware(SecurityHeaders)
    app.include_router(agents.router(context, app.agent_api, parts.commands, parts.arrivals, parts.counts))
    app.include_router(live.router(context, parts.hub, parts.ingest, parts.commands, parts.counts))
    for routes in (session, services, instances, incidents, snapshots, tokens, administration, pages):
        app.include_router(routes.router(context))
    return app
