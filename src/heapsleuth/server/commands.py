"""What agents are asked to do: handed out by long poll or with the reply to samples, answered by events.

A command stays until its result is there or nobody waits for it any more, and is handed out again after
a while: a poll whose connection broke loses nothing, and agents do every id once.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from heapsleuth.errors import AgentFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["AgentCommands"]

_AGAIN_S = 5.0
_HEARD_S = 150.0
"""An agent polls every 25 s, or comes back within 60 s plus jitter after an error."""
_MAX_WAITING = 16
"""As many as an agent takes from one reply."""
_MAX_HEARD = 100_000


@dataclass
class _Asked:
    """A command on its way; times are of the monotonic clock, in seconds."""

    command: dict[str, Any]
    result: asyncio.Future[Mapping[str, Any]]
    handed_out_s: float = field(default=float("-inf"))


class AgentCommands:
    """The `Commands` of the collector; everything in one event loop."""

    def __init__(self) -> None:
        self._asked: dict[str, dict[str, _Asked]] = {}
        self._polls: dict[str, asyncio.Future[None]] = {}
        self._heard: dict[str, tuple[float, str]] = {}
        self._closed = False

    async def ask(
        self, instance: str, command: Mapping[str, Any], *, timeout_s: float = 60.0
    ) -> Mapping[str, Any]:
        """
        Send a command and return the fields of its result, without `type`, `id`, `ok` and `at_ms`.

        Raises:
            AgentFailed: No answer within the time, or the agent said it could not (with its reason).
        """
        kind = str(command.get("type"))
        if not self.reachable(instance):
            raise AgentFailed(f"{instance} has not asked for commands for {_HEARD_S:g} s; it may have ended")
        waiting = self._asked.setdefault(instance, {})
        if len(waiting) >= _MAX_WAITING:
            raise AgentFailed(f"the agent in {instance} does not keep up: {len(waiting)} commands wait")
        number = secrets.token_hex(8)
        asked = _Asked({**command, "id": number}, asyncio.get_running_loop().create_future())
        waiting[number] = asked
        self._wake(instance)
        try:
            result = await asyncio.wait_for(asked.result, timeout_s)
        except TimeoutError:
            raise AgentFailed(
                f"the agent in {instance} did not answer `{kind}` within {timeout_s:g} s; "
                "its event loop may be blocked, or the process has ended"
            ) from None
        finally:
            del waiting[number]
            if not waiting and self._asked.get(instance) is waiting:
                del self._asked[instance]
        if result.get("ok") is not True:
            raise AgentFailed(f"the agent in {instance} did not do `{kind}`: {_reason(result.get('error'))}")
        return {key: value for key, value in result.items() if key not in {"type", "id", "ok", "at_ms"}}

    def reachable(self, instance: str) -> bool:
        """Whether the instance's agent has been heard of lately, and may still fetch a command."""
        heard = self._heard.get(instance)
        return heard is not None and time.monotonic() - heard[0] <= _HEARD_S

    def heard(self, instance: str, service: str | None = None) -> None:
        """Note that an agent was here; `service` when it said whose it is."""
        if service is None:
            service = self._heard.get(instance, (0.0, ""))[1]
        self._heard[instance] = (time.monotonic(), service)
        if len(self._heard) > _MAX_HEARD:
            self._forget_silent()

    def service(self, instance: str) -> str:
        """Return the service an instance that was heard of reported for; empty when unknown."""
        return self._heard.get(instance, (0.0, ""))[1]

    def expects(self, instance: str, upload: str) -> bool:
        """Whether the instance was asked to send the snapshot of that id, and has not answered yet."""
        return any(one.command.get("upload") == upload for one in self._asked.get(instance, {}).values())

    def take(self, instance: str) -> Sequence[Mapping[str, Any]]:
        """Return the commands to hand out to an instance now."""
        waiting = self._asked.get(instance)
        if waiting is None:
            return ()
        now_s = time.monotonic()
        due = [one for one in waiting.values() if now_s - one.handed_out_s >= _AGAIN_S]
        for one in due:
            one.handed_out_s = now_s
        return [one.command for one in due]

    async def poll(self, instance: str, wait_s: float) -> Sequence[Mapping[str, Any]]:
        """Return the commands to hand out, after at most `wait_s`; a new poll ends the one before it."""
        self.heard(instance)
        commands = self.take(instance)
        if commands or wait_s <= 0 or self._closed:
            return commands
        self._wake(instance)
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()
        self._polls[instance] = woken
        # Not `wait_for`: with 10,000 agents that wait, a timer each is all it may cost.
        timer = loop.call_later(wait_s, _set, woken)
        try:
            await woken
        finally:
            timer.cancel()
            if self._polls.get(instance) is woken:
                del self._polls[instance]
        self.heard(instance)
        return self.take(instance)

    def resolve(self, instance: str, event: Mapping[str, Any]) -> None:
        """Take a `command-result`; one that nobody waits for, or of another instance, says nothing."""
        asked = self._asked.get(instance, {}).get(str(event.get("id")))
        if asked is not None and not asked.result.done():
            asked.result.set_result(event)

    def reachable_count(self) -> int:
        """Return how many agents have been heard of lately."""
        limit_s = time.monotonic() - _HEARD_S
        return sum(heard_s >= limit_s for heard_s, _ in self._heard.values())

    def close(self) -> None:
        """Answer all polls now, and those to come at once."""
        self._closed = True
        for woken in list(self._polls.values()):
            _set(woken)

    def _wake(self, instance: str) -> None:
        woken = self._polls.get(instance)
        if woken is not None:
            _set(woken)

    def _forget_silent(self) -> None:
        limit_s = time.monotonic() - _HEARD_S
        kept = {name: heard for name, heard in self._heard.items() if heard[0] >= limit_s}
        # All alive: the longest silent half goes, and is back with its next message.
        self._heard = kept if len(kept) < _MAX_HEARD else dict(list(kept.items())[len(kept) // 2 :])


def _set(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)


def _reason(error: Any) -> str:
    """Return the agent's reason with its figures, cut: it is shown to people."""
    if not isinstance(error, dict):
        return "it gave no reason"
    text = str(error.get("text") or error.get("code") or "it gave no reason")[:500]
    figures = error.get("figures")
    if not isinstance(figures, dict) or not figures:
        return text
    listed = ", ".join(f"{key} {value}" for key, value in list(figures.items())[:10])
    return f"{text} ({listed[:500]})"
