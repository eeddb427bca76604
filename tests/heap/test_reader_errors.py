"""Reading what is no good snapshot: one clear error each, naming place and cure."""

from __future__ import annotations

import gzip
import json
import os
import re
import time
from typing import TYPE_CHECKING, Any

import pytest
from snapshot_builder import BUN, NODE22, NODE26, SnapshotBuilder, join_sections, leaky_heap

from heapsleuth.errors import SnapshotError, SnapshotTruncated
from heapsleuth.heap.readers import cursor, memory, read, v8

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def refuse(path: Path | str) -> SnapshotError:
    with pytest.raises(SnapshotError) as caught:
        read(path)
    error = caught.value
    assert error.path == str(path)
    assert str(error).startswith(f"{path}: ")
    assert "\n" not in str(error)
    return error


def write(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "bad.heapsnapshot"
    path.write_bytes(data)
    return path


@pytest.fixture
def sections() -> dict[str, str]:
    return leaky_heap().sections(NODE22)


def change(sections: dict[str, str], section: str, old: str, new: str) -> bytes:
    assert old in sections[section]
    return join_sections({**sections, section: sections[section].replace(old, new, 1)})


def header_with(sections: dict[str, str], edit: Callable[[dict[str, Any]], None]) -> bytes:
    header = json.loads(sections["snapshot"])
    edit(header)
    return join_sections({**sections, "snapshot": json.dumps(header)})


@pytest.mark.parametrize("style", [NODE22, NODE26, BUN], ids=["node22", "node26", "bun"])
@pytest.mark.parametrize("block", [64, 1 << 20])
def test_a_file_cut_at_any_byte_is_truncated_at_that_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, style: Any, block: int
) -> None:
    monkeypatch.setattr(cursor, "BLOCK_BYTES", block)
    data = leaky_heap(2).to_bytes(style)
    whole = len(data.rstrip())
    for size in range(1, whole, 1 if block == 64 else 7):
        error = refuse(write(tmp_path, data[:size]))
        assert isinstance(error, SnapshotTruncated), size
        assert error.offset == size
        assert "take the snapshot again" in error.advice
        assert f"after {size:,} bytes" in error.problem
    read(write(tmp_path, data[:whole]))


@pytest.mark.parametrize(
    ("marker", "section"),
    [
        (b'"edge_fields"', "header"),
        (b'"edges"', "nodes"),
        (b'"trace_tree"', "trace_function_infos"),
        (b"(GC roots)", "strings"),
    ],
)
def test_a_truncated_file_names_the_section_it_ends_in(tmp_path: Path, marker: bytes, section: str) -> None:
    data = leaky_heap().to_bytes()

    assert refuse(write(tmp_path, data[: data.index(marker)])).section == section


def test_a_truncated_gzip_says_that_the_copy_was_cut(tmp_path: Path) -> None:
    packed = gzip.compress(leaky_heap(100).to_bytes())
    for size in (11, 100, len(packed) - 9, len(packed) - 1):
        error = refuse(write(tmp_path, packed[:size]))
        assert isinstance(error, SnapshotTruncated)
        assert "gzip" in str(error) or "stops before its end" in str(error)


