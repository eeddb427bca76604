"""The API asked whatever its own document allows, and what it does not: never a 5xx."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from _pytest.outcomes import Skipped
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable

schemathesis = pytest.importorskip("schemathesis")

if TYPE_CHECKING:
    from server.collector_process import Running

EXAMPLES = 4
"""For each route and way; their parameters are few."""
UNHURRIED = {
    "GET /events",
    "GET /v1/agents/{instance}/commands",
    "POST /v1/instances/{instance}/gc",
    "POST /v1/instances/{instance}/snapshot",
    "POST /v1/instances/{instance}/profile",
}
"""They answer when something happens, or an agent does it; other tests ask them."""
SOME_S = 30


def operations(collector: Running) -> list[Any]:
    schema = schemathesis.openapi.from_dict(collector.request("GET", "/openapi.json").json())
    found = [one.ok() for one in schema.get_all_operations()]
    return [one for one in found if f"{one.method.upper()} {one.path}" not in UNHURRIED]


def failures(collector: Running, operation: Any, mode: Any, asked: set[str]) -> list[Any]:
    """Return the requests to which the answer was a 5xx."""
    role = "agent" if "/agents/" in operation.path else "admin"
    headers = {"Authorization": f"Bearer {collector.token(role)}"}
    found = []

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        reply = case.call(base_url=collector.url, headers=headers, timeout=SOME_S)
        asked.add(operation.label)
        if reply.status_code >= 500:
            found.append((reply.request.method, reply.request.url, reply.request.body, reply.text))

    with suppress(Unsatisfiable, Skipped):  # it takes nothing that could be wrong
        ask()
    return found


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode), ids=lambda mode: mode.value)
def test_no_request_makes_the_collector_fail(collector: Running, mode: Any) -> None:
    asked: set[str] = set()
    found = [
        one for operation in operations(collector) for one in failures(collector, operation, mode, asked)
    ]

    assert found == []
    assert len(asked) >= 25
