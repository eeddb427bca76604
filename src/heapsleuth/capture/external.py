"""Takes a heap snapshot of a process from outside, without anything installed in it."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import psutil

from heapsleuth.capture.cdp import InspectorGone
from heapsleuth.capture.inject import agent_folder
from heapsleuth.errors import CaptureFailed, CaptureRefused
from heapsleuth.units import format_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from heapsleuth.capture.cdp import Inspector
    from heapsleuth.capture.targets import RunningNode

__all__ = ["TakenSnapshot", "preflight", "snapshot_file", "take_snapshot"]

SIDECAR_FORMAT = "heapsleuth/sidecar"
SIDECAR_VERSION = 1
"""1: see agents/node/lib/snapshot/sidecar.cjs, which writes the same."""

_MODULES = ("refusal", "cgroup", "heap-limit", "limits", "predict", "probe", "preflight")
_PREFLIGHT_WITHIN_S = 120.0
_UNSAFE = re.compile(r"[^A-Za-z0-9._]+")
_PARTIAL = re.compile(r"\.heapsnapshot(?:\.json)?\.(?P<host>[A-Za-z0-9._]+)-(?P<pid>\d+)\.partial$")


@dataclass(frozen=True)
class TakenSnapshot:
    """
    A snapshot that is complete under its final name.

    Attributes:
        path: The file; `path.json` beside it is the sidecar.
        bytes: Its size.
        nodes: Heap nodes in it.
        pause_ms: How long the process stood still at most: from the request to the last byte.
        predicted: What was predicted: `nodes`, `pause_ms`, `extra_bytes`, `file_bytes`; empty if unknown.
    """

    path: Path
    bytes: int
    nodes: int
    pause_ms: float
    predicted: dict[str, float]


def preflight(inspector: Inspector) -> dict[str, Any]:
    """
    Return the figures of the agent's pre-flight, evaluated in the process, with `refusal` (or None).

    The agent's own source is sent, so there is one prediction; nothing of it stays in the process.

    Raises:
        CaptureFailed: The process could not evaluate it.
        InspectorGone: It ended meanwhile.
        TimeoutError: It did not answer.
    """
    folder = agent_folder() / "lib" / "snapshot"
    modules = ",".join(
        f'"./{name}.cjs":function(require,module){{{(folder / f"{name}.cjs").read_text(encoding="utf-8")}\n}}'
        for name in _MODULES
    )
    script = (
        f"(()=>{{const node=require,made={{}},modules={{{modules}}};"
        "const load=(name)=>{if(!modules[name])return node(name);"
        "if(!made[name]){const module=made[name]={exports:{}};modules[name](load,module);}"
        "return made[name].exports;};"
        "const {preflight,refusal}=load('./preflight.cjs');"
        "const figures=preflight({gc:true,streamed:true});const no=refusal(figures);"
        "return {...figures,refusal:no&&no.message};})()"
    )
    figures: dict[str, Any] = inspector.evaluate(script, timeout_s=_PREFLIGHT_WITHIN_S)
    return figures


def snapshot_file(out: str | None, target: RunningNode, now: datetime) -> Path:
    """
    Return the file to write: `out` if it names one, else a name that says what it is, in the folder `out`.

    Raises:
        CaptureFailed: The folder does not exist or may not be written to.
    """
    time_part = f"{now:%Y%m%dT%H%M%S}.{now.microsecond // 1000:03d}Z"
    name = f"{_safe(target.name)}-unknown-{target.pid}-{time_part}-external-001.heapsnapshot"
    path = Path(out or ".")
    file = path / name if out is None or out.endswith(("/", os.sep)) or path.is_dir() else path
    folder = file.parent
    if not folder.is_dir():
        raise CaptureFailed(f"{folder}: no such folder; create it first")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise CaptureFailed(f"{folder}: no permission to write there; name another folder by --out")
    return file


def take_snapshot(
    inspector: Inspector,
    target: RunningNode,
    file: Path,
    *,
    force: bool = False,
    progress: Callable[[str, int, int | None], None] = lambda _phase, _done, _total: None,
) -> TakenSnapshot:
    """
    Take a heap snapshot into a file, which appears under its name complete or not at all.

    Args:
        inspector: A session with the process.
        target: The process.
        file: Where the snapshot goes; `FILE.json` beside it gets the sidecar.
        force: Take it even if the pre-flight says that it would not fit.
        progress: Told the phase, how much of it is done, and of how much.

    Raises:
        CaptureRefused: It would not fit; the message has the figures.
        CaptureFailed: The process died, the disk was full, the snapshot was incomplete.
    """
    _remove_stale(file.parent)
    progress("measuring the heap", 0, None)
    try:
        figures = preflight(inspector)
    except (InspectorGone, TimeoutError, CaptureFailed) as error:
        if not force or not psutil.pid_exists(target.pid):
            raise CaptureFailed(
                f"process {target.pid}: the pre-flight failed: {str(error) or 'no answer'}"
            ) from error
        figures = {"predicted": {}, "refusal": None}
    if not force:
        _refuse(figures, file.parent)
    partial = file.with_name(f"{file.name}.{_safe(socket.gethostname())}-{os.getpid()}.partial")
    started = datetime.now(UTC)
    try:
        with partial.open("xb") as out:
            os.fchmod(out.fileno(), 0o600)  # it holds the data of the service
            pause_ms = _stream(inspector, out, progress)
            out.flush()
            os.fsync(out.fileno())
        nodes, edges = _validate(partial)
        taken = TakenSnapshot(file, partial.stat().st_size, nodes, pause_ms, figures["predicted"])
        _write_sidecar(taken, target, figures, edges, started)
        partial.replace(file)
    except InspectorGone as error:
        cause = "closed its inspector" if psutil.pid_exists(target.pid) else "died"
        raise CaptureFailed(
            f"process {target.pid} {cause} before the snapshot was complete; nothing is left of it"
        ) from error
    except OSError as error:
        raise CaptureFailed(f"{file}: {error.strerror or error}; nothing is left of the half file") from error
    finally:
        partial.unlink(missing_ok=True)
    return taken


def _refuse(figures: dict[str, Any], folder: Path) -> None:
    if figures["refusal"]:
        raise CaptureRefused(f"{figures['refusal']} (--force)", figures)
    room, free = figures["ranges"]["file_bytes"][1], shutil.disk_usage(folder).free
    if room > free:
        raise CaptureRefused(
            f"refused: the file would take about {format_bytes(figures['predicted']['file_bytes'])} "
            f"(up to {format_bytes(room)}), and {format_bytes(free)} are free on that disk; "
            "name another folder by --out or use --force",
            figures,
        )


def _stream(inspector: Inspector, out: BinaryIO, progress: Callable[[str, int, int | None], None]) -> float:
    """Write the snapshot as it comes; return how long that took, ms."""
    written = 0

    def receive(method: str, event: dict[str, Any]) -> None:
        nonlocal written
        if method == "HeapProfiler.addHeapSnapshotChunk":
            written += out.write(event["chunk"].encode("utf-8", "surrogatepass"))
            progress("receiving the snapshot", written, None)
        elif method == "HeapProfiler.reportHeapSnapshotProgress":
            progress("the process takes its snapshot", int(event["done"]), int(event["total"]))

    begun = time.monotonic()
    inspector.call(
        "HeapProfiler.takeHeapSnapshot", {"reportProgress": True}, timeout_s=None, on_event=receive
    )
    return (time.monotonic() - begun) * 1000


def _validate(file: Path) -> tuple[int, int]:
    """Return the nodes and edges a snapshot says it has; refuse one that stops before its end."""
    with file.open("rb") as snapshot:
        head = snapshot.read(4096)
        snapshot.seek(max(0, file.stat().st_size - 16))
        tail = snapshot.read().rstrip()
    counts = [re.search(rb'"%s":\s*(\d+)' % name, head) for name in (b"node_count", b"edge_count")]
    if not tail.endswith(b"]}") or None in counts:
        raise CaptureFailed("the snapshot stopped before its end; nothing is left of it")
    nodes, edges = (int(match[1]) for match in counts if match is not None)
    return nodes, edges


def _write_sidecar(
    taken: TakenSnapshot, target: RunningNode, figures: dict[str, Any], edges: int, started: datetime
) -> None:
    content = {
        "format": SIDECAR_FORMAT,
        "version": SIDECAR_VERSION,
        "service": target.name,
        "release": None,
        "host": socket.gethostname(),
        "pid": target.pid,
        "thread": 0,
        "node": figures.get("basis", {}).get("node"),
        "time": started.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "reason": "external",
        "counters": {},
        "predicted": taken.predicted,
        "actual": {
            "bytes": taken.bytes,
            "nodes": taken.nodes,
            "edges": edges,
            "pause_ms": round(taken.pause_ms),
        },
    }
    sidecar = taken.path.with_name(f"{taken.path.name}.json")
    partial = sidecar.with_name(f"{sidecar.name}.{_safe(socket.gethostname())}-{os.getpid()}.partial")
    try:
        partial.write_text(json.dumps(content) + "\n", encoding="utf-8")
        partial.replace(sidecar)
    finally:
        partial.unlink(missing_ok=True)


def _remove_stale(folder: Path) -> None:
    """Delete partial files of processes of this host that are gone."""
    for file in folder.glob("*.partial"):
        match = _PARTIAL.search(file.name)
        if (
            match
            and match["host"] == _safe(socket.gethostname())
            and not psutil.pid_exists(int(match["pid"]))
        ):
            file.unlink(missing_ok=True)


def _safe(text: str) -> str:
    return _UNSAFE.sub("_", text).strip("._")[:40] or "node"
