"""The collector's settings: `[serve]` in heapsleuth.toml, overridden by options of `heapsleuth serve`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["AlertConfig", "ScrapeTarget", "ServerConfig", "SnapshotConfig"]


@dataclass(frozen=True, slots=True)
class ScrapeTarget:
    """An endpoint with metrics in Prometheus' text format (prom-client, OpenTelemetry)."""

    url: str
    service: str
    release: str = ""
    interval_s: float = 30.0
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class SnapshotConfig:
    """
    What the collector does with snapshots.

    Attributes:
        automatic: Ask an instance for snapshots when a leak is likely. Off until an operator turns it on,
            here or on the incident page (settings `snapshots.automatic` and, for one service,
            `snapshots.automatic:SERVICE`).
        vault: A folder, or a URL that obstore knows (`s3://bucket/prefix`, `gs://…`, `az://…`).
        redact: Keep only the redacted copy of what arrives.
        keep_count, keep_days, keep_bytes: Retention; the oldest go first.
        max_bytes: Largest snapshot that is taken, unpacked.
    """

    automatic: bool = False
    vault: str = ""
    redact: bool = False
    keep_count: int = 100
    keep_days: float = 30.0
    keep_bytes: int = 50 * 1024**3
    max_bytes: int = 16 * 1024**3


@dataclass(frozen=True, slots=True)
class AlertConfig:
    """
    Where alerts go, besides the log.

    Attributes:
        receivers: URLs: `alertmanager+http://host:9093`, `webhook+https://…` (body of Alertmanager's webhook,
            version 4), `pagerduty://ROUTING_KEY`, `sentry+https://KEY@…` (a DSN), and every URL that Apprise
            knows (`slack://…`, `mailto://…`). They hold secrets: never logged or shown whole.
        resend_s: Time after which a firing alert is sent again.
        external_url: How people reach the dashboard; links in alerts begin with it.
    """

    receivers: tuple[str, ...] = field(default=(), repr=False)
    resend_s: float = 3600.0
    external_url: str = ""


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """
    Everything that can be set.

    Attributes:
        database: A file for SQLite, or a SQLAlchemy URL (`postgresql://…`).
        data: Folder of the database, the vault and the incidents' reports when not set otherwise.
        raw_hours, keep_days: How long samples are kept as they came, and as 10-minute roll-ups.
        tls_cert, tls_key: Files; HTTPS when both are given.
        remote_write: URL to forward metrics to (Prometheus remote write 1.0).
        heap_alert_share: Share of the heap limit that raises `memory-pressure`.
        gc_pause_ms, loop_delay_p99_ms: What counts as a long pause and as a slow loop.
        time_scale: For demonstrations: how much longer than it was every time is taken for when judging
            (720: two minutes count as a day).
    """

    host: str = "127.0.0.1"
    port: int = 7390
    data: Path = Path("heapsleuth-data")
    database: str = ""
    raw_hours: float = 48.0
    keep_days: float = 35.0
    tls_cert: str = ""
    tls_key: str = ""
    remote_write: str = ""
    remote_write_token: str = field(default="", repr=False)
    scrape: tuple[ScrapeTarget, ...] = ()
    heap_alert_share: float = 0.7
    gc_pause_ms: float = 100.0
    loop_delay_p99_ms: float = 50.0
    time_scale: float = 1.0
    snapshots: SnapshotConfig = SnapshotConfig()
    alerts: AlertConfig = AlertConfig()