def test_a_truncated_zstd_is_truncated(tmp_path: Path) -> None:
    zstandard = pytest.importorskip("zstandard")
    packed = zstandard.ZstdCompressor().compress(leaky_heap(100).to_bytes())
    for size in (5, 100, len(packed) - 1):
        assert isinstance(refuse(write(tmp_path, packed[:size])), SnapshotTruncated)


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_damaged_compressed_data_is_an_error_about_the_compression(tmp_path: Path, kind: str) -> None:
    data = leaky_heap(300).to_bytes()
    if kind == "gzip":
        packed = bytearray(gzip.compress(data))
    else:
        packed = bytearray(
            pytest.importorskip("zstandard").ZstdCompressor(write_checksum=True).compress(data)
        )
    packed[len(packed) // 2] ^= 0xFF

    refuse(write(tmp_path, bytes(packed)))


def test_garbage_behind_a_gzip_member_is_refused(tmp_path: Path) -> None:
    assert "gzip" in str(refuse(write(tmp_path, gzip.compress(leaky_heap().to_bytes()) + b"garbage")))


def test_an_empty_file_says_that_node_creates_it_so(tmp_path: Path) -> None:
    error = refuse(write(tmp_path, b""))

    assert isinstance(error, SnapshotTruncated)
    assert "0 bytes" in error.problem
    assert "Node creates the file empty" in error.advice


@pytest.mark.parametrize("data", [b"\0" * 5000, b" \n\t", b"\xef\xbb\xbf", b"\0"])
def test_a_file_of_nothing_is_refused(tmp_path: Path, data: bytes) -> None:
    refuse(write(tmp_path, data))


def test_a_hole_of_zero_bytes_was_never_written(tmp_path: Path) -> None:
    data = bytearray(leaky_heap(50).to_bytes())
    start = data.index(b'"edges"') + 200
    data[start : start + 100] = bytes(100)
    error = refuse(write(tmp_path, bytes(data)))

    assert isinstance(error, SnapshotTruncated)
    assert (error.section, error.offset) == ("edges", start)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"hello", "no heap snapshot: it begins with `hello`"),
        (b"\x89PNG\r\n\x1a\n", "no heap snapshot"),
        (b"<!DOCTYPE html><html>", "HTML"),
        (b'[{"name":"x"}]', "a JSON list"),
        (b"\x7fELF\x02\x01\x01", "core dump"),
        (b"JAVA PROFILE 1.0.2\0", "Java heap dump"),
        (b"PK\x03\x04\x14\0\0\0", "zip archive"),
        (b"BZh91AY&SY", "bzip2"),
        (b"\xfd7zXZ\x00\x00", "xz"),
        ('{"snapshot":{}}'.encode("utf-16"), "UTF-16"),
        (b'{"head":{"callFrame":{"functionName":"(root)"}},"samples":[]}', "sampling heap profile"),
        (b'{"nodes":[{"id":1,"callFrame":{}}],"startTime":1,"timeDeltas":[]}', "CPU profile"),
        (b'{"name":"x","version":"1.0.0","dependencies":{}}', "package.json"),
        (b'{"name":"x","version":"1.0.0","lockfileVersion":3,"packages":{}}', "package-lock.json"),
        (b'{"log":{"version":"1.2","creator":{"name":"x"},"entries":[]}}', "HAR"),
        (b'{"traceEvents":[{"pid":1}]}', "performance trace"),
        (b'{"version":3,"sources":["a.js"],"mappings":"AAAA"}', "source map"),
        (b'{"version":3,"type":"Inspector","nodes":[0,0,0,0],"nodeClassNames":["a"]}', "JavaScriptCore"),
        (b'{"header":{"reportVersion":3},"javascriptStack":{}}', "diagnostic report"),
        (b'{"format":"heapsleuth/report","version":1}', "report of heapsleuth"),
        (b'{"hello":1}', "JSON, but not a heap snapshot"),
        (b"{}", "JSON, but not a heap snapshot"),
    ],
)  # fmt: skip
def test_a_file_of_another_kind_is_called_by_its_name(tmp_path: Path, data: bytes, words: str) -> None:
    error = refuse(write(tmp_path, data))

    assert words in error.problem
    assert error.advice


def test_a_folder_is_no_snapshot(tmp_path: Path) -> None:
    assert "folder" in refuse(tmp_path).problem


def test_a_missing_file_is_missing(tmp_path: Path) -> None:
    assert "no such file" in refuse(tmp_path / "none.heapsnapshot").problem


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_says_so(tmp_path: Path) -> None:
    path = leaky_heap().write(tmp_path / "a.heapsnapshot")
    path.chmod(0)

    assert "cannot be opened" in refuse(path).problem


def test_a_path_that_cannot_be_one_is_an_error_like_others() -> None:
    assert "cannot be opened" in refuse("a\0b").problem


def test_something_behind_the_end_is_refused(tmp_path: Path) -> None:
    data = leaky_heap().to_bytes()
    for tail in (b"x", b"{}", data, b"\0\0"):
        error = refuse(write(tmp_path, data + tail))
        assert (error.section, error.offset) == ("end of file", len(data))


@pytest.mark.parametrize("section", ["snapshot", "nodes", "edges", "strings"])
def test_a_missing_section_is_named(tmp_path: Path, sections: dict[str, str], section: str) -> None:
    del sections[section]

    assert section in refuse(write(tmp_path, join_sections(sections))).problem


