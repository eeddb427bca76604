"""What 10,000 agents ask a thousand times a second, answered without a framework between.

`POST …/samples` and `GET …/commands` of `/v1/agents/{instance}`, as plain ASGI. The same handlers stand
behind the routes of the OpenAPI document; `CollectorApp` calls them before any middleware, which saves half
of the processor time of a message.
"""

from __future__ import annotations

import time
import zlib
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import orjson

from heapsleuth.capture.reports import INSTANCE_NAME, MAX_BODY_BYTES, MalformedReport, parse_report
from heapsleuth.server.auth import bearer
from heapsleuth.server.ingest import Overloaded, batch_of
from heapsleuth.server.problems import problem_body

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from starlette.types import Receive, Scope, Send

    from heapsleuth.server.commands import AgentCommands
    from heapsleuth.server.counts import Counts
    from heapsleuth.server.ingest import Ingest
    from heapsleuth.server.tokens import Tokens
    from heapsleuth.store.model import Token

    Handler = Callable[[Scope, Receive, Send], Awaitable[None]]

__all__ = ["AgentApi", "Refused"]

_PREFIX = "/v1/agents/"
_SAMPLES = "/samples"
_COMMANDS = "/commands"
MAX_WAIT_S = 30.0
_JSON = (b"content-type", b"application/json")
_NOTHING = b'{"commands":[]}'
_OK = [_JSON, (b"content-length", str(len(_NOTHING)).encode())]
_RETRY_S = b"2"


class Refused(Exception):
    """An answer other than 200."""

    def __init__(self, status: int, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.reason = reason
        self.detail = detail


class AgentApi:
    """Takes samples and hands out commands."""

    def __init__(
        self,
        tokens: Tokens,
        ingest: Ingest,
        commands: AgentCommands,
        counts: Counts,
        clock: Callable[[], float],
    ) -> None:
        self._tokens = tokens
        self._ingest = ingest
        self._commands = commands
        self._counts = counts
        self._clock = clock

    def handler(self, scope: Scope) -> Handler | None:
        """Return what answers a request, None if it is not for here."""
        path: str = scope["path"]
        if not path.startswith(_PREFIX):
            return None
        if path.endswith(_SAMPLES) and scope["method"] == "POST":
            return self.samples
        if path.endswith(_COMMANDS) and scope["method"] == "GET":
            return self.commands
        return None

    async def samples(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a message; answered when it is committed."""
        began_s = time.perf_counter()
        try:
            name = _instance(scope, _SAMPLES)
            token = self._authorized(scope)
            body = await _body(scope, receive)
            report = parse_report(body)
            _check_service(token, report.service)
            batch = batch_of(name, report, self._clock())
            await self._ingest.submit(batch, len(body))
        except _Gone:
            return
        except Refused as refused:
            await self._refuse(send, refused)
            return
        except MalformedReport as error:
            await self._refuse(send, Refused(400, "malformed", str(error)))
            return
        except Overloaded as error:
            await self._refuse(send, Refused(503, "overloaded", f"{error}; come again"))
            return
        counts = self._counts
        counts.messages += 1
        counts.samples += len(batch.samples)
        counts.events += len(batch.events)
        self._commands.heard(name, report.service)
        await _answer(send, self._commands.take(name))
        counts.ingest.add(time.perf_counter() - began_s)

    async def commands(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Answer a long poll."""
        try:
            name = _instance(scope, _COMMANDS)
            token = self._authorized(scope)
            # One that has not reported since the collector's start has no service yet, and no commands.
            _check_service(token, self._commands.service(name) or token.service)
            wait_s = _wait_s(scope)
        except Refused as refused:
            await self._refuse(send, refused)
            return
        await _answer(send, await self._commands.poll(name, wait_s))

    def _authorized(self, scope: Scope) -> Token:
        for key, value in scope["headers"]:
            if key == b"authorization":
                token = self._tokens.bearer(bearer(value.decode("latin-1")))
                if token is None:
                    break
                if token.role != "agent":
                    raise Refused(
                        403, "role", f"expected a token of role agent, got one of role {token.role}"
                    )
                return token
        raise Refused(401, "token", "expected a bearer token that counts")

    async def _refuse(self, send: Send, refused: Refused) -> None:
        self._counts.refuse(refused.reason)
        body = problem_body(refused.status, refused.detail)
        headers = [
            (b"content-type", b"application/problem+json"),
            (b"content-length", str(len(body)).encode()),
        ]
        if refused.status == 401:  # noqa: PLR2004 - unauthorized
            headers.append((b"www-authenticate", b'Bearer realm="heapsleuth"'))
        if refused.status == 503:  # noqa: PLR2004 - unavailable
            headers.append((b"retry-after", _RETRY_S))
        if refused.status == 413:  # noqa: PLR2004 - what follows is not read
            headers.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": refused.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class _Gone(Exception):
    """The client has closed its connection."""


async def _answer(send: Send, commands: Sequence[Any]) -> None:
    if commands:
        body = orjson.dumps({"commands": commands})
        headers = [_JSON, (b"content-length", str(len(body)).encode())]
    else:
        body, headers = _NOTHING, _OK
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _instance(scope: Scope, suffix: str) -> str:
    name: str = scope["path"][len(_PREFIX) : -len(suffix)]
    if not INSTANCE_NAME.fullmatch(name):
        raise Refused(404, "instance", "expected an instance: letters, digits and ._:@-, at most 128")
    return name


def _check_service(token: Token, service: str) -> None:
    if token.service and token.service != service:
        raise Refused(403, "service", f"this token is for the service {token.service}")


def _wait_s(scope: Scope) -> float:
    sent = parse_qs(scope["query_string"].decode("latin-1")).get("wait", ["0"])[-1]
    try:
        wait_s = float(sent)
    except ValueError:
        raise Refused(422, "wait", "wait: expected seconds") from None
    # Also what NaN ends in.
    return wait_s if 0 <= wait_s <= MAX_WAIT_S else MAX_WAIT_S


async def _body(scope: Scope, receive: Receive) -> bytes:
    """Return the body, unpacked and of bounded length."""
    encoding = b""
    for key, value in scope["headers"]:
        if key == b"content-length" and int(value) > MAX_BODY_BYTES:
            raise _too_long()
        if key == b"content-encoding":
            encoding = value.strip().lower()
    chunks = []
    length = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise _Gone
        chunk: bytes = message.get("body", b"")
        chunks.append(chunk)
        length += len(chunk)
        if length > MAX_BODY_BYTES:
            raise _too_long()
        if not message.get("more_body"):
            break
    body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
    if encoding in {b"", b"identity"}:
        return body
    if encoding != b"gzip":
        raise Refused(415, "encoding", "expected gzip, or no content-encoding")
    return _unpacked(body)


def _unpacked(body: bytes) -> bytes:
    unpack = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        plain = unpack.decompress(body, MAX_BODY_BYTES + 1)
    except zlib.error as error:
        raise Refused(400, "malformed", f"expected gzip: {error}") from None
    if len(plain) > MAX_BODY_BYTES:
        raise _too_long()
    if not unpack.eof:
        raise Refused(400, "malformed", "expected gzip, it stops before its end")
    return plain


def _too_long() -> Refused:
    return Refused(413, "length", f"expected at most {MAX_BODY_BYTES} bytes")
