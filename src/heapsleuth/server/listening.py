"""Runs the collector: uvicorn, TLS, and an end that loses nothing."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import signal
import socket
import ssl
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from heapsleuth.errors import UsageError
from heapsleuth.server.interpreter import settle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from heapsleuth.server.app import CollectorApp
    from heapsleuth.server.config import ServerConfig

__all__ = ["check_address", "listen", "serve_app"]

_KEEP_ALIVE_S = 75
"""Longer than the pause between two messages of an agent, so that it need not connect for each."""
_GRACE_S = 10
_BACKLOG = 4096


def check_address(config: ServerConfig, *, insecure_http: bool) -> None:
    """
    Refuse to listen to other machines in clear text unless that was asked for.

    Raises:
        UsageError: That is what the settings would do, or the certificate cannot be used.
    """
    if config.tls_cert:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(config.tls_cert, config.tls_key)
        except (OSError, ssl.SSLError) as error:
            reason = error.strerror or error.args[-1]
            raise UsageError(
                f"expected a certificate and its key in {config.tls_cert} and {config.tls_key}: {reason}"
            ) from error
    elif not insecure_http and not _is_loopback(config.host):
        raise UsageError(
            f"{config.host} can be reached by other machines, and tokens would travel in clear text; "
            "name a certificate (--tls-cert, --tls-key), or say --insecure-http if a proxy in front of it "
            "speaks TLS"
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def listen(config: ServerConfig) -> socket.socket:
    """
    Return a socket that listens; here and not in uvicorn, so that a port that is taken is a plain error.

    Raises:
        UsageError: The port is taken, or the address is not one of this machine.
    """
    try:
        found = socket.getaddrinfo(config.host, config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        listening = socket.socket(family, kind, protocol)
        try:
            if sys.platform != "win32":
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(_BACKLOG)
        except OSError:
            listening.close()
            raise
    except OSError as error:
        raise UsageError(
            f"cannot listen on {config.host}:{config.port}: {error.strerror or error}; "
            "choose another with --host and --port, or end what listens there"
        ) from error
    return listening


def serve_app(
    app: CollectorApp, config: ServerConfig, listening: socket.socket, ready: Callable[[], None]
) -> None:
    """
    Serve until SIGINT or SIGTERM: then take no more connections, answer what is under way, commit, return.

    Args:
        app: What answers.
        config: For TLS.
        listening: Where.
        ready: Called when requests are answered.
    """
    _raise_file_limit()
    settle()
    settings = uvicorn.Config(
        app,
        http="httptools",
        loop="auto",
        lifespan="on",
        ws="none",
        access_log=False,
        log_config=None,
        server_header=False,
        date_header=False,
        # An address in a header would be whoever's the client says; audit log and login limits need the real.
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_GRACE_S,
        ssl_certfile=config.tls_cert or None,
        ssl_keyfile=config.tls_key or None,
    )
    _Server(settings, app, ready).run(sockets=[listening])


class _Server(uvicorn.Server):
    def __init__(self, settings: uvicorn.Config, app: CollectorApp, ready: Callable[[], None]) -> None:
        super().__init__(settings)
        self._app = app
        self._ready = ready

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End in an orderly way: uvicorn would raise the signal again before the database is closed."""
        before = {one: signal.signal(one, self.handle_exit) for one in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Long polls and event streams would be waited for otherwise.
        self._app.closing()
        await asyncio.sleep(0)
        await super().shutdown(sockets)


def _raise_file_limit() -> None:
    """Allow as many connections as the system lets us: two for each agent."""
    try:
        import resource  # noqa: PLC0415 - not there on Windows
    except ImportError:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError):
            logging.getLogger("heapsleuth.server").info("at most %d connections are possible", soft)