@pytest.mark.parametrize("section", ["snapshot", "nodes", "edges", "strings", "samples"])
def test_a_section_that_comes_twice_is_refused(
    tmp_path: Path, sections: dict[str, str], section: str
) -> None:
    twice = join_sections(sections)[:-1] + f',"{section}":{sections[section]}}}'.encode()

    assert f"two sections '{section}'" in refuse(write(tmp_path, twice)).problem


def test_numbers_before_the_header_are_refused(tmp_path: Path, sections: dict[str, str]) -> None:
    for section in ("nodes", "edges", "locations"):
        first = {section: sections[section], **sections}
        assert "before the header" in refuse(write(tmp_path, join_sections(first))).problem


@pytest.mark.parametrize(
    ("section", "old", "new", "found"),
    [
        ("nodes", "9,1,1,", "9,-1,1,", "`-`"),
        ("nodes", "9,1,1,", "9,1.5,1,", "`.`"),
        ("nodes", "9,1,1,", "9,1e3,1,", "`e`"),
        ("nodes", "9,1,1,", "9,,1,", "`,`"),
        ("nodes", "9,1,1,", "9,[1],1,", "`[`"),
        ("nodes", "9,1,1,", "9,null,1,", "`n`"),
        ("nodes", "9,1,1,", '9,"1",1,', '`"`'),
        ("nodes", "[9,", "[,9,", "`,`"),
        ("edges", "\n]", ",]", "`]`"),
        ("edges", "\n]", "\n,]", "`]`"),
        ("nodes", "[9,", "9,", "`9`"),
        ("strings", '"<dummy>",', '"<dummy>"', '`"`'),
        ("strings", '"<dummy>",', '"<dummy>",,', "`,`"),
        ("strings", '"<dummy>",', "17,", "`1`"),
        ("strings", '"<dummy>",', '"<du\\mmy>",', "`m`"),
        ("strings", '"<dummy>",', '"<du\nmmy>",', "0x0a"),
        ("strings", '"]', '",]', "`]`"),
    ],
)
def test_a_byte_that_cannot_stand_there_is_shown_with_its_place(
    tmp_path: Path, sections: dict[str, str], section: str, old: str, new: str, found: str
) -> None:
    data = change(sections, section, old, new)
    error = refuse(write(tmp_path, data))

    assert f"found {found}" in error.problem or f"found byte {found}" in error.problem
    assert error.section == section
    assert error.offset is not None
    assert chr(data[error.offset]) == found.strip("`") or found.startswith("0x")


@pytest.mark.parametrize("digits", ["99999999999999999999", "1" * 5000])
def test_a_number_too_large_for_64_bits_is_refused(
    tmp_path: Path, sections: dict[str, str], digits: str
) -> None:
    error = refuse(write(tmp_path, change(sections, "nodes", "9,1,1,0", f"9,1,1,{digits}")))

    assert "more than 19 digits" in error.problem


