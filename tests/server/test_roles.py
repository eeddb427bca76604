"""Who may do what: every route of the OpenAPI document, asked by everybody."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from server.collector_process import Running

LEAST_ROLE = {
    "POST /v1/agents/{instance}/samples": "agent",
    "GET /v1/agents/{instance}/commands": "agent",
    "PUT /v1/agents/{instance}/snapshots/{snapshot_id}": "agent",
    "GET /healthz": "nobody",
    "GET /readyz": "nobody",
    "POST /login": "login",
    "POST /logout": "viewer",
    "GET /events": "viewer",
    "GET /metrics": "viewer",
    "GET /v1/me": "viewer",
    "GET /v1/services": "viewer",
    "GET /v1/services/{service}": "viewer",
    "GET /v1/services/{service}/instances": "viewer",
    "GET /v1/services/{service}/chart": "viewer",
    "GET /v1/services/{service}/http": "viewer",
    "GET /v1/services/{service}/routes": "viewer",
    "GET /v1/services/{service}/verdicts": "viewer",
    "GET /v1/services/{service}/events": "viewer",
    "GET /v1/instances/{instance}": "viewer",
    "GET /v1/instances/{instance}/samples": "viewer",
    "GET /v1/instances/{instance}/events": "viewer",
    "POST /v1/instances/{instance}/gc": "operator",
    "POST /v1/instances/{instance}/snapshot": "operator",
    "POST /v1/instances/{instance}/profile": "operator",
    "GET /v1/incidents": "viewer",
    "GET /v1/incidents/{incident_id}": "viewer",
    "POST /v1/incidents/{incident_id}/acknowledge": "operator",
    "POST /v1/incidents/{incident_id}/resolve": "operator",
    "GET /v1/snapshots": "viewer",
    "GET /v1/snapshots/{snapshot_id}": "viewer",
    "GET /v1/snapshots/{snapshot_id}/content": "operator",
    "DELETE /v1/snapshots/{snapshot_id}": "admin",
    "GET /v1/tokens": "admin",
    "POST /v1/tokens": "admin",
    "DELETE /v1/tokens/{token_id}": "admin",
    "GET /v1/audit": "admin",
    "GET /v1/settings/{key}": "operator",
    "PUT /v1/settings/{key}": "operator",
}
MAY = {
    "agent": {"agent"},
    "viewer": {"viewer", "operator", "admin"},
    "operator": {"operator", "admin"},
    "admin": {"admin"},
}
QUERY = {"GET /v1/services/{service}/chart": "?metric=rss_bytes", "GET /events": "?topic=wrong"}
BODY: dict[str, Any] = {
    "PUT /v1/settings/{key}": {"value": "on"},
    "POST /v1/tokens": {"role": "nobody", "name": "x"},
    "POST /v1/instances/{instance}/profile": {"seconds": 1},
}


@pytest.fixture(scope="module")
def callers(collector: Running) -> dict[str, str]:
    """Give tokens of everybody who may come, and of those who may not any more."""

    def made(**more: Any) -> dict[str, Any]:
        body = {"name": "x", "role": "admin", **more}
        answer: dict[str, Any] = collector.request("POST", "/v1/tokens", role="admin", json=body).json()
        return answer

    revoked = made()
    assert collector.request("DELETE", f"/v1/tokens/{revoked['id']}", role="admin").status_code == 204
    expired = made(expires_days=1e-8)
    time.sleep(0.01)
    return {
        **{role: collector.token(role) for role in ("agent", "viewer", "operator", "admin")},
        "no token": "",
        "unknown": "hs_unknown",
        "revoked": revoked["token"],
        "expired": expired["token"],
        "first start": collector.first,
    }


def ask(collector: Running, route: str, token: str) -> int:
    method, path = route.split()
    for name in ("instance", "service", "incident_id", "snapshot_id", "token_id", "key"):
        path = path.replace(f"{{{name}}}", "nothing-of-that-name")
    body = BODY.get(route)
    return collector.request(method, path + QUERY.get(route, ""), token=token, json=body).status_code


def test_the_table_has_every_route_of_the_document_and_no_other(collector: Running) -> None:
    document = collector.request("GET", "/openapi.json").json()
    routes = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}

    assert routes == set(LEAST_ROLE)


@pytest.mark.parametrize("route", LEAST_ROLE)
def test_a_route_answers_only_who_may(collector: Running, callers: dict[str, str], route: str) -> None:
    least = LEAST_ROLE[route]
    answers = {caller: ask(collector, route, token) for caller, token in callers.items()}

    assert not [status for status in answers.values() if status >= 500]
    for caller, status in answers.items():
        if least == "nobody":
            assert status == 200
        elif least == "login":
            assert status == 422
        elif caller in MAY[least]:
            assert status not in {401, 403}, caller
        else:
            assert status == (403 if caller in MAY["viewer"] | {"agent"} else 401), caller
