"""A server with real Node.js that behaves in every way asked for."""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVER = Path(__file__).parent / "server.cjs"


class Server:
    """The server's URLs, and what it has received since the test began."""

    def __init__(self, scheme: str, port: int) -> None:
        self.base = f"{scheme}://127.0.0.1:{port}"
        self._tls = ssl.create_default_context()
        self._tls.check_hostname = False
        self._tls.verify_mode = ssl.CERT_NONE

    def url(self, path: str) -> str:
        return self.base + path

    def log(self) -> list[dict[str, Any]]:
        found = json.loads(self._get("/__log"))
        assert isinstance(found, list)
        return found

    def reset(self) -> None:
        self._get("/__reset")

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url(path), timeout=20, context=self._tls) as response:  # noqa: S310 - ours
            return bytes(response.read())


@contextmanager
def running(*arguments: str) -> Iterator[Server]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on PATH")
    process = subprocess.Popen(
        [node, str(SERVER), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Server("https" if arguments else "http", int(process.stdout.readline()))
    finally:
        process.stdin.close()
        process.stdout.close()
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def shared_server() -> Iterator[Server]:
    with running() as server:
        yield server


@pytest.fixture
def server(shared_server: Server) -> Server:
    shared_server.reset()
    return shared_server


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    paths = folder / "certificate.pem", folder / "key.pem"
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl on PATH")
    key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
    subject = "-subj /CN=heapsleuth-test -addext subjectAltName=IP:127.0.0.1 -days 1"
    command = f"{openssl} req -x509 {key} {subject} -out {paths[0]} -keyout {paths[1]}"
    subprocess.run(command.split(), check=True, capture_output=True, timeout=60)
    return paths


@pytest.fixture
def tls_server(certificate: tuple[Path, Path]) -> Iterator[Server]:
    with running(*map(str, certificate)) as server:
        yield server


@pytest.fixture
def unused_port() -> int:
    """A port that nobody listens on, as far as anybody can know."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    assert isinstance(port, int)
    return port
