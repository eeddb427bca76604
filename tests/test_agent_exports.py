"""What the Node agent gives to others: prom-client's readers, Prometheus, OpenTelemetry, web frameworks."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf import json_format  # type: ignore[import-untyped]
from node_programs import node_binaries, version
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
AGENT = ROOT / "agents" / "node"
NPM_TESTS = sorted((ROOT / "tests" / "agent").glob("*.test.cjs"))
NODES = node_binaries()
_TIMEOUT_S = 600

# prom-client's own names, kept because dashboards ask for them.
_KNOWN_COMPLAINTS = {
    f'nodejs_active_{what}_total non-counter metrics should not have "_total" suffix'
    for what in ("handles", "requests", "resources")
}

pytestmark = [pytest.mark.node, pytest.mark.skipif(not NODES, reason="no Node.js at hand")]

needs_npm = pytest.mark.skipif(
    not (ROOT / "tests" / "node_modules" / "prom-client").exists() and not os.environ.get("CI"),
    reason="no npm packages; run `make setup`",
)

SERVICE = """
const heapsleuth = require(process.argv[1]);
const metrics = heapsleuth.metricsHandler({ labels: { service: 'shop' } });
const server = require('node:http').createServer((request, response) => {
  if (request.url === '/metrics') metrics(request, response);
  else response.end('ok');
}).listen(0, '127.0.0.1', () => console.log(server.address().port));
"""


EXPORTER = """
const [, index, endpoint, temporality] = process.argv;
const otlp = require(index).exportOtlp({ endpoint, temporality });
gc();
setTimeout(() => otlp.flush().then((taken) => console.log(taken)), 200);
"""


def environment() -> dict[str, str]:
    return {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("HEAPSLEUTH_", "NODE_OPTIONS", "OTEL_"))
    }


def major(node: str) -> int:
    return int(version(node).removeprefix("v").split(".")[0])


def fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310 - ours
        return str(response.read().decode())


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def running(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command, env=environment(), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def receiver() -> Iterator[tuple[str, list[bytes]]]:
    """Give the address of a server that takes every POST, and the bodies it took."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", bodies
        server.shutdown()


@contextmanager
def service(node: str) -> Iterator[str]:
    with running([node, "-e", SERVICE, str(AGENT / "index.cjs")]) as process:
        assert process.stdout is not None
        yield f"127.0.0.1:{int(process.stdout.readline())}"


@pytest.mark.parametrize("node", NODES, ids=version)
@pytest.mark.parametrize("temporality", ["cumulative", "delta"])
def test_an_export_is_what_the_protocol_of_opentelemetry_says(node: str, temporality: str) -> None:
    with receiver() as (url, bodies):
        command = [node, "--expose-gc", "-e", EXPORTER, str(AGENT / "index.cjs"), url, temporality]
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment(), timeout=60, check=False
        )

    assert (done.returncode, done.stdout, done.stderr) == (0, "true\n", "")
    # A field that is not in the definition, or of another type, raises.
    export = json_format.Parse(bodies[0], ExportMetricsServiceRequest())
    metrics = {metric.name: metric for metric in export.resource_metrics[0].scope_metrics[0].metrics}
    durations = metrics["v8js.gc.duration"].histogram
    assert durations.aggregation_temporality == {"cumulative": 2, "delta": 1}[temporality]
    for point in durations.data_points:
        assert sum(point.bucket_counts) == point.count > 0
        assert len(point.bucket_counts) == len(point.explicit_bounds) + 1
        assert 0 < point.start_time_unix_nano < point.time_unix_nano
    assert metrics["process.uptime"].gauge.data_points[0].as_double > 0
    # Not decided by the number's last digits: what is a size is an integer at every time.
    assert metrics["process.memory.usage"].sum.data_points[0].as_int > 0


@needs_npm
@pytest.mark.parametrize("node", [node for node in NODES if major(node) >= 20], ids=version)
def test_the_agent_agrees_with_prom_client_and_the_frameworks(node: str) -> None:
    command = [node, "--test", "--test-reporter=tap", *map(str, NPM_TESTS)]
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment(), timeout=_TIMEOUT_S, check=False
    )

    failed = [line for line in done.stdout.splitlines() if line.lstrip().startswith("not ok")]
    assert (done.returncode, failed) == (0, []), done.stdout[-20_000:]


@needs_npm
def test_the_types_are_right() -> None:
    compiler = ROOT / "tests" / "node_modules" / "typescript" / "bin" / "tsc"
    flags = "--noEmit --strict --module esnext --moduleResolution bundler --target es2022 --types node"
    done = subprocess.run(
        [NODES[0], str(compiler), *flags.split(), str(ROOT / "tests" / "agent" / "uses.ts")],
        cwd=ROOT / "tests",
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )

    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.skipif(not shutil.which("promtool"), reason="no promtool")
@pytest.mark.parametrize("node", NODES, ids=version)
def test_promtool_complains_of_nothing_but_prom_clients_own_names(node: str) -> None:
    with service(node) as address:
        fetch(f"http://{address}/")
        page = fetch(f"http://{address}/metrics")
    done = subprocess.run(
        ["promtool", "check", "metrics"], input=page, capture_output=True, text=True, timeout=60, check=False
    )

    assert set((done.stdout + done.stderr).strip().splitlines()) == _KNOWN_COMPLAINTS


@pytest.mark.skipif(not shutil.which("prometheus"), reason="no prometheus")
def test_a_prometheus_server_scrapes_the_page(tmp_path: Path) -> None:
    with service(NODES[0]) as address:
        config = {
            "global": {"scrape_interval": "1s"},
            "scrape_configs": [{"job_name": "shop", "static_configs": [{"targets": [address]}]}],
        }
        (tmp_path / "prometheus.yml").write_text(json.dumps(config), encoding="utf-8")
        port = free_port()
        command = [
            "prometheus",
            f"--config.file={tmp_path / 'prometheus.yml'}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--log.level=error",
        ]
        with running(command):
            up = wait_for(port, "up == 1")
            used = wait_for(port, 'nodejs_heap_size_used_bytes{service="shop"} / heapsleuth_heap_limit_bytes')
            pauses = wait_for(port, "sum(nodejs_gc_duration_seconds_count)")

    assert up[0]["metric"]["job"] == "shop"
    assert 0 < float(used[0]["value"][1]) < 1
    assert float(pauses[0]["value"][1]) >= 0


def wait_for(port: int, query: str) -> list[dict[str, Any]]:
    """Return what a Prometheus server answers to *query*, as soon as there is something."""
    url = f"http://127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": query})
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            found = json.loads(fetch(url))["data"]["result"]
        except OSError:
            found = []
        if found:
            return list(found)
        time.sleep(0.2)
    pytest.fail(f"no answer to {query}")
