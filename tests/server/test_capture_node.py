"""The whole way with a real service: Node.js, the agent in it, traffic, snapshots, file and line."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from running_collector import Running, running_collector, wait_for

from heapsleuth.server.config import ServerConfig
from heapsleuth.store.model import Incident

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent.parent
NODE = shutil.which("node")

pytestmark = [
    pytest.mark.node,
    pytest.mark.slow,
    pytest.mark.skipif(NODE is None, reason="no node on the PATH"),
]


@contextmanager
def leaking_service(collector: Running, folder: Path) -> Iterator[None]:
    """Run the leaking service of the demo under traffic until the block ends."""
    environment = {
        **os.environ,
        "NODE_OPTIONS": f"--require={ROOT / 'agents' / 'node' / 'register.cjs'}",
        "HEAPSLEUTH_COLLECTOR": collector.url,
        "HEAPSLEUTH_TOKEN": collector.tokens["agent"],
        "HEAPSLEUTH_SERVICE": "quotes",
        "HEAPSLEUTH_RELEASE": "1.0",
        "HEAPSLEUTH_INTERVAL_MS": "200",
        "HEAPSLEUTH_SNAPSHOT_DIR": str(folder),
    }
    command = [str(NODE), str(ROOT / "examples" / "watch" / "server.js")]
    ending = threading.Event()
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = process.stdout.readline().split()[-1]

            def visit() -> None:
                with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
                    while not ending.wait(0.01):
                        # Its connection may time out while a snapshot is taken.
                        with contextlib.suppress(httpx.TransportError):
                            client.get("/quote")

            visitor = threading.Thread(target=visit, daemon=True)
            visitor.start()
            yield
        finally:
            ending.set()
            visitor.join(60)
            process.terminate()


def test_a_leaking_service_under_traffic_is_told_by_file_and_line(tmp_path: Path) -> None:
    # Hardly accelerated, but rounds are then a second apart instead of a minute.
    config = ServerConfig(data=tmp_path / "data", time_scale=1.001)
    with running_collector(config) as collector, leaking_service(collector, tmp_path):
        context = collector.context
        wait_for(lambda: context.store.instances("quotes", 0.0), "the agent")
        now = context.clock()
        incident = Incident(
            "leak", "quotes", "1.0", "heap-leak", "heap-leak", "warning", "open", "it grows", now, now
        )
        context.store.put_incident(incident)
        with collector.client("operator") as client:
            answer = client.post("/incidents/leak/capture", follow_redirects=False)
        assert answer.status_code < 400
        wait_for(
            lambda: any(note.startswith(("the snap", "the capt")) for note in collector.notes("leak")),
            "the analysis",
            timeout_s=500,
        )
        found = context.store.incident("leak")

    assert found is not None
    assert found.report is not None, found.notes
    assert len(found.snapshots) == 4
    holders = [one["holder"] for one in found.report["findings"] if one["verdict"] == "leak"]
    assert [one["name"] for one in holders] == ["quotesByBasket"]
    assert holders[0]["location"]["file"].endswith("examples/watch/server.js")
    assert "server.js:" in str(found.notes[-1]["text"])