@pytest.mark.parametrize(
    ("section", "old", "new", "words"),
    [
        ("nodes", "[9,1,1,", "[99,1,1,", r"node 0 has type 99, the header names 15 types"),
        ("nodes", "[9,1,1,", "[5000000000,1,1,", r"node 0 has type 5000000000"),
        ("nodes", "[9,1,1,", "[9,999,1,", r"node 0 has name 999, there are \d+ strings"),
        ("nodes", "[9,1,1,", "[9,4294967297,1,", r"node 0 has name 4,294,967,297"),
        ("nodes", "\n,3,2,3,", "\n,3,2,1,", r"node 1 has the id 1, which another one has already"),
        ("nodes", "[9,1,1,0,2,", "[9,1,1,0,3,", r"the nodes have 20 edges in all, the header says 19"),
        ("nodes", "[9,1,1,0,2,", "[9,1,1,0,4294967295,", r"the nodes have [\d,]+ edges in all"),
        ("nodes", "[9,1,1,0,2,", "[9,1,1,0,4294967298,", r"node 0 has 4,294,967,298 edges"),
        ("nodes", "[9,", "[9,9,", r"the last record has 1 numbers, expected 7"),
        ("nodes", "[9,", "[9,1,1,0,0,0,0,9,", r"more nodes than the 18 of the header"),
        ("nodes", "[9,1,1,0,2,0,0\n,", "[", r"found 17 nodes, the header says 18"),
        ("edges", "[5,", "[7,", r"edge 0 has type 7, the header names 7 types"),
        ("edges", "[5,2,7", "[5,2,8", r"edge 0 points to 8, expected a multiple of 7 below 126"),
        ("edges", "[5,2,7", "[5,2,126", r"edge 0 points to 126"),
        ("edges", "[5,2,7", "[5,2,9999999999", r"edge 0 points to 9,999,999,999"),
        ("edges", "[5,2,7", "[5,999,7", r"an edge has name 999, there are \d+ strings"),
        ("edges", "[5,2,7", "[1,9999999999,7", r"edge 0 has the name or index 9,999,999,999"),
        ("edges", "[5,", "[5,2,7,5,", r"more edges than the 19 of the header"),
        ("locations", "[28,", "[29,", r"location 0 belongs to 29, expected a multiple of 7 below 126"),
        ("locations", "[28,", "[280,", r"location 0 belongs to 280"),
        ("locations", "[28,7,", "[28,9999999999,", r"a location has a number over 4,294,967,295"),
        ("locations", "\n]", ",1]", r"the last record has 1 numbers, expected 4"),
    ],
)
def test_a_number_that_cannot_be_true_is_shown_with_what_was_expected(
    tmp_path: Path, sections: dict[str, str], section: str, old: str, new: str, words: str
) -> None:
    error = refuse(write(tmp_path, change(sections, section, old, new)))

    assert re.search(words, error.problem), error.problem
    assert error.section in {section, "strings"}


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda h: h.update(node_count=17), "more nodes than the 17"),
        (lambda h: h.update(node_count=19), "found 18 nodes, the header says 19"),
        (lambda h: h.update(node_count=0), "node_count is 0, expected 1 to"),
        (lambda h: h.update(node_count=-5), "node_count is -5"),
        (lambda h: h.update(node_count="18"), "node_count is '18', expected a whole number"),
        (lambda h: h.update(node_count=True), "node_count is True"),
        (lambda h: h.update(node_count=18.0), "node_count is 18.0"),
        (lambda h: h.update(node_count=None), "node_count is None"),
        (lambda h: h.update(node_count=4_000_000_000), "found 18 nodes, the header says 4,000,000,000"),
        (lambda h: h.update(node_count=10**12), "node_count is 1,000,000,000,000, expected 1 to"),
        (lambda h: h.update(edge_count=18), "19 edges in all, the header says 18"),
        (lambda h: h.update(edge_count=10**12), "19 edges in all, the header says 1,000,000,000,000"),
        (lambda h: h.update(edge_count=10**30), "edge_count is 1,0"),
        (lambda h: h.pop("meta"), "snapshot.meta is missing"),
        (lambda h: h.update(meta=[]), "snapshot.meta is missing or no object"),
        (lambda h: h.update(root_index=7), "root_index is 7"),
        (lambda h: h["meta"].pop("node_fields"), "node_fields is missing"),
        (lambda h: h["meta"].update(node_fields=[1, 2]), "node_fields is missing or no list of names"),
        (lambda h: h["meta"]["node_fields"].remove("edge_count"), "has no field 'edge_count'"),
        (lambda h: h["meta"]["edge_fields"].remove("to_node"), "has no field 'to_node'"),
        (lambda h: h["meta"]["location_fields"].remove("line"), "has no field 'line'"),
        (lambda h: h["meta"].pop("location_fields"), "no snapshot.meta.location_fields"),
        (lambda h: h["meta"].update(node_types=[]), "node_types[0] is missing"),
        (lambda h: h["meta"].update(node_types=[[]]), "node_types[0] is missing"),
        (lambda h: h["meta"].update(node_types=[["x"] * 300]), "has 300 types"),
        (lambda h: h["meta"].update(edge_types=7), "edge_types[0] is missing"),
        (lambda h: h["meta"].update(node_fields=[*h["meta"]["node_fields"], *"a" * 26]), "33 fields"),
    ],
)  # fmt: skip
def test_a_header_that_cannot_be_true_is_refused(
    tmp_path: Path, sections: dict[str, str], edit: Callable[[dict[str, Any]], None], words: str
) -> None:
    assert words in refuse(write(tmp_path, header_with(sections, edit))).problem


