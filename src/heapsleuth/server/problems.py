"""Errors as the API tells them: problem details (RFC 9457), or the way to the login for people."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import quote

import orjson
from fastapi import HTTPException
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.responses import RedirectResponse, Response

from heapsleuth.errors import AgentFailed, HeapsleuthError, VaultError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI, Request

__all__ = ["MEDIA_TYPE", "add_problem_handlers", "not_found", "problem_body", "problem_response"]

MEDIA_TYPE = "application/problem+json"
_MAX_PROBLEMS = 5
_log = logging.getLogger("heapsleuth.server")


def problem_body(status: int, detail: str) -> bytes:
    """Return the body of an error."""
    return orjson.dumps(
        {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    )


def problem_response(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return an error."""
    return Response(problem_body(status, detail), status, dict(headers or {}), MEDIA_TYPE)


def add_problem_handlers(app: FastAPI) -> None:
    """Have every error of the app told like this."""
    app.add_exception_handler(StarletteHTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HeapsleuthError, _failed)
    app.add_exception_handler(Exception, _bug)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)  # noqa: S101 - as registered
    if error.status_code == HTTPStatus.UNAUTHORIZED and _is_page(request):
        where = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/login?next={quote(where, safe='/')}", HTTPStatus.SEE_OTHER)
    return problem_response(error.status_code, str(error.detail), error.headers)


async def _invalid(request: Request, error: Exception) -> Response:  # noqa: ARG001 - the signature of handlers
    assert isinstance(error, RequestValidationError)  # noqa: S101 - as registered
    found = [
        f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}"
        for one in error.errors()[:_MAX_PROBLEMS]
    ]
    return problem_response(422, "; ".join(found))


async def _failed(request: Request, error: Exception) -> Response:  # noqa: ARG001 - the signature of handlers
    """The agent refused, or is not there: the request was right, the state of things was not."""
    if isinstance(error, AgentFailed):
        return problem_response(409, str(error))
    if isinstance(error, VaultError):
        _log.error("%s", error)
        return problem_response(503, str(error), {"Retry-After": "10"})
    return problem_response(422, str(error))


async def _bug(request: Request, error: Exception) -> Response:
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem_response(500, "this is a bug in heapsleuth; the collector's log has its traceback")


def _is_page(request: Request) -> bool:
    return (
        request.method in {"GET", "HEAD"}
        and not request.url.path.startswith("/v1/")
        and "text/html" in request.headers.get("accept", "")
    )


def not_found(what: str) -> HTTPException:
    """Return the error for something that is not there."""
    return HTTPException(404, f"expected {what}, found none of that name")
