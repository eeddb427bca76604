"""Tokens: how they are made and found again, and when they stop to count.

Only SHA-256 sums are kept: a token is 256 random bits, so nothing slower is needed. All of them are held in
memory and read again every few seconds, so that a token withdrawn by another process is soon refused.
A session of the dashboard is a token too, in a cookie and short-lived; it ends with the token it was got for.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
from typing import TYPE_CHECKING

from heapsleuth.store.model import Token

if TYPE_CHECKING:
    from collections.abc import Callable

    from heapsleuth.store.base import Store
    from heapsleuth.store.model import Role

__all__ = [
    "FIRST",
    "PREFIX",
    "REFRESH_S",
    "ROLES",
    "SESSION",
    "Tokens",
    "first_token",
    "is_special",
    "make_token",
    "withdraw",
]

ROLES: tuple[Role, ...] = ("agent", "viewer", "operator", "admin")
PREFIX = "hs_"
"""Of every token, so that scanners for secrets know one when they see it."""
FIRST = "first-"
"""Of the id of the token that the first start prints: good for one login, and nothing else."""
SESSION = "session-"
SESSION_MS = 12 * 3_600_000.0
REFRESH_S = 2.0
_MAX_SECRET = 200


def make_token(
    role: Role,
    name: str,
    now_ms: float,
    *,
    lasts_ms: float | None = None,
    service: str = "",
    prefix: str = "",
) -> tuple[str, Token]:
    """
    Return a new token's secret, which is nowhere kept, and what is kept of it.

    Args:
        role: What it may.
        name: What people call it.
        now_ms: The time.
        lasts_ms: Time until it expires; None: never.
        service: The only service that an agent with it may report for.
        prefix: Beginning of its id.
    """
    secret = PREFIX + secrets.token_urlsafe(32)
    token = Token(
        id=prefix + secrets.token_hex(6),
        sha256=_sum(secret),
        role=role,
        name=name,
        created_ms=now_ms,
        expires_ms=None if lasts_ms is None else now_ms + lasts_ms,
        service=service,
    )
    return secret, token


def first_token(store: Store, now_ms: float) -> str | None:
    """
    Return a new one-time token for the first login of an admin; None once there is an admin's token.

    What an earlier start printed stops to count: nobody can have read it but who reads this one.
    """
    tokens = store.tokens()
    if any(token.role == "admin" and not is_special(token) for token in tokens):
        return None
    for token in tokens:
        if token.id.startswith(FIRST):
            store.delete_token(token.id)
    secret, token = make_token("admin", "first start", now_ms, prefix=FIRST)
    store.put_token(token)
    return secret


def withdraw(store: Store, token_id: str) -> bool:
    """Withdraw a token and the sessions it was used for; False if there was none."""
    for token in store.tokens():
        if token.id.startswith(f"{SESSION}{token_id}-"):
            store.delete_token(token.id)
    return store.delete_token(token_id)


class Tokens:
    """
    All tokens, in memory.  `find` is called for every request and takes a microsecond or two.

    Everything else blocks, so it is called from threads.
    """

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._by_sum: dict[str, Token] = {}
        self._reading = threading.Lock()
        self.last_used_ms: dict[str, float] = {}

    def refresh(self) -> None:
        """Read them from the store; expired sessions are thrown away."""
        now_ms = self._clock()
        kept = {}
        # One at a time: what was read before a token came or went may not replace what was read after.
        with self._reading:
            for token in self._store.tokens():
                if _expired(token, now_ms) and token.id.startswith(SESSION):
                    self._store.delete_token(token.id)
                else:
                    kept[token.sha256] = token
            self._by_sum = kept

    def find(self, secret: str) -> Token | None:
        """Return the token that a secret belongs to; None for what is unknown, withdrawn or expired."""
        if not secret or len(secret) > _MAX_SECRET:
            return None
        found = _sum(secret)
        token = self._by_sum.get(found)
        # The sums are compared in constant time, although knowing one would not lead to a secret.
        if token is None or not hmac.compare_digest(token.sha256, found):
            return None
        now_ms = self._clock()
        if _expired(token, now_ms):
            return None
        self.last_used_ms[token.id] = now_ms
        return token

    def bearer(self, secret: str) -> Token | None:
        """Return the token of an `Authorization` header; those of first starts and sessions are none."""
        token = self.find(secret)
        return None if token is None or is_special(token) else token

    def all(self) -> tuple[Token, ...]:
        """Return the tokens that people made, the oldest first; sessions and the first token are none."""
        listed = [token for token in self._store.tokens() if not is_special(token)]
        return tuple(sorted(listed, key=lambda token: token.created_ms))

    def add(self, token: Token) -> None:
        """Keep a token; it counts at once."""
        self._store.put_token(token)
        self.refresh()

    def withdraw(self, token_id: str) -> bool:
        """Withdraw a token and its sessions at once; False if there was none."""
        there = withdraw(self._store, token_id)
        self.refresh()
        return there

    def exchange(self, token: Token) -> str | None:
        """Return an admin's token for the one that the first start printed; None if somebody was faster."""
        if not self._store.delete_token(token.id):
            return None
        secret, admin = make_token("admin", "first admin", self._clock())
        self.add(admin)
        return secret

    def open_session(self, token: Token) -> str:
        """Return the secret of a new session of a token."""
        secret, session = make_token(
            token.role,
            token.name,
            self._clock(),
            lasts_ms=_session_ms(token, self._clock()),
            prefix=f"{SESSION}{token.id}-",
        )
        self.add(session)
        return secret


def _session_ms(token: Token, now_ms: float) -> float:
    """Return how long a session may last: no longer than its token."""
    return SESSION_MS if token.expires_ms is None else min(SESSION_MS, token.expires_ms - now_ms)


def _expired(token: Token, now_ms: float) -> bool:
    return token.expires_ms is not None and now_ms >= token.expires_ms


def is_special(token: Token) -> bool:
    """Whether it is a session or the first start's, which are no tokens to people."""
    return token.id.startswith((FIRST, SESSION))


def _sum(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
