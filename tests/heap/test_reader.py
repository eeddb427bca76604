"""Reading good snapshots: every producer's style, every way to hand one over."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from snapshot_builder import NODE22, NODE26, STYLES, SnapshotBuilder, Style, join_sections, leaky_heap

from heapsleuth.heap.kinds import EdgeType, NodeType, edge_type_code, node_type_code
from heapsleuth.heap.readers import cursor, numbers, read, text

if TYPE_CHECKING:
    from heapsleuth.heap.columns import Columns


def naive_columns(data: bytes) -> dict[str, Any]:
    """What the file says, by the standard library's JSON."""
    document = json.loads(data.decode("utf-8-sig"))
    meta = document["snapshot"]["meta"]

    def table(section: str, fields: str) -> dict[str, list[int]]:
        width = len(meta[fields])
        return {name: document[section][at::width] for at, name in enumerate(meta[fields])}

    nodes, edges = table("nodes", "node_fields"), table("edges", "edge_fields")
    locations = table("locations", "location_fields")
    width = len(meta["node_fields"])
    type_at, edge_type_at = meta["node_fields"].index("type"), meta["edge_fields"].index("type")
    return {
        "node_types": [node_type_code(meta["node_types"][type_at][kind]) for kind in nodes["type"]],
        "node_names": nodes["name"],
        "node_ids": nodes["id"],
        "self_sizes": nodes["self_size"],
        "detachedness": nodes.get("detachedness", []) if any(nodes.get("detachedness", [])) else None,
        "first_edges": np.cumsum([0, *nodes["edge_count"]]).tolist(),
        "edge_types": [edge_type_code(meta["edge_types"][edge_type_at][kind]) for kind in edges["type"]],
        "edge_names": edges["name_or_index"],
        "edge_targets": [target // width for target in edges["to_node"]],
        "location_nodes": [place // width for place in locations["object_index"]],
        "location_scripts": locations["script_id"],
        "location_lines": locations["line"],
        "location_columns": locations["column"],
        "strings": document["strings"],
        "extra_native_bytes": document["snapshot"].get("extra_native_bytes", 0),
        "meta": document["snapshot"],
    }


def as_lists(columns: Columns) -> dict[str, Any]:
    found = {name: getattr(columns, name) for name in columns.__dataclass_fields__}
    return {
        name: value.tolist() if isinstance(value, np.ndarray) else list(value) if name == "strings" else value
        for name, value in found.items()
    }


@pytest.mark.parametrize("style", STYLES.values(), ids=STYLES)
def test_every_producer_s_style_reads_as_its_json_says(tmp_path: Path, style: Style) -> None:
    path = leaky_heap().write(tmp_path / "a.heapsnapshot", style)

    assert as_lists(read(path)) == naive_columns(path.read_bytes())


@pytest.mark.parametrize("block", [64, 257, 4096])
@pytest.mark.parametrize("threads", [0, 3])
@pytest.mark.parametrize(
    "style", [NODE22, NODE26, STYLES["heaptimeline"]], ids=["lines", "no lines", "timeline"]
)
def test_the_size_of_blocks_and_the_number_of_threads_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int, threads: int, style: Style
) -> None:
    monkeypatch.setattr(cursor, "BLOCK_BYTES", block)
    monkeypatch.setattr(numbers, "_THREADED_BYTES", 0 if threads else 1 << 60)
    monkeypatch.setattr(numbers, "_MAX_THREADS", threads)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    path = leaky_heap(200).write(tmp_path / "a.heapsnapshot", style)

    assert as_lists(read(path)) == naive_columns(path.read_bytes())


def test_fields_are_found_by_name_and_unknown_ones_are_stepped_over(tmp_path: Path) -> None:
    style = Style(
        node_fields=("future", "id", "edge_count", "name", "later", "self_size", "type", "detachedness"),
        node_types=("object", "brand new", "synthetic", "array", "string", "closure", "native"),
        edge_fields=("to_node", "weight", "name_or_index", "type"),
        edge_types=("weak", "property", "internal", "context", "element", "hidden", "shortcut", "novel"),
        location_fields=("column", "line", "newness", "script_id", "object_index"),
        sections={
            "novelties": '{"a":["]","\\"}"],"b":null}',
            "flag": "true",
            "number": "-1.5e3",
            "word": '"x"',
        },
    )
    heap = leaky_heap()
    odd = heap.add(heap.root, "novel", "odd edge", "brand new", "Odd")
    path = heap.write(tmp_path / "a.heapsnapshot", style)
    columns = read(path)
    assert columns.node_types[odd] == NodeType.OTHER
    assert columns.edge_types.tolist().count(EdgeType.OTHER) == 1
    assert as_lists(columns) == naive_columns(path.read_bytes())


def test_sections_may_come_in_any_order_behind_the_header(tmp_path: Path) -> None:
    sections = leaky_heap().sections()
    names = ["snapshot", *[name for name in reversed(sections) if name != "snapshot"]]
    path = tmp_path / "a.heapsnapshot"
    path.write_bytes(join_sections({name: sections[name] for name in names}))

    assert as_lists(read(path)) == naive_columns(path.read_bytes())


def test_something_short_may_stand_before_the_header(tmp_path: Path) -> None:
    path = tmp_path / "a.heapsnapshot"
    path.write_bytes(join_sections({"comment": '"made by hand"', **leaky_heap().sections()}))

    assert read(path).node_count == len(leaky_heap().nodes)


def test_blanks_are_allowed_wherever_json_allows_them(tmp_path: Path) -> None:
    document = json.loads(leaky_heap().to_bytes())
    path = tmp_path / "a.heapsnapshot"
    path.write_bytes(b"\xef\xbb\xbf \r\n" + json.dumps(document, indent=3).encode() + b"\r\n\t ")

    assert as_lists(read(path)) == naive_columns(path.read_bytes().replace(b"\xef\xbb\xbf ", b""))


def test_sections_that_nobody_needs_may_be_missing(tmp_path: Path) -> None:
    sections = leaky_heap().sections()
    kept = {name: sections[name] for name in ("snapshot", "nodes", "edges", "strings")}
    path = tmp_path / "a.heapsnapshot"
    path.write_bytes(join_sections(kept))

    assert read(path).location_nodes.tolist() == []


def test_a_heap_of_one_node_and_no_edge_is_a_heap(tmp_path: Path) -> None:
    columns = read(SnapshotBuilder().write(tmp_path / "a.heapsnapshot"))

    assert (columns.node_count, columns.edge_count, columns.first_edges.tolist()) == (1, 0, [0, 0])


def test_sizes_and_ids_over_32_bits_widen_their_columns_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        cursor, "BLOCK_BYTES", 512
    )  # so that narrow blocks come before and behind the wide one
    heap = leaky_heap(60)
    heap.add(
        heap.root, "property", "big", "native", "system / JSArrayBufferData", size=5 * 2**30, detachedness=2
    )
    heap.add(heap.root, "property", "far", "object", "Far", id=2**40 + 1)
    for number in range(60):
        heap.add(heap.root, "element", number, "object", "After", id=2**41 + 2 * number + 1)
    columns = read(heap.write(tmp_path / "a.heapsnapshot"))

    assert as_lists(columns) == naive_columns((tmp_path / "a.heapsnapshot").read_bytes())
    assert (columns.self_sizes.dtype, columns.node_ids.dtype) == (np.uint64, np.uint64)
    assert (columns.node_names.dtype, columns.first_edges.dtype) == (np.uint32, np.uint32)


