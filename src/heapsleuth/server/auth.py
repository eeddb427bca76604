"""Who asks, and whether they may: bearer tokens for programs, a session cookie for the dashboard."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import HTTPException, Request

from heapsleuth.server.tokens import SESSION

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from heapsleuth.server.context import Context
    from heapsleuth.server.tokens import Tokens
    from heapsleuth.store.model import Role, Token

__all__ = [
    "COOKIE",
    "CSRF_FIELD",
    "CSRF_HEADER",
    "Actor",
    "LoginFailures",
    "bearer",
    "csrf_of",
    "require",
    "session_token",
    "tokens_of",
]

COOKIE = "heapsleuth_session"
CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf"
_RANKS: dict[Role, int] = {"viewer": 1, "operator": 2, "admin": 3}
_SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="heapsleuth"'}


@dataclass(frozen=True, slots=True)
class Actor:
    """
    Who asks.

    Attributes:
        name: Name of their token, for the audit log.
        csrf: What a form or script of the dashboard sends back with every write, in the field `csrf` or the
            header `X-CSRF-Token`; empty without a session.
        service: For agents: the only service they may report for; empty: any.
    """

    name: str
    role: Role
    token_id: str
    csrf: str = ""
    service: str = ""


def require(context: Context, role: Role) -> Callable[[Request], Awaitable[Actor]]:  # noqa: ARG001 - the seam of all routes
    """
    Return a dependency that gives the `Actor`, or answers 401 or 403.

    Args:
        context: The collector's parts.
        role: The least role that may; `agent` is for agents only, and they may nothing else.
    """

    async def actor(request: Request) -> Actor:
        found = await _actor(request)
        if not _may(found.role, role):
            raise HTTPException(403, f"expected a token of role {role}, got one of role {found.role}")
        return found

    return actor


def bearer(authorization: str) -> str:
    """Return the secret of an `Authorization` header; empty when it is no bearer token."""
    scheme, _, secret = authorization.partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def tokens_of(request: Request) -> Tokens:
    """Return the tokens of the collector that a request came to."""
    tokens: Tokens = request.app.state.tokens
    return tokens


async def _actor(request: Request) -> Actor:
    tokens = tokens_of(request)
    authorization = request.headers.get("authorization")
    if authorization is not None:
        token = tokens.bearer(bearer(authorization))
        if token is None:
            raise HTTPException(
                401, "expected a token that counts; this one is unknown or expired", _CHALLENGE
            )
        return Actor(token.name, token.role, token.id, service=token.service)
    secret = request.cookies.get(COOKIE, "")
    session = tokens.find(secret)
    if session is None or not session.id.startswith(SESSION):
        raise HTTPException(401, "expected a bearer token, or a session", _CHALLENGE)
    csrf = csrf_of(secret)
    if request.method not in _SAFE_METHODS and not hmac.compare_digest(
        (await _sent_csrf(request)).encode(), csrf.encode()
    ):
        raise HTTPException(403, f"expected the session's {CSRF_HEADER}: this came from another site's page")
    return Actor(session.name, session.role, session.id, csrf)


async def _sent_csrf(request: Request) -> str:
    sent = request.headers.get(CSRF_HEADER)
    if sent is not None:
        return sent
    if request.headers.get("content-type", "").startswith(_FORMS):
        field = (await request.form()).get(CSRF_FIELD)
        return field if isinstance(field, str) else ""
    return ""


def csrf_of(secret: str) -> str:
    """Return what writes of a session send back."""
    return hmac.new(secret.encode(), b"csrf", hashlib.sha256).hexdigest()


def _may(has: Role, needs: Role) -> bool:
    if has == "agent" or needs == "agent":
        return has == needs
    return _RANKS[has] >= _RANKS[needs]


def session_token(request: Request) -> Token | None:
    """Return the session that a request belongs to, without any check but that it counts."""
    session = tokens_of(request).find(request.cookies.get(COOKIE, ""))
    return session if session is not None and session.id.startswith(SESSION) else None


class LoginFailures:
    """Slows down who guesses: a number of failures per address and time."""

    def __init__(self, *, most: int = 10, window_s: float = 300.0, addresses: int = 10_000) -> None:
        self._most = most
        self._window_s = window_s
        self._addresses = addresses
        self._failed_s: OrderedDict[str, list[float]] = OrderedDict()

    def wait_s(self, address: str) -> float:
        """Return after how many seconds the address may try again; 0 for now."""
        now_s = time.monotonic()
        failed_s = [at for at in self._failed_s.get(address, ()) if now_s - at < self._window_s]
        return max(failed_s[0] + self._window_s - now_s, 1.0) if len(failed_s) >= self._most else 0.0

    def failed(self, address: str) -> None:
        """Count a failure."""
        kept = [*self._failed_s.get(address, ()), time.monotonic()][-self._most :]
        self._failed_s[address] = kept
        self._failed_s.move_to_end(address)
        if len(self._failed_s) > self._addresses:
            self._failed_s.popitem(last=False)
