"""What every route and every background task of the collector is given."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from heapsleuth.server.auth import Actor
    from heapsleuth.server.config import ServerConfig
    from heapsleuth.store.base import Store, Vault
    from heapsleuth.store.model import Batch
    from heapsleuth.trends.model import TrendVerdict

__all__ = ["Commands", "Context", "Hub", "Watching", "now_ms"]


def now_ms() -> float:
    """Return the time, milliseconds since 1970."""
    return time.time() * 1000


class Hub(Protocol):
    """Tells open pages what changed."""

    def publish(self, topic: str, body: Mapping[str, Any]) -> None:
        """Tell everyone who listens to a topic (`fleet`, `service:NAME`, `incident:ID`)."""

    def listen(self, topic: str) -> AsyncIterator[Mapping[str, Any]]:
        """Return what is published from now on; a listener that is too slow loses the oldest."""


class Commands(Protocol):
    """Asks agents to do something."""

    async def ask(
        self, instance: str, command: Mapping[str, Any], *, timeout_s: float = 60.0
    ) -> Mapping[str, Any]:
        """
        Send a command (`{"type": "snapshot", …}`) and return its `command-result`.

        Raises:
            AgentFailed: No answer within the time, or the agent said it could not (with its reason).
        """


class Watching(Protocol):
    """Judges what comes in, in a thread of its own, and keeps incidents."""

    def start(self, context: Context) -> None:
        """Begin, with what the store has of before; called once, in the running event loop."""

    async def stop(self) -> None:
        """End; returns when nothing of it runs any more."""

    def take(self, batches: Sequence[Batch]) -> None:
        """Judge what the store has taken; returns at once, from any thread."""

    def verdicts(self, service: str) -> tuple[TrendVerdict, ...]:
        """Return the latest verdicts about a service, the worst first."""

    def capture(self, incident_id: str, actor: Actor | None) -> bool:
        """
        Begin rounds of snapshots for an incident; None: the collector itself asks.

        Returns at once, in the event loop. False: its service is being captured already.
        """

    def note(self, incident_id: str, text: str, by: str) -> bool:
        """Note something on an incident; False if there is none of that id. Blocks on the store."""

    def resolve(self, incident_id: str, by: str) -> bool:
        """Close an incident by hand; False if none of that id is open. Blocks on the store."""


@dataclass(frozen=True)
class Context:
    """The collector's parts; made once (`assembly.assemble`), passed to `create_app` and every `router`."""

    config: ServerConfig
    store: Store
    vault: Vault
    hub: Hub
    commands: Commands
    watching: Watching
    clock: Callable[[], float] = field(default=now_ms)