def test_columns_are_as_narrow_as_the_values_allow(tmp_path: Path) -> None:
    columns = read(leaky_heap().write(tmp_path / "a.heapsnapshot"))
    kinds = {
        name: str(value.dtype) for name, value in vars_of(columns).items() if isinstance(value, np.ndarray)
    }

    assert {kinds.pop(name) for name in ("node_types", "edge_types", "detachedness")} == {"uint8"}
    assert set(kinds.values()) == {"uint32"}


def vars_of(columns: Columns) -> dict[str, Any]:
    return {name: getattr(columns, name) for name in columns.__dataclass_fields__}


def zstd(data: bytes) -> bytes:
    zstandard = pytest.importorskip("zstandard")
    return bytes(zstandard.ZstdCompressor().compress(data))


def two_members(data: bytes) -> bytes:
    return gzip.compress(data[:1000]) + gzip.compress(data[1000:])


@pytest.mark.parametrize("name", ["a.heapsnapshot", "a.heapsnapshot.gz", "a.heapsnapshot.zst", "a"])
@pytest.mark.parametrize(
    "pack", [bytes, gzip.compress, two_members, zstd], ids=["plain", "gzip", "members", "zstd"]
)
def test_compression_is_told_by_content_whatever_the_name(tmp_path: Path, name: str, pack: Any) -> None:
    data = leaky_heap(300).to_bytes()
    path = tmp_path / name
    path.write_bytes(pack(data))

    assert as_lists(read(path)) == naive_columns(data)


