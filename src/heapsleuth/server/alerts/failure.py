"""Telling somebody went wrong."""

from __future__ import annotations

import httpx

__all__ = ["AlertFailed", "post"]

_TIMEOUT_S = 10.0
_TOO_MANY = 429
_SERVER_ERROR = 500


class AlertFailed(Exception):
    """
    A receiver could not be told; the text holds no secret.

    Args:
        again: Whether trying again may help.
    """

    def __init__(self, text: str, *, again: bool) -> None:
        self.again = again
        super().__init__(text)


async def post(client: httpx.AsyncClient, url: str, body: object) -> None:
    """
    Send JSON.

    Raises:
        AlertFailed: No connection, no answer in time, or a status that is no success.
    """
    try:
        reply = await client.post(url, json=body, timeout=_TIMEOUT_S)
    except httpx.HTTPError as error:
        # The error's own text may hold the address, and addresses hold keys.
        raise AlertFailed(f"no answer ({type(error).__name__})", again=True) from None
    if not reply.is_success:
        again = reply.status_code == _TOO_MANY or reply.status_code >= _SERVER_ERROR
        raise AlertFailed(f"answered {reply.status_code}", again=again)
