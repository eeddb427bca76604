"""Snapshots on their way into the vault and out of it; and the real agent, which sends them."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import os
import socket
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from node_programs import node_binaries, version
from server.collector_process import START_S, collector_process, message

from heapsleuth.heap.graph import HeapGraph
from heapsleuth.heap.readers import read
from heapsleuth.server.arrivals import BadSnapshot, TooLarge, make_arrivals
from heapsleuth.server.config import SnapshotConfig
from heapsleuth.store.model import Instance
from heapsleuth.store.vault.opening import open_vault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from server.collector_process import Running

AGENT = Path(__file__).parents[2] / "agents" / "node"
WHOLE = b'{"snapshot":{"meta":{}},' + b" " * 3_000_000 + b'"strings":["a"]}\n'


async def pieces(data: bytes, size: int = 100_000) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


def arrive(folder: Path, data: bytes, config: SnapshotConfig | None = None, **more: Any) -> tuple[Any, bytes]:
    """Return the record, and the file as it lies in the vault."""

    async def work() -> tuple[Any, bytes]:
        vault = open_vault(str(folder / "vault"))
        arrivals = make_arrivals(folder, vault, config or SnapshotConfig(), lambda: 1767225600000.0)
        instance = Instance("shop-1", "shop / eu", "2.3.1")
        record = await arrivals.take(pieces(data), snapshot_id="s1", instance=instance, **more)
        return record, b"".join([chunk async for chunk in vault.get(record.key)])

    try:
        return asyncio.run(work())
    finally:
        assert list((folder / "arrivals").iterdir()) == [], "something was left on the way"


@pytest.mark.parametrize("packed", [True, False])
def test_a_snapshot_lies_packed_in_the_vault_whichever_way_it_came(tmp_path: Path, packed: bool) -> None:
    record, kept = arrive(tmp_path, gzip.compress(WHOLE) if packed else WHOLE, packed=packed)

    assert gzip.decompress(kept) == WHOLE
    assert record.key == "shop-eu/2026-01-01/s1.heapsnapshot.gz"
    assert (record.bytes, record.sha256) == (len(kept), hashlib.sha256(kept).hexdigest())
    assert (record.service, record.release, record.instance) == ("shop / eu", "2.3.1", "shop-1")


@pytest.mark.parametrize(
    ("data", "packed", "problem"),
    [
        (WHOLE[:-20], False, "it stops before its end"),
        (gzip.compress(WHOLE)[:-20], True, "expected a whole gzip stream"),
        (gzip.compress(WHOLE[:-20]), True, "it stops before its end"),
        (gzip.compress(WHOLE) + b"more", True, "found something after it"),
        (WHOLE, True, "expected gzip"),
        (b"<html>", False, "it begins with b'<html>'"),
        (b"", False, "expected a heap snapshot of V8"),
    ],
)
def test_what_is_not_whole_or_no_snapshot_is_not_kept(
    tmp_path: Path, data: bytes, packed: bool, problem: str
) -> None:
    with pytest.raises(BadSnapshot, match=problem):
        arrive(tmp_path, data, packed=packed)
    assert not list((tmp_path / "vault").rglob("*.gz"))


def test_a_bomb_is_stopped_at_the_bound(tmp_path: Path) -> None:
    bomb = gzip.compress(b'{"snapshot"' + b" " * 50_000_000 + b"]}")
    assert len(bomb) < 100_000

    with pytest.raises(TooLarge):
        arrive(tmp_path, bomb, SnapshotConfig(max_bytes=10_000_000), packed=True)


def test_with_redaction_only_the_redacted_copy_is_kept(tmp_path: Path, small_snapshot: Path) -> None:
    plain = small_snapshot.read_bytes()
    record, kept = arrive(tmp_path, plain, SnapshotConfig(redact=True))

    assert record.redacted
    assert b"secret-of-the-program" in plain
    assert b"secret-of-the-program" not in gzip.decompress(kept)


def test_what_cannot_be_redacted_is_not_kept_either(tmp_path: Path) -> None:
    with pytest.raises(BadSnapshot, match="it cannot be redacted, so it is not kept"):
        arrive(tmp_path, WHOLE, SnapshotConfig(redact=True))
    assert not list((tmp_path / "vault").rglob("*.gz"))


@pytest.fixture(scope="module")
def small_snapshot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not node_binaries():
        pytest.skip("no Node.js")
    file = tmp_path_factory.mktemp("small") / "a.heapsnapshot"
    code = (
        "globalThis.kept = ['secret-of', 'the-program'].join('-');"
        "require('node:v8').writeHeapSnapshot(process.argv[1])"
    )
    subprocess.run([node_binaries()[0], "-e", code, str(file)], check=True, timeout=START_S)
    return file


def test_nothing_is_taken_that_nobody_asked_for(collector: Running) -> None:
    collector.send("pushy-1", message())
    put = "/v1/agents/{}/snapshots/abc"

    assert collector.request("PUT", put.format("nobody-2"), role="agent", content=WHOLE).status_code == 404
    assert collector.request("PUT", put.format("pushy-1"), role="agent", content=WHOLE).status_code == 409


def asked(collector: Running, name: str, upload: Callable[[str], int]) -> tuple[int, int]:
    """Have an operator ask for a snapshot; return the statuses of the upload and of the request."""
    collector.send(name, message())
    statuses = []

    def agent() -> None:
        while not statuses:
            reply = collector.request("GET", f"/v1/agents/{name}/commands?wait=5", role="agent").json()
            for command in reply["commands"]:
                statuses.append(upload(command["upload"]))
                ok = statuses[0] == 200
                event = {"type": "command-result", "id": command["id"], "ok": ok}
                collector.send(name, message(sequence=2, events=[event]))

    thread = threading.Thread(target=agent)
    thread.start()
    reply = collector.request("POST", f"/v1/instances/{name}/snapshot", role="operator")
    thread.join()
    return statuses[0], reply.status_code


def test_a_snapshot_that_is_none_is_refused_and_the_operator_told(collector: Running) -> None:
    def upload(number: str) -> int:
        path = f"/v1/agents/liar-1/snapshots/{number}"
        return collector.request("PUT", path, role="agent", content=b"<html>").status_code

    assert asked(collector, "liar-1", upload) == (422, 409)


def test_an_upload_that_is_cut_off_is_no_error_of_the_collector(tmp_path: Path) -> None:
    with collector_process(tmp_path) as collector:

        def upload(number: str) -> int:
            url = urlsplit(collector.url)
            path = f"/v1/agents/cut-1/snapshots/{number}"
            head = f"PUT {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {collector.token('agent')}\r\n"
            with socket.create_connection((url.hostname, url.port)) as connection:
                connection.sendall(f"{head}Content-Length: {len(WHOLE)}\r\n\r\n".encode() + WHOLE[:100_000])
            return 0

        assert asked(collector, "cut-1", upload) == (0, 409)
        assert list((tmp_path / "data").rglob("*.gz")) == []
    assert "Traceback" not in (tmp_path / "log.txt").read_text()


def test_a_snapshot_comes_in_goes_out_and_is_deleted_and_all_of_it_is_in_the_log(
    collector: Running,
) -> None:
    ids: list[str] = []

    def upload(number: str) -> int:
        ids.append(number)
        path = f"/v1/agents/giver-1/snapshots/{number}?work=12"
        headers = {"content-encoding": "gzip"}
        body = gzip.compress(WHOLE)
        first = collector.request("PUT", path, role="agent", content=body, headers=headers).status_code
        again = collector.request("PUT", path, role="agent", content=body, headers=headers).status_code
        assert again == 409
        return first

    assert asked(collector, "giver-1", upload) == (200, 200)
    record = collector.get(f"/v1/snapshots/{ids[0]}", "viewer")
    assert (record["instance"], record["work"], record["redacted"]) == ("giver-1", 12, False)
    content = collector.request("GET", f"/v1/snapshots/{ids[0]}/content", role="operator")
    assert gzip.decompress(content.content) == WHOLE
    assert content.headers["content-disposition"] == f'attachment; filename="{ids[0]}.heapsnapshot.gz"'
    assert collector.request("DELETE", f"/v1/snapshots/{ids[0]}", role="admin").status_code == 204
    assert collector.request("GET", f"/v1/snapshots/{ids[0]}/content", role="operator").status_code == 404
    said = [(one["action"], one["outcome"]) for one in collector.get("/v1/audit") if ids[0] in one["target"]]
    assert said == [("snapshot.delete", "done"), ("download", "done"), ("upload", "done")]


@contextmanager
def program(node: str, collector: Running, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program with the agent in it."""
    code = "globalThis.kept = []; setInterval(() => kept.push(new Array(100).fill(0)), 5)"
    env = {
        **os.environ,
        "HEAPSLEUTH_COLLECTOR": collector.url,
        "HEAPSLEUTH_TOKEN": collector.token("agent"),
        "HEAPSLEUTH_SERVICE": f"real-{folder.name}"[:60],
        "HEAPSLEUTH_RELEASE": "9.9",
        "HEAPSLEUTH_SNAPSHOT_DIR": str(folder),
        "HEAPSLEUTH_INTERVAL": "200ms",
    }
    command = [node, "--require", str(AGENT / "register.cjs"), "-e", code]
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        try:
            yield running
        finally:
            running.kill()