def test_strings_of_a_compressed_file_that_do_not_fit_in_memory_are_kept_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text, "_MEMORY_BYTES", 1000)
    monkeypatch.setattr(cursor, "BLOCK_BYTES", 300)
    path = leaky_heap(100).write(tmp_path / "a.heapsnapshot.gz")

    columns = read(path)
    path.unlink()

    assert list(columns.strings) == leaky_heap(100).strings()


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_snapshot_can_come_from_standard_input(tmp_path: Path, pack: Any) -> None:
    script = (
        "from heapsleuth.heap.readers import read; c = read('-');"
        "print(c.edge_count, c.strings.find('onRequest'))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        input=pack(leaky_heap(50).to_bytes()),
        capture_output=True,
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )

    heap = leaky_heap(50)
    assert done.stdout.split() == [b"%d" % len(heap.edges), b"%d" % heap.strings().index("onRequest")]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe_is_read_like_standard_input(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    data = leaky_heap(300).to_bytes()
    writer = threading.Thread(target=path.write_bytes, args=(data,))
    writer.start()
    columns = read(path)
    writer.join()

    assert as_lists(columns) == naive_columns(data)


def test_progress_names_the_sections_and_counts_the_bytes_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cursor, "BLOCK_BYTES", 512)
    path = leaky_heap(50).write(tmp_path / "a.heapsnapshot")
    calls: list[tuple[str, int, int | None]] = []
    read(path, lambda *call: calls.append(call))

    size = path.stat().st_size
    assert list(dict.fromkeys(phase for phase, _, _ in calls)) == [
        "header",
        "nodes",
        "edges",
        "locations",
        "strings",
    ]
    assert [done for _, done, _ in calls] == sorted(done for _, done, _ in calls)
    assert calls[-1][1:] == (size, size)


def test_progress_of_a_compressed_file_counts_compressed_bytes(tmp_path: Path) -> None:
    path = leaky_heap(50).write(tmp_path / "a.heapsnapshot.gz")
    calls: list[tuple[str, int, int | None]] = []
    read(path, lambda *call: calls.append(call))

    assert calls[-1][1:] == (path.stat().st_size, path.stat().st_size)


def test_raising_from_progress_stops_and_leaves_no_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cursor, "BLOCK_BYTES", 512)
    monkeypatch.setattr(numbers, "_THREADED_BYTES", 0)
    path = leaky_heap(200).write(tmp_path / "a.heapsnapshot")

    class Cancelled(Exception):
        pass

    def cancel(phase: str, _done: int, _total: int | None) -> None:
        if phase == "edges":
            raise Cancelled

    with pytest.raises(Cancelled):
        read(path, cancel)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("heapsleuth-scan")]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")
def test_only_the_file_of_the_strings_stays_open(tmp_path: Path) -> None:
    path = leaky_heap().write(tmp_path / "a.heapsnapshot")
    before = open_files()
    columns = read(path)
    assert open_files() == before + 1  # for the strings
    del columns

    assert open_files() == before


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