@pytest.mark.parametrize(
    "text", ["7", "null", '"x"', "[]", "{", '{"meta":{]}', "{'a':1}", "[" * 10000 + "]" * 10000]
)
def test_a_header_that_is_no_object_is_refused(tmp_path: Path, sections: dict[str, str], text: str) -> None:
    refuse(write(tmp_path, join_sections({**sections, "snapshot": text})))


def test_a_huge_header_is_refused_before_it_is_parsed(tmp_path: Path, sections: dict[str, str]) -> None:
    huge = '{"a":"' + "x" * (17 << 20) + '"}'

    assert "short header" in refuse(write(tmp_path, join_sections({**sections, "snapshot": huge}))).problem


def test_counts_that_a_compressed_file_cannot_keep_allocate_nothing(
    tmp_path: Path, sections: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(v8, "free_memory", lambda: 10 << 30)
    data = header_with(sections, lambda h: h.update(node_count=3_000_000_000))
    error = refuse(write(tmp_path, gzip.compress(data)))

    assert "3,000,000,000 nodes need 51,000,000,000 bytes of memory" in error.problem
    assert "1.2 times" in error.advice


def test_free_memory_is_what_the_container_leaves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_CGROUP", tmp_path)
    machine = memory.free_memory()
    (tmp_path / "memory.max").write_text("5000000\n")
    (tmp_path / "memory.current").write_text("2000000\n")
    assert memory.free_memory() == 3_000_000
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.free_memory() > machine // 2


def test_a_string_without_an_end_does_not_eat_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cursor, "MAX_LITERAL_BYTES", 1 << 20)
    data = leaky_heap().to_bytes()
    start = data.index(b'"<dummy>"') + 1
    error = refuse(write(tmp_path, data[:start] + b"x" * (5 << 20) + b'"]}'))

    assert "longer than 1,048,576 bytes" in error.problem


def test_blanks_without_an_end_are_no_number(tmp_path: Path) -> None:
    data = leaky_heap().to_bytes()
    start = data.index(b'"edges":[') + 9
    error = refuse(write(tmp_path, data[:start] + b" " * (3 << 20) + data[start:]))

    assert "without a number" in error.problem


@pytest.mark.parametrize("edit", ["append", "insert nodes", "touch"])
def test_a_file_that_changes_while_it_is_read_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edit: str
) -> None:
    monkeypatch.setattr(cursor, "BLOCK_BYTES", 256)
    data = header_with(leaky_heap().sections(NODE22), lambda h: h.update(node_count=10**6))
    path = write(tmp_path, leaky_heap(100).to_bytes() if edit != "insert nodes" else data)

    def write_to_it(phase: str, _done: int, _total: int | None) -> None:
        if phase == "nodes":
            if edit == "insert nodes":  # more of them than the file had room for when it was opened
                path.write_bytes(data[: data.index(b'"nodes":[') + 9] + b"9,1,1,0,0,0,0," * 5000)
            else:
                path.write_bytes(path.read_bytes() + (b" " if edit == "append" else b""))
            os.utime(path, ns=(0, 10**9))

    with pytest.raises(SnapshotError, match="the file changed while it was being read"):
        read(path, write_to_it)


def test_zstd_without_its_package_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "zstandard", None)
    monkeypatch.setitem(sys.modules, "compression", None)
    error = refuse(write(tmp_path, b"\x28\xb5\x2f\xfd" + bytes(20)))

    assert "heapsleuth[zstd]" in error.advice


def test_deep_nesting_in_a_section_nobody_needs_is_stepped_over(
    tmp_path: Path, sections: dict[str, str]
) -> None:
    deep = {**sections, "trace_tree": "[" * 200_000 + "]" * 200_000}

    assert read(write(tmp_path, join_sections(deep))).node_count == 18


def test_an_error_in_a_large_file_comes_at_once(tmp_path: Path) -> None:
    heap = SnapshotBuilder()
    for number in range(20_000):
        heap.add(heap.root, "element", number, "object", "Thing")
    data = heap.to_bytes(NODE26)
    begun = time.process_time()
    refuse(write(tmp_path, data.replace(b'"nodes":[9', b'"nodes":[x')))

    assert time.process_time() - begun < 1
