"""A collector with the seeded fleet, served on a port of its own; for tests and pictures of the dashboard."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import uvicorn
from server import seed

from heapsleuth.server.app import create_app
from heapsleuth.server.commands import AgentCommands
from heapsleuth.server.config import ServerConfig
from heapsleuth.server.context import Context
from heapsleuth.server.hub import EventHub
from heapsleuth.server.tokens import make_token
from heapsleuth.store.opening import open_store
from heapsleuth.store.vault.opening import open_vault

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from heapsleuth.server.app import CollectorApp
    from heapsleuth.store.model import Role
    from heapsleuth.store.sql_store import SqlStore
    from heapsleuth.trends.model import TrendVerdict

START_S = 60.0
ROLES: tuple[Role, ...] = ("viewer", "operator", "admin")


@dataclass(frozen=True)
class Dashboard:
    """A collector that runs: where it is, a token of each role, and its parts."""

    url: str
    tokens: dict[Role, str]
    context: Context
    app: CollectorApp

    def add_token(self, role: Role, name: str = "somebody") -> str:
        """Make a token that counts at once; returns its secret."""
        secret, token = make_token(role, name, self.context.clock())
        self.app.parts.tokens.add(token)
        return secret

    @property
    def store(self) -> SqlStore:
        """Its store."""
        return cast("SqlStore", self.context.store)


@contextmanager
def serve(
    folder: Path, now_ms: float, verdicts: Sequence[TrendVerdict] = (), *, database: str = "seed.db"
) -> Iterator[Dashboard]:
    """Serve the dashboard over a database in a folder until the block ends; its clock stands still."""
    store = open_store(folder / database)
    tokens: dict[Role, str] = {}
    for role in ROLES:
        tokens[role], token = make_token(role, f"{role} of the tests", now_ms)
        store.put_token(token)
    context = Context(
        config=ServerConfig(data=folder),
        store=store,
        vault=open_vault(str(folder / "vault")),
        hub=EventHub(),
        commands=AgentCommands(),
        watching=seed.Verdicts(verdicts),
        clock=lambda: now_ms,
    )
    app = create_app(context)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        try:
            deadline = time.monotonic() + START_S
            while not server.started:
                assert thread.is_alive(), "the collector ended"
                assert time.monotonic() < deadline, "the collector did not start"
                time.sleep(0.02)
            yield Dashboard(f"http://127.0.0.1:{port}", tokens, context, app)
        finally:
            app.closing()
            server.should_exit = True
            thread.join(30)
            store.close()
