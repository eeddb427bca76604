"""The demo: start a leaking HTTP service, take three heap snapshots of it, let heapsleuth name the leaks.

Needs Node.js 18 or later on the PATH (or NODE=/path/to/node).  Everything it writes goes to
demo-output/.  It talks to 127.0.0.1 only and stops what it started.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
SERVER = ROOT / "examples" / "leaky-shop" / "server.js"
OLDEST_NODE = 18
CLIENTS = 4
DEADLINE_SECONDS = 60
LEAK_FOUND = 1
PLANTED_LEAKS = 4


def stop(message: str) -> NoReturn:
    """End the demo with a message and exit code 2."""
    print(f"demo: {message}", file=sys.stderr)
    sys.exit(2)


def find_node() -> str:
    """Return a Node.js new enough for the demo, or stop with what is missing."""
    node = shutil.which(os.environ.get("NODE", "node"))
    if node is None:
        stop(f"needs Node.js {OLDEST_NODE} or later; there is no `node` on the PATH (set NODE=/path/to/node)")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(version.lstrip("v").split(".")[0]) < OLDEST_NODE:
        stop(f"needs Node.js {OLDEST_NODE} or later; {node} is {version}")
    return node


@contextmanager
def running_server(
    node: str, folder: Path, flat_rate_quotes: int
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """
    Yield the service's process and port; it is stopped at the end, whatever happens.

    Args:
        node: The Node.js binary.
        folder: Where snapshots go.
        flat_rate_quotes: After so many visits the service loads its tax table, once.
    """
    # Before Node 20 snapshots taken by signal ignore --diagnostic-dir and go to the working directory.
    command = [node, "--heapsnapshot-signal=SIGUSR2", f"--diagnostic-dir={folder}", str(SERVER)]
    environment = {**os.environ, "FLAT_RATE_QUOTES": str(flat_rate_quotes)}
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line.startswith("listening on "):
            stop(f"the service did not start: {line.strip() or 'no output'}")
        yield process, int(line.split()[-1])
    finally:
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


def visit(connection: HTTPConnection, number: int) -> None:
    """Make one visit: look at a product, ask for a quote; some order, pay by transfer or log in."""
    requests = [("GET", f"/product?id={number * 7 % 1000}"), ("GET", f"/quote?basket=b{number}")]
    if number % 2 == 0:
        requests.append(("POST", f"/order?basket=b{number}&pay={'transfer' if number % 10 == 0 else 'card'}"))
    if number % 20 == 0:
        requests.append(("POST", f"/login?user=u{number}"))
    for method, path in requests:
        connection.request(method, path)
        response = connection.getresponse()
        response.read()
        if response.status != 200:  # noqa: PLR2004 - HTTP OK
            raise HTTPException(f"{method} {path}: status {response.status}")


def drive(port: int, first: int, last: int) -> None:
    """Make the visits `first` to `last`, both included, with a few clients at a time."""

    def client(start: int) -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=DEADLINE_SECONDS)
        try:
            for number in range(start, last + 1, CLIENTS):
                visit(connection, number)
        finally:
            connection.close()

    with ThreadPoolExecutor(CLIENTS) as pool:
        for outcome in [pool.submit(client, first + i) for i in range(CLIENTS)]:
            outcome.result()


def is_complete(path: Path) -> bool:
    """Return whether a snapshot file has its last bytes."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 16))
        return file.read().rstrip().endswith(b"]}")


def take_snapshot(process: subprocess.Popen[str], folder: Path, target: Path) -> None:
    """Send the signal and wait until the new file is whole; then rename it to `target`."""
    process.send_signal(signal.SIGUSR2)
    size = -1
    deadline = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            stop(f"the service ended with code {process.returncode} while it wrote {target.name}")
        for path in folder.glob("Heap.*.heapsnapshot"):
            if path.stat().st_size == size and is_complete(path):
                path.rename(target)
                return
            size = path.stat().st_size
        time.sleep(0.2)
    stop(f"no complete snapshot after {DEADLINE_SECONDS} s")


def capture(node: str, folder: Path, work: list[int]) -> list[Path]:
    """Run the service through `work` visits in all and return one snapshot per step."""
    files = []
    # The table is loaded between the first and the second snapshot: growth that is no leak.
    with running_server(node, folder, (work[0] + work[1]) // 2) as (process, port):
        done = 0
        for total in work:
            began = time.monotonic()
            drive(port, done + 1, total)
            done = total
            time.sleep(0.3)  # lets the last responses' sockets and promises settle
            target = folder / f"after-{total:05d}-visits.heapsnapshot"
            take_snapshot(process, folder, target)
            took = time.monotonic() - began
            print(
                f"  {total:>6,} visits  {target.stat().st_size / 1e6:5.1f} MB  {target.name}  ({took:.1f} s)"
            )
            files.append(target)
    return files


def main() -> int:
    """Run the demo; return 0 when heapsleuth reports as many leaks as were planted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--visits", type=int, default=2000, help="visits between two snapshots")
    parser.add_argument("--output", type=Path, default=ROOT / "demo-output", help="folder to write to")
    options = parser.parse_args()
    node = find_node()
    folder = options.output.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.heapsnapshot"):
        old.unlink()
    work = [options.visits * step for step in (1, 2, 3)]
    print(f"Starting {SERVER.relative_to(ROOT)} and visiting it:")
    try:
        files = capture(node, folder, work)
    except (OSError, HTTPException) as error:
        stop(f"the service could not be driven: {error}")
    report, page = folder / "report.json", folder / "report.html"
    for old in (report, page):
        old.unlink(missing_ok=True)
    names = [os.path.relpath(path) for path in files]
    forms = ["--json", os.path.relpath(report), "--html", os.path.relpath(page)]
    command = ["analyze", *names, "--work", ",".join(map(str, work)), *forms]
    print(f"\n$ heapsleuth {' '.join(command)}\n", flush=True)
    code = subprocess.run([sys.executable, "-m", "heapsleuth", *command], check=False).returncode
    if code != LEAK_FOUND or not report.exists():
        stop(f"heapsleuth ended with exit code {code}; the service leaks, so {LEAK_FOUND} was expected")
    findings = json.loads(report.read_text(encoding="utf-8"))["findings"]
    leaks = sum(finding["verdict"] == "leak" for finding in findings)
    print(
        f"\nExit code {code}: {leaks} leaks reported, {PLANTED_LEAKS} were planted "
        f"(examples/leaky-shop/README.md tells where).\n"
        f"Open {os.path.relpath(page)} in a browser; the report for programs is {os.path.relpath(report)}."
    )
    return 0 if leaks == PLANTED_LEAKS else 1


if __name__ == "__main__":
    sys.exit(main())
