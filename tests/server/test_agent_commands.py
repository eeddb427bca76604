"""Commands for agents: handed out once it is asked, again when nothing came of it, answered by events."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from server.collector_process import message

from heapsleuth.errors import AgentFailed
from heapsleuth.server import commands as module
from heapsleuth.server.commands import AgentCommands

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from server.collector_process import Running


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 30))


def test_a_poll_waits_for_a_command_and_its_result_comes_back() -> None:
    async def work() -> None:
        commands = AgentCommands()
        poll = asyncio.create_task(commands.poll("a", 20))
        await asyncio.sleep(0)
        asked = asyncio.create_task(commands.ask("a", {"type": "gc"}))
        (command,) = await poll
        assert command["type"] == "gc"
        commands.resolve("a", {"type": "command-result", "id": command["id"], "ok": True, "duration_ms": 3})
        assert await asked == {"duration_ms": 3}
        assert commands.take("a") == ()

    run(work())


def test_a_command_without_a_result_is_handed_out_again_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def work() -> None:
        commands = AgentCommands()
        commands.heard("a")
        asked = asyncio.create_task(commands.ask("a", {"type": "gc"}))
        await asyncio.sleep(0)
        (first,) = commands.take("a")
        assert not commands.take("a")
        monkeypatch.setattr(module, "_AGAIN_S", 0.0)
        assert commands.take("a") == [first]
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        assert commands.take("a") == ()

    run(work())


def test_nobody_waits_for_an_agent_that_is_not_there_or_does_not_answer() -> None:
    async def work() -> None:
        commands = AgentCommands()
        with pytest.raises(AgentFailed, match="a has not asked for commands"):
            await commands.ask("a", {"type": "gc"})
        commands.heard("a")
        with pytest.raises(AgentFailed, match=r"did not answer `gc` within 0\.01 s"):
            await commands.ask("a", {"type": "gc"}, timeout_s=0.01)
        assert commands.take("a") == ()

    run(work())


def test_an_agent_that_refuses_says_why_with_its_figures() -> None:
    async def work() -> None:
        commands = AgentCommands()
        commands.heard("a")
        asked = asyncio.create_task(commands.ask("a", {"type": "snapshot"}))
        await asyncio.sleep(0)
        (command,) = commands.take("a")
        error = {"code": "memory", "text": "too little memory", "figures": {"free_memory_bytes": 3}}
        commands.resolve("b", {"id": command["id"], "ok": True})
        commands.resolve("a", {"id": "other", "ok": True})
        commands.resolve("a", {"id": command["id"], "ok": False, "error": error})
        with pytest.raises(AgentFailed, match=r"`snapshot`: too little memory \(free_memory_bytes 3\)"):
            await asked

    run(work())


def test_a_second_poll_of_an_agent_ends_the_first_and_closing_ends_all() -> None:
    async def work() -> None:
        commands = AgentCommands()
        polls = [asyncio.create_task(commands.poll("a", 30)) for _ in range(2)]
        assert not await polls[0]
        commands.close()
        assert not await polls[1]
        assert not await commands.poll("a", 30)

    run(work())


def test_a_command_of_an_operator_goes_through_the_collector_to_the_agent_and_back(
    collector: Running,
) -> None:
    name = "asked-1"
    assert collector.send(name, message()).status_code == 200

    def agent() -> None:
        answered = 1
        while answered < 2:
            reply = collector.request("GET", f"/v1/agents/{name}/commands?wait=5", role="agent").json()
            for command in reply["commands"]:
                answered += 1
                event = {"type": "command-result", "id": command["id"], "ok": True, "duration_ms": 7}
                collector.send(name, message(sequence=answered, events=[event]))

    thread = threading.Thread(target=agent)
    thread.start()
    reply = collector.request("POST", f"/v1/instances/{name}/gc", role="operator")
    thread.join()

    assert reply.json() == {"result": {"duration_ms": 7}}
    entry = next(one for one in collector.get("/v1/audit") if one["target"] == name)
    assert (entry["action"], entry["actor"], entry["outcome"]) == ("gc", "operator of tests", "done")


def test_an_instance_without_an_agent_cannot_be_asked_and_the_log_says_who_tried(collector: Running) -> None:
    silent = collector.request("POST", "/v1/instances/nobody-1/gc", role="operator")
    assert silent.status_code == 404
    collector.send("gone-1", message())
    began = time.monotonic()
    reply = collector.request("GET", "/v1/agents/gone-1/commands?wait=0.2", role="agent")

    assert reply.json() == {"commands": []}
    assert time.monotonic() - began >= 0.2
    assert collector.request("GET", "/v1/agents/gone-1/commands?wait=x", role="agent").status_code == 422
