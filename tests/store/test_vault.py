"""The vault, on a folder and on a real S3 server."""

from __future__ import annotations

import asyncio
import hashlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("obstore")

from heapsleuth.errors import VaultError
from heapsleuth.store.vault.opening import open_vault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from heapsleuth.store.vault.objects import ObjectVault

BUCKET = "snapshots"


@pytest.fixture(scope="module")
def s3() -> Iterator[None]:
    """Run a real S3 server, named by the environment as the storage's own tools expect it."""
    boto3 = pytest.importorskip("boto3")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
    }
    command = [Path(sys.executable).with_name("moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
            patch.delenv(name, raising=False)
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            wait_for(port, server)
            boto3.client("s3", endpoint_url=environment["AWS_ENDPOINT_URL"]).create_bucket(Bucket=BUCKET)
            yield
        finally:
            server.kill()
            server.wait()


def wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail("the S3 server did not start")


@pytest.fixture(params=["folder", "s3"])
def vault(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectVault:
    if request.param == "folder":
        return open_vault(str(tmp_path / "vault"))
    request.getfixturevalue("s3")
    return open_vault(f"s3://{BUCKET}/{tmp_path.name}")


async def chunks(data: bytes, size: int = 100_000) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


async def read(vault: ObjectVault, key: str) -> bytes:
    return b"".join([chunk async for chunk in vault.get(key)])


def test_what_was_put_comes_back_with_its_length_and_checksum(vault: ObjectVault) -> None:
    # More than two parts of an upload.
    data = os.urandom(18 * 1024 * 1024)

    async def scenario() -> None:
        assert await vault.put("shop/a.heapsnapshot", chunks(data)) == (
            len(data),
            hashlib.sha256(data).hexdigest(),
        )
        await vault.put("shop/empty", chunks(b""))
        assert await read(vault, "shop/a.heapsnapshot") == data
        assert await read(vault, "shop/empty") == b""
        assert await vault.keys() == ("shop/a.heapsnapshot", "shop/empty")

    asyncio.run(scenario())


def test_an_upload_that_fails_leaves_nothing(vault: ObjectVault) -> None:
    async def broken() -> AsyncIterator[bytes]:
        for _ in range(12):
            yield bytes(1024 * 1024)
        raise ConnectionResetError("the agent is gone")

    async def scenario() -> None:
        with pytest.raises((VaultError, ConnectionResetError)):
            await vault.put("shop/half", broken())
        assert await vault.keys() == ()
        with pytest.raises(VaultError, match="shop/half"):
            await read(vault, "shop/half")

    asyncio.run(scenario())


def test_deleting_twice_is_no_error(vault: ObjectVault) -> None:
    async def scenario() -> None:
        await vault.put("shop/a", chunks(b"a"))
        await vault.delete("shop/a")
        await vault.delete("shop/a")
        assert await vault.keys() == ()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "../a", "a/../b", "a//b", "a/", ".hidden", "a b", "a\n", "ä", "a" * 501]
)
def test_a_key_that_could_leave_the_vault_is_refused(key: str, tmp_path: Path) -> None:
    vault = open_vault(str(tmp_path))
    with pytest.raises(VaultError, match="expected a key"):
        asyncio.run(vault.put(key, chunks(b"a")))


def test_snapshots_in_a_folder_are_for_nobody_else_to_read(tmp_path: Path) -> None:
    open_vault(str(tmp_path / "new" / "vault"))

    assert (tmp_path / "new" / "vault").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("ftp://host/dir", "s3://, gs:// or az://"),
        ("s3://key:secret@bucket/x", "environment"),
        ("{file}", "cannot make the folder"),
    ],
)
def test_a_place_that_cannot_be_used_is_told_without_its_secrets(
    where: str, told: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(VaultError, match=told) as caught:
        open_vault(where.format(file=tmp_path / "file" / "vault"))
    assert "secret" not in str(caught.value)


def test_memory_does_not_grow_with_the_object(tmp_path: Path) -> None:
    program = """
import asyncio, resource, sys
from heapsleuth.store.vault.opening import open_vault
vault = open_vault(sys.argv[1])
block = bytes(1 << 20)
async def chunks(count):
    for _ in range(count):
        yield block
async def go(count):
    await vault.put("a", chunks(count))
    async for _ in vault.get("a"): pass
asyncio.run(go(20))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
asyncio.run(go(400))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "vault")], capture_output=True, text=True, check=True
    )
    kibibytes = 1 if sys.platform == "linux" else 1024
    assert int(done.stdout) / kibibytes < 100 * 1024
