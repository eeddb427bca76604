"""From options and `[serve]` of heapsleuth.toml to `ServerConfig`: one table says what becomes what."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from heapsleuth.errors import UsageError
from heapsleuth.server.config import AlertConfig, ScrapeTarget, ServerConfig, SnapshotConfig

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from heapsleuth.scenarios.config import Config

__all__ = ["SETTINGS", "Setting", "server_config"]

_HOUR_S = 3600.0
_DAY_S = 86_400.0
_MOST_PORTS = 65_535


@dataclass(frozen=True, slots=True)
class Setting:
    """
    One setting.

    Attributes:
        section, key: Where it stands in the file.
        field: Of `ServerConfig`, or of the part of it that belongs to the section.
        convert: From the file's unit (seconds, bytes) to the field's.
        option: Name of the option of `heapsleuth serve`, as Python has it.
    """

    section: str
    key: str
    field: str
    option: str
    convert: Callable[[Any], Any] = lambda value: value


def _ms(seconds: float) -> float:
    return seconds * 1000


def _hours(seconds: float) -> float:
    return seconds / _HOUR_S


def _days(seconds: float) -> float:
    return seconds / _DAY_S


SETTINGS = (
    Setting("serve", "host", "host", "host"),
    Setting("serve", "port", "port", "port"),
    Setting("serve", "data", "data", "data", Path),
    Setting("serve", "database", "database", "database"),
    Setting("serve", "keep-raw", "raw_hours", "keep_raw", _hours),
    Setting("serve", "keep", "keep_days", "keep", _days),
    Setting("serve", "tls-cert", "tls_cert", "tls_cert"),
    Setting("serve", "tls-key", "tls_key", "tls_key"),
    Setting("serve", "remote-write", "remote_write", "remote_write"),
    Setting("serve", "remote-write-token", "remote_write_token", "remote_write_token"),
    Setting("serve", "heap-alert-share", "heap_alert_share", "heap_alert_share"),
    Setting("serve", "gc-pause", "gc_pause_ms", "gc_pause", _ms),
    Setting("serve", "loop-delay", "loop_delay_p99_ms", "loop_delay", _ms),
    Setting("serve", "time-scale", "time_scale", "time_scale"),
    Setting("serve.snapshots", "automatic", "automatic", "automatic_snapshots"),
    Setting("serve.snapshots", "vault", "vault", "vault"),
    Setting("serve.snapshots", "redact", "redact", "redact"),
    Setting("serve.snapshots", "keep-count", "keep_count", "keep_snapshots"),
    Setting("serve.snapshots", "keep", "keep_days", "keep_snapshots_for", _days),
    Setting("serve.snapshots", "keep-bytes", "keep_bytes", "keep_snapshot_bytes", int),
    Setting("serve.snapshots", "max-bytes", "max_bytes", "max_snapshot_bytes", int),
    Setting("serve.alerts", "receivers", "receivers", "alert", tuple),
    Setting("serve.alerts", "resend", "resend_s", "alert_resend"),
    Setting("serve.alerts", "external-url", "external_url", "external_url"),
)
"""Everything but `insecure-http`, which only guards the others, and `scrape`."""

_PARTS: dict[str, type[Any]] = {
    "serve": ServerConfig,
    "serve.snapshots": SnapshotConfig,
    "serve.alerts": AlertConfig,
}
assert {(one.section, one.field) for one in SETTINGS} == {  # noqa: S101 - a field without a setting is noticed at import
    (section, field.name)
    for section, part in _PARTS.items()
    for field in fields(part)
    if field.name not in {"scrape", "snapshots", "alerts"}
}


def server_config(config: Config, flags: Mapping[str, Any]) -> ServerConfig:
    """
    Return the collector's settings: an option wins over the file, the file over the default.

    Args:
        config: The file.
        flags: By option; None (or nothing) for one that was not given, in the units of the file. `scrape` are
            texts `SERVICE=URL`.

    Raises:
        UsageError: They do not fit together.
    """
    values: dict[str, dict[str, Any]] = defaultdict(dict)
    for one in SETTINGS:
        flag = flags.get(one.option)
        value = config.get(one.section, one.key, None if flag in (None, ()) else flag)
        if value is not None:
            values[one.section][one.field] = one.convert(value)
    if bool(values["serve"].get("tls_cert")) != bool(values["serve"].get("tls_key")):
        raise UsageError("expected a certificate and its key (tls-cert and tls-key), found one of them")
    if values["serve"].get("port", 1) > _MOST_PORTS:
        raise UsageError(f"port: expected at most {_MOST_PORTS}, found {values['serve']['port']}")
    texts: Sequence[str] = flags.get("scrape") or ()
    targets = [_target(one) for one in config.scrape] + [_target(_scrape(text)) for text in texts]
    return ServerConfig(
        **values["serve"],
        scrape=tuple(targets),
        snapshots=SnapshotConfig(**values["serve.snapshots"]),
        alerts=AlertConfig(**values["serve.alerts"]),
    )


def _scrape(text: str) -> dict[str, str]:
    service, equals, url = text.partition("=")
    if not service or not equals:
        raise UsageError(f"scrape: expected SERVICE=URL, found {text!r}")
    return {"service": service, "url": url}


_SCRAPE = {"interval": "interval_s"}


def _target(section: Mapping[str, Any]) -> ScrapeTarget:
    url = str(section["url"])
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(f"scrape: expected an address that begins with http:// or https://, found {url!r}")
    given = {_SCRAPE.get(name, name): value for name, value in section.items()}
    return ScrapeTarget(**given)