def eventually(find: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + START_S
    while not (found := find()):
        assert time.monotonic() < deadline, what
        time.sleep(0.1)
    return found


@pytest.mark.node
@pytest.mark.parametrize("node", node_binaries(), ids=version)
def test_the_real_agent_reports_obeys_and_sends_a_snapshot_that_can_be_read(
    node: str, collector: Running, tmp_path: Path
) -> None:
    service = f"real-{tmp_path.name}"[:60]
    with program(node, collector, tmp_path) as running:
        (instance,) = eventually(lambda: collector.get(f"/v1/services/{service}/instances"), "no report came")
        name = instance["name"]
        assert (instance["release"], instance["pid"]) == ("9.9", running.pid)
        rows = eventually(lambda: collector.get(f"/v1/instances/{name}/samples"), "no sample came")
        assert rows[0]["heap_used_bytes"] > 1_000_000

        collected = collector.request("POST", f"/v1/instances/{name}/gc", role="operator")
        assert collected.status_code == 200, collected.text
        assert collected.json()["result"]["sample"]["floor_bytes"] > 0

        body = {"force": True}
        taken = collector.request("POST", f"/v1/instances/{name}/snapshot", role="operator", json=body)
        assert taken.status_code == 200, taken.text
        result = taken.json()["result"]
        content = collector.request("GET", f"/v1/snapshots/{result['upload']}/content", role="operator")
    file = tmp_path / "sent.heapsnapshot"
    file.write_bytes(gzip.decompress(content.content))
    assert len(HeapGraph(read(str(file)), path=str(file)).node_ids) == result["nodes"]
    assert [one.name for one in tmp_path.iterdir()] == [file.name], "the agent removes what it has sent"


@pytest.mark.node
def test_an_agent_goes_on_where_a_killed_collector_left_off(tmp_path: Path) -> None:
    if not node_binaries():
        pytest.skip("no Node.js")
    folder = tmp_path / "program"
    folder.mkdir()
    with collector_process(tmp_path) as first:
        port = first.url.rpartition(":")[2]
        with program(node_binaries()[0], first, folder):
            (instance,) = eventually(lambda: first.get("/v1/services/real-program/instances"), "no report")
            first.kill()
            with collector_process(tmp_path, "--port", port) as second:
                second.tokens = first.tokens
                path = f"/v1/instances/{instance['name']}/samples"
                before = max(row["at_ms"] for row in second.get(path))
                rows = eventually(
                    lambda: [row for row in second.get(path) if row["at_ms"] > before], "no sample came after"
                )
                assert rows
