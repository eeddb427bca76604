"""`heapsleuth serve`: the collector; `heapsleuth serve token`: who may talk to it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from heapsleuth.errors import UsageError
from heapsleuth.units import format_duration, parse_bytes, parse_duration

if TYPE_CHECKING:
    from heapsleuth.server.config import ServerConfig
    from heapsleuth.store.base import Store

__all__ = ["command"]

_HELP = {"help_option_names": ["-h", "--help"]}
_MISSING = "expected the extra `server`, {} is not installed; pip install 'heapsleuth[server]'"


class _Parsed(click.ParamType[Any, Any]):
    """A duration in seconds, or a size in bytes."""

    def __init__(self, name: str) -> None:
        self.name = name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number."""
        if not isinstance(value, str):
            return value
        try:
            return parse_bytes(value) if self.name == "size" else parse_duration(value)
        except UsageError as error:
            self.fail(str(error), param, ctx)


_DURATION = _Parsed("duration")
_SIZE = _Parsed("size")


@click.group(
    name="serve",
    invoke_without_command=True,
    context_settings=_HELP,
    epilog="""\b
Examples:
  heapsleuth serve
  heapsleuth serve --scrape shop=http://shop:3000/metrics
  heapsleuth serve --host 0.0.0.0 --tls-cert cert.pem --tls-key key.pem --database postgresql://db/heapsleuth
  heapsleuth serve token add --role agent "shop in production"

\b
Every option can also stand in [serve] of heapsleuth.toml; docs/guides/serve.md has them all.

\b
Exit codes: 0 it was ended, 2 it could not be started.""",
)
@click.option("--config", "config_path", metavar="FILE", help="Configuration.  [default: heapsleuth.toml]")
@click.option("--host", metavar="ADDRESS", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", metavar="PORT", type=click.IntRange(0, 65535), help="Port.  [default: 7390]")
@click.option("--data", metavar="DIR", help="Where everything is kept.  [default: heapsleuth-data]")
@click.option(
    "--database", metavar="FILE|URL", help="SQLite or postgresql://….  [default: in the data folder]"
)
@click.option(
    "--keep-raw", metavar="DURATION", type=_DURATION, help="Keep samples as they came.  [default: 48h]"
)
@click.option("--keep", metavar="DURATION", type=_DURATION, help="Keep everything else.  [default: 35d]")
@click.option("--tls-cert", metavar="FILE", help="Certificate, with those between it and the root.")
@click.option("--tls-key", metavar="FILE", help="Its key.")
@click.option(
    "--insecure-http",
    is_flag=True,
    default=None,
    help="Listen to other machines without TLS, as behind a proxy.",
)
@click.option(
    "--scrape", metavar="SERVICE=URL", multiple=True, help="Scrape this endpoint too; several times."
)
@click.option("--remote-write", metavar="URL", help="Forward metrics to a Prometheus.")
@click.option(
    "--remote-write-token",
    metavar="TOKEN",
    envvar="HEAPSLEUTH_REMOTE_WRITE_TOKEN",
    help="For it; better by $HEAPSLEUTH_REMOTE_WRITE_TOKEN or in the file.",
)
@click.option("--alert", metavar="URL", multiple=True, help="Tell this receiver of alerts; several times.")
@click.option("--alert-resend", metavar="DURATION", type=_DURATION, help="Tell again after.  [default: 1h]")
@click.option("--external-url", metavar="URL", help="How people reach the dashboard, for links in alerts.")
@click.option(
    "--automatic-snapshots/--no-automatic-snapshots",
    default=None,
    help="Ask one instance for snapshots when a leak is likely.  [default: no]",
)
@click.option("--vault", metavar="DIR|URL", help="Where snapshots go.  [default: in the data folder]")
@click.option("--redact/--no-redact", default=None, help="Keep redacted snapshots only.  [default: no]")
@click.option("--keep-snapshots", metavar="N", type=click.IntRange(1), help="At most.  [default: 100]")
@click.option("--keep-snapshots-for", metavar="DURATION", type=_DURATION, help="[default: 30d]")
@click.option("--keep-snapshot-bytes", metavar="SIZE", type=_SIZE, help="Together.  [default: 50GiB]")
@click.option("--max-snapshot-bytes", metavar="SIZE", type=_SIZE, help="Each, unpacked.  [default: 16GiB]")
@click.option(
    "--heap-alert-share",
    metavar="SHARE",
    type=click.FloatRange(0, 1),
    help="Of the heap limit.  [default: 0.7]",
)
@click.option("--gc-pause", metavar="DURATION", type=_DURATION, help="A long pause.  [default: 100ms]")
@click.option("--loop-delay", metavar="DURATION", type=_DURATION, help="A slow event loop.  [default: 50ms]")
@click.option(
    "--time-scale",
    metavar="FACTOR",
    type=click.FloatRange(0, min_open=True),
    help="For demonstrations: how much longer times count than they were.",
)
@click.option("-q", "--quiet", is_flag=True, help="Log warnings and errors only.")
@click.pass_context
def command(
    context: click.Context,
    /,
    config_path: str | None,
    *,
    insecure_http: bool | None,
    quiet: bool,
    **flags: Any,
) -> None:
    """Watch services in production: collect, judge, tell, show.

    Agents report to it, and endpoints with metrics of prom-client or
    OpenTelemetry can be scraped. It listens on 127.0.0.1 unless told
    otherwise, and keeps what it learns in a folder. The first start prints a
    token to log in with once.
    """
    context.obj = _settings(config_path, flags)
    if context.invoked_subcommand is None:
        from heapsleuth.scenarios import config as configuration

        insecure = configuration.load(config_path).get("serve", "insecure-http", insecure_http)
        _serve(context.obj, insecure_http=bool(insecure), quiet=quiet)


def _settings(config_path: str | None, flags: dict[str, Any]) -> ServerConfig:
    from heapsleuth.scenarios import config as configuration
    from heapsleuth.server.settings import server_config

    return server_config(configuration.load(config_path), flags)


def _serve(config: ServerConfig, *, insecure_http: bool, quiet: bool) -> None:
    import logging

    try:
        from heapsleuth.server.app import create_app
        from heapsleuth.server.assembly import assemble
        from heapsleuth.server.context import now_ms
        from heapsleuth.server.listening import check_address, listen, serve_app
        from heapsleuth.server.tokens import first_token
    except ModuleNotFoundError as error:
        raise UsageError(_MISSING.format(error.name)) from error
    logging.basicConfig(
        level=logging.WARNING if quiet else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    for noisy in ("uvicorn.error", "httpx", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    check_address(config, insecure_http=insecure_http)
    with listen(config) as listening:
        assembly = assemble(config)
        try:
            app = create_app(assembly.context, assembly.tasks, assembly.takers)
            first = first_token(assembly.context.store, now_ms())
            address = _address(config, listening.getsockname()[1])

            def ready() -> None:
                _greet(address, first)

            serve_app(app, config, listening, ready)
        finally:
            assembly.close()


def _address(config: ServerConfig, port: int) -> str:
    host = f"[{config.host}]" if ":" in config.host else config.host
    return f"{'https' if config.tls_cert else 'http'}://{host}:{port}"


def _greet(address: str, first: str | None) -> None:
    click.echo(f"heapsleuth collector: {address}")
    if first is not None:
        click.echo(f"  log in once with this token, and get one that lasts: {first}")
    click.echo("  a token for agents: heapsleuth serve token add --role agent NAME")
    sys.stdout.flush()


@command.group(name="token", context_settings=_HELP)
def token() -> None:
    """Add, list or revoke tokens, in the database itself.

    The collector may be running; it notices within seconds. Options that name
    the database stand before `token`: heapsleuth serve --data DIR token list.
    """


@token.command(name="add", context_settings=_HELP)
@click.argument("name")
@click.option(
    "--role", type=click.Choice(["agent", "viewer", "operator", "admin"]), required=True, help="What it may."
)
@click.option(
    "--service", default="", metavar="SERVICE", help="For agents: the only service it may report for."
)
@click.option(
    "--expires", metavar="DURATION", type=_DURATION, help="Time until it expires.  [default: never]"
)
@click.pass_obj
def add(config: ServerConfig, name: str, role: Any, service: str, expires: float | None) -> int:
    """Make a token; it is printed this once.

    NAME is what the list and the audit log call it. Agents take it from
    HEAPSLEUTH_TOKEN; people log in to the dashboard with it.
    """
    from heapsleuth.server.context import now_ms
    from heapsleuth.server.tokens import make_token

    if service and role != "agent":
        raise UsageError("--service: only with --role agent")
    if not name.isprintable():
        raise UsageError("NAME: expected printable characters")
    lasts_ms = None if expires is None else expires * 1000
    secret, made = make_token(role, name, now_ms(), lasts_ms=lasts_ms, service=service)
    store = _open(config)
    try:
        store.put_token(made)
        _record(store, "token.add", f"{made.id} {role} {name}")
    finally:
        store.close()
    click.echo(secret)
    return 0


@token.command(name="list", context_settings=_HELP)
@click.pass_obj
def list_tokens(config: ServerConfig) -> int:
    """List the tokens, without their secrets."""
    from heapsleuth.server.context import now_ms
    from heapsleuth.server.tokens import is_special

    store = _open(config)
    try:
        tokens = sorted(store.tokens(), key=lambda one: one.created_ms)
    finally:
        store.close()
    for one in tokens:
        if is_special(one):
            continue
        left_ms = None if one.expires_ms is None else one.expires_ms - now_ms()
        ends = (
            "never expires"
            if left_ms is None
            else "expired"
            if left_ms <= 0
            else f"expires in {format_duration(left_ms / 1000)}"
        )
        of = f" of {one.service}" if one.service else ""
        click.echo(f"{one.id}  {one.role + of:<10}  {ends:<22}  {one.name}")
    return 0


@token.command(name="revoke", context_settings=_HELP)
@click.argument("token_id", metavar="ID")
@click.pass_obj
def revoke(config: ServerConfig, token_id: str) -> int:
    """Withdraw a token, and the sessions it was used for."""
    from heapsleuth.server.tokens import withdraw

    store = _open(config)
    try:
        if not withdraw(store, token_id):
            raise UsageError(
                f"expected the id of a token, found none {token_id}; see heapsleuth serve token list"
            )
        _record(store, "token.revoke", token_id)
    finally:
        store.close()
    return 0


def _open(config: ServerConfig) -> Store:
    try:
        from heapsleuth.server.opening import open_configured_store
    except ModuleNotFoundError as error:
        raise UsageError(_MISSING.format(error.name)) from error
    return open_configured_store(config)


def _record(store: Store, action: str, target: str) -> None:
    from heapsleuth.server.context import now_ms
    from heapsleuth.store.model import AuditEntry

    store.record([AuditEntry(now_ms(), "command line", "admin", action, target, "done")])
