"""`heapsleuth serve` from outside: settings, addresses, TLS, ends."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
import signal
import socket
import ssl
import subprocess
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from server.collector_process import START_S, add_token, collector_process, message, serve_command

from heapsleuth.cli.serve import command
from heapsleuth.errors import UsageError
from heapsleuth.scenarios import config as configuration
from heapsleuth.scenarios.config import SCRAPE_KEYS, SERVE_KEYS
from heapsleuth.server.config import ScrapeTarget, ServerConfig
from heapsleuth.server.listening import check_address, listen
from heapsleuth.server.settings import SETTINGS, server_config

if TYPE_CHECKING:
    from server.collector_process import Running

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "serve.md"


def refused(folder: Path, *options: str) -> str:
    done = subprocess.run(
        serve_command(folder, *options),
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        timeout=START_S,
    )
    assert done.returncode == 2
    return done.stderr


def settings(text: str, folder: Path, **flags: Any) -> ServerConfig:
    file = folder / "heapsleuth.toml"
    file.write_text(text)
    return server_config(configuration.load(str(file)), flags)


def test_options_win_over_the_file_and_the_file_over_defaults(tmp_path: Path) -> None:
    text = """
[serve]
port = 7000
gc-pause = "0.2s"
keep-raw = "2d"
tls-cert = "cert.pem"
tls-key = "key.pem"
[serve.snapshots]
automatic = true
keep-bytes = "1GiB"
[serve.alerts]
receivers = "slack://a"
[[serve.scrape]]
url = "http://a:1/metrics"
service = "a"
interval = 5
"""
    found = settings(
        text, tmp_path, host="::1", port=8000, scrape=("b=https://b/m",), keep=86_400.0, alert=()
    )

    assert (found.host, found.port, found.gc_pause_ms, found.raw_hours) == ("::1", 8000, 200, 48)
    assert (found.keep_days, found.loop_delay_p99_ms) == (1, 50)
    assert found.tls_cert == str(tmp_path / "cert.pem")
    assert found.snapshots.automatic
    assert found.snapshots.keep_bytes == 2**30
    assert found.alerts.receivers == ("slack://a",)
    assert found.scrape == (
        ScrapeTarget("http://a:1/metrics", "a", interval_s=5),
        ScrapeTarget("https://b/m", "b"),
    )
    assert settings("", tmp_path) == ServerConfig()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[serve]\nprot = 1", "serve.prot: unknown key; did you mean port?"),
        ("[serve.snapshot]\nredact = true", "serve.snapshot: unknown key; did you mean snapshots?"),
        ("[serve]\nsnapshots = 3", "serve.snapshots: expected a section [serve.snapshots], found 3"),
        ("[serve.alerts]\nresend = true", "serve.alerts.resend: expected seconds, or a text"),
        ("[serve.scrape]\nurl = 'x'", "serve.scrape: expected sections [[serve.scrape]], found a table"),
        ("[[serve.scrape]]\nurl = 'x'", "serve.scrape: expected a section with url and service"),
        ("[[serve.scrape]]\nurl='x'\nservice='a'\npath='b'", "serve.scrape.path: unknown key"),
        ("[[serve.scrape]]\nurl='ftp://x'\nservice='a'", "expected an address that begins with http://"),
        ("[serve]\ntls-cert = 'c'", "expected a certificate and its key"),
        ("[serve]\nport = 70000", "port: expected at most 65535"),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_place(text: str, problem: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=re.escape(problem)):
        settings(text, tmp_path)


def test_every_setting_is_a_key_of_the_file_an_option_and_a_line_of_the_guide() -> None:
    keys = {(section, key) for section, names in SERVE_KEYS.items() for key in names}
    options = {option.name for option in command.params}
    guide = GUIDE.read_text(encoding="utf-8")

    assert keys == {(one.section, one.key) for one in SETTINGS} | {("serve", "insecure-http")}
    assert {one.option for one in SETTINGS} | {"insecure_http", "scrape"} <= options
    for section, names in {**SERVE_KEYS, "serve.scrape": SCRAPE_KEYS}.items():
        part = re.search(rf"^\[+{re.escape(section)}\]+\n(.*?)(?=^\[|^```)", guide, re.MULTILINE | re.DOTALL)
        assert part is not None
        assert [key for key in names if not re.search(rf"^(# )?{key} = ", part[1], re.MULTILINE)] == []
    assert {key.replace("interval", "interval_s") for key in SCRAPE_KEYS} == {
        field.name for field in fields(ScrapeTarget)
    }


def test_the_example_of_the_guide_shows_the_defaults(tmp_path: Path) -> None:
    example = re.search(r"```toml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert example is not None
    found = settings(example[1], tmp_path)

    for name in ("host", "port", "raw_hours", "keep_days", "heap_alert_share", "gc_pause_ms", "time_scale"):
        assert getattr(found, name) == getattr(ServerConfig(), name), name
    for name in ("automatic", "redact", "keep_count", "keep_days", "keep_bytes", "max_bytes"):
        assert getattr(found.snapshots, name) == getattr(ServerConfig().snapshots, name), name
    assert found.alerts.resend_s == ServerConfig().alerts.resend_s


@pytest.mark.parametrize(
    ("host", "insecure", "fits"),
    [
        ("127.0.0.1", False, True),
        ("127.9.9.9", False, True),
        ("::1", False, True),
        ("localhost", False, True),
        ("0.0.0.0", False, False),  # noqa: S104 - the very thing that is refused
        ("::", False, False),
        ("collector.example", False, False),
        ("0.0.0.0", True, True),  # noqa: S104
    ],
)
def test_other_machines_are_not_listened_to_in_clear_text_unless_asked(
    host: str, insecure: bool, fits: bool
) -> None:
    if fits:
        check_address(ServerConfig(host=host), insecure_http=insecure)
    else:
        with pytest.raises(UsageError, match="tokens would travel in clear text"):
            check_address(ServerConfig(host=host), insecure_http=insecure)


def test_an_address_that_cannot_be_had_is_a_plain_error() -> None:
    with listen(ServerConfig(port=0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"cannot listen on 127.0.0.1:{port}: Address already in use"):
            listen(ServerConfig(port=port))
    with pytest.raises(UsageError, match=r"cannot listen on 203\.0\.113\.1:0"):
        listen(ServerConfig(host="203.0.113.1", port=0))


def test_what_keeps_it_from_starting_is_told_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "collector.db").write_bytes(b"no database" * 1000)
    said = refused(tmp_path, "--port", "0")

    assert "it is no SQLite database" in said
    assert "Traceback" not in said


def certificate(folder: Path) -> tuple[Path, Path]:
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "collector")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return folder / "cert.pem", folder / "key.pem"


def test_with_a_certificate_it_speaks_tls_only_and_cookies_stay_in_it(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    trust = ssl.create_default_context(cafile=str(cert))
    options = ("--tls-cert", str(cert), "--tls-key", str(key))
    with collector_process(tmp_path, *options, verify=trust) as running:
        assert running.url.startswith("https://127.0.0.1:")
        assert running.send("tls-1", message()).status_code == 200
        reply = running.request("POST", "/login", json={"token": running.token("viewer")})
        assert "Secure" in reply.headers["set-cookie"]
        assert "max-age" in reply.headers["strict-transport-security"]
        with socket.create_connection(("127.0.0.1", int(running.url.rpartition(":")[2])), 10) as plain:
            plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"200 OK" not in plain.recv(1000)


def test_a_certificate_that_is_none_is_told_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("none")
    said = refused(tmp_path, "--tls-cert", "cert.pem", "--tls-key", "cert.pem")

    assert "expected a certificate and its key in cert.pem and cert.pem" in said
    assert not (tmp_path / "data").exists()


def test_it_ends_soon_although_agents_wait_for_commands_and_pages_for_news(tmp_path: Path) -> None:
    with collector_process(tmp_path) as running:
        running.send("end-1", message())
        requests = [("/v1/agents/end-1/commands?wait=30", "agent"), ("/events?topic=fleet", "viewer")]
        waiting = [_ask(running, path, role) for path, role in requests]
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(START_S) == 0
        # The poll was answered, and the stream ended; neither was cut off.
        answers = [_rest(connection) for connection in waiting]
    assert b'{"commands":[]}' in answers[0]
    assert answers[1].endswith(b"0\r\n\r\n")


def _ask(running: Running, path: str, role: str) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", int(running.url.rpartition(":")[2])), START_S)
    secret = running.token(role)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {secret}\r\n\r\n".encode())
    # It is there before the end comes: the next answer on another connection is later.
    running.request("GET", "/healthz")
    return connection


def _rest(connection: socket.socket) -> bytes:
    with connection:
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_tokens_are_listed_without_secrets_and_withdrawn_by_id(tmp_path: Path) -> None:
    secret = add_token(tmp_path, "viewer", "--expires", "2h", name="of somebody")

    def run(*words: str) -> str:
        done = subprocess.run(
            serve_command(tmp_path, "token", *words),
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            timeout=START_S,
        )
        return done.stdout + done.stderr

    listed = run("list")
    assert "viewer" in listed
    assert "expires in " in listed
    assert "of somebody" in listed
    assert secret not in listed
    with collector_process(tmp_path) as running:
        assert running.request("GET", "/v1/me", token=secret).status_code == 200
        run("revoke", listed.split()[0])
        # Within seconds, although another process did it; 403 while it still counts, for it is no admin's.
        running.wait_for_token(secret, 403)
    assert "of somebody" not in run("list")
    assert "found none zzz" in run("revoke", "zzz")
    assert "only with --role agent" in run("add", "x", "--role", "viewer", "--service", "y")
